"""Grids of a restored installation: paused, with nothing of theirs going on."""

from __future__ import annotations

from ops.errors import Code
from trading.grids.choices import LIVE, GridSignalState, GridState
from trading.grids.models import GridSession, GridSignal
from trading.grids.services.changing import change, grid_locked, signal_end
from trading.ledger.journal import account_journal


def grids_after_restore() -> int:
    """Pause every active grid and end its live signal; returns how many were paused.

    What a grid traded since the backup is not in its ledger. Whoever resumes it compares it with the holding first.
    """
    live = GridSignal.objects.filter(state__in=LIVE).values_list("session_id", flat=True)
    active = GridSession.objects.filter(state=GridState.ACTIVE).values_list("pk", flat=True)
    paused = 0
    for pk in sorted({*live, *active}):
        account_id = GridSession.objects.values_list("account_id", flat=True).get(pk=pk)
        with account_journal(account_id) as journal:
            for signal in GridSignal.objects.filter(session=pk, state__in=LIVE):
                signal_end(journal, signal, state=GridSignalState.INCOMPLETE, code=str(Code.RESTORED))
            grid = grid_locked(pk)
            if grid.state == GridState.ACTIVE:
                change(journal, grid, state=GridState.PAUSED, direction="NONE", extreme=None)
                paused += 1
    return paused
