"""Ranges, columns, coverage and damage, as a reader sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from marketdata.quotes import reader
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.errors import SegmentCorrupt
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Period, day_number
from marketdata.quotes.reader import coverage, day_count_matrix, read_bars
from marketdata.quotes.store import bars_upsert, segments_merge
from ops.errors import Code
from tests.quotes.builders import bars, closes, midnight, stamp

pytestmark = [pytest.mark.django_db(databases=["quotes"]), pytest.mark.postgres]

M1 = Period.MINUTE_1
A = stamp("2024-02-29 14:59")
B = stamp("2024-02-29 15:00")
C = stamp("2024-03-01 09:30")
D = stamp("2024-03-01 09:31")
ALL = (0, 1 << 60)


@pytest.fixture
def sealed() -> None:
    rows = [bars(1, [A, B, C, D], [1.0, 2.0, 3.0, 4.0]), bars(2, [B], 9.0)]
    segments_merge(period=M1, rows=QuoteColumns.concat(rows))


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (A, D, [1.0, 2.0, 3.0, 4.0]),
        (B, C, [2.0, 3.0]),
        (B, B, [2.0]),
        (A + 1, B - 1, []),
        (D + 1, 1 << 60, []),
        (D, A, []),
    ],
)
def test_read_bars_range_is_closed_on_both_ends(start: int, end: int, expected: list[float]) -> None:
    assert read_bars([1], M1, start, end).values["close"].tolist() == expected


@pytest.mark.usefixtures("sealed")
def test_read_bars_answer_is_in_order_of_instrument_then_time() -> None:
    assert [row[:2] for row in closes(read_bars([2, 1, 2], M1, *ALL))] == [
        (1, A),
        (1, B),
        (1, C),
        (1, D),
        (2, B),
    ]


@pytest.mark.usefixtures("sealed")
def test_read_bars_chosen_columns_only() -> None:
    rows = read_bars([1], M1, *ALL, columns=["close"])
    assert list(rows.values) == ["close"]
    assert list(rows.to_frame().columns) == ["instrument_id", "ts", "close"]


@pytest.mark.usefixtures("sealed")
def test_read_bars_no_columns_gives_stamps() -> None:
    bars_upsert(period=M1, rows=bars(1, [D + 60_000]))
    rows = read_bars([1], M1, *ALL, columns=[])
    assert rows.ts.tolist() == [A, B, C, D, D + 60_000]
    assert rows.values == {}


def test_read_bars_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="not a bar column: vwap"):
        read_bars([1], M1, *ALL, columns=["vwap"])


def test_read_bars_nothing_stored_is_empty() -> None:
    rows = read_bars([1, 2], M1, *ALL)
    assert len(rows) == 0
    assert rows.to_frame().empty


@pytest.mark.usefixtures("sealed")
def test_read_bars_opens_no_transaction() -> None:
    with CaptureQueriesContext(connections["quotes"]) as queries:
        read_bars([1, 2], M1, *ALL)
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT"]


def flip_last_byte(segment: QuoteSegment) -> None:
    payload = bytearray(segment.payload)
    payload[-1] ^= 1
    QuoteSegment.objects.filter(pk=segment.pk).update(payload=bytes(payload))


def truncate(segment: QuoteSegment) -> None:
    QuoteSegment.objects.filter(pk=segment.pk).update(payload=bytes(segment.payload)[:-9])


def shift_header(segment: QuoteSegment) -> None:
    QuoteSegment.objects.filter(pk=segment.pk).update(first_ts=segment.first_ts - 60_000)


def lose_a_day(segment: QuoteSegment) -> None:
    QuoteSegment.objects.filter(pk=segment.pk).update(day_counts=bytes(62))


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("damage", [flip_last_byte, truncate, shift_header, lose_a_day])
def test_read_bars_damaged_segment_is_an_error_that_names_it(
    damage: Callable[[QuoteSegment], None],
) -> None:
    damage(QuoteSegment.objects.get(instrument_id=1, bucket=202403))
    with pytest.raises(SegmentCorrupt) as error:
        read_bars([1, 2], M1, *ALL)
    assert error.value.code is Code.SEGMENT_CORRUPT
    assert error.value.details == {
        "instrument_id": 1,
        "period": "1m",
        "bucket": 202403,
        "reason": "checksum differs",
    }
    # Other segments stay readable.
    assert read_bars([1], M1, A, B).values["close"].tolist() == [1.0, 2.0]


@pytest.mark.usefixtures("sealed")
def test_read_bars_swapped_payloads_are_found() -> None:
    ours, theirs = (QuoteSegment.objects.get(instrument_id=i, bucket=202402) for i in (1, 2))
    QuoteSegment.objects.filter(pk=theirs.pk).update(
        payload=ours.payload,
        checksum=ours.checksum,
        rows=ours.rows,
        first_ts=ours.first_ts,
        last_ts=ours.last_ts,
        day_counts=ours.day_counts,
    )
    with pytest.raises(SegmentCorrupt):
        read_bars([2], M1, *ALL)


# --- coverage


def matrix(ids: list[int], period: Period, days: list[date]) -> list[list[int]]:
    numbers = np.array([day_number(day) for day in days], dtype=np.int64)
    counts: list[list[int]] = day_count_matrix(np.array(ids, dtype=np.int64), period, numbers).tolist()
    return counts


@pytest.mark.usefixtures("sealed")
def test_day_counts_of_all_instruments_come_from_headers_in_one_query() -> None:
    with CaptureQueriesContext(connections["quotes"]) as queries:
        counts = matrix([2, 3, 1], M1, [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)])
    assert len(queries) == 1
    assert "payload" not in queries[0]["sql"]
    assert counts == [[0, 1, 0], [0, 0, 0], [0, 2, 2]]


@pytest.mark.usefixtures("sealed")
def test_day_counts_of_many_instruments_are_one_stretch_of_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_INSTRUMENTS_PER_QUERY", 1)
    assert matrix([9, 1], M1, [date(2024, 2, 29), date(2024, 3, 1)]) == [[0, 0], [2, 2]]


@pytest.mark.usefixtures("sealed")
def test_day_counts_days_that_are_not_asked_for_are_left_out() -> None:
    assert matrix([1], M1, [date(2024, 2, 27), date(2024, 3, 1)]) == [[0, 2]]
    assert matrix([1], M1, [date(2030, 1, 1)]) == [[0]]
    assert matrix([], M1, [date(2024, 3, 1)]) == []


def test_day_counts_hot_rows_do_not_count() -> None:
    bars_upsert(period=M1, rows=bars(1, [A, B]))
    assert matrix([1], M1, [date(2024, 2, 29)]) == [[0]]


def test_day_counts_daily_bars_of_a_leap_year() -> None:
    days = [date(2024, 1, 1), date(2024, 2, 29), date(2024, 12, 31), date(2025, 1, 1)]
    segments_merge(period=Period.DAY_1, rows=bars(1, [midnight(day) for day in days]))
    assert matrix([1], Period.DAY_1, [*days, date(2025, 1, 2)]) == [[1, 1, 1, 1, 0]]


@pytest.mark.usefixtures("sealed")
def test_coverage_counts_hot_and_sealed_rows_once() -> None:
    bars_upsert(period=M1, rows=bars(1, [D, D + 60_000]))
    bars_upsert(period=M1, rows=bars(3, [C]))
    found = coverage(None, M1)
    assert list(zip(*(array.tolist() for array in found), strict=True)) == [
        (1, A, D + 60_000, 5, 1),
        (2, B, B, 1, 0),
        (3, C, C, 1, 1),
    ]


def test_coverage_nothing_stored_is_empty() -> None:
    assert coverage(None, M1).instrument_id.tolist() == []
