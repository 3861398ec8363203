"""The soak: a whole platform, its people and their work for minutes or hours, and what of it changed that should not have."""
