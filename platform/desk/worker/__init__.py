"""Celery workers of the platform: a core worker anywhere, a trade and a data worker per host."""
