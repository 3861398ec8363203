"""A terminal for tests: bars in, faults on demand, every call recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd

from marketdata.quotes.periods import date_ts, ts_date
from marketdata.services.axis import minute_labels
from ops.clocks import SHANGHAI, MarketClock
from qmt.calendar import Phase, phase_at
from qmt.errors import DownloadFailed, QueryFailed, TerminalDown
from qmt.gateway import (
    ClockReading,
    DividendFactor,
    DownloadProgress,
    InstrumentDetail,
    Period,
    ProgressCallback,
    Quote,
    QuoteCallback,
)
from tests.marketdata.fake_reference import FakeReference

COLUMNS = (
    "time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "amount",
    "pre_close",
    "suspended",
)

# A week of trading and the Monday after it; 2023-03-20 is the open day of most tests.
WEEK = tuple(date(2023, 3, day) for day in (13, 14, 15, 16, 17))
TODAY = date(2023, 3, 20)


def bars(rows: Iterable[tuple[int, float, float, float, float, int]]) -> pd.DataFrame:
    """Bars from (ts, open, high, low, close, volume); amount and previous close follow."""
    frame = pd.DataFrame(rows, columns=["time", "open", "high", "low", "close", "volume"])
    frame["amount"] = (frame["close"] * frame["volume"]).round(2)
    frame["pre_close"] = frame["close"].shift(1).fillna(frame["open"])
    frame["suspended"] = np.int8(0)
    return frame[list(COLUMNS)]


def day_bars(days: Sequence[date], *, price: float = 10.0, volume: int = 24_100) -> pd.DataFrame:
    """One bar a day, a cent higher each day."""
    return bars(
        (
            date_ts(day),
            round(price + 0.01 * index, 4),
            round(price + 0.01 * index + 0.05, 4),
            round(price + 0.01 * index - 0.05, 4),
            round(price + 0.01 * index, 4),
            volume,
        )
        for index, day in enumerate(days)
    )


def minute_bars(day: date, *, price: float = 10.0, volume: int = 100) -> pd.DataFrame:
    """A full day of 241 equal minutes."""
    midnight = date_ts(day)
    return bars((midnight + int(label), price, price, price, price, volume) for label in minute_labels())


def padding(stamps: Iterable[int], *, price: float = 10.0) -> pd.DataFrame:
    """What a terminal fills in where nothing landed."""
    frame = bars((stamp, price, price, price, price, 0) for stamp in stamps)
    frame["suspended"] = np.int8(1)
    return frame


def clock_at(text: str, *, host: str = "sim", trade_date: date | None = None) -> MarketClock:
    """A market clock at `YYYY-MM-DD HH:MM:SS` Shanghai time."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    day = trade_date or moment.date()
    phase = phase_at(moment.time()) if moment.date() == day else Phase.CLOSED
    return MarketClock(host, day, phase, moment, True, moment, False)


