"""Hot rows, merges into segments, sealing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.errors import QuotesRefused, SegmentCorrupt
from marketdata.quotes.models import QuoteSegment, RawQuote
from marketdata.quotes.periods import Period
from marketdata.quotes.reader import read_bars
from marketdata.quotes.segments import merge, same_rows
from marketdata.quotes.store import (
    MergeCounts,
    UpsertCounts,
    bars_upsert,
    raw_discard,
    seal,
    segment_discard,
    segments_merge,
)
from tests.quotes.builders import bars, closes, stamp, ticks

pytestmark = [pytest.mark.django_db(databases=["quotes"]), pytest.mark.postgres]

M1 = Period.MINUTE_1
T0 = stamp("2024-02-29 14:58")
T1, T2 = T0 + 60_000, T0 + 120_000
MARCH = stamp("2024-03-01 09:31")
ALL = (0, 1 << 60)


def stored(*instrument_ids: int, period: Period = M1) -> list[tuple[int, int, float]]:
    return closes(read_bars(instrument_ids or (1, 2, 3), period, *ALL))


def versions() -> dict[tuple[int, int], int]:
    rows = QuoteSegment.objects.values_list("instrument_id", "bucket", "version")
    return {(instrument_id, bucket): version for instrument_id, bucket, version in rows}


# --- hot rows


def test_bars_upsert_new_rows_are_read_back_in_key_order() -> None:
    rows = QuoteColumns.concat([bars(2, [T1, T0], [3.0, 2.0]), bars(1, [T0], 1.0)])
    assert bars_upsert(period=M1, rows=rows) == UpsertCounts(rows=3, written=3)
    assert stored() == [(1, T0, 1.0), (2, T0, 2.0), (2, T1, 3.0)]


def test_bars_upsert_every_column_survives() -> None:
    rows = bars(
        1,
        [T0, T1],
        [10.25, 10.5],
        open=[10.1, 10.3],
        high=[11.0, 11.5],
        low=[9.9, 10.0],
        volume=[12_345, 0],
        amount=[126_543.21, None],
        pre_close=[None, 10.25],
        suspended=[False, True],
        open_interest=[None, 5],
    )
    bars_upsert(period=M1, rows=rows)
    assert same_rows(read_bars([1], M1, *ALL), rows)


def test_bars_upsert_same_rows_again_writes_nothing() -> None:
    rows = bars(1, [T0, T1], [1.0, 2.0], amount=[None, 3.0])
    bars_upsert(period=M1, rows=rows)
    again = bars_upsert(period=M1, rows=rows)
    assert (again.written, again.unchanged) == (0, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"high": [1.0, 2.5]},
        {"volume": [100, 101]},
        {"amount": [None, None]},
        {"amount": [0.0, 3.0]},
        {"suspended": [False, True]},
        {"open_interest": [None, 1]},
    ],
)
def test_bars_upsert_any_changed_value_is_written(change: dict[str, Any]) -> None:
    columns = {"amount": [None, 3.0], **change}
    bars_upsert(period=M1, rows=bars(1, [T0, T1], [1.0, 2.0], amount=[None, 3.0]))
    rows = bars(1, [T0, T1], [1.0, 2.0], **columns)
    assert bars_upsert(period=M1, rows=rows).written == 1
    assert same_rows(read_bars([1], M1, *ALL), rows)


def test_bars_upsert_repeated_key_in_one_call_keeps_the_last() -> None:
    counts = bars_upsert(period=M1, rows=bars(1, [T0, T0], [1.0, 2.0]))
    assert counts == UpsertCounts(rows=1, written=1)
    assert stored() == [(1, T0, 2.0)]


def many_minutes(count: int, start: int = MARCH) -> QuoteColumns:
    random = np.random.default_rng(7)
    return bars(
        1,
        [start + 60_000 * n for n in range(count)],
        np.round(random.uniform(9, 11, count), 2).tolist(),
        amount=np.ma.array(random.uniform(0, 1e6, count), mask=random.random(count) < 0.2),
        pre_close=np.ma.array(random.uniform(9, 11, count), mask=random.random(count) < 0.2),
        suspended=random.random(count) < 0.1,
    )


def test_bars_upsert_many_rows_with_nulls_survive() -> None:
    rows = many_minutes(3_000)
    assert bars_upsert(period=M1, rows=rows).written == 3_000
    assert same_rows(read_bars([1], M1, *ALL), rows)


def test_bars_upsert_many_rows_over_some_that_are_there_merge() -> None:
    rows = many_minutes(3_000)
    middle = rows.take(slice(1_000, 1_010))
    bars_upsert(period=M1, rows=bars(1, middle.ts.tolist(), 99.0))
    assert bars_upsert(period=M1, rows=rows) == UpsertCounts(rows=3_000, written=3_000)
    assert same_rows(read_bars([1], M1, *ALL), rows)


def test_bars_upsert_without_replacing_leaves_present_rows_alone() -> None:
    bars_upsert(period=M1, rows=bars(1, [T0], 1.0))
    counts = bars_upsert(period=M1, rows=bars(1, [T0, T1], [9.0, 2.0]), replace=False)
    assert counts == UpsertCounts(rows=2, written=1)
    assert stored() == [(1, T0, 1.0), (1, T1, 2.0)]


def test_bars_upsert_periods_do_not_touch_each_other() -> None:
    five = stamp("2024-02-29 14:55")
    bars_upsert(period=M1, rows=bars(1, [five], 1.0))
    bars_upsert(period=Period.MINUTE_5, rows=bars(1, [five], 5.0))
    assert stored(1) == [(1, five, 1.0)]
    assert stored(1, period=Period.MINUTE_5) == [(1, five, 5.0)]


@pytest.mark.parametrize(
    ("period", "ts"),
    [
        (Period.DAY_1, stamp("2024-02-29 09:30")),
        (Period.MINUTE_1, stamp("2024-02-29 09:30:01")),
        (Period.MINUTE_5, stamp("2024-02-29 09:31")),
    ],
)
def test_bars_upsert_stamp_off_the_axis_is_refused(period: Period, ts: int) -> None:
    with pytest.raises(QuotesRefused, match=f"row=0 instrument_id=1 ts={ts}"):
        bars_upsert(period=period, rows=bars(1, [ts]))
    with pytest.raises(QuotesRefused):
        segments_merge(period=period, rows=bars(1, [ts]))
    assert not RawQuote.objects.exists()
    assert not QuoteSegment.objects.exists()


def test_bars_upsert_ticks_under_a_bar_period_are_refused() -> None:
    with pytest.raises(QuotesRefused, match="tick columns do not fit period 1m"):
        bars_upsert(period=M1, rows=ticks(1, [T0], [0]))


# --- segments


def test_segments_merge_rows_of_two_months_make_two_segments() -> None:
    rows = bars(1, [T0, T1, MARCH], [1.0, 2.0, 3.0])
    assert segments_merge(period=M1, rows=rows) == MergeCounts(rows=3, written=2, unchanged=0)
    assert versions() == {(1, 202402): 1, (1, 202403): 1}
    assert stored() == [(1, T0, 1.0), (1, T1, 2.0), (1, MARCH, 3.0)]


def test_segments_merge_header_describes_the_payload() -> None:
    segments_merge(period=M1, rows=bars(1, [T0, T1, T2]))
    segment = QuoteSegment.objects.get()
    assert (segment.first_ts, segment.last_ts, segment.rows) == (T0, T2, 3)


def test_segments_merge_new_values_replace_old_ones_and_keep_the_rest() -> None:
    segments_merge(period=M1, rows=bars(1, [T0, T1], [1.0, 2.0]))
    segments_merge(period=M1, rows=bars(1, [T1, T2], [20.0, 30.0]))
    assert stored() == [(1, T0, 1.0), (1, T1, 20.0), (1, T2, 30.0)]
    assert versions() == {(1, 202402): 2}


def test_segments_merge_same_rows_again_makes_no_version() -> None:
    rows = bars(1, [T0, T1], [1.0, 2.0])
    segments_merge(period=M1, rows=rows)
    assert segments_merge(period=M1, rows=rows) == MergeCounts(rows=2, written=0, unchanged=1)
    assert segments_merge(period=M1, rows=rows.take(slice(0, 1))).written == 0
    assert versions() == {(1, 202402): 1}


def test_segments_merge_null_that_becomes_a_value_is_a_change() -> None:
    segments_merge(period=M1, rows=bars(1, [T0, T1], amount=[None, 1.0]))
    segments_merge(period=M1, rows=bars(1, [T0, T1], amount=[0.0, 1.0]))
    assert not read_bars([1], M1, *ALL).null_mask("amount").any()


def test_segments_merge_no_rows_is_nothing() -> None:
    empty = bars(1, [T0]).take(slice(0, 0))
    assert segments_merge(period=M1, rows=empty) == MergeCounts()


def test_segment_wins_over_a_hot_row_of_the_same_key() -> None:
    bars_upsert(period=M1, rows=bars(1, [T0, T1], [1.0, 2.0]))
    segments_merge(period=M1, rows=bars(1, [T0], 10.0))
    assert stored() == [(1, T0, 10.0), (1, T1, 2.0)]


# --- sealing


def test_seal_moves_rows_up_to_the_stamp_only() -> None:
    bars_upsert(period=M1, rows=bars(1, [T0, T1, T2], [1.0, 2.0, 3.0]))
    assert seal(period=M1, upto_ts=T1) == MergeCounts(rows=2, written=1, unchanged=0)
    assert list(RawQuote.objects.values_list("ts", flat=True)) == [T2]
    assert QuoteSegment.objects.get().rows == 2
    assert stored() == [(1, T0, 1.0), (1, T1, 2.0), (1, T2, 3.0)]


def test_seal_drops_hot_rows_that_a_segment_already_has() -> None:
    segments_merge(period=M1, rows=bars(1, [T0], 10.0))
    bars_upsert(period=M1, rows=bars(1, [T0, T1], [1.0, 2.0]))
    seal(period=M1, upto_ts=T2)
    assert not RawQuote.objects.exists()
    assert stored() == [(1, T0, 10.0), (1, T1, 2.0)]


def test_seal_named_instruments_only() -> None:
    bars_upsert(period=M1, rows=QuoteColumns.concat([bars(1, [T0]), bars(2, [T0])]))
    seal(period=M1, upto_ts=T2, instrument_ids=[2])
    assert list(RawQuote.objects.values_list("instrument_id", flat=True)) == [1]
    assert list(QuoteSegment.objects.values_list("instrument_id", flat=True)) == [2]


def test_seal_twice_is_once() -> None:
    bars_upsert(period=M1, rows=bars(1, [T0]))
    seal(period=M1, upto_ts=T2)
    assert seal(period=M1, upto_ts=T2) == MergeCounts()
    assert versions() == {(1, 202402): 1}


def test_seal_ticks_go_to_a_segment_of_their_day() -> None:
    rows = ticks(1, [T0, T0, T1], [0, 1, 0], last=12.34)
    bars_upsert(period=Period.TICK, rows=rows)
    seal(period=Period.TICK, upto_ts=T2)
    assert versions() == {(1, 20240229): 1}
    assert same_rows(read_bars([1], Period.TICK, *ALL), rows)


def test_seal_into_a_damaged_segment_keeps_the_rows_hot() -> None:
    segments_merge(period=M1, rows=bars(1, [T0, T1]))
    QuoteSegment.objects.update(payload=b"QSG1 and nonsense")
    bars_upsert(period=M1, rows=bars(1, [T2]))
    with pytest.raises(SegmentCorrupt):
        seal(period=M1, upto_ts=T2)
    assert list(RawQuote.objects.values_list("ts", flat=True)) == [T2]


def test_segment_discard_makes_room_for_a_fresh_download() -> None:
    segments_merge(period=M1, rows=bars(1, [T0, T1]))
    QuoteSegment.objects.update(payload=b"QSG1 and nonsense")
    assert segment_discard(period=M1, instrument_id=1, bucket=202402)
    assert not segment_discard(period=M1, instrument_id=1, bucket=202402)
    segments_merge(period=M1, rows=bars(1, [T0], 5.0))
    assert stored() == [(1, T0, 5.0)]


def test_raw_discard_removes_hot_rows_up_to_the_stamp() -> None:
    bars_upsert(period=M1, rows=bars(1, [T0, T1, T2]))
    assert raw_discard(period=M1, instrument_ids=[1], upto_ts=T1) == 2
    assert stored() == [(1, T2, 10.0)]


# --- properties

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "merge", "seal"]),
        st.dictionaries(st.integers(0, 6), st.integers(1, 99), min_size=1, max_size=5),
    ),
    max_size=8,
)


class StoreAgainstModel(TestCase):
    """Any sequence of writes reads like two dictionaries."""

    databases = {"quotes"}

    @settings(max_examples=60, deadline=None)
    @given(OPERATIONS)
    def test_store_any_sequence_of_writes_reads_like_the_model(
        self, operations: list[tuple[str, dict[int, int]]]
    ) -> None:
        hot: dict[int, float] = {}
        sealed: dict[int, float] = {}
        # Minutes on both sides of a month's end.
        axis = [T0, T1, T2, MARCH, MARCH + 60_000, MARCH + 120_000, MARCH + 180_000]
        for kind, given_rows in operations:
            ts = [axis[place] for place in given_rows]
            close = [value / 100 for value in given_rows.values()]
            rows = bars(1, ts, close)
            if kind == "upsert":
                bars_upsert(period=M1, rows=rows)
                hot.update(zip(ts, close, strict=True))
            elif kind == "merge":
                segments_merge(period=M1, rows=rows)
                sealed.update(zip(ts, close, strict=True))
            else:
                seal(period=M1, upto_ts=ts[0])
                moved = {at: value for at, value in hot.items() if at <= ts[0]}
                sealed = {**moved, **sealed}
                hot = {at: value for at, value in hot.items() if at > ts[0]}
        expected = [(1, at, value) for at, value in sorted({**hot, **sealed}.items())]
        assert stored(1) == expected


@given(
    st.dictionaries(st.integers(1, 9), st.integers(1, 9)),
    st.dictionaries(st.integers(1, 9), st.integers(1, 9), min_size=1),
)
def test_merge_winner_always_wins(base: dict[int, int], winner: dict[int, int]) -> None:
    def rows(cells: dict[int, int]) -> QuoteColumns:
        return bars(1, list(cells), np.array(list(cells.values()), dtype=np.float64).tolist())

    merged = merge(rows(base) if base else bars(1, [1]).take(slice(0, 0)), rows(winner))
    assert closes(merged) == [(1, at, float(v)) for at, v in sorted({**base, **winner}.items())]
