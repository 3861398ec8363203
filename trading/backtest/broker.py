"""The account of a back-test: orders, fills, money and shares, by the arithmetic of the simulated broker (`qmt.terminal.ledger`).

It never looks ahead: an order is judged with what its day's opening tells, and is matched by bars that begin after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from marketdata.quotes.periods import day_date, day_number
from ops.errors import Code
from qmt.calendar import Phase, accepts_cancels
from qmt.fees import Tariff
from qmt.gateway import STOCK_ACCOUNT, PriceType, Side
from qmt.money import milli_of, price_of, yuan_of
from qmt.rules import lot_rule
from qmt.terminal import ledger
from qmt.terminal.types import OrderStatus
from trading.backtest.checks import Request, refusal
from trading.backtest.days import DayBook
from trading.backtest.matching import FillModel, TradedBar, Wish, limit_after, room, trade_price, trade_quantity
from trading.strategies.interface import Order, OrderState, Trade

ACCOUNT = "backtest"
_PER_SHARE = Decimal("0.0001")


@dataclass(slots=True)
class Placed:
    """An order of the run with what the exchange core's books keep of it.

    Attributes
    ----------
    asked_ts
        Instant at which the strategy asked, epoch ms.
    resting
        It has been through a bar.
    limit
        The worst price it accepts now.
    """

    order: Order
    asked_ts: int
    resting: bool = False
    limit: int = 0
    ended_ts: int = 0


@dataclass(slots=True)
class News:
    """What the strategy has not been told yet, in order."""

    items: list[Order | Trade] = field(default_factory=list)

    def drain(self) -> Iterator[Order | Trade]:
        """Everything, also what comes up while it is being told."""
        while self.items:
            yield self.items.pop(0)


class TapeBroker:
    """The account a run would trade on, at a broker who matches on the tape.

    Parameters
    ----------
    cash_cents
        Opening money of the account.
    days
        Facts per symbol.
    """

    def __init__(self, *, cash_cents: int, tariff: Tariff, days: Mapping[str, DayBook], model: FillModel) -> None:
        self._days, self._model = days, model
        self.book = ledger.Book(ledger.Account(ACCOUNT, STOCK_ACCOUNT, cash_cents), tariff, [])
        self.placed: dict[str, Placed] = {}
        self.waiting: dict[str, Placed] = {}
        """Asked for since a close, for the next trade date."""
        self.working: dict[str, Placed] = {}
        self.trades: list[Trade] = []
        self.news = News()
        self._entries: dict[str, ledger.Order] = {}
        self._fills = 0

    # --- a trade date

    def begin_day(self, day: int) -> None:
        """Overnight: shares bought become sellable, ex-dates are booked."""
        self.book.settle()
        for symbol in list(self.book.holdings):
            if (action := self._days[symbol].action(day)) is not None:
                self.book.apply_action(action)

    def enter_waiting(self, day: int, ts: int, last: Mapping[str, int]) -> None:
        """What was asked for since the last close is placed, with the first continuous trading."""
        waiting, self.waiting = self.waiting, {}
        for placed in waiting.values():
            self._enter(placed, day, ts, Phase.CONTINUOUS, last.get(placed.order.symbol, 0))

    def end_day(self, ts: int) -> None:
        """Orders end with their trade date."""
        for placed in list(self.working.values()):
            self._end(placed, OrderState.CANCELLED, ts)

    # --- requests

    def place(self, order: Order, day: int, ts: int, phase: Phase, last: int) -> None:
        """Take a request while the market takes orders."""
        self._enter(self._new(order, ts), day, ts, phase, last)

    def keep(self, order: Order, ts: int) -> None:
        """Take a request after the close: it is for the next trade date."""
        self.waiting[order.id] = self._new(order, ts)

    def refuse(self, order: Order, code: str, ts: int) -> None:
        """The run's own book does not allow a request."""
        self._refuse(self._new(order, ts), code, ts)

    def cancel(self, order_id: str, ts: int, phase: Phase) -> None:
        """Cancel an order, where the exchange takes cancels; one that has not reached it always."""
        if (placed := self.waiting.pop(order_id, None)) is not None:
            self._tell(placed, state=OrderState.CANCELLED)
            placed.ended_ts = ts
        elif (placed := self.working.get(order_id)) is not None and accepts_cancels(phase):
            self._end(placed, OrderState.CANCELLED, ts)

    def _new(self, order: Order, ts: int) -> Placed:
        placed = self.placed[order.id] = Placed(order, ts)
        return placed

    def _enter(self, placed: Placed, day: int, ts: int, phase: Phase, last: int) -> None:
        order, book = placed.order, self._days[placed.order.symbol]
        facts, tick = book.facts(day), book.tick(day)
        price = None if order.price is None else _milli(order.price)
        if price == 0:
            self._refuse(placed, Code.PRICE_OFF_TICK, ts)
            return
        worst = book.worst_buy(day)
        if order.side is Side.SELL:
            worst = price or (facts.limit_down_milli if facts is not None else None) or tick
        elif price is not None and (order.price_type is PriceType.LIMIT or worst is None or price < worst):
            worst = price
        request = Request(
            side=order.side,
            quantity=order.quantity,
            price_type=order.price_type,
            price=price,
            worst=worst,
            last=last or (facts.pre_close_milli if facts is not None else 0),
            phase=phase,
        )
        code = refusal(request, book.series.instrument, facts, tick, self.book)
        if code is not None or worst is None:
            self._refuse(placed, code or Code.PRICE_UNBOUNDED, ts)
            return
        placed.limit = worst
        entry = self._entries[order.id] = ledger.Order(
            order_id=len(self.placed),
            trade_date=day_date(day),
            account_id=ACCOUNT,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            price_type=0,
            price_milli=worst,
            strategy_name="",
            remark="",
            order_time=ts // 1000,
            status=OrderStatus.REPORTED,
        )
        self.book.freeze(entry, book.series.instrument.kind)
        self.working[order.id] = placed
        self._tell(placed, state=OrderState.WORKING)

    # --- matching

    def match(self, symbol: str, bar: TradedBar, ts: int, *, auction: bool) -> None:
        """Let the symbol's working orders, oldest first, trade in a bar that closed.

        Parameters
        ----------
        auction
            The bar is a call auction: whoever waits in it gets its price, not their own limit.
        """
        taken = 0
        for placed in [one for one in self.working.values() if one.order.symbol == symbol]:
            taken += self._match_one(placed, bar, ts, room(bar, taken, self._model), auction=auction)

    def _match_one(self, placed: Placed, bar: TradedBar, ts: int, available: int, *, auction: bool) -> int:
        order, entry = placed.order, self._entries[placed.order.id]
        book = self._days[order.symbol]
        tick = book.tick(day_number(entry.trade_date))
        wish = Wish(order.side, order.price_type, placed.limit, resting=placed.resting and not auction)
        price = trade_price(wish, bar, tick, self._model)
        rule = lot_rule(book.series.instrument.board, entry.trade_date)
        quantity = 0
        if price is not None and rule is not None:
            quantity = trade_quantity(entry.open_quantity, available, rule.step)
            if order.price_type is PriceType.FOK and quantity < entry.open_quantity:
                quantity = 0
        if price is not None and quantity:
            self._fill(placed, entry, price, quantity, ts)
        if entry.open_quantity and bar.volume:
            self._rest(placed, entry, bar.open if price is None else price, ts)
        return quantity

    def _fill(self, placed: Placed, entry: ledger.Order, price: int, quantity: int, ts: int) -> None:
        order, instrument = placed.order, self._days[placed.order.symbol].series.instrument
        self._fills += 1
        fill = self.book.fill(
            entry,
            fill_no=self._fills,
            price_milli=price,
            quantity=quantity,
            traded_time=ts // 1000,
            kind=instrument.kind,
            t_plus=instrument.t_plus,
        )
        fees = fill.commission_cents + fill.transfer_fee_cents + fill.stamp_duty_cents
        trade = Trade(
            id=f"T{self._fills}",
            order_id=order.id,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price_of(price),
            fees=yuan_of(fees),
            ts=ts,
            reason=order.reason,
        )
        self.trades.append(trade)
        self.news.items.append(trade)
        if not entry.open_quantity:
            del self.working[order.id]
            placed.ended_ts = ts
        state = OrderState.WORKING if entry.open_quantity else OrderState.FILLED
        average = (yuan_of(entry.traded_cents) / entry.traded_quantity).quantize(_PER_SHARE)
        self._tell(placed, state=state, filled=entry.traded_quantity, average_price=average)

    def _rest(self, placed: Placed, entry: ledger.Order, price: int, ts: int) -> None:
        """What has been through its first bar waits at its limit, or is cancelled by its kind."""
        order = placed.order
        if placed.resting:
            return
        placed.resting = True
        if order.price_type is PriceType.LIMIT:
            return
        limit = limit_after(order.price_type, price)
        if limit is None:
            self._end(placed, OrderState.CANCELLED, ts)
            return
        placed.limit = min(limit, placed.limit) if order.side is Side.BUY else max(limit, placed.limit)
        self.book.reprice(entry, placed.limit, self._days[order.symbol].series.instrument.kind)

    # --- ends

    def _refuse(self, placed: Placed, code: str, ts: int) -> None:
        placed.ended_ts = ts
        self._tell(placed, state=OrderState.REFUSED, code=str(code))

    def _end(self, placed: Placed, state: OrderState, ts: int) -> None:
        entry = self._entries[placed.order.id]
        self.book.release(entry)
        entry.status = OrderStatus.CANCELED
        del self.working[placed.order.id]
        placed.ended_ts = ts
        self._tell(placed, state=state)

    def _tell(self, placed: Placed, **changes: object) -> None:
        placed.order = replace(placed.order, **changes)  # type: ignore[arg-type]
        self.news.items.append(placed.order)


def _milli(price: Decimal) -> int:
    """Thousandths of a yuan; 0, which no price is, for one finer than that."""
    try:
        return milli_of(price)
    except ValueError:
        return 0
