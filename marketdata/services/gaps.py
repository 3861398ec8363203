"""Expected axis minus what is there: the missing days of any number of instruments at once.

Everything is a matrix of instruments × trading days, filled from segment headers, counts of raw rows and evidence.
No bar is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from marketdata.choices import EvidenceReason
from marketdata.models import DataSourceStatus, Instrument
from marketdata.quotes import daycounts, reader
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Int64Array, Period, buckets, day_date, day_start_ts
from marketdata.services.axis import Axis, BoolMatrix, expected_axis, open_day_labels
from marketdata.services.evidence import evidence_in_force, source_depth_day
from ops.clocks import MarketClock

CountMatrix = npt.NDArray[np.int64]

# Above this the whole period is scanned: headers are small, parameter lists are not.
_IDS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Gaps:
    """Result of one scan.

    Attributes
    ----------
    instrument_ids
        Shape (N,), in the order asked.
    axis
        What was expected.
    missing
        Shape (N, D): the instrument has bars to be fetched on that day.
    """

    instrument_ids: Int64Array
    axis: Axis
    missing: BoolMatrix

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing.any()

    @property
    def days_missing(self) -> int:
        """Missing instrument-days."""
        return int(self.missing.sum())

    def ranges(self) -> dict[int, list[tuple[int, int]]]:
        """Missing days per instrument id as (first, last) day numbers, without breaks on the calendar."""
        rows, columns = np.nonzero(self.missing)
        found: dict[int, list[tuple[int, int]]] = {}
        if not len(rows):
            return found
        # A run ends where the row changes or the column jumps.
        cuts = np.flatnonzero((np.diff(rows) != 0) | (np.diff(columns) != 1)) + 1
        starts = np.concatenate([[0], cuts])
        ends = np.concatenate([cuts, [len(rows)]]) - 1
        days = self.axis.days
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            pair = (int(days[columns[start]]), int(days[columns[end]]))
            found.setdefault(int(self.instrument_ids[rows[start]]), []).append(pair)
        return found


def find_gaps(
    instruments: Sequence[Instrument],
    period: Period,
    start: date,
    end: date,
    *,
    clock: MarketClock,
) -> Gaps:
    """Scan for missing days between two dates, both included.

    Notes
    -----
    A closed day counts as present when a verified segment holds it: in full, or with evidence that the absent minutes
    had no trade. Raw rows alone, built from live quotes, are not proof; they count for the open day only.
    """
    axis = expected_axis(instruments, period, start, end, clock)
    ids = np.array([instrument.pk for instrument in instruments], dtype=np.int64)
    expected = axis.listed & (axis.bars > 0)
    if not expected.any():
        return Gaps(ids, axis, expected)
    sealed = _sealed_counts(ids, period, axis.days)
    present = sealed >= axis.bars
    _apply_evidence(present, sealed, ids, period, axis, clock.host)
    missing = expected & ~present
    if axis.open_index >= 0 and missing[:, axis.open_index].any():
        rows = np.flatnonzero(missing[:, axis.open_index])
        missing[rows, axis.open_index] = ~_open_day_present(ids[rows], period, axis, clock)
    return Gaps(ids, axis, missing)


def _positions(ids: Int64Array, wanted: Int64Array) -> Int64Array:
    """Row of each wanted id in `ids`, which need not be sorted."""
    order = np.argsort(ids, kind="stable")
    found: Int64Array = order[np.searchsorted(ids[order], wanted)]
    return found


def _sealed_counts(ids: Int64Array, period: Period, days: Int64Array) -> CountMatrix:
    """Bars in verified segments, shape (N, D)."""
    matrix: CountMatrix = np.zeros((len(ids), len(days)), dtype=np.int64)
    first, last = buckets(period, day_start_ts(days[[0, -1]])).tolist()
    headers = QuoteSegment.objects.filter(period=period, bucket__range=(first, last))
    if len(ids) <= _IDS_PER_QUERY:
        headers = headers.filter(instrument_id__in=ids.tolist())
    found = list(headers.values_list("instrument_id", "bucket", "day_counts"))
    owners = np.array([row[0] for row in found], dtype=np.int64)
    wanted = np.isin(owners, ids)
    if not wanted.any():
        return matrix
    found = [row for row, keep in zip(found, wanted.tolist(), strict=True) if keep]
    owners = owners[wanted]
    counts = daycounts.decode(period, np.array([row[1] for row in found]), [bytes(row[2]) for row in found])
    columns = np.minimum(np.searchsorted(days, counts.day), len(days) - 1)
    on_calendar = days[columns] == counts.day
    rows = _positions(ids, owners[counts.segment[on_calendar]])
    matrix[rows, columns[on_calendar]] = counts.rows[on_calendar]
    return matrix


def _apply_evidence(
    present: BoolMatrix,
    sealed: CountMatrix,
    ids: Int64Array,
    period: Period,
    axis: Axis,
    host: str,
) -> None:
    days = axis.days
    first, last = day_date(days[0]), day_date(days[-1])
    ranges = evidence_in_force(ids.tolist(), period, first, last)
    if ranges:
        rows = _positions(ids, np.array([row[0] for row in ranges], dtype=np.int64))
        lows = np.searchsorted(days, [row[1] for row in ranges], side="left")
        highs = np.searchsorted(days, [row[2] for row in ranges], side="right")
        # Counting ranges that open and close turns thousands of slices into one running sum.
        edges = np.zeros((len(ids), len(days) + 1), dtype=np.int64)
        needs_bars = np.zeros_like(edges)
        for target, reason_is_no_trade in ((edges, False), (needs_bars, True)):
            picked = np.array([(row[3] == EvidenceReason.NO_TRADE) is reason_is_no_trade for row in ranges])
            np.add.at(target, (rows[picked], lows[picked]), 1)
            np.add.at(target, (rows[picked], highs[picked]), -1)
        present |= np.cumsum(edges, axis=1)[:, :-1] > 0
        # "No trade in the absent minutes" proves nothing for a day whose bars are gone.
        present |= (np.cumsum(needs_bars, axis=1)[:, :-1] > 0) & (sealed > 0)
    depth = source_depth_day(host, period)
    if depth is not None:
        present |= days < depth


def _open_day_present(ids: Int64Array, period: Period, axis: Axis, clock: MarketClock) -> npt.NDArray[np.bool_]:
    """Whether every minute due by now is there or was compared with the terminal's own bars."""
    day = axis.days[axis.open_index]
    midnight = int(day_start_ts(day))
    labels = midnight + open_day_labels(clock)
    verified = {
        instrument_id: until or 0
        for instrument_id, until in DataSourceStatus.objects.filter(
            instrument_id__in=ids.tolist(), period=period.code, verified_until_ts__gte=midnight
        ).values_list("instrument_id", "verified_until_ts")
    }
    bars = reader.read_bars(ids.tolist(), period, midnight, int(labels[-1]), columns=[])
    stored = {instrument_id: bars.ts[part] for instrument_id, part in bars.group_slices()}
    present = np.zeros(len(ids), dtype=np.bool_)
    for row, instrument_id in enumerate(ids.tolist()):
        due = labels[labels > verified.get(instrument_id, 0)]
        present[row] = bool(np.isin(due, stored.get(instrument_id, _NO_STAMPS)).all())
    return present


_NO_STAMPS: Int64Array = np.empty(0, dtype=np.int64)
