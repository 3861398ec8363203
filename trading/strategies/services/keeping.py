"""What the keeper of the runs' processes reads and writes; the processes themselves are `desk.strategies`' business."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import market_clock, wall_now
from ops.errors import Code, DeskError
from trading.strategies.choices import Level, RunState
from trading.strategies.models import Run
from trading.strategies.runtime.moments import within_hours
from trading.strategies.runtime.store import claim, note
from trading.strategies.services.ending import run_fault


def wanted_runs() -> list[int]:
    """Runs that should have a process now: wanted, and within their hours by their account's market clock."""
    rows = Run.objects.filter(wanted=True).select_related("account__host").order_by("pk")
    return [run.pk for run in rows if _in_hours(run)]


def settle_states(with_process: Collection[int]) -> None:
    """Runs without a process say so: WAITING for their hours, or STOPPED when nobody wants them."""
    without = Run.objects.exclude(pk__in=with_process)
    busy = (RunState.STARTING, RunState.RUNNING, RunState.STOPPING)
    without.filter(wanted=False, state__in=(*busy, RunState.WAITING)).update(
        state=RunState.STOPPED, changed_at=wall_now()
    )
    for run in without.filter(wanted=True, state__in=busy).select_related("account__host"):
        if not _in_hours(run):
            Run.objects.filter(pk=run.pk, wanted=True, state=run.state).update(
                state=RunState.WAITING, changed_at=wall_now()
            )


def note_end(run_id: int, words: str, pause_seconds: float) -> None:
    """A run's process ended by itself: say so in its log."""
    run = Run.objects.get(pk=run_id)
    note(run, (Level.WARNING, f"its process ended ({words}) and starts again", {"in_seconds": round(pause_seconds, 1)}))


def note_hang(run_id: int, silent_seconds: float) -> None:
    """A run's process hung and was killed: its log says so, and people are told."""
    run = Run.objects.get(pk=run_id)
    note(run, (Level.ERROR, "its process hung and was killed", {"silent_seconds": round(silent_seconds)}))
    alert_raise(
        AlertKind.PROCESS_RESTARTED,
        Severity.WARNING,
        format_lazy(_("The strategy {name} hung and was restarted"), name=run.label),
        {"run": run.pk, "silent_seconds": round(silent_seconds)},
        dedup_key=hang_key(run_id),
        account_id=run.account_id,
    )


def note_steady(run_id: int) -> None:
    """A run's process has worked for a while since its last trouble."""
    alert_clear(hang_key(run_id))


def give_up(run_id: int, times: int) -> None:
    """A run's process ended or hung too often: the run has failed."""
    run_fault(claim(run_id), Code.STRATEGY_UNSTABLE, f"its process ended {times} times in a row")


def hang_key(run_id: int) -> str:
    """Names the condition that a run's process hung."""
    return f"process.restarted:strategy.{run_id}"


def _in_hours(run: Run) -> bool:
    if run.opens_at is None:
        return True
    try:
        clock = market_clock(run.account.host.name)
    except DeskError:
        return False
    return within_hours(run.opens_at, run.closes_at, clock.market_time)
