"""Database connections of threads that live as long as the worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def usable_connection(using: str = "default") -> Iterator[None]:
    """Use the thread's connection, and leave behind one that the next use can rely on.

    Django closes connections at the end of a request or task; these threads have neither. A pooled
    connection goes back to its pool, so that a worker needs as many as it has threads *at work*. Any other
    stays open, unless it saw an error and is dead: the next use then opens a new one, and a
    restarted server costs one failed attempt.
    """
    try:
        yield
    finally:
        connection = connections[using]
        if not connection.in_atomic_block:
            if connection.settings_dict["OPTIONS"].get("pool"):
                connection.close()
            elif connection.errors_occurred:
                if connection.is_usable():
                    connection.errors_occurred = False
                else:
                    connection.close()


def database_thread(run: Callable[[], None], *, name: str) -> threading.Thread:
    """A daemon thread that closes its own database connections when `run` returns."""

    def work() -> None:
        try:
            run()
        finally:
            connections.close_all()

    return threading.Thread(target=work, name=name, daemon=True)
