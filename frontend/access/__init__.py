"""Pages about people: signing in, one's own security, and what administrators decide."""
