"""The walk along the tape: nights, matching, events, bars. Deterministic: the same tape, strategy and settings give the same run.

At each instant, in this order (what `trading.strategies.interface` promises every runner):

1. a new trade date: shares bought become sellable, ex-dates are booked; with continuous trading, at 09:30, what was asked for since the last
   close is placed, as the live runner places it;
2. the bars that closed are matched with the orders that were there before they began; after 15:00 what is left ends with its date;
3. what became of orders is told;
4. `on_bar`; whatever it asks for is judged at once, or kept for the next trade date after the close, and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from typing import Final

from marketdata.quotes.periods import MINUTE_MS, day_start_ts
from qmt.calendar import Phase, TradingCalendar, phase_at, time_of_ms
from qmt.fees import Tariff
from qmt.money import cents_of, price_of
from trading.backtest.broker import Placed, TapeBroker
from trading.backtest.context import BacktestContext, LogLine
from trading.backtest.days import DayBook, rounded_milli
from trading.backtest.matching import FillModel, TradedBar
from trading.backtest.tape import Tape
from trading.strategies.book import VirtualBook
from trading.strategies.interface import Bars, Strategy, StrategyError, Trade, bar_event

_DAWN_MS: Final = (9 * 60 + 15) * MINUTE_MS
_OPEN_MS: Final = (9 * 60 + 30) * MINUTE_MS
_CLOSE_MS: Final = 15 * 60 * MINUTE_MS
_OPEN: Final = time(9, 30)
_CLOSE: Final = time(15)
_MOST_EVENTS_AT_ONCE: Final = 10_000
TURN_EVERY: Final = 256

Turn = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run is given beside the strategy.

    Attributes
    ----------
    capital
        CNY of the run.
    account_cash
        Money of the account it would trade on, which has to bear what an order may cost at worst. None: the capital.
    """

    capital: Decimal = Decimal(1_000_000)
    account_cash: Decimal | None = None
    commission_rate: Decimal = Decimal("0.00025")
    minimum_commission: Decimal = Decimal(5)
    fills: FillModel = field(default_factory=FillModel)


@dataclass(frozen=True, slots=True)
class DayRecord:
    """The run at the close of one trade date; CNY, `bought` and `sold` without fees."""

    day: int
    cash: Decimal
    holdings: Decimal
    bought: Decimal
    sold: Decimal
    fees: Decimal

    @property
    def equity(self) -> Decimal:
        """Money and holdings."""
        return self.cash + self.holdings


@dataclass(frozen=True, slots=True)
class ExDate:
    """What an ex-date brought: CNY and shares."""

    day: int
    symbol: str
    cash: Decimal
    shares: int


@dataclass(slots=True)
class RunResult:
    """What a run did."""

    settings: RunSettings
    orders: Sequence[Placed] = ()
    trades: Sequence[Trade] = ()
    days: list[DayRecord] = field(default_factory=list)
    ex_dates: list[ExDate] = field(default_factory=list)
    lines: Sequence[LogLine] = ()
    lines_dropped: int = 0
    final_prices: Mapping[str, Decimal] = field(default_factory=dict)


