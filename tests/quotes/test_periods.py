"""Shanghai days and segment buckets."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.quotes.periods import (
    Period,
    bucket,
    bucket_days,
    bucket_first_day,
    date_ts,
    day_date,
    day_number,
    day_numbers,
    time_of_day_ms,
    ts_date,
)
from tests.quotes.builders import midnight, stamp

DAYS = st.dates(date(1991, 1, 1), date(2100, 12, 31))


@given(DAYS)
def test_date_ts_any_day_is_shanghai_midnight(day: date) -> None:
    assert date_ts(day) == midnight(day)


@given(DAYS, st.integers(0, 86_399_999))
def test_ts_date_any_moment_is_its_shanghai_day(day: date, offset_ms: int) -> None:
    # Stay inside the day on which summer time ends or begins.
    assert ts_date(min(midnight(day) + offset_ms, midnight(day + timedelta(days=1)) - 1)) == day


def test_ts_date_summer_time_of_1991_uses_the_old_offset() -> None:
    assert ts_date(stamp("1991-06-03 00:00")) == date(1991, 6, 3)
    assert ts_date(stamp("1991-06-02 23:59")) == date(1991, 6, 2)


def test_time_of_day_ms_is_counted_from_midnight() -> None:
    assert time_of_day_ms([stamp("2024-03-01 09:30"), stamp("1991-06-03 00:00")]).tolist() == [
        34_200_000,
        0,
    ]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (Period.DAY_1, 2024),
        (Period.MINUTE_1, 202412),
        (Period.MINUTE_5, 202412),
        (Period.TICK, 20241231),
    ],
)
def test_bucket_last_moment_of_the_year_stays_in_the_year(period: Period, expected: int) -> None:
    assert bucket(period, stamp("2024-12-31 23:59:59")) == expected
    assert bucket(period, stamp("2025-01-01 00:00")) != expected


@given(st.sampled_from(list(Period)), DAYS)
def test_bucket_first_day_holds_every_day_of_its_bucket(period: Period, day: date) -> None:
    first = int(bucket_first_day(period, bucket(period, midnight(day))))
    assert 0 <= day_number(day) - first < bucket_days(period)
    assert bucket(period, midnight(day_date(first))) == bucket(period, midnight(day))
    assert bucket(period, midnight(day_date(first - 1))) != bucket(period, midnight(day))


def test_day_numbers_empty_input_is_empty() -> None:
    assert day_numbers(np.zeros(0, dtype=np.int64)).size == 0


def test_period_parse_code_round_trips() -> None:
    assert [Period.parse(period.code) for period in Period] == list(Period)


def test_period_parse_aggregated_period_is_refused() -> None:
    with pytest.raises(ValueError, match="'15m' is not a stored period"):
        Period.parse("15m")
