"""What people do with back-tests: ask for one, give one up, remove one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from marketdata.selectors import instrument_get
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid
from ops.inputs import refuse_unknown, shown
from ops.jobs import job_create, job_finish
from ops.models import Job
from trading.backtest.choices import BacktestState
from trading.backtest.models import Backtest
from trading.backtest.services.settings import settings_read
from trading.backtest.tasks import PLACE, wake
from trading.strategies.services.form import capital_read, parameters_read, plugin_read, symbols_read

JOB_KIND: Final = "backtest"
FIELDS: Final = frozenset(
    {"strategy", "name", "parameters", "symbols", "period", "start", "end", "benchmark", "capital", "settings"}
)
WAITING_LIMIT: Final = 10
"""Back-tests of one person that may wait or run at once."""
_OPEN: Final = (BacktestState.WAITING, BacktestState.RUNNING)


def backtest_start(*, actor: Actor, owner: User, body: Mapping[str, Any]) -> Backtest:
    """Ask for a back-test of the present version of a strategy; a core worker runs it, in a process of its own.

    Parameters
    ----------
    body
        `FIELDS` as the request has them; `settings` as `trading.backtest.services.settings`.

    Raises
    ------
    Invalid, NotFound
        A malformed field, named; STRATEGY_NOT_FOUND, SYMBOL_UNKNOWN, RANGE_REVERSED, PERIOD_NOT_AVAILABLE.
    Conflict
        STRATEGY_UNUSABLE; CONFLICT when too many wait.
    """
    row = _read(owner, body)
    if Backtest.objects.filter(owner=owner, state__in=_OPEN).count() >= WAITING_LIMIT:
        raise Conflict(Code.CONFLICT, f"At most {WAITING_LIMIT} back-tests wait or run at once.")
    with transaction.atomic():
        job = job_create(
            kind=JOB_KIND,
            owner=owner.pk,
            params={"host": PLACE, "backtest": str(row.pk), "strategy": row.plugin.name, "period": row.period},
            message="waiting for a worker",
        )
        row.job = job.pk
        row.save(force_insert=True)
        _audit(actor, row)
        transaction.on_commit(partial(wake, job.pk), robust=True)
    return row


def backtest_start_here(*, actor: Actor, owner: User, body: Mapping[str, Any]) -> Backtest:
    """Make a back-test that the caller runs at once in this process (`services.run`); raises as `backtest_start`."""
    row = _read(owner, body)
    row.state, row.started_at = BacktestState.RUNNING, wall_now()
    with transaction.atomic():
        row.save(force_insert=True)
        _audit(actor, row)
    return row


def _read(owner: User, body: Mapping[str, Any]) -> Backtest:
    """A well-formed back-test, not stored yet."""
    refuse_unknown(body, FIELDS)
    plugin = plugin_read(body.get("strategy"))
    period = body.get("period")
    if period not in plugin.periods:
        code = Code.FIELD_REQUIRED if period is None else Code.PERIOD_NOT_AVAILABLE
        raise Invalid(code, field="period", period=shown(period), available=plugin.periods)
    start, end = _day(body, "start"), _day(body, "end")
    if start > end:
        raise Invalid(Code.RANGE_REVERSED, field="start", start=start.isoformat(), end=end.isoformat())
    return Backtest(
        owner=owner,
        plugin=plugin,
        name=_name(body.get("name", "")),
        parameters=parameters_read(plugin, body.get("parameters", {})),
        symbols=symbols_read(body.get("symbols")),
        period=str(period),
        start=start,
        end=end,
        benchmark=_benchmark(body.get("benchmark")),
        capital=capital_read(body.get("capital")),
        settings=settings_read(body.get("settings", {})),
    )


def backtest_cancel(*, actor: Actor, row: Backtest) -> Backtest:
    """Give a back-test up; one that runs is ended within seconds.

    Raises
    ------
    Conflict
        JOB_ENDED.
    """
    with transaction.atomic():
        moved = Backtest.objects.filter(pk=row.pk, state__in=_OPEN).update(
            state=BacktestState.CANCELLED, finished_at=wall_now()
        )
        if not moved or row.job is None:
            raise Conflict(Code.JOB_ENDED, backtest=str(row.pk), state=str(row.state))
        job_finish(row.job, status=Job.Status.CANCELLED, message="cancelled")
        audit.record(actor=actor, action="backtest.cancelled", target=f"backtest:{row.pk}")
    row.refresh_from_db()
    return row


def backtest_remove(*, actor: Actor, row: Backtest) -> None:
    """Remove a back-test that has ended, with all its rows.

    Raises
    ------
    Conflict
        CONFLICT while it waits or runs.
    """
    with transaction.atomic():
        row = Backtest.objects.select_for_update(of=("self",)).select_related("plugin").get(pk=row.pk)
        if row.state in _OPEN:
            raise Conflict(Code.CONFLICT, backtest=str(row.pk), state=str(row.state))
        audit.record(actor=actor, action="backtest.removed", target=f"backtest:{row.pk}", before=_facts(row))
        row.delete()


def _day(body: Mapping[str, Any], field: str) -> date:
    value = body.get(field)
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field=field)
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass  # the form is right, the date is not
    raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value), allowed="YYYY-MM-DD")


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 80 or not (value == "" or value.isprintable()):
        raise Invalid(Code.FIELD_INVALID, field="name", value=shown(value), limit=80)
    return value.strip()


def _benchmark(value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str):
        raise Invalid(Code.FIELD_INVALID, field="benchmark", value=shown(value))
    return instrument_get(value).symbol


def _audit(actor: Actor, row: Backtest) -> None:
    audit.record(actor=actor, action="backtest.started", target=f"backtest:{row.pk}", after=_facts(row))


def _facts(row: Backtest) -> dict[str, Any]:
    return {
        "strategy": row.plugin.name,
        "version": row.plugin.digest,
        "parameters": row.parameters,
        "symbols": len(row.symbols),
        "period": row.period,
        "start": row.start,
        "end": row.end,
        "capital": row.capital,
        "settings": row.settings,
    }
