"""Threads that do what touches a database; the event loop only moves messages.

gRPC's asynchronous server serves hundreds of streams from one thread, which Django's ORM must never hold up. So every
function that reads or writes runs on one of these threads, with connections that are kept. Market data and trading have
threads of their own: a long read of bars never delays an order.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")

STOP_SECONDS = 1.0


class Threads:
    """A few threads with connections of their own."""

    def __init__(self, name: str, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix=f"rpc-{name}")

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The work's result. Who gives up while it still waits for a thread prevents it; what has begun is finished."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: context.run(lambda: _with_connections(work, *args, **kwargs))
        )

    def stop(self) -> None:
        """Let what has begun end, and give the connections back."""
        everybody = Barrier(self._count)
        for _ in range(self._count):
            self._pool.submit(_give_back, everybody)
        self._pool.shutdown(wait=True)


def _with_connections(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    # As Django does around each request: a connection that broke or grew old is replaced.
    close_old_connections()
    try:
        return work(*args, **kwargs)
    finally:
        close_old_connections()


def _give_back(everybody: Barrier) -> None:
    try:
        # One each: no thread may take two of these, or another would keep its connections.
        everybody.wait(STOP_SECONDS)
    except BrokenBarrierError:
        pass
    connections.close_all()
