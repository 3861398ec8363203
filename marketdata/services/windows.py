"""Which download calls fetch a set of missing ranges: few calls, little beside what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marketdata.config import get_marketdata_config
from marketdata.quotes.periods import Int64Array, Period, buckets, day_start_ts
from marketdata.services.axis import bars_per_day

# Groups a range is compared with: enough to find its like, few enough for thousands of single days.
_LOOK_BACK = 50


@dataclass(frozen=True, slots=True)
class Window:
    """One download call: instruments, first and last trading day (day numbers)."""

    instrument_ids: tuple[int, ...]
    first: int
    last: int


def plan_windows(ranges: Mapping[int, list[tuple[int, int]]], period: Period, calendar: Int64Array) -> list[Window]:
    """Group missing ranges into calls.

    Parameters
    ----------
    ranges
        Missing (first, last) day numbers per instrument id.
    calendar
        Trading days that cover all ranges, ascending.

    Notes
    -----
    Ranges that overlap by at least half of what they span together share a call. A call is bounded by symbols and by
    expected bars: long ranges are cut along the calendar, oldest part first.
    """
    config = get_marketdata_config()
    members: dict[tuple[int, int], set[int]] = {}
    for instrument_id, pairs in ranges.items():
        for pair in pairs:
            members.setdefault(pair, set()).add(instrument_id)
    groups: list[tuple[tuple[int, int], set[int]]] = []
    for pair in sorted(members):
        for index in range(len(groups) - 1, max(len(groups) - _LOOK_BACK, 0) - 1, -1):
            span, owners = groups[index]
            if _overlap(span, pair) >= 0.5:
                grown = (min(span[0], pair[0]), max(span[1], pair[1]))
                groups[index] = (grown, owners | members[pair])
                break
        else:
            groups.append((pair, members[pair]))
    per_day = bars_per_day(period)
    windows = []
    for (first, last), group in groups:
        days = calendar[np.searchsorted(calendar, first) : np.searchsorted(calendar, last, "right")]
        ids = sorted(group)
        for at in range(0, len(ids), config.repair.batch_symbols):
            part = tuple(ids[at : at + config.repair.batch_symbols])
            step = max(config.repair.batch_rows // (per_day * len(part)), 1)
            windows += [Window(part, int(days[low]), int(days[high - 1])) for low, high in _cuts(days, step, period)]
    return windows


def _cuts(days: Int64Array, step: int, period: Period) -> list[tuple[int, int]]:
    """Positions [low, high) of windows of about `step` days, ending with a segment's bucket where one ends near.

    A bucket that two windows share is packed twice; one that ends a little later is worth a quarter more rows.
    """
    ends = np.flatnonzero(np.diff(buckets(period, day_start_ts(days)))) + 1
    cuts, low = [], 0
    while low < len(days):
        near = ends[(ends > low + step - step // 4) & (ends <= low + step + step // 4)]
        high = int(near[-1]) if len(near) else low + step
        if low + step >= len(days):
            high = len(days)
        cuts.append((low, min(high, len(days))))
        low = high
    return cuts


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = min(one[1], other[1]) - max(one[0], other[0]) + 1
    together = max(one[1], other[1]) - min(one[0], other[0]) + 1
    return shared / together
