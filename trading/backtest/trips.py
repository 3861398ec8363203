"""Round trips of a run, and what each rule of the strategy earned. Exact: the parts add up to the run's profit.

Shares leave in the order in which they came (first in, first out), separately per symbol. What an ex-date brings belongs to the shares
that were held, in proportion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from qmt.calendar import date_of_ms
from qmt.gateway import Side
from trading.backtest.broker import Placed
from trading.backtest.engine import ExDate, RunResult
from trading.strategies.interface import OrderState, Trade

_STEP = Decimal("0.0001")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trip:
    """Shares that were bought together and left together, or are still there.

    Attributes
    ----------
    quantity
        As sold; of open ones as held.
    cost, proceeds
        CNY paid and received, fees included; of open ones what they are worth at the end.
    income
        Cash of ex-dates.
    closed_ts
        None while they are held.
    """

    symbol: str
    quantity: int
    opened_ts: int
    closed_ts: int | None
    cost: Decimal
    proceeds: Decimal
    income: Decimal
    entry_reason: str
    exit_reason: str

    @property
    def profit(self) -> Decimal:
        """CNY, after fees."""
        return self.proceeds + self.income - self.cost

    @property
    def days(self) -> int | None:
        """Calendar days held; None while they are."""
        return None if self.closed_ts is None else (date_of_ms(self.closed_ts) - date_of_ms(self.opened_ts)).days


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """What the orders with one reason led to.

    Attributes
    ----------
    entered, left
        Profit in CNY of the shares that its purchases brought, and of those that its sales took: two views of the same sum.
    """

    reason: str
    orders: int
    refused: int
    filled: int
    bought: Decimal
    sold: Decimal
    fees: Decimal
    trips: int
    wins: int
    entered: Decimal
    left: Decimal


@dataclass(slots=True)
class _Lot:
    opened_ts: int
    reason: str
    quantity: int
    cost: Decimal
    income: Decimal = ZERO


def trips_of(result: RunResult) -> list[Trip]:
    """Every round trip in the order of its end, then what is still held."""
    lots: dict[str, list[_Lot]] = defaultdict(list)
    trips: list[Trip] = []
    for event in _in_time(result.trades, result.ex_dates):
        own = lots[event.symbol]
        if isinstance(event, ExDate):
            _share_out(own, event)
        elif event.side is Side.BUY:
            value = event.price * event.quantity + event.fees
            own.append(_Lot(event.ts, event.reason, event.quantity, value))
        else:
            trips += _sell(own, event)
    trips += [
        Trip(
            symbol=symbol,
            quantity=lot.quantity,
            opened_ts=lot.opened_ts,
            closed_ts=None,
            cost=lot.cost,
            proceeds=result.final_prices[symbol] * lot.quantity,
            income=lot.income,
            entry_reason=lot.reason,
            exit_reason="",
        )
        for symbol, own in lots.items()
        for lot in own
    ]
    return trips


def rules_of(result: RunResult, trips: Sequence[Trip]) -> list[RuleFigures]:
    """Figures per reason, by name."""
    orders: dict[str, list[Placed]] = defaultdict(list)
    trades: dict[str, list[Trade]] = defaultdict(list)
    entered: dict[str, list[Trip]] = defaultdict(list)
    left: dict[str, list[Trip]] = defaultdict(list)
    for placed in result.orders:
        orders[placed.order.reason].append(placed)
    for trade in result.trades:
        trades[trade.reason].append(trade)
    for trip in trips:
        entered[trip.entry_reason].append(trip)
        if trip.closed_ts is not None:
            left[trip.exit_reason].append(trip)
    return [
        RuleFigures(
            reason=reason,
            orders=len(own),
            refused=sum(placed.order.state is OrderState.REFUSED for placed in own),
            filled=sum(placed.order.filled > 0 for placed in own),
            bought=_value(trades[reason], Side.BUY),
            sold=_value(trades[reason], Side.SELL),
            fees=sum((trade.fees for trade in trades[reason]), ZERO),
            trips=len(left[reason]),
            wins=sum(trip.profit > 0 for trip in left[reason]),
            entered=_profit(entered[reason]),
            left=_profit(left[reason]),
        )
        for reason, own in sorted(orders.items())
    ]


def _value(trades: Sequence[Trade], side: Side) -> Decimal:
    return sum((trade.price * trade.quantity for trade in trades if trade.side is side), ZERO)


def _profit(trips: Sequence[Trip]) -> Decimal:
    return sum((trip.profit for trip in trips), ZERO)


def _in_time(trades: Sequence[Trade], ex_dates: Sequence[ExDate]) -> Iterator[Trade | ExDate]:
    """Fills in their order; an ex-date before the fills of its day."""
    days: Mapping[int, list[ExDate]] = _by_day(ex_dates)
    waiting = sorted(days)
    for trade in trades:
        day = date_of_ms(trade.ts).toordinal() - _EPOCH
        while waiting and waiting[0] <= day:
            yield from days[waiting.pop(0)]
        yield trade
    for rest in waiting:
        yield from days[rest]


_EPOCH = date_of_ms(0).toordinal()


def _by_day(ex_dates: Sequence[ExDate]) -> dict[int, list[ExDate]]:
    found: dict[int, list[ExDate]] = defaultdict(list)
    for event in ex_dates:
        found[event.day].append(event)
    return found


def _share_out(lots: list[_Lot], event: ExDate) -> None:
    """Cash and new shares of an ex-date to the lots, in proportion; what does not divide goes to the last."""
    held = sum(lot.quantity for lot in lots)
    cash, shares = event.cash, event.shares
    for at, lot in enumerate(lots):
        last = at == len(lots) - 1
        own_cash = cash if last else _part(event.cash, lot.quantity, held)
        own_shares = shares if last else event.shares * lot.quantity // held
        cash, shares = cash - own_cash, shares - own_shares
        lot.income += own_cash
        lot.quantity += own_shares


def _sell(lots: list[_Lot], trade: Trade) -> Iterator[Trip]:
    """Take a sale's shares from the oldest lots."""
    open_quantity = trade.quantity
    proceeds = trade.price * trade.quantity - trade.fees
    while open_quantity:
        lot = lots[0]
        quantity = min(lot.quantity, open_quantity)
        share = proceeds if quantity == open_quantity else _part(proceeds, quantity, open_quantity)
        whole = quantity == lot.quantity
        cost = lot.cost if whole else _part(lot.cost, quantity, lot.quantity)
        income = lot.income if whole else _part(lot.income, quantity, lot.quantity)
        yield Trip(
            symbol=trade.symbol,
            quantity=quantity,
            opened_ts=lot.opened_ts,
            closed_ts=trade.ts,
            cost=cost,
            proceeds=share,
            income=income,
            entry_reason=lot.reason,
            exit_reason=trade.reason,
        )
        proceeds, open_quantity = proceeds - share, open_quantity - quantity
        lot.cost, lot.income, lot.quantity = lot.cost - cost, lot.income - income, lot.quantity - quantity
        if whole:
            lots.pop(0)


def _part(total: Decimal, part: int, whole: int) -> Decimal:
    return (total * part / whole).quantize(_STEP, ROUND_HALF_UP)
