"""Checks between the terminal's answer and the store.

Two kinds of trouble. A *rejected* row is not data: it is dropped, counted by reason, and its day stays missing. A
*finding* is data that looks wrong: it is stored as the source delivered it and reported.

Every rule is one pass over the bars of a whole window, all instruments at once; an instrument is looked at by itself only
where something was wrong with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from marketdata.quotes.columns import AnyArray, BoolArray, QuoteColumns
from marketdata.quotes.periods import DAY_MS, MINUTE_MS, Int64Array, day_numbers, time_of_day_ms
from marketdata.services.landed import PRICES, Landed

PriceTest = Callable[[AnyArray], BoolArray]


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
    """What bars are measured against.

    Attributes
    ----------
    days
        Trading days that were asked for, ascending day numbers.
    labels
        Allowed stamps within a day, ms after midnight, whole minutes: 0 for daily bars.
    ticks
        Price tick per instrument id for the findings about prices; they are not made of others (front-adjusted
        history, where prices lie off tick and amounts do not match them).
    volume_units
        What the terminal counts an instrument's volume in, in shares or bonds, per instrument id: volumes are rounded to it.
    """

    days: Int64Array
    labels: Int64Array
    ticks: Mapping[int, Decimal] = field(default_factory=dict)
    volume_units: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks found out about one instrument's rows.

    Attributes
    ----------
    row_count
        How many may be stored.
    span
        First and last day (numbers) of the rows that may be stored; None without any.
    all_padding
        Rows came, and every one was padding: nothing had really landed.
    doubtful_days
        Days of which a row was rejected, and no good row is left: neither data nor proof of a hole.
    suspended_days
        Those of the doubtful days on which every row said "suspended". Padding says that too, so it is not proof yet.
    between_days
        Those of the suspended days with real bars before and after them in this very answer: what landed around them
        shows that they are no padding.
    filled
        Rows came for days without trading: the terminal filled this answer in, and nothing in it proves a suspension.
    """

    row_count: int = 0
    rejected: Counter[Trouble] = field(default_factory=Counter)
    findings: Counter[Trouble] = field(default_factory=Counter)
    span: tuple[int, int] | None = None
    all_padding: bool = False
    doubtful_days: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    suspended_days: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    between_days: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows that may be stored, each instrument's in time order, and a verdict per instrument id that was read."""

    rows: QuoteColumns
    verdicts: Mapping[int, Verdict]


@dataclass(slots=True)
class _Sieve:
    """Rows that are still good, and how many of each instrument every rule rejected."""

    landed: Landed
    good: BoolArray
    rejected: dict[Trouble, Int64Array] = field(default_factory=dict)

    def reject(self, trouble: Trouble, rows: BoolArray) -> None:
        hit = rows & self.good
        if hit.any():
            self.rejected[trouble] = _count(self.landed, hit)
            self.good &= ~hit


