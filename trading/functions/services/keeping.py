"""Answers that are too large for a reply: a file and a job that has it. And what is thrown away after a while."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from uuid import UUID

from accounts.models import User
from accounts.selectors import account_get
from desk.settings.schema import get_config
from ops.errors import Code, Forbidden, NotFound
from ops.jobs import job_create, job_finish, job_start
from ops.models import Job
from trading.functions.models import FunctionCall

JOB_KIND = "function"
CALLS_KEPT = timedelta(days=30)
FILES_KEPT_SECONDS = 86_400


def answer_keep(*, call: FunctionCall, scope: str, beginning: list[bytes], pieces: Iterator[bytes]) -> Job:
    """Write an answer to a file, whole or not at all; the job that has it, done.

    Raises
    ------
    ReadFailure, ChannelLost
        The rest of the answer did not come; nothing is kept.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    params = {"function": call.function, "scope": scope, "account": call.account_id}
    job = job_create(kind=JOB_KIND, owner=call.user_id, params=params)
    path = _path(job.pk)
    draft = path.with_suffix(".part")
    finished = False
    try:
        with draft.open("wb") as file:
            for piece in chain(beginning, pieces):
                file.write(piece)
        draft.replace(path)
        finished = True
    finally:
        if not finished:
            draft.unlink(missing_ok=True)
            job.delete()
    job_start(job.pk, total=1)
    job_finish(job.pk, result={"file": f"{call.function}.json", "bytes": path.stat().st_size})
    job.refresh_from_db()
    return job


def answer_file(*, user: User, scopes: Collection[str] | None, job: Job) -> tuple[Path, str]:
    """The file of an answer, and what to call it; whoever fetches it needs what the call needed.

    Raises
    ------
    NotFound
        FILE_NOT_FOUND: the job has none of these, or it was removed after a day; ACCOUNT_NOT_FOUND: it is about an
        account that is not (any more) the caller's to see.
    Forbidden
        SCOPE_MISSING
    """
    path = _path(job.pk)
    if job.kind != JOB_KIND or not path.is_file():
        raise NotFound(Code.FILE_NOT_FOUND, job=str(job.pk))
    if scopes is not None and job.params["scope"] not in scopes:
        raise Forbidden(Code.SCOPE_MISSING, scope=job.params["scope"])
    if job.params["account"] is not None:
        account_get(user, job.params["account"])
    return path, str(job.result["file"])


def calls_prune(now: datetime) -> dict[str, int]:
    """Delete rows of calls after thirty days and files of answers after one; returns how many of each."""
    calls, _ = FunctionCall.objects.filter(created_at__lt=now - CALLS_KEPT).delete()
    oldest = time.time() - FILES_KEPT_SECONDS
    files = [path for path in _folder().glob("*") if path.is_file() and path.stat().st_mtime < oldest]
    for path in files:
        path.unlink(missing_ok=True)
    return {"calls": calls, "files": len(files)}


def _folder() -> Path:
    return get_config().state_dir / "functions" / "answers"


def _path(job_id: UUID) -> Path:
    return _folder() / f"{UUID(str(job_id))}.json"
