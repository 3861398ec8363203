"""Moving money between an account and what lies outside of it: asked for by one person, decided by another, sent once."""
