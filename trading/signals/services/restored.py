"""Signals of a restored installation: over. An order that was placed for one since the backup would be placed again."""

from __future__ import annotations

from django.db.models import F

from ops.clocks import wall_now
from ops.errors import Code
from trading.signals.choices import LIVE, SignalState
from trading.signals.models import Signal


def signals_after_restore() -> int:
    """End every live signal; returns how many there were. Plans stand; they trade again once automatic trading is switched on."""
    ended = 0
    live = Signal.objects.filter(state__in=LIVE)
    for state, rows in (
        (SignalState.INCOMPLETE, live.filter(attempts__gt=0)),
        (SignalState.EXPIRED, live.filter(attempts=0)),
    ):
        ended += rows.update(state=state, code=str(Code.RESTORED), final_at=wall_now(), version=F("version") + 1)
    return ended
