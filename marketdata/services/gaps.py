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
from marketdata.models import DataSourceStatus
from marketdata.quotes import reader
from marketdata.quotes.periods import Int64Array, Period, day_date, day_start_ts
from marketdata.quotes.reader import CountMatrix
from marketdata.services.axis import Axis, BoolMatrix, Listing, expected_axis, open_day_labels
from marketdata.services.evidence import evidence_in_force, source_depth_day
from ops.clocks import MarketClock

ReasonMatrix = npt.NDArray[np.uint8]
BoolVector = npt.NDArray[np.bool_]

REASONS = (
    EvidenceReason.SOURCE_EMPTY,
    EvidenceReason.SUSPENDED,
    EvidenceReason.NO_TRADE,
    EvidenceReason.SOURCE_DEPTH,
)
"""Reason of each code in `Gaps.proven`, from 1."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Result of one scan. Matrices have the shape (N, D): instruments × trading days.

    Attributes
    ----------
    instrument_ids
        Shape (N,), in the order asked.
    axis
        What was expected.
    present
        The day's bars are all there.
    proven
        They are not, and a proof says why: 1 + the reason's place in `REASONS`; 0 without one.
    missing
        The instrument has bars to be fetched on that day. Each expected day is present, proven or missing.
    """

    instrument_ids: Int64Array
    axis: Axis
    present: BoolMatrix
    proven: ReasonMatrix
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
    instruments: Sequence[Listing],
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
        return Gaps(ids, axis, expected, expected.astype(np.uint8), expected)
    sealed = reader.day_count_matrix(ids, period, axis.days)
    present = expected & (sealed >= axis.bars)
    wanted = expected & ~present
    proven = _proven(sealed, ids, period, axis, clock.host) * wanted
    missing = wanted & (proven == 0)
    if axis.open_index >= 0 and missing[:, axis.open_index].any():
        rows = np.flatnonzero(missing[:, axis.open_index])
        there = _open_day_present(ids[rows], period, axis, clock)
        present[rows, axis.open_index] = there
        missing[rows, axis.open_index] = ~there
    return Gaps(ids, axis, present, proven, missing)


def _proven(sealed: CountMatrix, ids: Int64Array, period: Period, axis: Axis, host: str) -> ReasonMatrix:
    """Code of the reason why bars are absent, shape (N, D); where reasons overlap, the one that is later in `REASONS`."""
    days = axis.days
    proven: ReasonMatrix = np.zeros(sealed.shape, dtype=np.uint8)
    ranges = evidence_in_force(ids.tolist(), period, day_date(days[0]), day_date(days[-1]))
    for code, reason in enumerate(REASONS, 1):
        own = [row for row in ranges if row[3] == reason]
        if not own:
            continue
        rows = _positions(ids, np.array([row[0] for row in own], dtype=np.int64))
        covered = _covered(rows, own, days)
        touched = np.unique(rows)
        if reason == EvidenceReason.NO_TRADE:
            # "No trade in the absent minutes" proves nothing for a day whose bars are gone.
            covered &= sealed[touched] > 0
        proven[touched] = np.where(covered, np.uint8(code), proven[touched])
    depth = source_depth_day(host, period)
    if depth is not None:
        proven[:, days < depth] = 1 + REASONS.index(EvidenceReason.SOURCE_DEPTH)
    return proven


def _covered(rows: Int64Array, ranges: Sequence[tuple[int, int, int, str]], days: Int64Array) -> BoolMatrix:
    """Days inside the ranges, one line per distinct row, ascending."""
    lows = np.searchsorted(days, [row[1] for row in ranges], side="left")
    highs = np.searchsorted(days, [row[2] for row in ranges], side="right")
    lines, line = np.unique(rows, return_inverse=True)
    # Counting ranges that open and close turns thousands of slices into one running sum.
    edges = np.zeros((len(lines), len(days) + 1), dtype=np.int32)
    np.add.at(edges, (line, lows), 1)
    np.add.at(edges, (line, highs), -1)
    inside: BoolMatrix = np.cumsum(edges, axis=1)[:, :-1] > 0
    return inside


def _positions(ids: Int64Array, wanted: Int64Array) -> Int64Array:
    """Row of each wanted id in `ids`, which need not be sorted."""
    order = np.argsort(ids, kind="stable")
    found: Int64Array = order[np.searchsorted(ids[order], wanted)]
    return found


def _open_day_present(ids: Int64Array, period: Period, axis: Axis, clock: MarketClock) -> BoolVector:
    """Whether every bar due by now is there or was compared with the terminal's own."""
    midnight = int(day_start_ts(axis.days[axis.open_index]))
    labels = midnight + open_day_labels(clock, period)
    # Rows stand on session labels only, so as many as are due are those that are due. Most of a market is whole, and its
    # stamps need not be read.
    counts = reader.hot_counts(ids, period, int(labels[0]), int(labels[-1]))
    present = np.array([counts.get(instrument_id, 0) >= len(labels) for instrument_id in ids.tolist()])
    unsure = np.flatnonzero(~present)
    present[unsure] = _bars_so_far(ids[unsure], period, midnight, labels)
    return present


def _bars_so_far(ids: Int64Array, period: Period, midnight: int, labels: Int64Array) -> BoolVector:
    wanted = set(ids.tolist())
    verified = {
        instrument_id: until or 0
        for instrument_id, until in DataSourceStatus.objects.filter(
            period=period.code, verified_until_ts__gte=midnight
        ).values_list("instrument_id", "verified_until_ts")
        if instrument_id in wanted
    }
    bars = reader.read_bars(ids.tolist(), period, midnight, int(labels[-1]), columns=[])
    stored = {instrument_id: bars.ts[part] for instrument_id, part in bars.group_slices()}
    present: BoolVector = np.zeros(len(ids), dtype=np.bool_)
    for row, instrument_id in enumerate(ids.tolist()):
        due = labels[labels > verified.get(instrument_id, 0)]
        present[row] = bool(np.isin(due, stored.get(instrument_id, _NO_STAMPS)).all())
    return present


_NO_STAMPS: Int64Array = np.empty(0, dtype=np.int64)
