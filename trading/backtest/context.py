"""The context of a back-test: what the strategy sees is what had happened by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marketdata.quotes.periods import day_date
from qmt.calendar import datetime_of_ms
from trading.backtest.days import DayBook, rounded_milli
from trading.backtest.lookback import Lookback
from trading.backtest.tape import Tape
from trading.strategies.book import VirtualBook
from trading.strategies.interface import Context, Order, Position, Trade
from trading.strategies.values import FIELDS, FloatArray

_CLOSE = FIELDS.index("close")
LOG_LINES = 2_000
"""Lines of its own that a run keeps; later ones are counted."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """What the strategy wrote."""

    ts: int
    message: str
    facts: dict[str, Any]


class NewestPrices(Mapping[str, Decimal]):
    """Closes of the newest bars shown, in CNY, as a live run has them: raw, whatever became of a suspended share since then."""

    def __init__(self, tape: Tape, lookback: Lookback, days: Mapping[str, DayBook]) -> None:
        self._tape, self._lookback, self._days = tape, lookback, days

    def milli(self, symbol: str, day: int) -> int:
        """Thousandths of a yuan on a day, through the ex-dates since the bar; 0 without a price."""
        newest = self._newest(symbol)
        if newest is None:
            return 0
        close, of_day = newest
        book = self._days[symbol]
        return book.carried(rounded_milli(close, book.tick(day)), of_day, day)

    def _newest(self, symbol: str) -> tuple[float, int] | None:
        position = self._tape.index[symbol]
        series, count = self._tape.series[position], self._lookback.bars_before(position)
        return (float(series.values[count - 1, _CLOSE]), int(series.days[count - 1])) if count else None

    def __getitem__(self, symbol: str) -> Decimal:
        newest = self._newest(symbol)
        if newest is None:
            raise KeyError(symbol)
        return Decimal(repr(newest[0]))

    def __iter__(self) -> Iterator[str]:
        return (symbol for symbol in self._tape.symbols if self._newest(symbol))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class BacktestContext(Context):
    """Context over a tape; the engine moves it, and takes what was asked after each handler.

    Parameters
    ----------
    book
        The run's own money and holdings, as far as the strategy has been told.
    """

    def __init__(self, *, tape: Tape, warm_up: int, book: VirtualBook, days: Mapping[str, DayBook]) -> None:
        super().__init__(symbols=tape.symbols, period=tape.period, warm_up=warm_up)
        self.book = book
        self._lookback = Lookback(tape)
        self.prices = NewestPrices(tape, self._lookback, days)
        self._open: dict[str, Order] = {}
        self._refused: dict[str, str] = {}
        self._asked_now: list[Order] = []
        self._withdrawn: list[str] = []
        self.lines: list[LogLine] = []
        self.lines_dropped = 0
        self._ts = 0
        self._date = date.min

    def move(self, *, rows: int, day: int, ts: int) -> None:
        """Stand at an instant of a trade date, with so many of the tape's instants shown (the engine only)."""
        self._lookback.move(rows, day)
        self._ts = ts
        self._date = day_date(day)

    @property
    def ts(self) -> int:
        """The instant in epoch ms."""
        return self._ts

    @property
    def now(self) -> datetime:
        return datetime_of_ms(self._ts)

    @property
    def trade_date(self) -> date:
        return self._date

    def read_history(self, symbol: str, count: int, field: str) -> FloatArray:
        return self._lookback.history(symbol, count, field)

    def read_panel(self, count: int, field: str) -> FloatArray:
        return self._lookback.panel(count, field)

    @property
    def cash(self) -> Decimal:
        return self.book.free_cash(self._possible(), self.prices)

    @property
    def equity(self) -> Decimal:
        return self.book.equity(self.prices)

    @property
    def positions(self) -> Mapping[str, Position]:
        return self.book.positions(self._possible())

    def position(self, symbol: str) -> Position:
        return self.book.position(symbol, self._possible())

    @property
    def orders(self) -> Mapping[str, Order]:
        return dict(self._open)

    def log(self, message: str, **facts: Any) -> None:
        if len(self.lines) < LOG_LINES:
            self.lines.append(LogLine(self._ts, str(message)[:500], facts))
        else:
            self.lines_dropped += 1

    def place(self, order: Order) -> None:
        code = self.book.refusal(order, self._possible(), self.prices)
        if code:
            self._refused[order.id] = code
        self._open[order.id] = order
        self._asked_now.append(order)

    def withdraw(self, order_id: str) -> None:
        self._withdrawn.append(order_id)

    def _possible(self) -> list[Order]:
        """Open orders that may still trade."""
        return [order for key, order in self._open.items() if key not in self._refused]

    # --- the engine only

    def take(self) -> tuple[list[tuple[Order, str]], list[str]]:
        """What was asked since the last time, with why the run's own book does not allow it, and what was withdrawn."""
        asked = [(order, self._refused.get(order.id, "")) for order in self._asked_now]
        withdrawn = self._withdrawn
        self._asked_now, self._withdrawn = [], []
        return asked, withdrawn

    def heard(self, order: Order) -> None:
        """The strategy is about to be told of an order."""
        if order.state.is_final:
            self._open.pop(order.id, None)
            self._refused.pop(order.id, None)
        else:
            self._open[order.id] = order

    def booked(self, trade: Trade) -> None:
        """The strategy is about to be told of a fill: its book has it, and the order is that much further."""
        self.book.apply(trade)
        order = self._open[trade.order_id]
        self._open[trade.order_id] = replace(order, filled=order.filled + trade.quantity)
