"""Connection pools end before the interpreter does.

A pool's threads that are still there when Python takes itself apart cannot be joined any more: since Python 3.13 each of them
then costs the pool's patience of five seconds, 40 for a management command with two databases.
"""

from __future__ import annotations

import atexit

from django.db import connections


def close_pools() -> None:
    """End the pools of every database, with their idle connections and their threads."""
    for connection in connections.all():
        if connection.vendor == "postgresql":
            connection.close_pool()  # type: ignore[attr-defined]


def close_pools_at_exit() -> None:
    """Have the pools closed at the process's end; once per process."""
    atexit.register(close_pools)
