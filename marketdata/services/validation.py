"""Checks between the terminal's answer and the store.

Two kinds of trouble. A *rejected* row is not data: it is dropped, counted by reason, and its day stays missing. A
*finding* is data that looks wrong: it is stored as the source delivered it and reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketdata.quotes.periods import Int64Array, Period, day_numbers, time_of_day_ms

PRICES = ("open", "high", "low", "close")
BoolArray = npt.NDArray[np.bool_]
PriceTest = Callable[[npt.NDArray[np.float64]], BoolArray]


class Trouble(StrEnum):
    """What can be wrong with a row; the first ones reject it, the last ones are findings."""

    NOT_FINITE = "NOT_FINITE"
    NON_TRADING_DAY = "NON_TRADING_DAY"
    OFF_SESSION = "OFF_SESSION"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    PADDING = "PADDING"
    CONTRADICTING_DUPLICATE = "CONTRADICTING_DUPLICATE"
    OPEN_MISSING = "OPEN_MISSING"
    PRICE_NOT_POSITIVE = "PRICE_NOT_POSITIVE"
    NEGATIVE_VOLUME = "NEGATIVE_VOLUME"
    OHLC_ORDER = "OHLC_ORDER"

    OFF_TICK = "OFF_TICK"
    AMOUNT_OUTSIDE_PRICES = "AMOUNT_OUTSIDE_PRICES"


@dataclass(frozen=True, slots=True)
class Checks:
    """What a frame is measured against.

    Attributes
    ----------
    days
        Trading days that were asked for, ascending day numbers.
    labels
        Allowed stamps within a day, ms after midnight, ascending: 0 for daily bars.
    tick
        Price tick for the off-tick finding; None switches the price findings off (front-adjusted history, where
        prices lie off tick and amounts do not match them).
    """

    period: Period
    days: Int64Array
    labels: Int64Array
    tick: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CheckedFrame:
    """The rows that may be stored, in time order, and what was wrong with the others.

    Attributes
    ----------
    row_count
        How many those are; stays when the rows themselves are let go.
    span
        First and last day (numbers) of the rows that may be stored; None without any.
    all_padding
        Rows came, and every one was padding: nothing had really landed.
    doubtful_days
        Days of which a row was rejected, and no good row is left: neither data nor proof of a hole.
    suspended_days
        Those of the doubtful days on which every row said "suspended". Padding says that too, so it is not proof yet.
    between_days
        Those of the suspended days with real bars before and after them in this very frame: what landed around them
        shows that they are no padding.
    filled
        Rows came for days without trading: the terminal filled this frame in, and nothing in it proves a suspension.
    """

    rows: pd.DataFrame
    row_count: int = 0
    rejected: Counter[Trouble] = field(default_factory=Counter)
    findings: Counter[Trouble] = field(default_factory=Counter)
    span: tuple[int, int] | None = None
    all_padding: bool = False
    doubtful_days: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    suspended_days: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    between_days: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    filled: bool = False

    def without_rows(self) -> CheckedFrame:
        """The verdict alone: a year of minutes must not be kept once it is stored."""
        # A copy: an empty view would hold the memory of what it is a view of.
        return replace(self, rows=self.rows.iloc[:0].copy())


def check_bars(frame: pd.DataFrame, checks: Checks) -> CheckedFrame:
    """Sort the rows of one instrument into data, rejects and findings.

    Parameters
    ----------
    frame
        As `QuoteGateway.read_local` returns it: time (ms), OHLC, volume (shares), amount (CNY), pre_close, suspended.
    """
    if frame.empty:
        return CheckedFrame(frame)
    # Stable: of two equal stamps the first delivered comes first.
    frame = frame.sort_values("time", kind="stable", ignore_index=True)
    rejected: Counter[Trouble] = Counter()
    good = np.ones(len(frame), dtype=np.bool_)

    def reject(trouble: Trouble, rows: BoolArray) -> None:
        hit = rows & good
        if hit.any():
            rejected[trouble] += int(hit.sum())
            good[hit] = False

    stamps = frame["time"].to_numpy(np.int64)
    days = day_numbers(stamps)
    reject(Trouble.NOT_FINITE, ~_finite(frame))
    reject(Trouble.OUT_OF_RANGE, (days < _first(checks.days)) | (days > _last(checks.days)))
    reject(Trouble.NON_TRADING_DAY, ~np.isin(days, checks.days))
    reject(Trouble.OFF_SESSION, ~np.isin(time_of_day_ms(stamps), checks.labels))
    padding = _padding(frame)
    all_padding = bool(padding[good].all()) if good.any() else bool(padding.any())
    suspended = padding & (frame["suspended"].to_numpy() == 1)
    asked = np.isin(days, checks.days)
    reject(Trouble.PADDING, padding)
    reject(Trouble.OPEN_MISSING, _open_missing(frame))
    reject(Trouble.PRICE_NOT_POSITIVE, _any_price(frame, lambda p: p <= 0))
    reject(Trouble.NEGATIVE_VOLUME, _negative_volume(frame))
    reject(Trouble.OHLC_ORDER, _ohlc_disorder(frame))
    repeated, contradicting = _duplicates(frame, stamps, good)
    reject(Trouble.CONTRADICTING_DUPLICATE, contradicting)
    good &= ~repeated
    rows = frame[good].reset_index(drop=True)
    suspended_days = np.setdiff1d(days[asked & suspended], days[asked & ~suspended])
    between = suspended_days[:0]
    if good.any():
        between = suspended_days[(suspended_days > days[good].min()) & (suspended_days < days[good].max())]
    return CheckedFrame(
        rows=rows,
        row_count=len(rows),
        span=(int(days[good][0]), int(days[good][-1])) if good.any() else None,
        rejected=rejected,
        findings=_findings(rows, checks),
        all_padding=all_padding,
        doubtful_days=np.setdiff1d(days[asked & ~good & ~repeated], days[good]),
        suspended_days=suspended_days,
        between_days=between,
        filled=rejected[Trouble.NON_TRADING_DAY] > 0,
    )


def _first(days: Int64Array) -> int:
    return int(days[0]) if len(days) else 1


def _last(days: Int64Array) -> int:
    return int(days[-1]) if len(days) else 0


def _finite(frame: pd.DataFrame) -> BoolArray:
    good: BoolArray = np.ones(len(frame), dtype=np.bool_)
    for name in (*PRICES, "volume"):
        good &= np.isfinite(frame[name].to_numpy(np.float64))
    for name in ("amount", "pre_close"):
        # NaN here means "not delivered" and is stored as NULL; infinity is nonsense.
        good &= ~np.isinf(frame[name].to_numpy(np.float64))
    return good


def _padding(frame: pd.DataFrame) -> BoolArray:
    """Rows the terminal makes up: nothing traded and it says suspended, or there is no price at all.

    A flat bar without volume is not enough: a minute at limit-up without a trade looks the same.
    """
    volume = frame["volume"].to_numpy()
    suspended = frame["suspended"].to_numpy() == 1
    blank = _all_prices(frame, lambda p: p == 0)
    result: BoolArray = (volume == 0) & (suspended | blank)
    return result


def _open_missing(frame: pd.DataFrame) -> BoolArray:
    """Rows whose open alone is 0: vendors' files have such stretches, and no true open can be made of the rest."""
    opens, high, low, close = (frame[name].to_numpy(np.float64) for name in PRICES)
    result: BoolArray = (opens == 0) & (high > 0) & (low > 0) & (close > 0)
    return result


