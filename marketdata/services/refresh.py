"""Refreshing static data as a job: asked for by a person, a schedule or a new trade date, done by the data worker of a host."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Any

from django.db import transaction

from marketdata.choices import Basis, Kind
from marketdata.config import get_marketdata_config
from marketdata.models import Instrument, Sector, TradingDay
from marketdata.reference_selectors import sector_get
from marketdata.selectors import instruments_by_symbol
from marketdata.services.axis import CALENDAR_MARKET
from marketdata.services.financials import financials_sync
from marketdata.services.reference import baskets_sync, bonds_sync, issues_sync, weights_sync
from marketdata.services.sectors import sector_backfill
from marketdata.services.static import static_sync
from marketdata.tasks import repair_wake
from ops.errors import Code, Invalid, NotFound
from ops.jobs import job_claim, job_create, job_fail, job_finish, job_progress, jobs_release
from ops.models import Job
from qmt.errors import QmtError, TerminalDown
from qmt.gateway import ClockReading, QuoteGateway
from qmt.reference import FinancialTable, ReferenceGateway

logger = logging.getLogger(__name__)

JOB_KIND = "static"
MAX_BACKFILL_DAYS = 4000


class StaticPart(StrEnum):
    """What can be refreshed: instruments with calendar, sectors and factors; index weights, bonds, baskets and new issues; statements;
    the past of named sectors, where the terminal keeps it."""

    INSTRUMENTS = "instruments"
    LISTS = "lists"
    FINANCIALS = "financials"
    SECTOR_HISTORY = "sector_history"


class _Cancelled(Exception):
    """Somebody ended the job meanwhile."""


@dataclass(slots=True)
class Refreshed:
    """What a refresh did: counts per list, and the words of those that failed."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StaticSource:
    """The terminal a refresh reads."""

    gateway: QuoteGateway
    host: str
    reading: ClockReading
    sdk_version: str
    basis: Basis


def refresh_request(
    *,
    host: str,
    parts: Sequence[StaticPart],
    owner: int | None = None,
    symbols: Sequence[str] = (),
    sectors: Sequence[str] = (),
    since: date | None = None,
) -> Job:
    """Create a refresh job and wake the host's data worker. The same job that still waits is returned instead of a second one.

    Parameters
    ----------
    symbols
        Shares whose statements are wanted; every share when empty.
    sectors, since
        Whose past is wanted, and from which day on (`StaticPart.SECTOR_HISTORY`).

    Raises
    ------
    Invalid
        No part, an unknown symbol, a history without sectors or a first day.
    NotFound
        ``SECTOR_NOT_FOUND``, naming the unknown ones in ``details["sectors"]``.
    """
    if not parts:
        raise Invalid(Code.FIELD_REQUIRED, "name at least one part", field="parts")
    if StaticPart.SECTOR_HISTORY in parts and (not sectors or since is None):
        raise Invalid(Code.FIELD_REQUIRED, "sector_history needs sectors and since", field="sectors")
    named = list(instruments_by_symbol(symbols)) if symbols else []
    params: dict[str, Any] = {
        "host": host,
        "parts": [str(part) for part in dict.fromkeys(parts)],
        "symbols": named,
        "sectors": _known(sectors),
        "since": since.isoformat() if since else None,
    }
    with transaction.atomic():
        for waiting in Job.objects.filter(kind=JOB_KIND, status=Job.Status.PENDING, owner=owner):
            if waiting.params == params:
                return waiting
        job = job_create(kind=JOB_KIND, owner=owner, params=params, message="waiting for the data worker")
        transaction.on_commit(partial(repair_wake, job.pk, host), robust=True)
    return job


def refresh_run(source: StaticSource, *, holder: str, between: Callable[[], None] = lambda: None) -> bool:
    """Do the oldest refresh that waits for a host, or that another worker left; False when there is none.

    Parameters
    ----------
    holder
        Who holds the job's lease meanwhile.
    between
        Called between batches of a long refresh, so that a repair does not wait for all of it.

    Raises
    ------
    TerminalDown
        The link is lost: the job is given back and taken up again. Every step can be repeated.
    """
    seconds = get_marketdata_config().repair.lease_seconds
    job = job_claim(kinds=(JOB_KIND,), host=source.host, holder=holder, seconds=seconds)
    if job is None:
        return False
    try:
        done = _run(source, job, between)
    except _Cancelled:
        return True
    except TerminalDown:
        jobs_release(holder=holder)
        raise
    except QmtError as error:
        job_fail(job.pk, error=f"{type(error).__name__}: {error}")
        return True
    except Exception as error:
        job_fail(job.pk, error=f"{type(error).__name__}: {error}")
        raise
    result = {"counts": done.counts, "failures": done.failures}
    outcome = Job.Status.PARTIAL if done.failures else Job.Status.DONE
    job_finish(job.pk, status=outcome, result=result, message=_summary(done))
    return True


