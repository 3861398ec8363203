"""REST of strategies."""