def check_bars(landed: Landed, checks: Checks) -> Checked:
    """Sort what was read into data, rejects and findings."""
    columns = landed.columns
    days = day_numbers(columns["time"])
    sieve = _Sieve(landed, np.ones(len(landed), dtype=np.bool_))
    asked = _among(days, checks.days)
    sieve.reject(Trouble.NOT_FINITE, ~_finite(columns))
    sieve.reject(Trouble.OUT_OF_RANGE, (days < _first(checks.days)) | (days > _last(checks.days)))
    sieve.reject(Trouble.NON_TRADING_DAY, ~asked)
    sieve.reject(Trouble.OFF_SESSION, ~_on_label(columns["time"], checks.labels))
    padding, plausible = _padding(columns), sieve.good.copy()
    sieve.reject(Trouble.PADDING, padding)
    sieve.reject(Trouble.OPEN_MISSING, _open_missing(columns))
    sieve.reject(Trouble.PRICE_NOT_POSITIVE, _any_price(columns, lambda p: p <= 0))
    sieve.reject(Trouble.NEGATIVE_VOLUME, (columns["volume"] < 0) | (columns["amount"] < 0))
    sieve.reject(Trouble.OHLC_ORDER, _ohlc_disorder(columns))
    repeated, contradicting = _duplicates(landed, sieve.good)
    sieve.reject(Trouble.CONTRADICTING_DUPLICATE, contradicting)
    sieve.good &= ~repeated
    kept = landed.take(sieve.good)
    findings = _findings(kept, checks)
    verdicts: dict[int, Verdict] = {}
    bounds = landed.bounds().tolist()
    for place, instrument_id in enumerate(landed.instrument_ids.tolist()):
        here = slice(bounds[place], bounds[place + 1])
        good = sieve.good[here]
        if not good.size:
            verdicts[instrument_id] = Verdict()
            continue
        stored = days[here][good]
        facts: dict[str, Any] = {
            "row_count": len(stored),
            "span": (int(stored[0]), int(stored[-1])) if len(stored) else None,
            "findings": _counter(findings, place),
        }
        if not good.all():
            suspended = padding[here] & (columns["suspended"][here] == 1)
            facts |= _doubts(days[here], good, asked[here], suspended, repeated[here])
            facts["all_padding"] = _only_padding(padding[here], plausible[here])
            facts["rejected"] = _counter(sieve.rejected, place)
            facts["filled"] = facts["rejected"][Trouble.NON_TRADING_DAY] > 0
        verdicts[instrument_id] = Verdict(**facts)
    return Checked(kept.rows(), verdicts)


def _doubts(
    days: Int64Array, good: BoolArray, asked: BoolArray, suspended: BoolArray, repeated: BoolArray
) -> dict[str, Int64Array]:
    """Days of one instrument about which its rows leave doubt."""
    stored = days[good]
    silent = np.setdiff1d(days[asked & suspended], days[asked & ~suspended])
    between = silent[(silent > stored[0]) & (silent < stored[-1])] if len(stored) else silent[:0]
    doubtful = np.setdiff1d(days[asked & ~good & ~repeated], stored)
    return {"doubtful_days": doubtful, "suspended_days": silent, "between_days": between}


def _only_padding(padding: BoolArray, plausible: BoolArray) -> bool:
    return bool(padding[plausible].all()) if plausible.any() else bool(padding.any())


def _count(landed: Landed, rows: BoolArray) -> Int64Array:
    """Rows of a mask per instrument."""
    counts: Int64Array = np.bincount(landed.part[rows], minlength=landed.instrument_ids.size)
    return counts


def _counter(counts: Mapping[Trouble, Int64Array], place: int) -> Counter[Trouble]:
    return Counter({trouble: number for trouble, found in counts.items() if (number := int(found[place]))})


def _first(days: Int64Array) -> int:
    return int(days[0]) if len(days) else 1


def _last(days: Int64Array) -> int:
    return int(days[-1]) if len(days) else 0


def _among(days: Int64Array, wanted: Int64Array) -> BoolArray:
    """Which of the days are wanted ones, `wanted` ascending."""
    if not len(wanted):
        return np.zeros(len(days), dtype=np.bool_)
    place = np.minimum(np.searchsorted(wanted, days), len(wanted) - 1)
    result: BoolArray = wanted[place] == days
    return result


