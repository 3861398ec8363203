"""Writes of this app: limits, and the trading states of the platform and of persons."""