class Engine:
    """One run.

    Parameters
    ----------
    calendar
        Trading days: which is the next one, and how many since a listing.
    is_raw
        See `DayBook`.
    """

    def __init__(
        self, strategy: Strategy, tape: Tape, settings: RunSettings, *, calendar: TradingCalendar, is_raw: bool = True
    ) -> None:
        self._strategy, self._tape, self._settings, self._calendar = strategy, tape, settings, calendar
        self._days = {one.symbol: DayBook(one, calendar, is_raw=is_raw) for one in tape.series}
        account_cash = settings.capital if settings.account_cash is None else settings.account_cash
        self._broker = TapeBroker(
            cash_cents=cents_of(account_cash),
            tariff=Tariff.of(settings.commission_rate, settings.minimum_commission),
            days=self._days,
            model=settings.fills,
        )
        same_day = frozenset(one.symbol for one in tape.series if one.instrument.t_plus == 0)
        self._book = VirtualBook(settings.capital, same_day.__contains__)
        self._context = BacktestContext(tape=tape, warm_up=strategy.warm_up, book=self._book, days=self._days)
        self._result = RunResult(settings)
        self._day = -1
        self._rows = tape.first
        self._told = 0
        self._daily_trades = 0

    def run(self, on_turn: Turn = lambda _done, _total: None) -> RunResult:
        """Walk the whole tape.

        Parameters
        ----------
        on_turn
            Called now and then with the instants done and all of them; what it raises ends the run.

        Raises
        ------
        StrategyError
            And whatever else the strategy raises.
        """
        tape, total = self._tape, len(self._tape)
        for row in range(tape.first, len(tape.instants)):
            if (row - tape.first) % TURN_EVERY == 0:
                on_turn(row - tape.first, total)
            self._step(row, int(tape.instants[row]), int(tape.days[row]))
        if self._day >= 0:
            self._stop()
            self._close_day()
        on_turn(total, total)
        result, context = self._result, self._context
        result.orders, result.trades = list(self._broker.placed.values()), self._broker.trades
        result.lines, result.lines_dropped = context.lines, context.lines_dropped
        result.final_prices = self._worths()
        return result

    def _step(self, row: int, ts: int, day: int) -> None:
        if day != self._day:
            self._begin_day(day)
        instant = ts + _CLOSE_MS if self._tape.period == "1d" else ts
        of_day = time_of_ms(instant)
        is_opening = self._tape.period == "1m" and of_day == _OPEN
        if not is_opening:
            self._enter_waiting(row, day)
        self._context.move(rows=row, day=day, ts=instant)
        if self._broker.working:
            self._match(row, day, instant, auction=self._tape.period == "1m" and of_day == _CLOSE)
            if of_day >= _CLOSE:
                self._broker.end_day(instant)
            self._tell()
        if is_opening:
            self._enter_waiting(row, day)
        if of_day >= _CLOSE:
            self._book.open_day(self._calendar.next_day(self._context.trade_date))
        self._rows = row + 1
        self._context.move(rows=self._rows, day=day, ts=instant)
        bars = Bars(self._tape.period, ts, self._tape.index, self._tape.values[row])
        self._context.begin(bar_event(self._tape.period, ts))
        self._strategy.on_bar(self._context, bars)
        self._take()
        self._tell()

    # --- trade dates

    def _begin_day(self, day: int) -> None:
        first = self._day < 0
        if not first:
            self._close_day()
        self._day = day
        self._context.move(rows=self._rows, day=day, ts=int(day_start_ts(day)) + _DAWN_MS)
        self._broker.begin_day(day)
        self._book.open_day(self._context.trade_date)
        self._ex_dates(day)
        if first:
            self._context.begin("start")
            self._strategy.on_start(self._context)
            self._take()
        self._tell()

    def _enter_waiting(self, row: int, day: int) -> None:
        """Continuous trading begins: what was asked for since the last close is placed, on the market's first price."""
        if not self._broker.waiting:
            return
        ts = int(day_start_ts(day)) + _OPEN_MS
        self._context.move(rows=row, day=day, ts=ts)
        last = {placed.order.symbol: self._first(row, placed.order.symbol) for placed in self._broker.waiting.values()}
        self._broker.enter_waiting(day, ts, last)
        self._tell()

    def _ex_dates(self, day: int) -> None:
        for symbol in self._book.symbols:
            action = self._days[symbol].action(day)
            if action is None:
                continue
            before, held = self._book.cash, self._book.position(symbol).quantity
            self._book.ex_right(symbol, growth=1 + action.bonus + action.gift, cash=action.cash)
            shares = self._book.position(symbol).quantity - held
            self._result.ex_dates.append(ExDate(day, symbol, self._book.cash - before, shares))

    def _close_day(self) -> None:
        """Record the day that is over; whatever still works ends with it (a day whose last bars are missing)."""
        ts = int(day_start_ts(self._day)) + _CLOSE_MS
        if self._broker.working:
            self._context.move(rows=self._rows, day=self._day, ts=ts)
            self._broker.end_day(ts)
            self._tell()
        trades = self._broker.trades[self._daily_trades :]
        self._daily_trades = len(self._broker.trades)
        bought, sold = (
            sum((trade.price * trade.quantity for trade in trades if trade.side == side), Decimal(0))
            for side in ("BUY", "SELL")
        )
        self._result.days.append(
            DayRecord(
                day=self._day,
                cash=self._book.cash,
                holdings=self._book.equity(self._worths()) - self._book.cash,
                bought=bought,
                sold=sold,
                fees=sum((trade.fees for trade in trades), Decimal(0)),
            )
        )

    # --- matching

    def _match(self, row: int, day: int, instant: int, *, auction: bool) -> None:
        for symbol in dict.fromkeys(placed.order.symbol for placed in self._broker.working.values()):
            bar = self._bar(symbol, row, day)
            if bar is not None:
                self._broker.match(symbol, bar, instant, auction=auction)

    def _bar(self, symbol: str, row: int, day: int) -> TradedBar | None:
        open_, high, low, close, volume, _amount = self._tape.values[row, self._tape.index[symbol]].tolist()
        book = self._days[symbol]
        facts = book.facts(day)
        if close != close or facts is None or not volume > 0 or not open_ > 0:
            return None
        tick = book.tick(day)
        opened, highest, lowest = (rounded_milli(price, tick) for price in (open_, high, low))
        return TradedBar(opened, highest, lowest, int(volume), facts.limit_up_milli, facts.limit_down_milli)

    def _first(self, row: int, symbol: str) -> int:
        """The price at which a symbol opens, thousandths of a yuan; the last one where it has no bar."""
        opened = float(self._tape.values[row, self._tape.index[symbol], 0])
        return rounded_milli(opened, self._days[symbol].tick(self._day)) if opened > 0 else self._last(symbol)

    def _last(self, symbol: str) -> int:
        return self._context.prices.milli(symbol, self._day)

    def _worths(self) -> dict[str, Decimal]:
        """Price of each holding in CNY; of a suspended one the last, through the ex-dates since then."""
        return {symbol: price_of(self._last(symbol)) for symbol in self._book.symbols}

    # --- what is asked, and what is told

    def _take(self) -> None:
        asked, withdrawn = self._context.take()
        if not asked and not withdrawn:
            return
        context, broker, day = self._context, self._broker, self._day
        of_day = time_of_ms(context.ts)
        # What is asked for at lunch is placed when trading goes on.
        phase = Phase.CONTINUOUS if phase_at(of_day) is Phase.LUNCH else phase_at(of_day)
        # First what frees money; then, once it is known, what was taken back in the same breath.
        for order_id in withdrawn:
            broker.cancel(order_id, context.ts, phase)
        for order, code in asked:
            if code:
                broker.refuse(order, code, context.ts)
            elif of_day >= _CLOSE or of_day < _OPEN:
                broker.keep(order, context.ts)
            else:
                broker.place(order, day, context.ts, phase, self._last(order.symbol))
        for order_id in withdrawn:
            broker.cancel(order_id, context.ts, phase)

    def _tell(self) -> None:
        """Tell what became of orders, until nothing new comes up."""
        context, strategy = self._context, self._strategy
        for count, news in enumerate(self._broker.news.drain()):
            if count >= _MOST_EVENTS_AT_ONCE:
                raise StrategyError(
                    f"more than {_MOST_EVENTS_AT_ONCE} events at {context.now}: its orders lead to orders"
                )
            self._told += 1
            if isinstance(news, Trade):
                context.booked(news)
                context.begin(f"trade:{news.id}")
                strategy.on_trade(context, news)
            else:
                context.heard(news)
                context.begin(f"order:{self._told}")
                strategy.on_order(context, news)
            self._take()

    def _stop(self) -> None:
        """The run ends: cancels are carried out, orders asked for are not sent."""
        self._context.begin("stop")
        self._strategy.on_stop(self._context)
        _asked, withdrawn = self._context.take()
        for order_id in withdrawn:
            self._broker.cancel(order_id, self._context.ts, phase_at(time_of_ms(self._context.ts)))
        self._tell()
