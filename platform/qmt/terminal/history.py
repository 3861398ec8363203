"""Reads of bars and ticks as a terminal answers them: from its disk or from its server, aligned and padded, adjusted.

Semantics follow the SDK's documentation of ``get_market_data``: bounds are closed, ``count`` −1 is everything, 0
nothing, n the last n; ``fill_data`` aligns to the trading axis, where a missing bar repeats the previous close with
volume 0.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from qmt.calendar import DAY_MS, date_of_ms, midnight_ms, to_ms
from qmt.terminal.faults import FaultAction, FaultPlan
from qmt.terminal.landed import LandedStore, Stretch
from qmt.terminal.market import BarArray, Basis, Market
from qmt.terminal.types import BAR_DTYPE, TICK_DTYPE

BAR_PERIODS: Final = ("1m", "5m", "1d")
TICK: Final = "tick"
TICK_DEPTH_DAYS: Final = 20
DIVIDEND_TYPES: Final = ("none", "front", "back", "front_ratio", "back_ratio")

_TIME: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?", re.ASCII)
_MINUTE_MS: Final = 60_000
_STEP_MS: Final = {"1m": _MINUTE_MS, "5m": 5 * _MINUTE_MS, "1d": 0}
_SESSION_STARTS: Final = (9 * 60 + 30, 13 * 60)  # minutes after midnight
_PRICES: Final = ("open", "high", "low", "close", "preClose")


class HistoryError(Exception):
    """The request cannot be answered; the text goes to the client."""


def bound_ms(text: str | int, *, upper: bool) -> int:
    """A bound as the SDK sends it (ms, ``YYYYMMDD``, ``YYYYMMDDHHMMSS`` or empty) in epoch milliseconds.

    Raises
    ------
    HistoryError
        For any other text.
    """
    if isinstance(text, int):
        return text
    if not text:
        return (1 << 62) if upper else 0
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        date = dt.date(int(match[1]), int(match[2]), int(match[3]))
        time = dt.time(int(match[4]), int(match[5]), int(match[6])) if match[4] else None
    except ValueError as error:
        raise HistoryError(f"not a time: {text!r}") from error
    if time is None:
        return midnight_ms(date) + (DAY_MS - 1 if upper else 0)
    return to_ms(date, time) + (999 if upper else 0)


def holes(text: str) -> list[tuple[int, int]]:
    """Bounds of the holes that an armed `HOLES` names. Raises `HistoryError`."""
    return [hole_bounds(part) for part in text.split(",") if part.strip()]


def hole_bounds(text: str) -> tuple[int, int]:
    """First and last instant of a hole: a day, two days with a dash between them, or one minute's right edge."""
    first, _, last = text.strip().partition("-")
    if len(first) == len("YYYYMMDDHHMM"):
        edge = bound_ms(f"{first}00", upper=False)
        return edge, edge
    return bound_ms(first, upper=False), bound_ms(last or first, upper=True)