def _run(source: StaticSource, job: Job, between: Callable[[], None]) -> Refreshed:
    done = Refreshed()
    parts = set(job.params["parts"])
    say = partial(_say, job)
    if StaticPart.INSTRUMENTS in parts:
        summary = static_sync(
            gateway=source.gateway,
            host=source.host,
            reading=source.reading,
            sdk_version=source.sdk_version,
            basis=source.basis,
            on_message=say,
        )
        done.counts |= {"instruments": summary.instruments, "sectors": summary.sectors, "factors": summary.factors}
    if StaticPart.LISTS in parts:
        say("lists")
        lists_sync(reference=source.gateway.reference, day=source.reading.trade_date, into=done)
    if StaticPart.FINANCIALS in parts:
        symbols = job.params["symbols"] or list(
            Instrument.objects.filter(kind=Kind.STOCK).order_by("symbol").values_list("symbol", flat=True)
        )
        done.counts["financials"] = financials_sync(
            reference=source.gateway.reference,
            symbols=symbols,
            tables=tuple(FinancialTable),
            on_batch=lambda count: _after_batch(job, count, len(symbols), between),
        )
    if StaticPart.SECTOR_HISTORY in parts:
        _history(source.gateway.reference, job, done, say)
    return done


def lists_sync(*, reference: ReferenceGateway, day: date, into: Refreshed | None = None) -> Refreshed:
    """Refresh index weights, bonds, baskets and new issues. One that fails (an account without the right to it) leaves the others.

    Raises
    ------
    TerminalDown
        The link is lost.
    """
    done = into or Refreshed()
    steps: dict[str, Callable[[], int]] = {
        "index_weights": lambda: weights_sync(reference=reference, day=day),
        "bonds": lambda: bonds_sync(reference=reference, day=day),
        "baskets": lambda: baskets_sync(reference=reference, day=day),
        "new_issues": lambda: issues_sync(reference=reference, day=day),
    }
    try:
        reference.refresh_lists()
    except TerminalDown:
        raise
    except QmtError as error:
        # What the terminal has from before can still be read.
        done.failures["refresh"] = str(error)
    for name, step in steps.items():
        try:
            done.counts[name] = step()
        except TerminalDown:
            raise
        except QmtError as error:
            logger.warning("%s could not be refreshed: %s", name, error)
            done.failures[name] = str(error)
    return done


def _history(reference: ReferenceGateway, job: Job, done: Refreshed, say: Callable[[str], None]) -> None:
    """Ask for the members on the first trading day of every month: a terminal answers one day at a time."""
    since = date.fromisoformat(job.params["since"])
    for name in job.params["sectors"]:
        sector = sector_get(name)
        days = TradingDay.objects.filter(market=CALENDAR_MARKET, date__gte=since, date__lt=sector.known_since)
        firsts: dict[tuple[int, int], date] = {}
        for day in days.order_by("date").values_list("date", flat=True)[:MAX_BACKFILL_DAYS]:
            firsts.setdefault((day.year, day.month), day)
        say(f"members of {name}: {len(firsts)} months")
        members = {day: reference.members_on(name, day) for day in firsts.values()}
        done.counts[f"members of {name}"] = sector_backfill(sector=sector, members=members)


def _known(names: Sequence[str]) -> list[str]:
    """The names as they are, when all are sectors."""
    known = set(Sector.objects.filter(name__in=names).values_list("name", flat=True))
    unknown = [name[:64] for name in names if name not in known]
    if unknown:
        text = f"there is no sector named {', '.join(unknown[:10])}"
        raise NotFound(Code.SECTOR_NOT_FOUND, text, field="sectors", sectors=unknown[:10])
    return list(names)


def _say(job: Job, text: str) -> None:
    job_progress(job.pk, done=job.done, message=text, force=True)


def _after_batch(job: Job, done: int, total: int, between: Callable[[], None]) -> None:
    between()
    if not Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING).exists():
        raise _Cancelled
    job_progress(job.pk, done=done, total=total, message=f"statements of {done} of {total} shares")


def _summary(done: Refreshed) -> str:
    told = [f"{name} {count}" for name, count in done.counts.items()]
    return ", ".join([*told, *(f"{name} failed" for name in done.failures)])
