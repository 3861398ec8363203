"""Tasks: a row's id, and the key that opens what the row holds; the row decides."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


@shared_task(name="money.send", ignore_result=True, acks_late=False, max_retries=0)
def send(transfer_id: str, key: str) -> dict[str, str]:
    """Carry out one approved transfer, if it may still be."""
    from trading.money.services.sending import transfer_send

    return {"status": transfer_send(uuid.UUID(transfer_id), key)}


@shared_task(name="money.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    """End what nobody decided or sent in time."""
    from trading.money.services.sweeping import transfers_sweep

    return transfers_sweep()


def send_wake(transfer_id: uuid.UUID, key: str, host: str, expires: datetime) -> bool:
    """Wake the host's reads worker; False when the queue is away: then the transfer expires unsent."""
    try:
        # Neither logs nor workers' listings show the key (the stubs do not know the option).
        hidden: dict[str, Any] = {"argsrepr": "(…)"}
        send.apply_async(
            args=(str(transfer_id), key), queue=f"qmt.{host}.reads", expires=expires, retry=False, **hidden
        )
    except (OperationalError, OSError) as error:
        logger.warning("the reads worker of %s could not be woken: %s", host, type(error).__name__)
        return False
    return True
