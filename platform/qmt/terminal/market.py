"""What the exchange core and the quote server need from a market, seeded or replayed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from qmt.calendar import Phase, TradingCalendar
from qmt.reference import FinancialTable
from qmt.terminal.types import CorporateAction, DayFacts, Instrument, Tick

if TYPE_CHECKING:
    from qmt.terminal.tape import Depth, TapeRow

BarArray = npt.NDArray[np.void]
"""Structured array of ``BAR_DTYPE``, ``TICK_DTYPE`` or ``FACTOR_DTYPE``."""


class Basis(StrEnum):
    """What the history's prices are."""

    RAW = "raw"
    FRONT_ADJUSTED = "front_adjusted"


class MarketError(Exception):
    """The market's source cannot be used. The text is one sentence for a person."""


class LiveDay(Protocol):
    """One live day as the exchange matches on it. Prices in thousandths of a yuan, sizes in shares; slots are asked for in order."""

    @property
    def rows(self) -> Sequence[TapeRow]:
        """Instruments listed on that day."""

    @property
    def index(self) -> Mapping[str, int]:
        """Position of a symbol among the rows."""

    def slot_at(self, now_ms: int) -> int:
        """Last slot that has happened; −1 before the first."""

    def slot_time(self, slot: int) -> int:
        """Epoch milliseconds of a slot."""

    def is_auction_slot(self, position: int, slot: int) -> bool:
        """Whether the slot is the match of a call auction for this instrument."""

    def trades_in(self, position: int, slot: int) -> bool:
        """Whether the instrument can trade in a slot."""

    def phase_for(self, position: int, phase: Phase) -> Phase:
        """The market's phase as it holds for one instrument."""

    def price(self, position: int, slot: int) -> int:
        """Last price; the reference price before the open."""

    def volume_in(self, position: int, slot: int) -> int:
        """Shares the market traded in one slot."""

    def depth(self, position: int, slot: int) -> Depth:
        """Displayed book of one instrument after a slot."""

    def depths(self, positions: Sequence[int], slot: int) -> list[Depth]:
        """Displayed books of some instruments after a slot."""

    def snapshot(self, symbols: Sequence[str], now_ms: int) -> dict[str, Tick]:
        """Level-1 snapshots of the known symbols."""


class Market(Protocol):
    """A source of instruments, history and today's price paths.

    A market is a pure function of its source: it holds no clock. Whoever asks says how late it is (``now_ms``), and nothing
    later than that is shown: the live day is the gradual reveal of a path that becomes tomorrow's history unchanged.
    """

    @property
    def kind(self) -> str:
        """``seeded``, ``replayed`` or ``fed``."""

    @property
    def identity(self) -> str:
        """Short text that differs when the source differs: state of one market is never used with another."""

    @property
    def basis(self) -> Basis:
        """What the history's prices are. The live day is always raw."""

    @property
    def interpolated(self) -> bool:
        """Whether minutes and ticks of the history were made up from day bars."""

    @property
    def history_refusal(self) -> str:
        """Why it has no history, in words for the client; blank when it has."""

    @property
    def calendar(self) -> TradingCalendar:
        """The trading days."""

    @property
    def history_start(self) -> dt.date:
        """First day of the history."""

    def first_session(self, wall_date: dt.date) -> dt.date:
        """Trade date of a new terminal's first live day."""

    def instruments(self) -> Sequence[Instrument]:
        """Every instrument, in a fixed order."""

    def instrument(self, symbol: str) -> Instrument | None:
        """One instrument; None when the market has no such symbol."""

    def day_facts(self, symbol: str, day: dt.date) -> DayFacts | None:
        """Reference price, limits, suspension of one date; None when not listed then or unknown."""

    def sectors(self, day: dt.date | None = None) -> Mapping[str, Sequence[str]]:
        """Symbols per sector name (板块) on a day; without one, whoever is a member at any time."""

    def index_weights(self, symbol: str, day: dt.date | None = None) -> Mapping[str, float]:
        """Per cent per constituent on a day; empty for anything but a weighted index."""

    def financials(self, symbol: str, table: FinancialTable, until: dt.date) -> Sequence[Mapping[str, Any]]:
        """Rows of a financial table announced up to a day, in the native module's fields; empty when the source has none."""

    def bond_facts(self, symbol: str, day: dt.date) -> Mapping[str, Any]:
        """Terms of a convertible bond; empty when the source has none."""

    def basket_records(self, market: str, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """Creation baskets of a market's funds, under the SDK's field numbers; empty when the source has none."""

    def new_issues(self, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """New issues announced up to a day, in the fields of ``get_ipo_info``; empty when the source has none."""

    def factors(self, symbol: str) -> BarArray:
        """Ex-rights rows (``FACTOR_DTYPE``), oldest first."""

    def corporate_actions(self, day: dt.date) -> Sequence[CorporateAction]:
        """Actions whose ex-date is ``day``."""

    def bars(self, symbol: str, period: str, start_ms: int, end_ms: int, *, now_ms: int) -> BarArray:
        """Bars of ``1d``, ``5m`` or ``1m`` with start ≤ time ≤ end, as known at ``now_ms``.

        Today's daily bar and the minute in progress are there, incomplete. A suspended day has a daily bar without volume
        (``suspendFlag`` 1) and no minutes; a day that a file lacks has nothing. An unknown symbol gives an empty array, an
        unknown period raises ValueError.
        """

    def ticks(self, symbol: str, day: dt.date, *, now_ms: int) -> BarArray:
        """Snapshots (``TICK_DTYPE``) of one day, one every three seconds of trading."""

    def snapshot(self, symbols: Sequence[str], *, now_ms: int) -> dict[str, Tick]:
        """Latest snapshot per known symbol. Suspended instruments have one too, with their last close."""

    def tape(self, day: dt.date) -> LiveDay:
        """The prices of all instruments for a live day (the exchange matches on it)."""


def state_file_name(market: Market) -> str:
    """Name of the state file a market's terminal keeps: each market has its own.

    Switching a terminal from the seeded market to a replayed file, and back, continues each where it stopped.
    """
    if market.kind == "seeded":
        return "exchange.sqlite3"
    return f"exchange-{blake2b(market.identity.encode(), digest_size=5).hexdigest()}.sqlite3"
