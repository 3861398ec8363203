"""REST API of rules on bars."""
