"""Downloads: what they do, and following one to its end."""

from __future__ import annotations

from collections.abc import Sequence

from qmtdesk.errors import JobEnded, StillDownloading
from qmtdesk.flows.pages import pages
from qmtdesk.models import Job, Sync, parsed
from qmtdesk.progress import Show, shown
from qmtdesk.queries import Moment, Symbols, moment_text, symbol_list
from qmtdesk.steps import Flow, Request, Settings, act, ask, pause

FIRST_LOOK_SECONDS = 0.3
SLOWEST_LOOK_SECONDS = 2.0


def job(settings: Settings, job_id: str) -> Flow[Job]:
    """One job as it stands."""
    reply = yield from ask(settings, Request("GET", f"/jobs/{job_id}"))
    return parsed(Job, reply.content)


def jobs(settings: Settings, *, limit: int = 100) -> Flow[list[Job]]:
    """Your jobs (administrators: all), newest first."""
    return (yield from pages(settings, "/jobs", Job, limit=limit))


def sync(
    settings: Settings,
    symbols: Symbols,
    period: str = "1d",
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    wait: float | None = 0,
) -> Flow[Sync]:
    """Have bars completed without reading them.

    Parameters
    ----------
    wait
        Seconds to follow the download; None to its end, 0 not at all.

    Raises
    ------
    StillDownloading
        `wait` is over (never with 0).
    JobEnded
        The download was cancelled or failed.
    """
    body: dict[str, str | Sequence[str]] = {"symbols": symbol_list(symbols), "period": period}
    if start is not None:
        body["start"] = moment_text(start)
    if end is not None:
        body["end"] = moment_text(end)
    # Repeatable: everybody who asks for the same hole waits for the same download.
    reply = yield from ask(settings, Request("POST", "/sync", body=body))
    found = parsed(Sync, reply.content)
    if found.job is None or wait == 0:
        return found
    done = yield from follow(settings, found.job, wait=wait)
    if done.status != "DONE":
        raise _ended(done)
    return Sync(complete=True, missing_days=0, job=done)


def follow(settings: Settings, job: Job, *, wait: float | None) -> Flow[Job]:
    """Wait for a job's end, showing its progress.

    Returns
    -------
    Job
        DONE, PARTIAL or FAILED.

    Raises
    ------
    StillDownloading
        `wait` seconds are over; the job goes on.
    JobEnded
        Somebody cancelled it.
    """
    with shown(settings.progress) as show:
        return (yield from _followed(settings, job, wait, show))


def _followed(settings: Settings, watched: Job, wait: float | None, show: Show) -> Flow[Job]:
    show(watched)
    began, step = settings.clock(), FIRST_LOOK_SECONDS
    while not watched.is_over:
        left = step if wait is None else wait - (settings.clock() - began)
        if left <= 0:
            raise StillDownloading("STILL_DOWNLOADING", watched.message, facts={"job": watched.id})
        yield from pause(min(step, left))
        step = min(step * 1.5, SLOWEST_LOOK_SECONDS)
        watched = yield from job(settings, watched.id)
        show(watched)
    if watched.status == "CANCELLED":
        raise _ended(watched)
    return watched


def _ended(ended: Job) -> JobEnded:
    words = ended.error or ended.message
    return JobEnded("JOB_ENDED", f"{ended.status}: {words}", facts={"job": ended.id, "status": ended.status})


def job_pause(settings: Settings, job_id: str) -> Flow[Job]:
    """Begin nothing more of a download for now."""
    return (yield from _steered(settings, job_id, "pause"))


def job_resume(settings: Settings, job_id: str) -> Flow[Job]:
    """Let a paused download go on."""
    return (yield from _steered(settings, job_id, "resume"))


def job_cancel(settings: Settings, job_id: str) -> Flow[Job]:
    """Cancel a download; what is stored stays."""
    return (yield from _steered(settings, job_id, "cancel"))


def job_retry(settings: Settings, job_id: str) -> Flow[Job]:
    """Try what an ended download did not achieve again, in a new job. Not repeated by itself: each call makes a job."""
    reply = yield from act(Request("POST", f"/jobs/{job_id}/retry"))
    return parsed(Job, reply.content)


def _steered(settings: Settings, job_id: str, verb: str) -> Flow[Job]:
    reply = yield from act(Request("POST", f"/jobs/{job_id}/{verb}"))
    return parsed(Job, reply.content)
