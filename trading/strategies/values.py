"""What a strategy is shown: bars, quotes, and its own orders, fills and holdings. Values that nobody changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from qmt.gateway import PriceType, Side

FloatArray = npt.NDArray[np.float64]

FIELDS: Final = ("open", "high", "low", "close", "volume", "amount")
"""Columns of a bar. Prices in CNY, volume in shares, amount in CNY."""
COLUMN: Final = {name: number for number, name in enumerate(FIELDS)}


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed bar of one symbol, as paid (raw). `ts`: epoch milliseconds, Shanghai midnight for a daily bar."""

    symbol: str
    period: str
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    amount: float


class Bars(Mapping[str, Bar]):
    """Every bar that closed at one instant: ``bars["600519.SH"].close``, or a whole column at once.

    Parameters
    ----------
    period, ts
        Of all of them.
    index : mapping of str to int
        Row of each symbol of the run, in the order of `Context.symbols`.
    values : array of shape (symbols, 6)
        `FIELDS` of each symbol; a row of NaN where it has no bar at this instant (suspended, not listed).
    """

    __slots__ = ("_index", "_values", "period", "ts")

    def __init__(self, period: str, ts: int, index: Mapping[str, int], values: FloatArray) -> None:
        self.period = period
        self.ts = ts
        self._index = index
        self._values = values

    def __getitem__(self, symbol: str) -> Bar:
        row = self._values[self._index[symbol]].tolist()
        if row[3] != row[3]:
            raise KeyError(symbol)
        return Bar(symbol, self.period, self.ts, *row)

    def __iter__(self) -> Iterator[str]:
        closes = self._values[:, COLUMN["close"]].tolist()
        return (symbol for symbol, row in self._index.items() if closes[row] == closes[row])

    def __len__(self) -> int:
        return int(np.count_nonzero(~np.isnan(self._values[:, COLUMN["close"]])))

    def column(self, field: str) -> FloatArray:
        """One field of all symbols, in the order of `Context.symbols`; NaN where there is no bar. Read only."""
        return self._values[:, COLUMN[field]]


@dataclass(frozen=True, slots=True)
class Tick:
    """One pushed quote. `volume` (shares) and `amount` (CNY) are the day's so far; bids and asks best first."""

    symbol: str
    ts: int
    last: float
    volume: int
    amount: float
    bids: tuple[tuple[float, int], ...] = ()
    asks: tuple[tuple[float, int], ...] = ()


class OrderState(StrEnum):
    """How far an order has got.

    REQUESTED: asked for, not at the broker yet (it may wait for a session, or for somebody's approval). WORKING: at the
    broker, perhaps filled in part. FILLED, CANCELLED (by the strategy, a person, the end of the trade date), REFUSED (by a
    limit of ours, or by the broker: see `Order.code`) are final. UNKNOWN: the broker's answer is missing; it is being
    looked for, and is never sent again.
    """

    REQUESTED = "REQUESTED"
    WORKING = "WORKING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL: Final = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REFUSED})


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the strategy as it stands.

    Attributes
    ----------
    id
        What `Context.buy` returned. Orders asked for in the same event of the same run have the same id wherever it runs.
    price
        Limit in CNY; None for the kinds that leave it to the market.
    reason
        Which rule of the strategy asked for it; profit is attributed by it.
    filled
        Shares so far.
    code
        Why it was refused or ended, from the platform's codes; empty otherwise.
    """

    id: str
    symbol: str
    side: Side
    quantity: int
    price_type: PriceType
    price: Decimal | None
    reason: str
    state: OrderState = OrderState.REQUESTED
    filled: int = 0
    average_price: Decimal = Decimal(0)
    code: str = ""

    @property
    def open_quantity(self) -> int:
        """Shares that may still be filled."""
        return 0 if self.state.is_final else self.quantity - self.filled


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill of an order of the strategy. `price` and `fees` in CNY, `ts` on the market's clock."""

    id: str
    order_id: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    fees: Decimal
    ts: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """What the strategy holds of one symbol.

    `sellable`: on the trade date that an order asked for now is valid for (T+1), less what an open sale offers already. `average_price`: moving average paid per
    share in CNY, fees included.
    """

    symbol: str
    quantity: int = 0
    sellable: int = 0
    average_price: Decimal = Decimal(0)
