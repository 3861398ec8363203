"""Placing the orders of signals. Safe to repeat: an order's key follows from its signal's numbers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from marketdata.models import Instrument
from marketdata.selectors import instrument_day
from ops.clocks import wall_now
from ops.errors import Code, Denied
from trading.execution.automatic import Outcome, automatic_order, automatic_submit
from trading.grids.choices import LIVE, GridSignalState, GridState
from trading.grids.models import GridAttempt, GridSignal
from trading.grids.services.alarms import tell_unfilled
from trading.grids.services.changing import signal_end, tell
from trading.grids.services.detecting import at_limit, price_of
from trading.ledger.journal import account_journal
from trading.orders.choices import Side, Source
from trading.orders.services.context import account_clock, newest_quote

MAX_AGE: Final = timedelta(seconds=60)
"""Of a decision that is not placed yet; after it the market has moved on."""
MAX_DRIFT: Final = Decimal("0.01")
"""Of the price, between detection and the first order."""


def attempt_place(attempt: GridAttempt) -> None:
    """Place one decided order, or find the one that was placed under its key; a refusal ends the signal.

    Parameters
    ----------
    attempt
        Without an order. Load it with its signal and that one's session and account.
    """
    signal, grid = attempt.signal, attempt.signal.session
    found = automatic_order(grid.account_id, signal.lane, attempt.number)
    if found is None:
        refusal = _refusal(attempt)
        if refusal is not None:
            _give_up(attempt, refusal[0], *refusal[1:])
            return
    outcome = automatic_submit(
        authority=grid.authority,
        account_id=grid.account_id,
        lane=signal.lane,
        attempt=attempt.number,
        source=Source.GRID,
        symbol=grid.symbol,
        side=signal.side,
        quantity=attempt.quantity,
        price=attempt.price,
        alone_on_side=True,
        guard=partial(_still_wanted, signal.pk),
    )
    _note(attempt, outcome)


def _refusal(attempt: GridAttempt) -> tuple[GridSignalState, str, str] | None:
    """Why it is not placed now, in the order of the rules."""
    signal, grid = attempt.signal, attempt.signal.session
    if wall_now() - attempt.created_at > MAX_AGE:
        return GridSignalState.EXPIRED, str(Code.SIGNAL_EXPIRED), ""
    instrument = Instrument.objects.get(pk=grid.instrument_id)
    quote = newest_quote(instrument)
    last = None if quote is None or quote.last <= 0 else price_of(quote.last)
    if attempt.number == 1 and last is not None and abs(last - signal.price) > MAX_DRIFT * signal.price:
        return GridSignalState.REFUSED, str(Code.PRICE_DRIFTED), f"last_price={last} detected={signal.price}"
    day = instrument_day(instrument, account_clock(grid.account).trade_date)
    if day is not None and day.suspended:
        return GridSignalState.REFUSED, str(Code.SYMBOL_SUSPENDED), ""
    if last is not None and at_limit(Side(signal.side), last, day):
        return GridSignalState.REFUSED, str(Code.PRICE_AT_LIMIT), f"last_price={last}"
    return None


def _still_wanted(signal_id: int) -> None:
    """Asked while the account's book is held, where grids change too: nothing slips in between."""
    wanted = GridSignal.objects.filter(pk=signal_id, state__in=LIVE, session__state=GridState.ACTIVE)
    if not wanted.exists():
        raise Denied(Code.GRID_STATE, signal=signal_id)


def _note(attempt: GridAttempt, outcome: Outcome) -> None:
    """Store what became of it."""
    signal = attempt.signal
    if outcome.order is not None:
        GridAttempt.objects.filter(pk=attempt.pk, order=None).update(order=outcome.order)
    if outcome.refused:
        off = outcome.code == Code.AUTO_TRADING_OFF
        _give_up(
            attempt,
            GridSignalState.RECORDED if off else GridSignalState.REFUSED,
            outcome.code,
            outcome.message,
        )
        return
    with account_journal(signal.session.account_id) as journal:
        GridSignal.objects.filter(pk=signal.pk, state=GridSignalState.DETECTED).update(state=GridSignalState.WORKING)
        tell(journal, signal.session_id)


def _give_up(attempt: GridAttempt, state: GridSignalState, code: str, message: str) -> None:
    """The signal ends. A later attempt's refusal leaves a remainder behind, which somebody has to know of."""
    with account_journal(attempt.signal.session.account_id) as journal:
        signal = GridSignal.objects.select_related("session").get(pk=attempt.signal_id)
        if signal.final_at is not None:
            return
        later = attempt.number > 1
        signal_end(journal, signal, state=GridSignalState.INCOMPLETE if later else state, code=code, message=message)
        if later:
            tell_unfilled(signal, code)


def attempts_waiting() -> list[GridAttempt]:
    """Decided orders that are not placed yet, oldest first."""
    rows = GridAttempt.objects.filter(order=None, signal__final_at__isnull=True)
    return list(rows.select_related("signal__session__account__host__status").order_by("pk"))
