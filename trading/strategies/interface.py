"""What an author of a strategy imports. Pure Python: no Django, no database, no network, no clock of its own.

A strategy is a class with handlers. Whoever runs it (the back-test, the runner of paper and live accounts) makes one
object, and calls the handlers with a `Context`. **The same object, given the same events, decides the same**, because
what follows is fixed for every runner:

*Only through the context.* Time, data, positions, cash, orders and the log come from the context. A strategy that reads
the wall clock, random numbers without a seed of its own, files or the network decides differently the next time.

*Events, one at a time.* Handlers are never called at the same time, nor one inside another. Whatever a handler asks for
takes effect after it has returned; a handler that raises has asked for nothing.

*Closed bars only.* `on_bar` is called once for each instant at which bars of the run's period close, with every bar that
closed then, and history ends with those. A bar that is still open is never shown. `context.now` is that instant on the
market's clock: the stamp of a minute bar (its right edge), 15:00 of its trade date for a daily bar. Bars show the prices
that were paid (raw); history is front-adjusted as of `context.trade_date`, so that no later ex-date leaks into it.

*Orders are requested, results are events.* `buy`, `sell` and `cancel` return at once; what the market made of it arrives
as `on_trade` and `on_order`. A refusal (by a limit, by the broker) is an `on_order` with state REFUSED and its code, never
an exception. Orders are valid for one trade date: the present one, or the next one when they are asked for after the
close (as every decision on a daily bar is). What is not filled by its end is CANCELLED.

*Order of events.* What happened before an instant is told before the bar of that instant. A fill is told before the order
event it led to, and `context.position` contains it already.

*The virtual book.* Positions and cash are the strategy's own: its capital, changed by the fills of its orders, nobody
else's, and by ex-dates. A purchase beyond the free money is refused (CASH_INSUFFICIENT). Shares bought today are sellable on the next trade date where the market says so (T+1).

*State.* The object lives as long as its process. What has to survive a restart belongs in `context.state`, a dictionary
of JSON values that is stored with every event: state, order requests and the place in the event sequence are one unit,
so that after a crash an event either has happened with all it asked for, or not at all. `on_start` is called whenever an
object starts, with `context.state` as it was.

Prices of bars and ticks are float64: for analysis. Prices and money that decide (orders, fills, cash) are Decimal, in CNY;
quantities are shares, integers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

import numpy as np

from qmt.gateway import PriceType, Side
from trading.strategies.parameters import (
    Amount,
    Choice,
    Flag,
    Integer,
    Number,
    Parameter,
    ParameterError,
    parameters_of,
)
from trading.strategies.values import (
    COLUMN,
    FIELDS,
    Bar,
    Bars,
    FloatArray,
    Order,
    OrderState,
    Position,
    Tick,
    Trade,
)

__all__ = [
    "Amount",
    "Bar",
    "Bars",
    "Choice",
    "Context",
    "Flag",
    "Integer",
    "Number",
    "Order",
    "OrderState",
    "Parameter",
    "ParameterError",
    "Position",
    "PriceType",
    "Side",
    "Strategy",
    "StrategyError",
    "Tick",
    "Trade",
]

PERIODS: Final = ("1m", "5m", "1d")
MAX_REASON_LENGTH: Final = 32


class StrategyError(Exception):
    """The strategy asked for something that no market could do: a symbol it does not follow, no shares, a float price.

    It is raised where it was asked, and ends the run when the strategy does not handle it.
    """


class Context(ABC):
    """All that a strategy sees of the world. Runners derive from it; authors only use it.

    Runners call `begin` before each event. Requests are checked here, so that the same mistake is the same error
    everywhere, and handed to `place` and `withdraw`, which keep them until the handler has returned.

    Parameters
    ----------
    symbols, period
        Of the run.
    warm_up
        `Strategy.warm_up`: how far back it may look.
    """

    def __init__(self, *, symbols: tuple[str, ...], period: str, warm_up: int) -> None:
        self.symbols = symbols
        """The symbols of the run, in the order of every column and panel."""
        self.period = period
        """Period of the run's bars: ``1m``, ``5m`` or ``1d``."""
        self.state: dict[str, Any] = {}
        """JSON values that survive a restart."""
        self._followed = frozenset(symbols)
        self._warm_up = warm_up
        self._event = ""
        self._asked = 0

    def begin(self, event: str) -> None:
        """Name the event whose handler is about to be called (runners only): ids of orders follow from it.

        Parameters
        ----------
        event
            Unique in the run: `bar_event` for bars, so that back-test and live agree.
        """
        self._event = event
        self._asked = 0

    # --- time

    @property
    @abstractmethod
    def now(self) -> datetime:
        """Instant of the event on the market's clock; aware, Asia/Shanghai."""

    @property
    def trade_date(self) -> date:
        """Trade date of the event."""
        return self.now.date()

    # --- data

    def history(self, symbol: str, count: int, field: str = "close") -> FloatArray:
        """The last closed bars of one symbol, oldest first, the newest included.

        Parameters
        ----------
        count
            From 1 to the strategy's `warm_up`: looking back further would see more on history than on a fresh live run.
        field
            One of `FIELDS`.

        Returns
        -------
        array of shape (≤ count,)
            Prices front-adjusted as of `trade_date`; instants at which the symbol has no bar are left out. Fewer than
            `count` when fewer are known. Read only.

        Raises
        ------
        StrategyError
            A symbol that is not followed, a count beyond `warm_up`, an unknown field.
        """
        if symbol not in self._followed:
            raise StrategyError(f"{symbol!r} is not one of the run's symbols")
        self._check_reach(count, field)
        return self.read_history(symbol, count, field)

    def panel(self, count: int, field: str = "close") -> FloatArray:
        """The last closed bars of all symbols, side by side.

        Returns
        -------
        array of shape (≤ count, symbols)
            One row per instant at which any symbol has a bar, oldest first; NaN where one has none. Prices front-adjusted as
            of `trade_date`. Read only.

        Raises
        ------
        StrategyError
            As `history`.
        """
        self._check_reach(count, field)
        return self.read_panel(count, field)

    @abstractmethod
    def read_history(self, symbol: str, count: int, field: str) -> FloatArray:
        """What `history` returns, for arguments that were checked (runners only)."""

    @abstractmethod
    def read_panel(self, count: int, field: str) -> FloatArray:
        """What `panel` returns, for arguments that were checked (runners only)."""

    def _check_reach(self, count: int, field: str) -> None:
        if not 0 < count <= self._warm_up:
            raise StrategyError(f"{count} bars are beyond the strategy's warm_up of {self._warm_up}")
        if field not in COLUMN:
            raise StrategyError(f"{field!r} is none of {', '.join(FIELDS)}")

    # --- the virtual book

    @property
    @abstractmethod
    def cash(self) -> Decimal:
        """The strategy's free money: capital and proceeds, less purchases and what open purchases may still take."""

    @property
    @abstractmethod
    def equity(self) -> Decimal:
        """Money (also what open purchases hold back) and holdings at the newest closed bars' prices."""

    @property
    @abstractmethod
    def positions(self) -> Mapping[str, Position]:
        """Holdings by symbol; sold-out ones are not there."""

    @property
    @abstractmethod
    def orders(self) -> Mapping[str, Order]:
        """The strategy's orders that are not final yet, by id, oldest first, those of this event included."""

    def position(self, symbol: str) -> Position:
        """The holding of a symbol; an empty one when there is none."""
        return self.positions.get(symbol) or Position(symbol)

    # --- requests

    def buy(
        self,
        symbol: str,
        quantity: int | np.integer[Any],
        *,
        price: Decimal | None = None,
        price_type: PriceType | None = None,
        reason: str = "",
    ) -> str:
        """Ask for a purchase of `quantity` shares.

        Parameters
        ----------
        price
            Limit in CNY, on the instrument's tick; a Decimal. Without one the order goes at the latest price.
        price_type
            LIMIT with a price and LATEST without one, when omitted.
        reason
            Which rule asks, at most 32 characters; profit is attributed by it.

        Returns
        -------
        str
            The order's id. Whether it may be had is told by `on_order`.

        Raises
        ------
        StrategyError
            Not a request for an order at all.
        """
        return self._ask(symbol, Side.BUY, quantity, price, price_type, reason)

    def sell(
        self,
        symbol: str,
        quantity: int | np.integer[Any],
        *,
        price: Decimal | None = None,
        price_type: PriceType | None = None,
        reason: str = "",
    ) -> str:
        """Ask for a sale; as `buy`. A strategy sells what its virtual book holds: more is refused (SELLABLE_INSUFFICIENT)."""
        return self._ask(symbol, Side.SELL, quantity, price, price_type, reason)

    def cancel(self, order_id: str) -> None:
        """Ask for a cancel. An order that has ended, or that nobody knows, is left alone."""
        if order_id in self.orders:
            self.withdraw(order_id)

    @abstractmethod
    def log(self, message: str, **facts: Any) -> None:
        """Write a line to the run's log, stamped with `now`."""

    @abstractmethod
    def place(self, order: Order) -> None:
        """Keep a new order until the handler has returned (runners only)."""

    @abstractmethod
    def withdraw(self, order_id: str) -> None:
        """Keep a wish to cancel until the handler has returned (runners only)."""

    def _ask(
        self,
        symbol: str,
        side: Side,
        quantity: int | np.integer[Any],
        price: Decimal | None,
        price_type: PriceType | None,
        reason: str,
    ) -> str:
        if symbol not in self._followed:
            raise StrategyError(f"{symbol!r} is not one of the run's symbols")
        if not _is_quantity(quantity):
            raise StrategyError(f"quantity {quantity!r}: shares are a positive whole number")
        if price is not None and not _is_price(price):
            raise StrategyError(f"price {price!r}: a limit is a positive Decimal")
        kind = price_type or (PriceType.LATEST if price is None else PriceType.LIMIT)
        if kind is PriceType.LIMIT and price is None:
            raise StrategyError("a limit order needs its price")
        if kind is PriceType.LATEST and price is not None:
            raise StrategyError("an order at the latest price has no price of its own")
        if len(reason) > MAX_REASON_LENGTH:
            raise StrategyError(f"reason {reason!r}: at most {MAX_REASON_LENGTH} characters")
        self._asked += 1
        order = Order(
            id=f"{self._event}/{self._asked}",
            symbol=symbol,
            side=side,
            quantity=int(quantity),
            price_type=kind,
            price=price,
            reason=reason,
        )
        self.place(order)
        return order.id