class HistoryDesk:
    """Answers history reads from the market and the landed stretches.

    Parameters
    ----------
    guard : lock
        Held around each single read of the market, which the exchange core uses too.
    """

    def __init__(self, market: Market, landed: LandedStore, faults: FaultPlan, guard: threading.RLock) -> None:
        self._market = market
        self._landed = landed
        self._faults = faults
        self._guard = guard

    def bars(
        self,
        symbols: Sequence[str],
        period: str,
        start: str | int,
        end: str | int,
        *,
        count: int,
        dividend_type: str,
        fill: bool,
        from_server: bool,
        now_ms: int,
    ) -> dict[str, BarArray]:
        """Bars per symbol, oldest first; every asked symbol has an entry.

        Raises
        ------
        HistoryError
            Unknown period or adjustment, a malformed bound, or an adjustment of a history that is adjusted already.
        """
        self._require_history()
        if period not in BAR_PERIODS:
            raise HistoryError(f"period {period!r} is not simulated")
        if dividend_type not in DIVIDEND_TYPES:
            raise HistoryError(f"unknown dividend_type {dividend_type!r}")
        if dividend_type != "none" and self._market.basis is not Basis.RAW:
            raise HistoryError("FACTORS_UNAVAILABLE: the replayed history is already adjusted")
        first = bound_ms(start, upper=False)
        # The bar in progress carries its right edge, which lies ahead.
        last = min(bound_ms(end, upper=True), now_ms + _STEP_MS[period])
        found: dict[str, BarArray] = {}
        for symbol in symbols:
            rows = self._rows(symbol, period, first, last, from_server=from_server, now_ms=now_ms)
            if self._faults.take(symbol, FaultAction.PADDING) is not None:
                rows = _padded(rows, self._axis(symbol, period, first, last, saturdays=True))
            elif fill:
                rows = _padded(rows, self._axis(symbol, period, first, last))
            rows = adjusted(rows, self._factors(symbol), dividend_type)
            found[symbol] = _last(rows, count)
        return found

    def ticks(
        self, symbols: Sequence[str], start: str | int, end: str | int, *, count: int, from_server: bool, now_ms: int
    ) -> dict[str, BarArray]:
        """Ticks per symbol; symbols without any are left out. The server keeps the last `TICK_DEPTH_DAYS` days."""
        self._require_history()
        first, last = bound_ms(start, upper=False), min(bound_ms(end, upper=True), now_ms)
        found: dict[str, BarArray] = {}
        for symbol in symbols:
            if from_server:
                today = self._market.calendar.on_or_after(date_of_ms(now_ms))
                recent = self._market.calendar.between(today - dt.timedelta(days=2 * TICK_DEPTH_DAYS), today)
                stretches = [Stretch(midnight_ms(recent[-TICK_DEPTH_DAYS:][0]), now_ms, now_ms)]
            else:
                stretches = self._landed.stretches(symbol, TICK)
            rows = self._last_ticks(symbol, stretches, first, last, count)
            if len(rows):
                found[symbol] = rows
        return found

    def _require_history(self) -> None:
        if refusal := self._market.history_refusal:
            raise HistoryError(refusal)

    def _last_ticks(self, symbol: str, stretches: Sequence[Stretch], first: int, last: int, count: int) -> BarArray:
        """Ticks of the stretches, day by day from the newest, until there are enough."""
        days: list[BarArray] = []
        wanted = count if count >= 0 else 1 << 62
        for piece in reversed(stretches):
            low, high = max(first, piece.start_ms), min(last, piece.end_ms)
            if low > high:
                continue
            for day in reversed(self._market.calendar.between(date_of_ms(low), date_of_ms(high))):
                if wanted <= 0:
                    break
                days.append(self._day_ticks(symbol, day, low, high, piece.seen_ms))
                wanted -= len(days[-1])
        return _last(np.concatenate(days[::-1]) if days else np.empty(0, TICK_DTYPE), count)

    def _day_ticks(self, symbol: str, day: dt.date, low: int, high: int, seen_ms: int) -> BarArray:
        with self._guard:
            rows = self._market.ticks(symbol, day, now_ms=seen_ms)
        return rows[(rows["time"] >= low) & (rows["time"] <= high)]

    def _rows(self, symbol: str, period: str, first: int, last: int, *, from_server: bool, now_ms: int) -> BarArray:
        if from_server:
            with self._guard:
                return self._punched(symbol, self._market.bars(symbol, period, first, last, now_ms=now_ms))
        pieces = []
        for piece in self._landed.stretches(symbol, period):
            low, high = max(first, piece.start_ms), min(last, piece.end_ms)
            if low <= high:
                with self._guard:
                    pieces.append(self._market.bars(symbol, period, low, high, now_ms=piece.seen_ms))
        return self._punched(symbol, np.concatenate(pieces)) if pieces else np.empty(0, BAR_DTYPE)

    def _punched(self, symbol: str, rows: BarArray) -> BarArray:
        """Without what an armed `HOLES` says that the source lacks."""
        for fault in self._faults.standing(symbol, FaultAction.HOLES):
            for low, high in holes(fault.message):
                rows = rows[(rows["time"] < low) | (rows["time"] > high)]
        return rows

    def _factors(self, symbol: str) -> BarArray:
        with self._guard:
            return self._market.factors(symbol)

    def _axis(
        self, symbol: str, period: str, first: int, last: int, *, saturdays: bool = False
    ) -> npt.NDArray[np.int64]:
        instrument = self._market.instrument(symbol)
        if instrument is None:
            return np.empty(0, np.int64)
        from_day = max(date_of_ms(max(first, 0)), instrument.list_date, self._market.history_start)
        days = self._market.calendar.between(from_day, date_of_ms(last))
        if saturdays:
            days = sorted({*days, *(day + dt.timedelta(days=5 - day.weekday()) for day in days)})
        midnights = np.array([midnight_ms(day) for day in days], np.int64)
        stamps = midnights if period == "1d" else (midnights[:, None] + _minutes(period)[None, :]).ravel()
        return stamps[(stamps >= first) & (stamps <= last)]


