"""A request's id travels with the tasks it leads to, so that one search finds the lines of all processes.

The id is a word for log lines and audit rows and decides nothing; what comes back from Redis is looked at all the same.
"""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun

from ops.logfacts import forget_facts, note_facts
from ops.requests import current_request_id, request_id_of, request_id_var

HEADER = "desk_request_id"


def carry_facts() -> None:
    """From now on this process sends the id along, and its workers take it over; harmless when repeated."""
    before_task_publish.connect(_sent, dispatch_uid="desk.task_facts")
    task_prerun.connect(_begun, dispatch_uid="desk.task_facts")
    task_postrun.connect(_ended, dispatch_uid="desk.task_facts")


def _sent(headers: dict[str, Any] | None = None, **_: Any) -> None:
    request_id = current_request_id()
    if request_id and headers is not None:
        headers[HEADER] = request_id


def _begun(task: Task[Any, Any], task_id: str, **_: Any) -> None:
    given = task.request.get(HEADER)
    request_id_var.set(request_id_of(given) if given else "")
    forget_facts()
    note_facts(task=task.name)


def _ended(**_: Any) -> None:
    # The thread is the next task's: nothing of this one may stand in its lines.
    request_id_var.set("")
    forget_facts()
