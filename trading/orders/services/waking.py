"""Waking the trade worker: a hint that saves it up to a second, never a precondition.

The row is the queue and the worker polls it. The bell is heard within a fraction of a millisecond;
when no worker listens to it just now, a task waits for one. A wake that cannot be delivered
is dropped, and after one failure none is tried for a moment: with Redis away, a submission must
not wait for it each time.
"""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from trading.orders import doorbell
from trading.orders.models import Order
from trading.orders.tasks import wake as wake_task

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
EXPIRES_SECONDS = 10
"""A wake older than this says nothing that the worker's poll has not found long ago."""

_lock = threading.Lock()
_away_until = 0.0


def wake(order: Order) -> None:
    """Tell the order's trade worker that there is something to do with it."""
    send_wake(order.pk, order.host_name)


def send_wake(order_id: UUID, host_name: str) -> None:
    """Ring for one order, or leave a task in its host's queue; never raises."""
    if time.monotonic() < _away_until:
        return
    try:
        if doorbell.ring(host_name, order_id):
            return
        wake_task.apply_async(
            args=(str(order_id),),
            queue=f"qmt.{host_name}.trade",
            expires=EXPIRES_SECONDS,
            retry=False,
        )
    except Exception as error:  # noqa: BLE001 -- whatever the broker library raises: the poll finds the order
        _note_failure(error)


def _note_failure(error: Exception) -> None:
    global _away_until
    with _lock:
        first = time.monotonic() >= _away_until
        _away_until = time.monotonic() + PAUSE_SECONDS
    if first:
        logger.warning("the trade worker is not woken, its poll will find the order: %s", error)
