"""REST of back-tests."""
