"""From a turn of the price to a stored decision: how much, at which price, or why not.

Nothing is placed here. The signal's row and its first order's are committed together, and whoever finds an order that is
not placed places it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marketdata.models import Instrument, InstrumentDay
from marketdata.selectors import instrument_day
from ops.errors import Code
from trading.grids.choices import GridEnd, GridSignalState, GridState
from trading.grids.course import Course
from trading.grids.figures import buy_quantity, sell_quantity
from trading.grids.lots import invested
from trading.grids.models import GridAttempt, GridSession, GridSignal
from trading.grids.selectors import open_lots, promised
from trading.grids.services.changing import change, course_fields, end, grid_locked
from trading.ledger.journal import Journal, account_journal
from trading.ledger.models import Position
from trading.orders.choices import Side
from trading.orders.services.context import reserved_shares

LEVEL_DECIMALS = 4
"""Prices of quotes are binary fractions; no tick is finer."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A price that a grid's rule acts on.

    Attributes
    ----------
    course
        The course as it was at this price, its peak or valley included.
    opposite
        Best price of the other side, CNY; None where there is none.
    now
        Wall clock.
    """

    side: Side
    course: Course
    price: Decimal
    opposite: Decimal | None
    quote_ts: int
    trade_date: date
    now: datetime


def signal_raise(grid_id: int, revision: int, turn: Turn) -> GridSignal | None:
    """Store a turn as a signal; None when the grid has moved on since `revision`, or still works on this side."""
    account_id = GridSession.objects.values_list("account_id", flat=True).get(pk=grid_id)
    with account_journal(account_id) as journal:
        grid = grid_locked(grid_id)
        if grid.revision != revision or grid.state != GridState.ACTIVE:
            return None
        if GridSignal.objects.filter(session=grid, side=turn.side, final_at__isnull=True).exists():
            return None
        number = grid.signal_count + 1
        change(
            journal,
            grid,
            signal_count=number,
            last_price=turn.price,
            **course_fields(turn.course.signalled(turn.side, turn.now)),
        )
        return _stored(journal, grid, number, turn)


def grid_finish(grid_id: int, revision: int, reason: GridEnd, price: Decimal | None = None) -> bool:
    """Let a grid end for a reason that was seen under `revision`; False when it has moved on since."""
    account_id = GridSession.objects.values_list("account_id", flat=True).get(pk=grid_id)
    with account_journal(account_id) as journal:
        grid = grid_locked(grid_id)
        if grid.revision != revision or grid.state not in (GridState.ACTIVE, GridState.PAUSED):
            return False
        if price is not None:
            grid.last_price = price
            grid.save(update_fields=["last_price"])
        end(journal, grid, reason)
    return True


def _stored(journal: Journal, grid: GridSession, number: int, turn: Turn) -> GridSignal:
    instrument = Instrument.objects.get(pk=grid.instrument_id)
    day = instrument_day(instrument, turn.trade_date)
    limit = limit_price(turn.side, turn.opposite or turn.price, day)
    quantity = _quantity(journal, grid, instrument, turn.side, limit)
    refusal = _refusal(turn, day, quantity)
    state = GridSignalState.DETECTED
    code, message = "", ""
    if refusal is not None:
        state, (code, message) = GridSignalState.REFUSED, refusal
    elif not journal.book.account.auto_trading:
        state, code = GridSignalState.RECORDED, str(Code.AUTO_TRADING_OFF)
    signal = GridSignal.objects.create(
        session=grid,
        number=number,
        side=turn.side,
        price=turn.price,
        extreme=turn.course.extreme or turn.price,
        center=turn.course.center,
        quantity=quantity,
        quote_ts=turn.quote_ts,
        trade_date=turn.trade_date,
        detected_at=turn.now,
        state=state,
        code=code,
        message=message,
        final_at=None if state is GridSignalState.DETECTED else journal.at,
    )
    if state is GridSignalState.DETECTED:
        GridAttempt.objects.create(signal=signal, number=1, quantity=quantity, price=limit, created_at=journal.at)
    return signal


def _quantity(journal: Journal, grid: GridSession, instrument: Instrument, side: Side, price: Decimal) -> int:
    """How much, on the account as it is while its book is held."""
    account = journal.book.account
    position = Position.objects.filter(account=account, symbol=grid.symbol).first()
    held = 0 if position is None else position.quantity
    if side is Side.BUY:
        return buy_quantity(
            position=held,
            ratio=grid.ratio,
            price=price,
            room=grid.totals.room(invested(open_lots(grid)), promised(grid)),
            minimum=instrument.min_quantity,
        )
    free = 0 if position is None else position.confirmed_sellable - position.unconfirmed_sold
    return sell_quantity(
        free=free - reserved_shares(account, grid.symbol), ratio=grid.ratio, minimum=instrument.min_quantity
    )


def _refusal(turn: Turn, day: InstrumentDay | None, quantity: int) -> tuple[str, str] | None:
    if day is not None and day.suspended:
        return str(Code.SYMBOL_SUSPENDED), ""
    if at_limit(turn.side, turn.price, day):
        return str(Code.PRICE_AT_LIMIT), ""
    if quantity == 0:
        what = "the investment is used up" if turn.side is Side.BUY else "not one lot is sellable"
        return str(Code.NOTHING_TO_TRADE), what
    return None


def at_limit(side: Side, price: Decimal, day: InstrumentDay | None) -> bool:
    """Whether this side finds nobody at this price: buying at the upper limit, selling at the lower one."""
    if day is None:
        return False
    if side is Side.BUY:
        return day.limit_up is not None and price >= day.limit_up
    return day.limit_down is not None and price <= day.limit_down


def limit_price(side: Side, price: Decimal, day: InstrumentDay | None) -> Decimal:
    """The order's price: within the day's limits."""
    if day is None:
        return price
    if side is Side.BUY:
        return price if day.limit_up is None else min(price, day.limit_up)
    return price if day.limit_down is None else max(price, day.limit_down)


def opposite_price(side: Side, quote: Mapping[str, Any]) -> Decimal | None:
    """Best price of the other side in a quote's book; None where that side is empty."""
    levels = quote["ask" if side is Side.BUY else "bid"]
    best = levels[0] if levels else 0
    return price_of(best) if best and best > 0 else None


def price_of(value: float) -> Decimal:
    """A price of a quote, exactly as it was meant."""
    return Decimal(str(round(value, LEVEL_DECIMALS)))