def _is_quantity(value: object) -> bool:
    """Authors are not obliged to check types; numpy's integers are what columns lead to."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) > 0


def _is_price(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value > 0


def bar_event(period: str, ts: int) -> str:
    """Name of the event of bars closing (see `Context.begin`)."""
    return f"{period}:{ts}"


class Strategy:
    """Base class of strategies. Derive, declare, override what you need; see the module's text for what is fixed.

    Parameters
    ----------
    values
        Parameters as JSON has them; the declared defaults otherwise.

    Raises
    ------
    ParameterError
        A parameter is unknown, of another type, or out of range.
    """

    name: ClassVar[str] = ""
    """Its name in the catalogue, given when it is loaded: that of its file or entry point."""
    title: ClassVar[str] = ""
    """What people read in lists."""
    periods: ClassVar[tuple[str, ...]] = PERIODS
    """Periods it can run on."""
    wants_ticks: ClassVar[bool] = False
    """Whether `on_tick` is called at all: on paper and live only, where quotes are pushed."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A default out of its own range fails where it is written."""
        super().__init_subclass__(**kwargs)
        for parameter in cls.parameters().values():
            parameter.parse(parameter.default)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        declared = self.parameters()
        for name, value in (values or {}).items():
            if name not in declared:
                raise ParameterError(name, f"unknown; declared are {', '.join(declared) or 'none'}")
            declared[name].assign(self, value)

    @classmethod
    def parameters(cls) -> dict[str, Parameter[Any]]:
        """The declared parameters by name, in order of declaration."""
        return parameters_of(cls)

    def values(self) -> dict[str, Any]:
        """All parameters as JSON has them, defaults included."""
        return {name: parameter.plain(getattr(self, name)) for name, parameter in self.parameters().items()}

    @property
    def warm_up(self) -> int:
        """Closed bars it looks back at most, the newest included. As many are read before the first `on_bar`."""
        return 0

    def on_start(self, context: Context) -> None:
        """The object starts: at the beginning of a run, and after each restart of its process."""

    def on_bar(self, context: Context, bars: Bars) -> None:
        """Bars have closed."""

    def on_tick(self, context: Context, tick: Tick) -> None:
        """A quote was pushed (only with `wants_ticks`)."""

    def on_order(self, context: Context, order: Order) -> None:
        """One of its orders has changed its state."""

    def on_trade(self, context: Context, trade: Trade) -> None:
        """One of its orders was filled, in part or in whole."""

    def on_stop(self, context: Context) -> None:
        """The run is being stopped by a person or its schedule. Orders asked for here are not sent; cancels are."""
