"""Executions: orders that are made of orders. Baskets, targets, splits, TWAP and replacements."""
