"""How runs end, by themselves or because somebody wants it: one place that writes those states."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops import audit
from ops.alerts import AlertKind, Severity, alert_raise
from ops.clocks import wall_now
from ops.errors import Code
from trading.strategies.choices import Level, RunState
from trading.strategies.models import Run, RunOrder
from trading.strategies.runtime.placing import STRATEGIES, withdraw_all
from trading.strategies.runtime.store import Line, note

log = logging.getLogger(__name__)


def alert_key(run: Run) -> str:
    """Names the condition that a run has failed."""
    return f"strategy.failed:{run.pk}"


def run_enter(run: Run, state: RunState, **columns: Any) -> bool:
    """Write a state of the run, if this process still is the one that runs it; whether it was."""
    columns |= {"state": state, "changed_at": wall_now()}
    moved = Run.objects.filter(pk=run.pk, generation=run.generation).update(**columns)
    if moved:
        for name, value in columns.items():
            setattr(run, name, value)
    return bool(moved)


def run_fault(run: Run, code: Code, message: str, *, lines: list[str] | None = None) -> bool:
    """The run has failed: it stays stopped until a person starts it, what it has open is cancelled, people are told.

    Returns
    -------
    bool
        Whether it was this process's to say; another one that took the run over decides by itself.
    """
    with transaction.atomic():
        before = str(run.state)
        if not run_enter(run, RunState.FAULTED, wanted=False, code=str(code), message=message[:400]):
            return False
        audit.record(
            actor=STRATEGIES,
            action="strategy.failed",
            target=f"strategy_run:{run.pk}",
            before={"state": before},
            after={"state": str(run.state), "code": str(code), "message": message[:400]},
            account_id=run.account_id,
        )
    alert_raise(
        AlertKind.STRATEGY_FAILED,
        Severity.CRITICAL,
        format_lazy(_("The strategy {name} has failed"), name=run.label),
        {"code": str(code), "message": message, "run": run.pk},
        dedup_key=alert_key(run),
        account_id=run.account_id,
    )
    texts = [f"{code}: {message}", *(lines or [])]
    told: list[Line] = [(Level.ERROR, text.rstrip()[:500], {}) for text in texts if text.strip()]
    note(run, *told)
    try:
        count = withdraw_all(run)
    except Exception:
        log.exception("the orders of run %s could not be cancelled", run.pk)
        note(run, (Level.ERROR, "its open orders could not be cancelled: look at them", {}))
    else:
        if count:
            note(run, (Level.WARNING, "its open orders are being cancelled", {"orders": count}))
    return True


def run_ended(run: Run, state: RunState) -> None:
    """The run stopped in order: what was asked for and not placed is not placed any more."""
    RunOrder.objects.filter(run=run, order=None, code="").update(cancel_wanted=True)
    if run_enter(run, state):
        note(run, (Level.INFO, "stopped" if state == RunState.STOPPED else "stopped until its hours begin", {}))
