"""REST surface of signals."""
