"""Grids: buying low and selling high around a centre, beside a holding."""
