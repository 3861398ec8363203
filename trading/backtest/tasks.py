"""Wake-ups for the core worker. They carry nothing that decides: the rows do."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from typing import Any, Final

from celery import shared_task
from kombu.exceptions import OperationalError

PLACE: Final = "platform"
WAKE_EXPIRES_SECONDS: Final = 60

logger = logging.getLogger(__name__)
# One at a time per worker: its other threads deliver alerts and carry plans out.
_busy = threading.Lock()


@shared_task(name="backtest.work", ignore_result=True, acks_late=False, max_retries=0)
def work() -> dict[str, Any]:
    """Run the back-tests that wait; a wake-up that is lost is made up for by the beat's."""
    from trading.backtest.services.work import backtest_work

    if not _busy.acquire(blocking=False):
        return {"busy": True}
    try:
        done = 0
        while backtest_work(f"backtest@{socket.gethostname()}:{os.getpid()}") is not None:
            done += 1
        return {"done": done}
    finally:
        _busy.release()


def wake(job_id: uuid.UUID) -> bool:
    """Wake a core worker; False when the broker is away, and then the beat's next look finds the job."""
    try:
        work.apply_async(expires=WAKE_EXPIRES_SECONDS, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("no worker could be woken for back-test job %s: %s", job_id, error)
        return False
    return True
