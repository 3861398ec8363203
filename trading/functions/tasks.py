"""Tasks of the reads worker and the core worker: ids in, rows decide."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime

from celery import shared_task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


@shared_task(name="functions.run", ignore_result=True, acks_late=False, max_retries=0)
def run(call_id: str) -> dict[str, str]:
    """Carry out one call, if it may still be."""
    from trading.functions.services.running import call_run

    return {"status": call_run(uuid.UUID(call_id))}


def run_wake(call_id: uuid.UUID, host: str, deadline: datetime) -> bool:
    """Wake the host's reads worker; False when the broker is away: then the call will not be run."""
    try:
        run.apply_async(args=(str(call_id),), queue=f"qmt.{host}.reads", expires=deadline, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("the reads worker of %s could not be woken: %s", host, error)
        return False
    return True


@shared_task(name="functions.prune", ignore_result=True)
def prune() -> dict[str, int]:
    """Delete calls and answers' files that have outlived their use."""
    from ops.clocks import wall_now
    from trading.functions.services.keeping import calls_prune

    return calls_prune(wall_now())