def _minutes(period: str) -> npt.NDArray[np.int64]:
    """Right edges of a day's bars after midnight: 241 minutes with the auction's 09:30, or 48 five-minute bars that contain it."""
    step = int(period.removesuffix("m"))
    edges = [start + edge for start in _SESSION_STARTS for edge in range(step, 121, step)]
    if step == 1:
        edges.insert(0, _SESSION_STARTS[0])
    return np.array(edges, np.int64) * _MINUTE_MS


def _padded(rows: BarArray, axis: npt.NDArray[np.int64]) -> BarArray:
    """Rows for every stamp of the axis: missing ones flat at the previous close (0 before the first), volume 0, suspended."""
    missing = np.setdiff1d(axis, rows["time"], assume_unique=True)
    if not len(missing):
        return rows
    padding = np.zeros(len(missing), BAR_DTYPE)
    padding["time"] = missing
    padding["suspendFlag"] = 1
    before = np.searchsorted(rows["time"], missing) - 1
    close = np.where(before >= 0, rows["close"][before] if len(rows) else 0.0, 0.0)
    for price in _PRICES:
        padding[price] = close
    everything = np.concatenate([rows, padding])
    return everything[np.argsort(everything["time"], kind="stable")]


def _last(rows: BarArray, count: int) -> BarArray:
    if count < 0:
        return rows
    return rows[len(rows) - min(count, len(rows)) :]


def adjusted(rows: BarArray, factors: BarArray, dividend_type: str) -> BarArray:
    """Adjust raw bars for ex-rights events (复权), the newest or the oldest price staying as it was.

    ``*_ratio`` multiplies by the terminal's own ``dr``; the additive kinds apply each event's terms,
    price → (price − interest + allotNum × allotPrice) / (1 + stockBonus + stockGift + allotNum), in sequence.
    """
    if dividend_type == "none" or not len(factors) or not len(rows):
        return rows
    made = rows.copy()
    forward = dividend_type.startswith("front")
    for event in factors if forward else factors[::-1]:
        affected = rows["time"] < event["time"] if forward else rows["time"] >= event["time"]
        share = 1.0 + event["stockBonus"] + event["stockGift"] + event["allotNum"]
        money = event["allotNum"] * event["allotPrice"] - event["interest"]
        for price in _PRICES:
            # A day's previous close is stated in that day's own terms, so on the ex-date it is adjusted with the day.
            if dividend_type == "front_ratio":
                made[price][affected] /= event["dr"]
            elif dividend_type == "back_ratio":
                made[price][affected] *= event["dr"]
            elif forward:
                made[price][affected] = (made[price][affected] + money) / share
            else:
                made[price][affected] = made[price][affected] * share - money
    return made
