"""Strategies of a restored installation: stopped until a person starts them."""

from __future__ import annotations

from django.db.models import F

from ops.clocks import wall_now
from ops.errors import Code
from trading.strategies.choices import RunState
from trading.strategies.models import Run, RunOrder


def runs_after_restore() -> int:
    """Stop every run; what it asked for and did not place is not placed any more. Returns how many were wanted."""
    RunOrder.objects.filter(order=None, code="").update(cancel_wanted=True)
    idle = (RunState.STOPPED, RunState.FAULTED)
    values = {"wanted": False, "changed_at": wall_now(), "generation": F("generation") + 1}
    wanted = Run.objects.filter(wanted=True).count()
    Run.objects.exclude(state__in=idle).update(state=RunState.STOPPED, code=str(Code.RESTORED), **values)
    Run.objects.filter(wanted=True).update(**values)
    return wanted