def _any_price(frame: pd.DataFrame, test: PriceTest) -> BoolArray:
    result: BoolArray = np.zeros(len(frame), dtype=np.bool_)
    for name in PRICES:
        result |= test(frame[name].to_numpy(np.float64))
    return result


def _all_prices(frame: pd.DataFrame, test: PriceTest) -> BoolArray:
    result: BoolArray = np.ones(len(frame), dtype=np.bool_)
    for name in PRICES:
        result &= test(frame[name].to_numpy(np.float64))
    return result


def _negative_volume(frame: pd.DataFrame) -> BoolArray:
    amount = np.nan_to_num(frame["amount"].to_numpy(np.float64))
    result: BoolArray = (frame["volume"].to_numpy() < 0) | (amount < 0)
    return result


def _ohlc_disorder(frame: pd.DataFrame) -> BoolArray:
    opens, high, low, close = (frame[name].to_numpy(np.float64) for name in PRICES)
    result: BoolArray = (low > np.minimum(opens, close)) | (high < np.maximum(opens, close))
    return result


def _duplicates(frame: pd.DataFrame, stamps: Int64Array, good: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Rows repeating an earlier equal one, and all rows of a stamp whose rows differ."""
    repeated: BoolArray = np.zeros(len(frame), dtype=np.bool_)
    contradicting: BoolArray = np.zeros(len(frame), dtype=np.bool_)
    kept = np.flatnonzero(good)
    same_stamp = np.flatnonzero(stamps[kept[1:]] == stamps[kept[:-1]])
    if not same_stamp.size:
        return repeated, contradicting
    candidates = frame.iloc[kept]
    for stamp in np.unique(stamps[kept[same_stamp]]):
        rows = kept[stamps[kept] == stamp]
        values = candidates.loc[rows, [*PRICES, "volume", "amount"]]
        if len(values.drop_duplicates()) == 1:
            repeated[rows[1:]] = True
        else:
            contradicting[rows] = True
    return repeated, contradicting


def _findings(rows: pd.DataFrame, checks: Checks) -> Counter[Trouble]:
    findings: Counter[Trouble] = Counter()
    if checks.tick is None or rows.empty:
        return findings
    tick = float(checks.tick)
    off_tick = _any_price(rows, lambda p: np.abs(p / tick - np.rint(p / tick)) > 1e-6)
    volume = rows["volume"].to_numpy(np.float64)
    amount = rows["amount"].to_numpy(np.float64)
    low, high = rows["low"].to_numpy(np.float64), rows["high"].to_numpy(np.float64)
    # One tick of slack: the amount is rounded by the terminal, and fills lie within [low, high].
    outside = (volume > 0) & ((amount < (low - tick) * volume) | (amount > (high + tick) * volume))
    for trouble, hit in ((Trouble.OFF_TICK, off_tick), (Trouble.AMOUNT_OUTSIDE_PRICES, outside)):
        if hit.any():
            findings[trouble] = int(hit.sum())
    return findings
