"""The context of a live run: what the strategy sees, and what it asked for in the present event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from trading.strategies.book import VirtualBook
from trading.strategies.choices import Level
from trading.strategies.interface import Context, Order, Position, StrategyError, Trade
from trading.strategies.runtime.history import History
from trading.strategies.values import FloatArray

MAX_LINES_PER_EVENT = 20
MAX_TEXT = 500
MAX_STATE_BYTES = 256 * 1024


@dataclass(slots=True)
class Asked:
    """What one handler asked for.

    Attributes
    ----------
    refused
        Code by id of the orders that the virtual book does not allow.
    """

    orders: list[Order] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    cancels: list[str] = field(default_factory=list)
    lines: list[tuple[Level, str, dict[str, Any]]] = field(default_factory=list)


class LiveContext(Context):
    """A run's context; `session` moves it on."""

    def __init__(
        self, *, symbols: tuple[str, ...], period: str, warm_up: int, book: VirtualBook, history: History
    ) -> None:
        super().__init__(symbols=symbols, period=period, warm_up=warm_up)
        self.book = book
        self.bars = history
        self.asked = Asked()
        self._open: dict[str, Order] = {}
        self._refused: set[str] = set()
        self._now: datetime | None = None

    # --- for the session
    def enter(self, event: str, now: datetime) -> None:
        """The next event. Its moment never lies before the one of the last."""
        self.begin(event)
        self.asked = Asked()
        self._now = now if self._now is None else max(now, self._now)

    def leave(self) -> tuple[Asked, dict[str, Any]]:
        """What the handler asked for, and the state it leaves, as JSON has it.

        Raises
        ------
        StrategyError
            The state is no JSON, or too large.
        """
        try:
            text = json.dumps(self.state, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise StrategyError(f"context.state is no JSON: {error}") from None
        if len(text) > MAX_STATE_BYTES:
            raise StrategyError(f"context.state takes {len(text):,} bytes, at most {MAX_STATE_BYTES:,}")
        self.state = json.loads(text)
        return self.asked, self.state

    def know(self, order: Order) -> None:
        """An order as it stands now; final ones are forgotten."""
        if order.state.is_final:
            self._open.pop(order.id, None)
            self._refused.discard(order.id)
        else:
            self._open[order.id] = order

    def filled(self, trade: Trade) -> None:
        """Book a fill, and count it on its order."""
        self.book.apply(trade)
        order = self._open.get(trade.order_id)
        if order is not None:
            self._open[order.id] = replace(order, filled=order.filled + trade.quantity)

    # --- for the strategy
    @property
    def now(self) -> datetime:
        if self._now is None:
            raise RuntimeError("no event has begun")
        return self._now

    def read_history(self, symbol: str, count: int, field: str) -> FloatArray:
        return self.bars.read(symbol, count, field, self.trade_date)

    def read_panel(self, count: int, field: str) -> FloatArray:
        return self.bars.panel(count, field, self.trade_date)

    @property
    def cash(self) -> Decimal:
        return self.book.free_cash(self._possible(), self.bars.prices)

    @property
    def equity(self) -> Decimal:
        return self.book.equity(self.bars.prices)

    @property
    def positions(self) -> Mapping[str, Position]:
        return self.book.positions(self._possible())

    @property
    def orders(self) -> Mapping[str, Order]:
        return dict(self._open)

    def log(self, message: str, **facts: Any) -> None:
        self.write(Level.INFO, message, facts)

    def write(self, level: Level, message: str, facts: Mapping[str, Any]) -> None:
        """A line of the run's log; of one event the first twenty are kept."""
        if len(self.asked.lines) < MAX_LINES_PER_EVENT:
            kept = {str(name)[:40]: _plain(value) for name, value in list(facts.items())[:20]}
            self.asked.lines.append((level, str(message)[:MAX_TEXT], kept))

    def place(self, order: Order) -> None:
        code = self.book.refusal(order, self._possible(), self.bars.prices)
        if code:
            self.asked.refused[order.id] = code
            self._refused.add(order.id)
        self.asked.orders.append(order)
        self._open[order.id] = order

    def withdraw(self, order_id: str) -> None:
        self.asked.cancels.append(order_id)

    def _possible(self) -> list[Order]:
        """Open orders that may still trade."""
        return [order for key, order in self._open.items() if key not in self._refused]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)[:200]