def _on_label(stamps: Int64Array, labels: Int64Array) -> BoolArray:
    """Which stamps stand on a label: by a table of a day's minutes, as sorting would cost more than all other checks."""
    minutes = np.zeros(DAY_MS // MINUTE_MS, dtype=np.bool_)
    minutes[labels // MINUTE_MS] = True
    of_day = time_of_day_ms(stamps)
    result: BoolArray = minutes[of_day // MINUTE_MS] & (of_day % MINUTE_MS == 0)
    return result


def _finite(columns: Mapping[str, AnyArray]) -> BoolArray:
    good = np.isfinite(columns["volume"])
    for name in PRICES:
        good &= np.isfinite(columns[name])
    for name in ("amount", "pre_close"):
        # NaN here means "not delivered" and is stored as NULL; infinity is nonsense.
        good &= ~np.isinf(columns[name])
    return good


def _padding(columns: Mapping[str, AnyArray]) -> BoolArray:
    """Rows the terminal makes up: nothing traded and it says suspended, or there is no price at all.

    A flat bar without volume is not enough: a minute at limit-up without a trade looks the same.
    """
    blank = np.ones(columns["volume"].size, dtype=np.bool_)
    for name in PRICES:
        blank &= columns[name] == 0
    result: BoolArray = (columns["volume"] == 0) & ((columns["suspended"] == 1) | blank)
    return result


def _open_missing(columns: Mapping[str, AnyArray]) -> BoolArray:
    """Rows whose open alone is 0: vendors' files have such stretches, and no true open can be made of the rest."""
    opens, high, low, close = (columns[name] for name in PRICES)
    result: BoolArray = (opens == 0) & (high > 0) & (low > 0) & (close > 0)
    return result


def _any_price(columns: Mapping[str, AnyArray], test: PriceTest) -> BoolArray:
    result: BoolArray = np.zeros(columns["time"].size, dtype=np.bool_)
    for name in PRICES:
        result |= test(columns[name])
    return result


def _ohlc_disorder(columns: Mapping[str, AnyArray]) -> BoolArray:
    opens, high, low, close = (columns[name] for name in PRICES)
    result: BoolArray = (low > np.minimum(opens, close)) | (high < np.maximum(opens, close))
    return result


def _duplicates(landed: Landed, good: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Good rows repeating an earlier equal one, and all good rows of a stamp whose rows differ."""
    repeated: BoolArray = np.zeros(len(landed), dtype=np.bool_)
    contradicting: BoolArray = np.zeros(len(landed), dtype=np.bool_)
    kept = np.flatnonzero(good)
    stamps, part = landed.columns["time"][kept], landed.part[kept]
    again = np.zeros(len(kept), dtype=np.bool_)
    again[1:] = (stamps[1:] == stamps[:-1]) & (part[1:] == part[:-1])
    if not again.any():
        return repeated, contradicting
    # Rows of one stamp stand together; they agree when each is like the one before it.
    differs = np.zeros(len(kept), dtype=np.bool_)
    for name in (*PRICES, "volume", "amount"):
        values = landed.columns[name][kept].astype(np.float64)
        both_absent = np.isnan(values[1:]) & np.isnan(values[:-1])
        differs[1:] |= (values[1:] != values[:-1]) & ~both_absent
    stamp_number = np.cumsum(~again)
    at_odds = np.isin(stamp_number, stamp_number[again & differs])
    contradicting[kept[at_odds]] = True
    repeated[kept[again & ~at_odds]] = True
    return repeated, contradicting


def _findings(kept: Landed, checks: Checks) -> dict[Trouble, Int64Array]:
    """Counts per instrument of rows that look wrong."""
    if not checks.ticks or not len(kept):
        return {}
    ticks = [float(checks.ticks.get(key, "nan")) for key in kept.instrument_ids.tolist()]
    # Nothing compares with NaN: an instrument without a tick has no finding.
    tick: npt.NDArray[np.float64] = np.array(ticks)[kept.part]
    columns = kept.columns
    off_tick = _any_price(columns, lambda p: np.abs(p / tick - np.rint(p / tick)) > 1e-6)
    volume, amount = columns["volume"], columns["amount"]
    # Fills lie within [low, high]; the terminal rounds amounts, hence a tick of slack, and volumes, hence half a unit.
    half = np.array([checks.volume_units.get(key, 0) / 2 for key in kept.instrument_ids.tolist()])[kept.part]
    low, high = (columns["low"] - tick) * (volume - half), (columns["high"] + tick) * (volume + half)
    outside = (volume > 0) & ((amount < low) | (amount > high))
    found = {Trouble.OFF_TICK: off_tick, Trouble.AMOUNT_OUTSIDE_PRICES: outside}
    return {trouble: _count(kept, rows) for trouble, rows in found.items() if rows.any()}
