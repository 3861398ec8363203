"""What becomes of placed orders: time-outs, new quotes of what is left, and the end of a signal. From rows, safe to repeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import F

from marketdata.models import Instrument
from marketdata.selectors import instrument_day
from ops.clocks import wall_now
from ops.errors import Code
from qmt.calendar import Phase
from trading.grids.choices import GridSignalState, GridState
from trading.grids.figures import floor_lots
from trading.grids.lots import invested
from trading.grids.models import GridAttempt, GridSession, GridSignal
from trading.grids.selectors import booked, open_lots, possible, promised
from trading.grids.services.alarms import tell_unfilled
from trading.grids.services.changing import PLATFORM, grid_locked, signal_end
from trading.grids.services.detecting import limit_price, price_of
from trading.ledger.journal import Journal, account_journal
from trading.ledger.models import AccountBook
from trading.orders.choices import Side, Status
from trading.orders.models import Order
from trading.orders.services import cancel_as
from trading.orders.services.context import account_clock, newest_quote
from trading.orders.states import TERMINAL

TIMEOUT: Final = timedelta(minutes=5)
"""An order may stand so long after its report."""
MAX_REQUOTES: Final = 3
_CANCELLED: Final = frozenset({Status.CANCELLED, Status.PARTIALLY_CANCELLED})
_NOTHING_PLACED: Final = {
    Status.REJECTED: GridSignalState.REFUSED,
    Status.EXPIRED: GridSignalState.EXPIRED,
    Status.DENIED: GridSignalState.REFUSED,
}


def signals_working() -> list[GridSignal]:
    """Signals whose order is placed and not done, oldest first."""
    rows = GridSignal.objects.filter(final_at__isnull=True, attempts__order__isnull=False).distinct()
    return list(rows.select_related("session__account__host__status").order_by("pk"))


def signal_follow(signal: GridSignal) -> None:
    """Look after a signal's newest order. Load the signal with its session, account, host and status."""
    attempt = signal.attempts.select_related("order").order_by("-number").first()
    order = None if attempt is None else attempt.order
    if attempt is None or order is None:
        return  # decided, not placed yet
    if order.status not in TERMINAL:
        _watch(signal, attempt, order)
    elif booked(order) >= possible(order) or day_closed(order):
        _conclude(signal, attempt)


def day_closed(order: Order) -> bool:
    """Whether the order's trade date is closed on its account: what has not come until then does not come any more."""
    closed = AccountBook.objects.filter(pk=order.account_id).values_list("closed_trade_date", flat=True).first()
    return closed is not None and closed >= order.trade_date


def attempts_settle() -> int:
    """Close the books of orders whose trade date is closed; returns how many."""
    ended = GridAttempt.objects.filter(settled=False, signal__final_at__isnull=False)
    closed = ended.filter(
        order__final_at__isnull=False, order__trade_date__lte=F("order__account__book__closed_trade_date")
    )
    return closed.update(settled=True) + ended.filter(order__isnull=True).update(settled=True)


def _watch(signal: GridSignal, attempt: GridAttempt, order: Order) -> None:
    """Want it cancelled when its grid ends, or when it has stood too long. The end is told by the order itself."""
    late = order.reported_at is not None and wall_now() - order.reported_at > TIMEOUT
    if late and not attempt.timed_out and order.cancel_requested_at is None:
        GridAttempt.objects.filter(pk=attempt.pk).update(timed_out=True)
    elif signal.session.state != GridState.STOPPING or order.cancel_requested_at is not None:
        return
    cancel_as(account_id=order.account_id, order_ids=[order.pk], actor=PLATFORM)


def _conclude(signal: GridSignal, attempt: GridAttempt) -> None:
    """The order is final and its fills are booked: quote the rest anew, or end the signal."""
    with account_journal(signal.session.account_id) as journal:
        signal = GridSignal.objects.select_related("session").get(pk=signal.pk)
        attempt = GridAttempt.objects.select_related("order").get(pk=attempt.pk)
        order = attempt.order
        if signal.final_at is not None or order is None or signal.attempts.filter(number__gt=attempt.number).exists():
            return
        if not (attempt.timed_out and order.status in _CANCELLED and order.cancel_requested_by_id is None):
            _end(journal, signal, order.deny_code or str(order.status), order)
        elif attempt.number > MAX_REQUOTES:
            _end(journal, signal, str(Code.REQUOTES_USED_UP), order)
            tell_unfilled(signal, str(Code.REQUOTES_USED_UP))
        elif signal.session.state != GridState.ACTIVE:
            _end(journal, signal, str(Code.GRID_STATE), order)
        elif (code := _requote(journal, signal, attempt.number + 1)) is not None:
            _end(journal, signal, code, order)
            tell_unfilled(signal, code)


def _end(journal: Journal, signal: GridSignal, code: str, order: Order) -> None:
    state = GridSignalState.INCOMPLETE
    if signal.traded_quantity == 0:
        state = _NOTHING_PLACED.get(Status(order.status), state)
    signal_end(journal, signal, state=state, code=code, message=order.message)


def _requote(journal: Journal, signal: GridSignal, number: int) -> str | None:
    """Decide on an order for what is left, at the best opposite price; why not, if so."""
    grid = grid_locked(signal.session_id)
    account = journal.book.account
    clock = account_clock(account)
    if clock.stale or clock.phase is not Phase.CONTINUOUS:
        return str(Code.SIGNAL_EXPIRED)
    instrument = Instrument.objects.get(pk=grid.instrument_id)
    side = Side(signal.side)
    quote = newest_quote(instrument)
    if quote is None or quote.last <= 0:
        return str(Code.PRICE_DRIFTED)
    book = quote.ask if side is Side.BUY else quote.bid
    opposite = price_of(book[0] if book and book[0] else quote.last)
    price = limit_price(side, opposite, instrument_day(instrument, clock.trade_date))
    quantity = floor_lots(signal.quantity - signal.traded_quantity)
    if side is Side.BUY:
        quantity = min(quantity, floor_lots(int(_room(grid) / price)))
    if quantity <= 0:
        return str(Code.NOTHING_TO_TRADE)
    GridAttempt.objects.create(signal=signal, number=number, quantity=quantity, price=price, created_at=journal.at)
    return None


def _room(grid: GridSession) -> int:
    return max(0, int(grid.totals.room(invested(open_lots(grid)), promised(grid))))
