"""Waking the core worker: hints. The rows are the queue, and the sweep finds what a lost hint left."""

from __future__ import annotations

import logging

from alerts.tasks import deliver

log = logging.getLogger(__name__)

EXPIRES_SECONDS = 60


def wake_delivery(delivery_id: str) -> None:
    """Have a delivery sent now; never raises."""
    try:
        deliver.apply_async(args=(delivery_id,), queue="core", expires=EXPIRES_SECONDS, retry=False)
    except Exception as error:  # noqa: BLE001 - whatever the broker's client raises, the sweep comes by
        log.warning("a delivery waits for the next sweep: %s", type(error).__name__)
