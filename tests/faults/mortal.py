"""Trade workers that die in this process as by ``kill -9``: from that moment no statement of theirs reaches the database.

Every database statement of a worker's thread asks first whether its worker still lives. A dead one's threads end there,
with whatever they had in memory; its links are cut, its lease runs out. The same gate takes the database away.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from django.db import OperationalError
from django.db.backends.signals import connection_created

from accounts.models import HostStatus
from ops.clocks import database_now
from trading.orders.runtime import crashpoints
from trading.orders.runtime.worker import TradeRuntime

#: Threads that the platform's runtime starts; everybody else is a person, the terminal or the test.
WORKER_THREADS = (
    "event-writer",
    "sweeper",
    "order-session",
    "host-keeper",
    "market-clock",
    "refresher",
    "doorbell",
    "send-",
    "cancel-",
)


class Killed(BaseException):
    """This thread's worker is dead. Nothing catches it on its way."""


class Life:
    """One life of a trade worker."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.database_away = threading.Event()
        self.runtime: TradeRuntime | None = None

    def gate(self) -> None:
        """Pass, or end as a dead worker's thread does."""
        if self.ended.is_set():
            raise Killed
        if self.database_away.is_set():
            raise OperationalError("the database is away")


class Mortals:
    """The lives of one scenario, and the place where the present one may end.

    Parameters
    ----------
    cut
        Cuts the dead worker's links, as the operating system does.
    """

    def __init__(self, cut: Callable[[], None]) -> None:
        self._cut = cut
        self.life = Life()
        self.hooks: dict[str, list[Callable[[], object]]] = {}
        self.trouble: list[str] = []
        self._point = ""
        self._passes = 0
        self._lock = threading.Lock()

    def arm(self, point: str, passes: int = 0) -> None:
        """Die at a crash point, after passing it so many times."""
        self._point, self._passes = point, passes

    def reach(self, point: str) -> None:
        """Stands for `crashpoints.reach`: run the scenario's hooks, once, and die if this is the place."""
        self.life.gate()
        for hook in self.hooks.pop(point, ()):
            try:
                hook()
            except Exception as error:  # noqa: BLE001 -- the scenario's own doing must not look like the worker's
                self.trouble.append(f"at {point}: {type(error).__name__}: {error}")
        with self._lock:
            if point != self._point:
                return
            self._passes -= 1
            if self._passes >= 0:
                return
            self._point = ""
        self.kill()
        raise Killed

    def kill(self) -> None:
        """End the present life, now."""
        self.life.ended.set()
        self._cut()

    def bury(self) -> None:
        """Wait for the dead worker's threads; the next life begins."""
        runtime = self.life.runtime
        if runtime is not None:
            runtime._lease.release = lambda: None  # type: ignore[method-assign]  # a dead process gives nothing back
            runtime.stop(1.5)
            # What is left of its lease goes by, as it would while nobody renews it.
            HostStatus.objects.filter(lease_holder=runtime._lease.holder).update(lease_until=database_now())
        self.life = Life()

    def __enter__(self) -> Self:
        self._reach, crashpoints.reach = crashpoints.reach, self.reach
        self._hook, threading.excepthook = threading.excepthook, self._excepthook
        connection_created.connect(self._connected, dispatch_uid="mortals")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection_created.disconnect(dispatch_uid="mortals")
        crashpoints.reach = self._reach
        threading.excepthook = self._hook

    def _connected(self, *, connection: Any, **_: Any) -> None:
        thread = threading.current_thread()
        if connection.alias != "default" or not thread.name.startswith(WORKER_THREADS):
            return
        life = self.life

        def gate(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
            life.gate()
            return execute(sql, parameters, many, context)

        # A pooled connection reports every checkout; a thread is born into one life and stays in it.
        if not getattr(thread, "mortal", False):
            thread.mortal = True  # type: ignore[attr-defined]
            connection.execute_wrappers.append(gate)

    def _excepthook(self, arguments: Any) -> None:
        if not issubclass(arguments.exc_type, Killed):
            self._hook(arguments)


@contextlib.contextmanager
def away(life: Life) -> Iterator[None]:
    """The database refuses every statement of the worker meanwhile."""
    life.database_away.set()
    try:
        yield
    finally:
        life.database_away.clear()
