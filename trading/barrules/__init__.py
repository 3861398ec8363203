"""Rules that judge closed bars and write signals."""
