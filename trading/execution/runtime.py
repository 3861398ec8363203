"""The loop that drives executions, beside the core worker's tasks: from rows, without Redis, safe to run twice."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from ops.heartbeats import Heartbeat
from trading.execution.models import Execution
from trading.execution.services import step

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
#: Steps of one execution in a row; the rest of them in the next round, so that a long one lets others through.
STEPS = 5


def drive_all() -> int:
    """One round: every open execution, oldest first. Returns how many there are.

    One that fails is logged and tried again in the next round; it does not keep the others from their turn.
    """
    open_ones = Execution.objects.filter(final_at__isnull=True).order_by("created_at", "pk")
    ids = list(open_ones.values_list("pk", flat=True))
    for pk in ids:
        try:
            for _ in range(STEPS):
                if not step(pk):
                    break
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            logger.exception("execution %s could not be driven", pk)
    return len(ids)


class ExecutionRuntime:
    """The thread that goes round."""

    def __init__(self, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._poll_seconds = poll_seconds
        self._stopped = threading.Event()
        self._heartbeat = Heartbeat("executions")
        self._thread = threading.Thread(target=self._run, name="executions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is running; a longer one goes on in whatever process comes next."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._poll_seconds):
                self._round()
        finally:
            connections.close_all()

    def _round(self) -> None:
        close_old_connections()
        try:
            count = drive_all()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("executions wait for the database: %s", error)
        except Exception:
            logger.exception("a round of executions failed")
        else:
            self._heartbeat.beat({"open": count})


def start_runtime(_host_name: str) -> ExecutionRuntime:
    """Start the loop in this process."""
    runtime = ExecutionRuntime()
    runtime.start()
    return runtime
