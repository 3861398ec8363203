"""Writes of strategies: the catalogue, runs, and how runs end."""
