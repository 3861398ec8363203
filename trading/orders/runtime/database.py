"""Database connections of threads that live as long as the worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def usable_connection(using: str = "default") -> Iterator[None]:
    """Keep the thread's connection open between uses, and replace it after an error that broke it.

    Django closes connections at the end of a request or task; these threads have neither. A
    connection that saw an error is tested and closed if it is dead, so that the next use opens a
    new one: a restarted PostgreSQL costs one failed attempt.
    """
    try:
        yield
    finally:
        connection = connections[using]
        if connection.errors_occurred and not connection.in_atomic_block:
            if connection.is_usable():
                connection.errors_occurred = False
            else:
                connection.close()
