"""What distinguishes the kinds of worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol


class Runtime(Protocol):
    """What a worker owns beside its queue: an SDK session or loops, and their threads."""

    def stop(self) -> None:
        """End the runtime's threads and session; bounded time."""


RuntimeFactory = Callable[[str], Runtime]


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of worker.

    Attributes
    ----------
    runtime : str
        Module whose `start_runtime(host_name)` starts what runs beside the tasks: the SDK session
        of a host, or the platform's own loops. Named by text: only the process that runs it imports it.
    per_host : bool
        One worker for each QMT host, on a queue of its own.
    threads : int
        Tasks at a time. Deadlines live inside the tasks: the threads pool knows no time limits.
    """

    name: str
    runtime: str
    threads: int
    per_host: bool = True

    def queue(self, host_name: str) -> str:
        """Name of the queue this worker serves."""
        return f"qmt.{host_name}.{self.name}" if self.per_host else self.name

    def process_name(self, host_name: str) -> str:
        """Stable name of the process, as the heartbeat row and the log carry it."""
        return f"worker.{self.name}@{host_name}" if self.per_host else f"worker.{self.name}"

    def runtime_factory(self) -> RuntimeFactory:
        """Import and return the runtime's entry point."""
        factory: RuntimeFactory = import_module(self.runtime).start_runtime
        return factory


ROLES = {
    role.name: role
    for role in (
        Role(name="core", runtime="trading.execution.runtime", threads=4, per_host=False),
        Role(name="trade", runtime="trading.orders.runtime.worker", threads=4),
        Role(name="data", runtime="marketdata.worker", threads=2),
        Role(name="reads", runtime="trading.functions.runtime", threads=8),
    )
}
