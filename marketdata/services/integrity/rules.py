"""The checks themselves: pure functions over the bars of one stored stretch of one instrument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from marketdata.choices import FindingSeverity, IntegrityCheck
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.periods import Int64Array, Period, day_date, day_numbers, time_of_day_ms
from qmt import rules
from qmt.codes import Board
from qmt.money import milli_of

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

PRICES = ("open", "high", "low", "close")
EXAMPLES = 5
# The narrowest limit of any board and time is 5%; bars that stay well within it need no exact calculation.
_QUIET = 0.045
# Front-adjusted prices are rounded one by one to four decimals.
_ADJUSTED_ROUNDING = 1.5e-4
_FACTOR_TOLERANCE = 0.002
_AMOUNT_TOLERANCE = 1e-3
_LISTING_DAYS = 5

_SEVERITY = {
    IntegrityCheck.AMOUNT_OUTSIDE_PRICES: FindingSeverity.INFO,
    IntegrityCheck.OFF_TICK: FindingSeverity.INFO,
    IntegrityCheck.FACTOR_DIFFERS: FindingSeverity.WARNING,
    IntegrityCheck.DAY_INCOMPLETE: FindingSeverity.WARNING,
    IntegrityCheck.DAY_DIFFERS: FindingSeverity.WARNING,
    IntegrityCheck.OPEN_MISSING: FindingSeverity.WARNING,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The instrument that a stretch belongs to.

    Attributes
    ----------
    first_days
        Day numbers of the first trading days after the listing, which have limits of their own or none.
    volume_unit
        Shares in one lot of the terminal's bars: how far rounded volumes may be off.
    """

    instrument_id: int
    board: Board
    tick: Decimal
    volume_unit: int = 100
    is_st: bool = False
    first_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a stretch is compared with.

    Attributes
    ----------
    calendar
        Trading days, ascending day numbers, from before the stretch's first day on.
    is_raw
        The history's prices are raw. Front-adjusted prices lie off tick and have no visible ex-dates: what needs raw ones is left out.
    labels
        Stamps of a full day of minutes, in ms after midnight; empty for daily bars.
    factors
        `dr` per ex-date's day number.
    proven
        Days that are proven to have no bar (daily), or fewer minutes than a full day.
    before
        The last stored bar before the stretch: its day number and close; None when there is none.
    daily
        The same instrument's daily bars, for a stretch of minutes.
    first_open_day
        Days from this number on are not final.
    """

    calendar: Int64Array
    is_raw: bool
    labels: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    factors: Mapping[int, float] = field(default_factory=dict)
    proven: frozenset[int] = frozenset()
    before: tuple[int, float] | None = None
    daily: QuoteColumns | None = None
    first_open_day: int = 1 << 40


@dataclass(frozen=True, slots=True)
class Hit:
    """One check that some bars of a stretch do not pass."""

    check: IntegrityCheck
    start: date
    end: date
    rows: int
    facts: dict[str, Any]

    @property
    def severity(self) -> FindingSeverity:
        """How much it matters; what is not known to be harmless is severe."""
        return _SEVERITY.get(self.check, FindingSeverity.SEVERE)


def check_stretch(bars: QuoteColumns, period: Period, subject: Subject, around: Surroundings) -> list[Hit]:
    """Everything that is wrong with one stretch, or odd about it."""
    if not len(bars):
        return []
    hits = list(_rows(bars, period, subject, around))
    if period is Period.DAY_1:
        hits += _days(bars, subject, around)
    else:
        hits += _sums(bars, period, subject, around)
    return hits


# ------------------------------------------------------------------------------ single bars
def _rows(bars: QuoteColumns, period: Period, subject: Subject, around: Surroundings) -> Iterator[Hit]:
    ts = bars.ts
    days = day_numbers(ts)
    opens, high, low, close = (bars.values[name] for name in PRICES)
    volume, amount = bars.values["volume"], np.where(bars.null_mask("amount"), 0.0, bars.values["amount"])
    slack = 0.0 if around.is_raw else _ADJUSTED_ROUNDING
    first_zero = (opens == 0) & (high > 0) & (low > 0) & (close > 0)
    masks: dict[IntegrityCheck, BoolArray] = {
        IntegrityCheck.DUPLICATE: np.concatenate([[False], ts[1:] == ts[:-1]]),
        IntegrityCheck.NON_TRADING_DAY: ~np.isin(days, around.calendar),
        IntegrityCheck.OFF_SESSION: (
            ~np.isin(time_of_day_ms(ts), around.labels) if len(around.labels) else np.zeros(len(ts), np.bool_)
        ),
        IntegrityCheck.OPEN_MISSING: first_zero,
        IntegrityCheck.PRICE_NOT_POSITIVE: ~first_zero
        & np.logical_or.reduce([bars.values[name] <= 0 for name in PRICES]),
        IntegrityCheck.NEGATIVE_VOLUME: (volume < 0) | (amount < 0),
        IntegrityCheck.OHLC_ORDER: ~first_zero
        & ((low > np.minimum(opens, close) + slack) | (high < np.maximum(opens, close) - slack)),
    }
    if around.is_raw:
        # Adjusted prices do not match what was paid, nor the tick: four in ten bars would be reported for nothing.
        tick = float(subject.tick)
        masks[IntegrityCheck.AMOUNT_OUTSIDE_PRICES] = _amount_outside(subject, volume, amount, low, high)
        masks[IntegrityCheck.OFF_TICK] = np.logical_or.reduce(
            [np.abs(bars.values[name] / tick - np.rint(bars.values[name] / tick)) > 1e-6 for name in PRICES]
        )
    for check, mask in masks.items():
        if mask.any():
            yield _hit(check, bars, period, mask)


def _amount_outside(subject: Subject, volume: Any, amount: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    """Where amount / volume lies outside of low and high, by more than the rounding of a price and of the volume."""
    traded = (volume > 0) & (amount > 0)
    average = np.divide(amount, volume, out=np.zeros(len(amount)), where=traded)
    of_volume = np.divide(subject.volume_unit / 2 * high, volume, out=np.zeros(len(amount)), where=traded)
    slack = np.maximum(float(subject.tick) / 2, high * 1e-4) + of_volume
    result: BoolArray = traded & ((average < low - slack) | (average > high + slack))
    return result


# -------------------------------------------------------------------------------- day by day
def _days(bars: QuoteColumns, subject: Subject, around: Surroundings) -> Iterator[Hit]:
    """Limits and factors: what needs the close before each bar. Nothing of it holds for front-adjusted prices."""
    if not around.is_raw:
        return
    days = day_numbers(bars.ts)
    close = bars.values["close"]
    tick = float(subject.tick)
    earlier = np.concatenate([[around.before[1] if around.before else np.nan], close[:-1]])
    adjacent = _adjacent(days, around)
    stated = np.where(bars.null_mask("pre_close"), np.nan, bars.values["pre_close"])
    known = adjacent & np.isfinite(earlier) & np.isfinite(stated) & (earlier > 0) & (stated > 0)
    has_factor = np.isin(days, np.fromiter(around.factors, np.int64, len(around.factors)))
    moved = known & (np.abs(stated - earlier) > 0.5 * tick)
    if (missing := moved & ~has_factor).any():
        yield _hit(IntegrityCheck.FACTOR_MISSING, bars, Period.DAY_1, missing, close_before=earlier)
    told = np.array([around.factors.get(int(day), np.nan) for day in days])
    with np.errstate(divide="ignore", invalid="ignore"):
        implied = earlier / stated
        differs = known & has_factor & (np.abs(told / implied - 1) > _FACTOR_TOLERANCE)
    differs &= np.abs(earlier / np.where(has_factor, told, 1.0) - stated) > tick
    if differs.any():
        yield _hit(IntegrityCheck.FACTOR_DIFFERS, bars, Period.DAY_1, differs, close_before=earlier, factor=told)
    reference = np.where(np.isfinite(stated) & (stated > 0), stated, np.where(has_factor | ~adjacent, np.nan, earlier))
    beyond = _beyond(bars, days, reference, subject)
    if beyond.any():
        yield _hit(IntegrityCheck.BEYOND_LIMITS, bars, Period.DAY_1, beyond, reference=reference)


def _adjacent(days: Int64Array, around: Surroundings) -> BoolArray:
    """Whether nothing unknown lies between each bar and the one before: the next trading day, or proven holes between."""
    before = np.concatenate([[around.before[0] if around.before else -1], days[:-1]])
    places, earlier = np.searchsorted(around.calendar, days), np.searchsorted(around.calendar, before)
    result: BoolArray = (before >= 0) & (places - earlier == 1)
    for at in np.flatnonzero((before >= 0) & (places - earlier > 1)):
        between = around.calendar[earlier[at] + 1 : places[at]]
        result[at] = all(int(day) in around.proven for day in between)
    return result


def _beyond(bars: QuoteColumns, days: Int64Array, reference: FloatArray, subject: Subject) -> BoolArray:
    high, low, volume = bars.values["high"], bars.values["low"], bars.values["volume"]
    tick = float(subject.tick)
    result: BoolArray = np.zeros(len(days), np.bool_)
    with np.errstate(invalid="ignore"):
        candidates = (volume > 0) & ((high > reference * (1 + _QUIET)) | (low < reference * (1 - _QUIET)))
    for at in np.flatnonzero(candidates):
        if int(days[at]) in subject.first_days:
            continue
        limits = _widest(float(reference[at]), day_date(int(days[at])), subject)
        if limits is not None:
            result[at] = high[at] > limits[0] + tick / 2 or low[at] < limits[1] - tick / 2
    return result


def _widest(reference: float, day: date, subject: Subject) -> tuple[float, float] | None:
    """Limits of a day, the wider ones where the past is not known: whether a share was ST then, what a fund holds."""
    found = [
        rules.price_limits(
            round(reference * 1000),
            board=subject.board,
            day=day,
            tick_milli=milli_of(subject.tick),
            is_st=is_st,
            is_wide_fund=subject.board is Board.ETF,
        )
        for is_st in {False, subject.is_st}
    ]
    if any(limits is None for limits in found):
        return None
    ups = [limits.up_milli for limits in found if limits is not None]
    downs = [limits.down_milli for limits in found if limits is not None]
    return max(ups) / 1000, min(downs) / 1000


# ------------------------------------------------------------------------- minutes and their day
def _sums(bars: QuoteColumns, period: Period, subject: Subject, around: Surroundings) -> Iterator[Hit]:
    days = day_numbers(bars.ts)
    unique, starts, counts = np.unique(days, return_index=True, return_counts=True)
    closed = unique < around.first_open_day
    proven = np.isin(unique, np.fromiter(around.proven, np.int64, len(around.proven)))
    short = closed & ~proven & (counts < len(around.labels))
    if short.any():
        yield _day_hit(
            IntegrityCheck.DAY_INCOMPLETE,
            unique[short],
            {"bars": counts[short].tolist()[:EXAMPLES], "expected": len(around.labels)},
        )
    if around.daily is None or not len(around.daily):
        return
    daily_days = day_numbers(around.daily.ts)
    place = np.clip(np.searchsorted(daily_days, unique), 0, len(daily_days) - 1)
    whole = closed & (daily_days[place] == unique) & ((counts >= len(around.labels)) | proven)
    summed = {
        "high": np.maximum.reduceat(bars.values["high"], starts),
        "low": np.minimum.reduceat(bars.values["low"], starts),
        "close": bars.values["close"][starts + counts - 1],
        "volume": np.add.reduceat(bars.values["volume"], starts),
        "amount": np.add.reduceat(np.where(bars.null_mask("amount"), 0.0, bars.values["amount"]), starts),
    }
    tick = float(subject.tick) / 2 if around.is_raw else 1e-3
    for name, values in summed.items():
        told = around.daily.values[name][place]
        slack: Any = tick if name in PRICES else subject.volume_unit if name == "volume" else _AMOUNT_TOLERANCE * told
        wrong = whole & (np.abs(values - told) > slack)
        if name == "amount":
            wrong &= ~around.daily.null_mask("amount")[place]
        if wrong.any():
            yield _day_hit(
                IntegrityCheck.DAY_DIFFERS,
                unique[wrong],
                {
                    "column": name,
                    "minutes": _plain(values[wrong][:EXAMPLES]),
                    "day": _plain(told[wrong][:EXAMPLES]),
                },
            )
            return


# ------------------------------------------------------------------------------------- facts
def _hit(check: IntegrityCheck, bars: QuoteColumns, period: Period, mask: BoolArray, **more: FloatArray) -> Hit:
    rows = np.flatnonzero(mask)
    days = day_numbers(bars.ts[rows])
    examples = [_example(bars, period, int(row), more) for row in rows[:EXAMPLES]]
    return Hit(
        check,
        day_date(int(days.min())),
        day_date(int(days.max())),
        len(rows),
        {"of": len(bars), "days": len(np.unique(days)), "examples": examples},
    )


def _example(bars: QuoteColumns, period: Period, row: int, more: Mapping[str, FloatArray]) -> dict[str, Any]:
    ts = int(bars.ts[row])
    shown: dict[str, Any] = {"date": day_date(int(day_numbers(ts))).isoformat()}
    if period is not Period.DAY_1:
        minute = int(time_of_day_ms(ts)) // 60_000
        shown["time"] = f"{minute // 60:02d}:{minute % 60:02d}"
    for name in (*PRICES, "volume", "amount", "pre_close"):
        shown[name] = None if bars.null_mask(name)[row] else _plain(bars.values[name][row])
    return shown | {name: _plain(values[row]) for name, values in more.items()}


def _day_hit(check: IntegrityCheck, days: Int64Array, facts: dict[str, Any]) -> Hit:
    shown = [day_date(int(day)).isoformat() for day in days[:EXAMPLES]]
    return Hit(
        check,
        day_date(int(days.min())),
        day_date(int(days.max())),
        len(days),
        {"days": len(days), "dates": shown, **facts},
    )


def _plain(value: Any) -> Any:
    """As JSON holds it: NaN is null, a float without the noise of binary fractions."""
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value]
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, float):
        return round(number, 6) if np.isfinite(number) else None
    return number


def first_days_of(board: Board, list_date: date | None, calendar: Int64Array) -> frozenset[int]:
    """Day numbers of the trading days after a listing on which the usual limits do not hold."""
    if list_date is None:
        return frozenset()
    row = rules.first_days_row(board, list_date)
    listed = (list_date - date(1970, 1, 1)).days
    at = int(np.searchsorted(calendar, listed))
    return frozenset(int(day) for day in calendar[at : at + (row.days if row else _LISTING_DAYS)])
