"""Gap scan, evidence and download windows."""

from __future__ import annotations

import time
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import QmtHost
from marketdata.choices import EvidenceReason
from marketdata.models import Evidence, Instrument, SourceDepth
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Int64Array, Period, date_ts, day_date, day_number
from marketdata.quotes.store import bars_upsert
from marketdata.services.axis import minute_labels
from marketdata.services.evidence import Proof, evidence_record, evidence_withdraw, runs
from marketdata.services.gaps import find_gaps
from marketdata.services.ranges import ranges_minus, ranges_union
from marketdata.services.windows import Window, plan_windows
from ops.clocks import wall_now
from qmt.calendar import load_sse_calendar
from tests.marketdata.fakes import TODAY, WEEK, clock_at

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

CLOCK = clock_at("2023-03-20 10:00:00")
NUMBERS = np.array([day_number(day) for day in (*WEEK, TODAY)])


def prove(instrument: Instrument, days: Int64Array, reason: str = "SOURCE_EMPTY", period: Period = Period.DAY_1) -> int:
    return evidence_record(
        proofs=[Proof(instrument.pk, days, EvidenceReason(reason))],
        period=period,
        calendar=NUMBERS,
        host="sim",
        sdk_version="x",
    )


def missing(*instruments: Instrument, period: Period = Period.DAY_1) -> dict[int, list[tuple[int, int]]]:
    return find_gaps(instruments, period, WEEK[0], WEEK[-1], clock=CLOCK).ranges()


# ------------------------------------------------------------------------------ evidence
def test_evidence_neighbouring_days_over_a_weekend_are_one_range(maotai: Instrument) -> None:
    assert prove(maotai, NUMBERS[[0, 1, 4, 5]]) == 2
    assert list(Evidence.objects.values_list("start_date", "end_date")) == [(WEEK[0], WEEK[1]), (WEEK[4], TODAY)]


def test_evidence_covers_its_days_and_no_others(maotai: Instrument, pingan: Instrument) -> None:
    prove(maotai, NUMBERS[1:3])
    first, last = int(NUMBERS[0]), int(NUMBERS[4])
    assert missing(maotai, pingan) == {
        maotai.pk: [(first, first), (int(NUMBERS[3]), last)],
        pingan.pk: [(first, last)],
    }


def test_evidence_past_its_recheck_counts_no_more(maotai: Instrument) -> None:
    prove(maotai, NUMBERS[:5])
    assert missing(maotai) == {}
    Evidence.objects.update(recheck_at=wall_now() - timedelta(seconds=1))
    assert missing(maotai) == {maotai.pk: [(int(NUMBERS[0]), int(NUMBERS[4]))]}


def test_evidence_repeated_is_rechecked_after_1_7_and_30_days(maotai: Instrument) -> None:
    pauses = []
    for _proof in range(4):
        prove(maotai, NUMBERS[:5])
        row = Evidence.objects.get()
        pauses.append((row.checks, (row.recheck_at - row.recorded_at).days))
    assert pauses == [(1, 1), (2, 7), (3, 30), (4, 30)]


def test_evidence_withdrawn_in_the_middle_leaves_both_ends(maotai: Instrument) -> None:
    prove(maotai, NUMBERS[:5])
    assert evidence_withdraw(days={maotai.pk: NUMBERS[2:3]}, period=Period.DAY_1) == 1
    ends = sorted(Evidence.objects.values_list("start_date", "end_date"))
    assert [start for start, _end in ends] == [WEEK[0], WEEK[3]]
    assert [end for _start, end in ends] == [WEEK[1], WEEK[4]]
    assert missing(maotai) == {maotai.pk: [(int(NUMBERS[2]), int(NUMBERS[2]))]}


def test_no_trade_evidence_needs_bars_beside_it(maotai: Instrument) -> None:
    prove(maotai, NUMBERS[:5], "NO_TRADE", Period.MINUTE_1)
    assert missing(maotai, period=Period.MINUTE_1) == {maotai.pk: [(int(NUMBERS[0]), int(NUMBERS[4]))]}


def test_source_depth_hides_what_is_older(maotai: Instrument, host: QmtHost) -> None:
    SourceDepth.objects.create(
        host="sim",
        period="1m",
        first_date=WEEK[3],
        recorded_at=wall_now(),
        recheck_at=wall_now() + timedelta(days=1),
    )
    assert missing(maotai, period=Period.MINUTE_1) == {maotai.pk: [(int(NUMBERS[3]), int(NUMBERS[4]))]}


@pytest.mark.parametrize(("period", "due"), [(Period.MINUTE_1, 10), (Period.MINUTE_5, 1)])
def test_open_day_is_present_when_its_bars_so_far_are_there(maotai: Instrument, period: Period, due: int) -> None:
    clock = clock_at("2023-03-20 09:39:59")
    stamps = date_ts(TODAY) + minute_labels(period)[:due]

    def scan() -> int:
        return find_gaps([maotai], period, TODAY, TODAY, clock=clock).days_missing

    assert scan() == 1
    columns = dict.fromkeys(("open", "high", "low", "close"), np.full(due, 10.0)) | {"volume": np.ones(due)}
    rows = QuoteColumns.build(BAR, instrument_id=maotai.pk, ts=stamps, columns=columns)
    bars_upsert(period=period, rows=rows.take(slice(0, due - 1)))
    assert scan() == 1
    bars_upsert(period=period, rows=rows)
    assert scan() == 0


