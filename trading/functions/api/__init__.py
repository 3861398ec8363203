"""REST of the SDK's functions."""
