"""Wake-ups for the data worker. They carry a job's id and nothing else: the rows decide."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

WAKE_EXPIRES_SECONDS = 60


@shared_task(name="marketdata.repair", ignore_result=True, acks_late=False, max_retries=0)
def repair(job_id: str) -> dict[str, Any]:
    """Have this process's runtime look at the repair queue now.

    A wake-up that is lost, repeated or forged changes nothing: the runtime polls, and works on what the rows say.
    """
    from marketdata.worker import current_runtime

    runtime = current_runtime()
    if runtime is not None:
        runtime.wake()
    return {"job_id": job_id, "woken": runtime is not None}


@shared_task(name="marketdata.integrity", ignore_result=True, acks_late=False, max_retries=0)
def integrity() -> dict[str, Any]:
    """Do the integrity runs that wait; a wake-up that is lost is made up for by the beat's."""
    from marketdata.services.integrity import integrity_work

    done = 0
    while integrity_work(f"integrity@{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}") is not None:
        done += 1
    return {"runs": done}


def integrity_wake(job_id: uuid.UUID) -> bool:
    """Wake a core worker; False when the broker is away, and then the beat's next look finds the run."""
    try:
        integrity.apply_async(expires=WAKE_EXPIRES_SECONDS, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("no worker could be woken for integrity run %s: %s", job_id, error)
        return False
    return True


@shared_task(name="marketdata.transfers", ignore_result=True, acks_late=False, max_retries=0)
def transfers() -> dict[str, Any]:
    """Do the imports and exports that wait; a wake-up that is lost is made up for by the beat's."""
    from marketdata.services.transfers import transfers_work

    done = 0
    while transfers_work(f"transfers@{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}") is not None:
        done += 1
    return {"jobs": done}


def transfers_wake(job_id: uuid.UUID) -> bool:
    """Wake a core worker; False when the broker is away, and then the beat's next look finds the job."""
    try:
        transfers.apply_async(expires=WAKE_EXPIRES_SECONDS, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("no worker could be woken for job %s: %s", job_id, error)
        return False
    return True


@shared_task(name="marketdata.schedules", ignore_result=True, acks_late=False, max_retries=0)
def schedules() -> dict[str, int]:
    """Start what is due by the market clocks."""
    from marketdata.services.schedules import schedules_run

    return {"started": len(schedules_run())}


def repair_wake(job_id: uuid.UUID, host: str) -> bool:
    """Wake the data workers, the asking host's first; False when the broker is away, and then their polls find the job."""
    from marketdata.services.sharing import data_hosts

    for name in dict.fromkeys([host, *data_hosts()]):
        try:
            repair.apply_async(
                args=(str(job_id),),
                queue=f"qmt.{name}.data",
                expires=WAKE_EXPIRES_SECONDS,
                retry=False,
            )
        except (OperationalError, OSError) as error:
            logger.warning("the data worker of %s could not be woken: %s", name, error)
            return False
    return True


@shared_task(name="marketdata.retention", ignore_result=True)
def retention() -> dict[str, int]:
    """Seal closed days of ticks, archive old ones, delete what nobody confirmed."""
    from marketdata.services.retention import retention_run

    done = retention_run()
    return {"sealed": done.sealed, "archived": len(done.archived), "failed": len(done.failed)}