@given(st.sets(st.integers(0, 59)), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_runs_cover_exactly_the_days_given(positions: set[int], size: int) -> None:
    calendar = np.array([day for day in range(100, 200) if day % 7 > 1])[:size]
    days = calendar[sorted(position for position in positions if position < len(calendar))]
    covered = [day for first, last in runs(days, calendar) for day in calendar if first <= day <= last]
    assert covered == days.tolist()


# -------------------------------------------------------------------------------- ranges
PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)).map(lambda pair: (pair[0], pair[0] + pair[1])))


def members(ranges: list[tuple[int, int]]) -> set[int]:
    return {day for first, last in ranges for day in range(first, last + 1)}


@given(PAIRS, PAIRS)
@settings(max_examples=100, deadline=None)
def test_ranges_union_and_minus_are_those_of_sets(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    assert members(ranges_union([*one, *other])) == members(one) | members(other)
    assert members(ranges_minus(one, other)) == members(one) - members(other)


# ------------------------------------------------------------------------------- windows
CALENDAR = np.arange(1000, 2000, dtype=np.int64)


def test_windows_equal_ranges_share_a_call_of_at_most_fifty() -> None:
    ranges = {key: [(1000, 1099)] for key in range(1, 121)}
    windows = plan_windows(ranges, Period.DAY_1, CALENDAR)
    assert [len(window.instrument_ids) for window in windows] == [50, 50, 20]
    assert {(window.first, window.last) for window in windows} == {(1000, 1099)}


def test_windows_minutes_are_cut_by_rows() -> None:
    windows = plan_windows({1: [(1000, 1999)]}, Period.MINUTE_1, CALENDAR)
    assert windows[0] == Window((1,), 1000, 1999)
    many = plan_windows({key: [(1000, 1059)] for key in range(1, 51)}, Period.MINUTE_1, CALENDAR)
    assert [(window.first, window.last) for window in many] == [(1000, 1019), (1020, 1039), (1040, 1059)]


def test_windows_a_single_day_does_not_ride_on_five_years() -> None:
    windows = plan_windows({1: [(1000, 1999)], 2: [(1500, 1500)]}, Period.DAY_1, CALENDAR)
    assert windows == [Window((1,), 1000, 1999), Window((2,), 1500, 1500)]


@given(st.dictionaries(st.integers(1, 8), st.lists(st.tuples(st.integers(0, 900), st.integers(0, 90)), min_size=1)))
@settings(max_examples=60, deadline=None)
def test_windows_cover_everything_asked(wanted: dict[int, list[tuple[int, int]]]) -> None:
    ranges = {
        key: ranges_union((1000 + low, 1000 + low + length) for low, length in pairs) for key, pairs in wanted.items()
    }
    windows = plan_windows(ranges, Period.DAY_1, CALENDAR)
    for key, pairs in ranges.items():
        covered = members([(window.first, window.last) for window in windows if key in window.instrument_ids])
        assert members(pairs) <= covered


# ---------------------------------------------------------------------------------- size
def test_gap_scan_of_a_thousand_instruments_is_cheap(calendar: None) -> None:
    Instrument.objects.bulk_create(
        Instrument(
            symbol=f"{600000 + number}.SH",
            name="x",
            market="SH",
            board="MAIN",
            kind="STOCK",
            lot_size=100,
            min_quantity=100,
            quantity_step=100,
            tick="0.01",
            volume_unit=100,
            max_limit_quantity=1,
            max_market_quantity=1,
            updated_at=wall_now(),
        )
        for number in range(1000)
    )
    instruments = list(Instrument.objects.all())
    started = time.perf_counter()
    gaps = find_gaps(instruments, Period.DAY_1, WEEK[0], WEEK[-1], clock=CLOCK)
    assert gaps.days_missing == 5000
    assert time.perf_counter() - started < 1.0
    assert day_date(int(gaps.axis.days[0])) == WEEK[0]


def test_windows_minutes_end_with_a_month_where_one_ends_near() -> None:
    trading = np.array([day_number(day) for day in load_sse_calendar().between(date(2023, 3, 1), date(2023, 5, 31))])
    ranges = {key: [(int(trading[0]), int(trading[-1]))] for key in range(1, 51)}
    windows = plan_windows(ranges, Period.MINUTE_1, trading)
    # 23, 19 and 21 trading days; twenty fit into a call.
    assert [(f"{day_date(window.first):%m%d}", f"{day_date(window.last):%m%d}") for window in windows] == [
        ("0301", "0331"),
        ("0403", "0428"),
        ("0504", "0531"),
    ]
