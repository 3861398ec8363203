"""Strategies as plug-ins: the interface an author imports, and what runs them on paper and live."""
