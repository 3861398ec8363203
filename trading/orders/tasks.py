"""Wake-ups for the trade worker. They carry an order's id and nothing else: the row decides."""

from __future__ import annotations

import logging
from concurrent.futures import TimeoutError as NotInTime
from typing import Any
from uuid import UUID

from celery import shared_task

logger = logging.getLogger(__name__)

#: How long a task of the worker's pool waits for the SDK call's return. The order itself goes on in its lane.
WAIT_SECONDS = 5.0


@shared_task(name="orders.wake", ignore_result=True, acks_late=False, max_retries=0)
def wake(order_id: str) -> dict[str, Any]:
    """Have the runtime of this process look at one order: send it, or its wanted cancel, if the row says so.

    Returns once the SDK call gave its number, or after `WAIT_SECONDS`. A wake-up that is lost,
    repeated or forged changes nothing: the worker polls, claims by a conditional UPDATE, and acts
    on what the row says.
    """
    from trading.orders.runtime.lanes import Stopping
    from trading.orders.runtime.worker import current_runtime

    runtime = current_runtime()
    if runtime is None:
        return {"order_id": order_id, "outcome": "no runtime"}
    try:
        sending = runtime.wake(UUID(order_id))
        outcome = "unknown order" if sending is None else sending.result(WAIT_SECONDS)
    except ValueError:
        outcome = "malformed"
    except Stopping:
        outcome = "stopping"
    except NotInTime:
        outcome = "still running"
    return {"order_id": order_id, "outcome": outcome}
