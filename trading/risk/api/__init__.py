"""REST of limits and trading states."""
