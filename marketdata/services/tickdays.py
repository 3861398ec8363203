"""Which days of ticks are whole.

Ticks have no axis to count against: how many there are is the market's business. But each carries the day's volume so far, so a
day is whole when its last tick has the daily bar's volume. A day without a daily bar, proven by evidence, has no ticks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from marketdata.models import Instrument
from marketdata.quotes.periods import Int64Array, Period, day_date, day_numbers, day_start_ts
from marketdata.quotes.reader import read_bars
from marketdata.services.axis import first_open_day
from marketdata.services.evidence import evidence_in_force
from marketdata.services.gaps import find_gaps
from ops.clocks import MarketClock

_DAY_MS = 86_400_000


def missing_tick_days(
    instruments: Sequence[Instrument],
    first: int,
    last: int,
    clock: MarketClock,
    *,
    archived: Mapping[tuple[int, int], int] = MappingProxyType({}),
) -> dict[int, Int64Array]:
    """Closed days (numbers) between two, both included, whose ticks are not whole, per instrument id that has any.

    A day whose daily bar is missing counts: until that is known, nothing is.

    Parameters
    ----------
    archived
        Volume of the last tick per instrument id and day that lies in an archive instead of the database, see
        `archived_volumes`.
    """
    last = min(last, first_open_day(clock) - 1)
    if first > last:
        return {}
    gaps = find_gaps(list(instruments), Period.DAY_1, day_date(first), day_date(last), clock=clock)
    start, end = int(day_start_ts(first)), int(day_start_ts(last)) + _DAY_MS - 1
    ids = [instrument.pk for instrument in instruments]
    daily = read_bars(ids, Period.DAY_1, start, end, columns=["volume"])
    traded = daily.take(daily.values["volume"] > 0)
    told = {
        (key, day): volume
        for key, day, volume in zip(
            traded.instrument_id.tolist(),
            day_numbers(traded.ts).tolist(),
            traded.values["volume"].tolist(),
            strict=True,
        )
    }
    stored = _last_volumes(ids, start, end)
    proven = evidence_in_force(ids, Period.TICK, day_date(first), day_date(last))
    missing: dict[int, set[int]] = {}
    for row, key in enumerate(gaps.instrument_ids.tolist()):
        unknown = gaps.axis.days[gaps.missing[row]].tolist()
        missing[key] = set(unknown)
    for (key, day), volume in told.items():
        if volume not in (stored.get((key, day)), archived.get((key, day))):
            missing.setdefault(key, set()).add(day)
    for key, low, high, _reason in proven:
        missing[key] = {day for day in missing.get(key, ()) if not low <= day <= high}
    return {key: np.array(sorted(days), dtype=np.int64) for key, days in missing.items() if days}


def _last_volumes(ids: Sequence[int], start: int, end: int) -> dict[tuple[int, int], int]:
    """Volume of the last stored tick per instrument and day."""
    rows = read_bars(ids, Period.TICK, start, end, columns=["volume"])
    if not len(rows):
        return {}
    days = day_numbers(rows.ts)
    ends = np.flatnonzero(np.append((np.diff(days) != 0) | (np.diff(rows.instrument_id) != 0), True))
    keys = zip(rows.instrument_id[ends].tolist(), days[ends].tolist(), strict=True)
    return dict(zip(keys, rows.values["volume"][ends].tolist(), strict=True))