@dataclass
class FakeTerminal:
    """Implements `qmt.gateway.QuoteGateway` over frames given by a test.

    Attributes
    ----------
    source
        What the terminal could deliver, by (symbol, period code).
    downloads
        Every download call: symbols, period code, start, end.
    fail
        Errors for the next download calls; None lets one through.
    landing_reads
        So many reads after a download still show nothing: data that lands slowly.
    padded
        Symbols whose next reads bring nothing but padding, with the number of reads.
    """

    source: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    days: Sequence[date] = (*WEEK, TODAY)
    details: dict[str, InstrumentDetail] = field(default_factory=dict)
    events: dict[str, list[DividendFactor]] = field(default_factory=dict)
    sector_lists: dict[str, list[str]] = field(default_factory=dict)
    downloads: list[tuple[tuple[str, ...], str, str, str]] = field(default_factory=list)
    fail: list[Exception | None] = field(default_factory=list)
    landing_reads: int = 0
    padded: dict[str, int] = field(default_factory=dict)
    down: bool = False
    reading: ClockReading | None = None
    reference: FakeReference = field(default_factory=FakeReference)
    _landed: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)

    def put(self, symbol: str, period: str, frame: pd.DataFrame) -> None:
        """Add bars to what the terminal can deliver."""
        known = self.source.get((symbol, period))
        parts = [frame] if known is None else [known, frame]
        self.source[symbol, period] = pd.concat(parts, ignore_index=True)

    # ------------------------------------------------------------------------ gateway
    def connect(self, address: str) -> None:
        if self.down:
            raise TerminalDown("the terminal is not running")

    def close(self) -> None:
        pass

    def is_alive(self) -> bool:
        return not self.down

    def download(
        self,
        symbols: Sequence[str],
        period: Period,
        start: str,
        end: str,
        on_progress: ProgressCallback | None = None,
        deadline_seconds: float = 600.0,
    ) -> None:
        if self.down:
            raise TerminalDown("there is no quote link")
        self.downloads.append((tuple(symbols), str(period), start[:8], end[:8]))
        error = self.fail.pop(0) if self.fail else None
        landing = list(symbols[: len(symbols) // 2]) if error else list(symbols)
        for number, symbol in enumerate(landing, 1):
            self._landed.setdefault((symbol, str(period)), []).append((_ms(start), _ms(end)))
            if on_progress is not None:
                on_progress(DownloadProgress(number, len(symbols), symbol, ""))
        if error is not None:
            raise error

    def read_local(self, symbols: Sequence[str], period: Period, start: str, end: str) -> dict[str, pd.DataFrame]:
        if self.down:
            raise TerminalDown("there is no quote link")
        low, high = _ms(start), _ms(end)
        hidden = self.landing_reads > 0
        self.landing_reads -= hidden
        found = {}
        for symbol in symbols:
            frame = self.source.get((symbol, str(period)), pd.DataFrame(columns=list(COLUMNS)))
            windows = [] if hidden else self._landed.get((symbol, str(period)), [])
            keep = np.zeros(len(frame), dtype=bool)
            for first, last in windows:
                keep |= frame["time"].between(max(first, low), min(last, high)).to_numpy(bool)
            if self.padded.get(symbol, 0) > 0:
                self.padded[symbol] -= 1
                found[symbol] = padding(date_ts(day) for day in self.days if low <= date_ts(day) <= high)
            else:
                found[symbol] = frame[keep].reset_index(drop=True)
        return found

    def read_ticks(self, symbols: Sequence[str], start: str, end: str) -> dict[str, pd.DataFrame]:
        return {}

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentDetail]:
        return [self.details[symbol] for symbol in symbols if symbol in self.details]

    def sectors(self) -> list[str]:
        return list(self.sector_lists)

    def sector_members(self, name: str) -> list[str]:
        if name not in self.sector_lists:
            raise QueryFailed(f"the terminal has no sector {name!r}")
        return self.sector_lists[name]

    def trading_days(self, market: str, start: str, end: str) -> list[date]:
        return [day for day in self.days if start <= f"{day:%Y%m%d}" <= end]

    def holidays(self) -> list[date]:
        return [date(2023, 1, 2)]

    def factors(self, symbol: str) -> list[DividendFactor]:
        return self.events.get(symbol, [])

    def full_tick(self, symbols: Sequence[str]) -> dict[str, Quote]:
        return {}

    def subscribe_quotes(self, targets: Sequence[str], callback: QuoteCallback) -> int:
        return 1

    def subscribe_ticks(self, symbol: str, callback: QuoteCallback) -> int:
        return 1

    def unsubscribe(self, handle: int) -> None:
        pass

    def market_clock(self) -> ClockReading:
        if self.down or self.reading is None:
            raise TerminalDown("there is no quote link")
        return self.reading


def failed(message: str = "server busy") -> DownloadFailed:
    return DownloadFailed(message)


def detail(symbol: str, **changes: object) -> InstrumentDetail:
    """Facts of a main-board share on `TODAY`."""
    facts: dict[str, object] = {
        "symbol": symbol,
        "name": "贵州茅台",
        "kind": "stock",
        "trade_date": TODAY,
        "list_date": date(2001, 8, 27),
        "delist_date": None,
        "pre_close": Decimal("10.00"),
        "limit_up": Decimal("11.00"),
        "limit_down": Decimal("9.00"),
        "tick": Decimal("0.01"),
        "volume_unit": 100,
        "suspended": False,
        "tradable": True,
        "min_limit_quantity": 100,
        "max_limit_quantity": 1_000_000,
        "min_market_quantity": 100,
        "max_market_quantity": 1_000_000,
        "float_volume": 0,
        "total_volume": 0,
    }
    return InstrumentDetail(**(facts | changes))  # type: ignore[arg-type]


def _ms(bound: str) -> int:
    moment = datetime.strptime(bound, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    return int(moment.timestamp() * 1000)


def dates_of(stamps: Iterable[int]) -> list[date]:
    return [ts_date(int(stamp)) for stamp in stamps]
