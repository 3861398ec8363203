"""Run one Celery worker inside this process: threads pool, one task reserved, early ack."""

from __future__ import annotations

import logging
import signal
import socket
import warnings
from typing import Any, ClassVar

from celery import Celery, bootsteps
from celery.exceptions import CPendingDeprecationWarning
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]  # missing in celery-types
from celery.signals import setup_logging

from desk.worker.pulse import Pulse, probe_queue
from desk.worker.roles import Role, Runtime

log = logging.getLogger(__name__)

CONSUMER_SOCKET_TIMEOUT_SECONDS = 30.0


class HostRuntime(bootsteps.StartStopStep):
    """Owns what the worker needs beside its queue, from before the first task to after the last.

    It starts after the pool and before the consumer, and stops before the pool waits for its
    tasks, so that a long task hears that its session ends.
    """

    requires = ("celery.worker.components:Pool",)

    role: ClassVar[Role]
    host_name: ClassVar[str]

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._runtime: Runtime | None = None
        self._pulse: Pulse | None = None

    def start(self, parent: Any) -> None:
        self._runtime = self.role.runtime_factory()(self.host_name)
        self._pulse = Pulse(self.role.process_name(self.host_name))
        self._pulse.start()

    def stop(self, parent: Any) -> None:
        if self._pulse is not None:
            self._pulse.stop()
            self._pulse = None
        if self._runtime is not None:
            self._runtime.stop()
            self._runtime = None

    terminate = stop


def _keep_logging(**_: Any) -> None:
    """A receiver of `setup_logging` keeps Celery from replacing Django's configuration."""


def run_worker(app: Celery, role: Role, host_name: str) -> int:
    """Run the worker until it is told to stop; returns its exit code."""
    setup_logging.connect(_keep_logging, weak=False)
    # Celery's warning to root users is about pickles; only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # Repeated at every lost connection; the setting it asks about is set.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    # The producer's short timeout would break off the consumer's blocking read.
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "socket_timeout": CONSUMER_SOCKET_TIMEOUT_SECONDS,
        "health_check_interval": 10,
    }
    step = type("Runtime", (HostRuntime,), {"role": role, "host_name": host_name})
    app.steps["worker"].add(step)
    name = role.process_name(host_name)
    worker = app.Worker(
        hostname=f"{name}@{socket.gethostname()}",
        pool_cls="threads",
        concurrency=role.threads,
        queues=[role.queue(host_name), probe_queue(name)],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    if hasattr(signal, "SIGBREAK"):
        # Windows: what a supervisor can send to one process group is Ctrl-Break.
        signal.signal(signal.SIGBREAK, lambda *_: worker.stop(in_sighandler=True))
    log.info("%s serves queue %s", name, role.queue(host_name))
    worker.start()
    return int(worker.exitcode or 0)
