"""Where a holding that nobody followed came from: its open date, base cost and highest price, from fills and bars.

Everything is computed in the terms of the trade date, through the ex-dates since. What fills do not explain (opened elsewhere,
transferred in) is taken at the broker's cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from marketdata.quotes.periods import Period, day_date, day_numbers
from marketdata.quotes.reader import read_bars
from qmt.calendar import midnight_ms
from trading.ledger.models import LedgerPosition, Position
from trading.orders.choices import Side
from trading.orders.models import Trade
from trading.orders.services.ticket import AUTOMATIC_KEY
from trading.signals.choices import SignalKind
from trading.signals.exdates import MICRO, Event, ExDates, grown, in_terms_of
from trading.signals.models import Signal

ZERO: Final = Decimal(0)
SIGNAL_LANE: Final = "sig"


@dataclass(frozen=True, slots=True)
class Origin:
    """A holding's beginnings.

    Attributes
    ----------
    adopted
        Fills do not explain all of it.
    cost
        Average price paid, without fees; 0 when nobody knows.
    """

    opened_on: date
    adopted: bool
    cost: Decimal
    first_done: bool


def origin_of(position: Position, known: ExDates, *, last_trade: int) -> Origin:
    """Find out how a position came about, by the fills up to number `last_trade`."""
    rows = Trade.objects.filter(account=position.account_id, symbol=position.symbol, pk__lte=last_trade).order_by("-pk")
    fills = list(rows.select_related("order")[:1000])
    instrument_id = position.instrument_id or 0
    explained, unexplained = _explained(position.quantity, fills, known, instrument_id)
    cost = _cost(explained, unexplained, position.avg_price, known, instrument_id)
    return Origin(
        opened_on=_opened_on(position, explained, known.trade_date, adopted=unexplained > 0),
        adopted=unexplained > 0,
        cost=cost.quantize(MICRO, rounding=ROUND_HALF_EVEN),
        first_done=any(is_first_take_profit(fill) for fill in explained),
    )


def is_first_take_profit(fill: Trade) -> bool:
    """Whether a fill belongs to a first take-profit. Load it with its order."""
    key = "" if fill.order is None else fill.order.client_order_id or ""
    prefix = f"{AUTOMATIC_KEY}{SIGNAL_LANE}:"
    if not key.startswith(prefix):
        return False
    number = key.removeprefix(prefix).partition(":")[0]
    return Signal.objects.filter(pk=int(number), kind=SignalKind.FIRST_TAKE_PROFIT).exists()


def _explained(quantity: int, fills: Sequence[Trade], known: ExDates, instrument_id: int) -> tuple[list[Trade], int]:
    """The fills since the holding was last empty, oldest first, and the shares that were there before all of them.

    Walks back from what is held now; on the way an ex-date's bonus shares are taken back.
    """
    held, used = quantity, []
    events = list(known.events.get(instrument_id, ()))
    for fill in fills:
        while events and events[-1].day > fill.trade_date:
            held = round(held / events.pop().growth)
        before = held - _signed(fill)
        if before < 0:
            break  # shares left in another way: what lies further back says nothing about these
        used.append(fill)
        held = before
        if held == 0:
            break
    return used[::-1], held if used else quantity


def _cost(fills: Iterable[Trade], unexplained: int, brokers: Decimal, known: ExDates, instrument_id: int) -> Decimal:
    """The moving average over the fills, everything in today's terms."""
    events = known.events.get(instrument_id, ())
    held, cost = (grown(unexplained, events), brokers) if unexplained else (0, ZERO)
    for fill in fills:
        later = known.since(instrument_id, fill.trade_date)
        shares = grown(fill.quantity, later)
        if fill.side == Side.BUY:
            cost = averaged(held, cost, shares, in_terms_of(fill.price, later))
            held += shares
        else:
            held = max(0, held - shares)
    return cost


def averaged(held: int, cost: Decimal, bought: int, price: Decimal) -> Decimal:
    """The average price of a holding after a purchase."""
    together = held + bought
    return price if held <= 0 or together <= 0 else (held * cost + bought * price) / together


def _signed(fill: Trade) -> int:
    return fill.quantity if fill.side == Side.BUY else -fill.quantity


def _opened_on(position: Position, fills: Sequence[Trade], today: date, *, adopted: bool) -> date:
    if fills and not adopted:
        return fills[0].trade_date
    ledger = LedgerPosition.objects.filter(account=position.account_id, symbol=position.symbol, quantity__gt=0)
    opened = ledger.values_list("opened_on", flat=True).first()
    known = [day for day in (opened, fills[0].trade_date if fills else None) if day is not None]
    return min(known, default=today)


def highest_since(instrument_id: int, opened_on: date, known: ExDates) -> Decimal:
    """The highest price of the stored bars since a position was opened, in the terms of the trade date; 0 without bars.

    On the opening day only the close is known to come after the purchase.
    """
    start, end = midnight_ms(opened_on), midnight_ms(known.trade_date) - 1
    bars = read_bars([instrument_id], Period.DAY_1, start, end, columns=["high", "close"])
    highest = ZERO
    for number, high, close in zip(
        day_numbers(bars.ts).tolist(), bars.values["high"].tolist(), bars.values["close"].tolist(), strict=True
    ):
        day = day_date(number)
        price = Decimal(repr(close if day == opened_on else high))
        later: list[Event] = known.since(instrument_id, day)
        highest = max(highest, in_terms_of(price, later))
    return highest
