"""Signals: exit plans of positions, what they detect in the quote stream, and the orders that follow."""
