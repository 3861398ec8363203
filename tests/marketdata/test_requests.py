"""What may be asked for, and the exact refusal of everything else."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import pytest

from marketdata.models import Instrument
from marketdata.quotes.periods import Period, date_ts
from marketdata.services.requests import DataRequest, request_resolve
from ops.clocks import SHANGHAI
from ops.errors import Code, Invalid
from tests.marketdata.conftest import MAOTAI, PINGAN
from tests.marketdata.fakes import TODAY, clock_at

pytestmark = pytest.mark.django_db

CLOCK = clock_at("2023-03-20 10:00:00")


def resolve(**changes: Any) -> Any:
    facts: dict[str, Any] = {"symbols": [MAOTAI], "start": "20230313", "end": "20230317"}
    return request_resolve(DataRequest(**(facts | changes)), CLOCK)


def refusal(**changes: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        resolve(**changes)
    return caught.value


def test_request_dates_as_text_cover_both_days_in_full(maotai: Instrument) -> None:
    query = resolve()
    assert query.start_ts == date_ts(date(2023, 3, 13))
    assert query.end_ts == date_ts(date(2023, 3, 18)) - 1


@pytest.mark.parametrize(
    "bound", ["2023-03-13", date(2023, 3, 13), "20230313000000", datetime(2023, 3, 13, tzinfo=SHANGHAI)]
)
def test_request_bound_forms_mean_the_same_moment(maotai: Instrument, bound: Any) -> None:
    assert resolve(start=bound).start_ts == date_ts(date(2023, 3, 13))


def test_request_fourteen_digits_are_shanghai_time(maotai: Instrument) -> None:
    query = resolve(period="1m", end="20230317150000")
    assert query.end_ts == int(datetime(2023, 3, 17, 15, tzinfo=SHANGHAI).timestamp() * 1000)


def test_request_bare_codes_are_completed_in_the_order_asked(maotai: Instrument, pingan: Instrument) -> None:
    query = resolve(symbols=["600519", "000001", "600519.SH"])
    assert [row.symbol for row in query.instruments] == [MAOTAI, PINGAN]


def test_request_without_bounds_runs_from_the_beginning_to_now(maotai: Instrument) -> None:
    query = resolve(start=None, end=None)
    assert query.start_date == date(1990, 12, 1)
    assert query.end_ts == int(CLOCK.market_time.timestamp() * 1000)


def test_request_unknown_symbols_are_all_named(maotai: Instrument) -> None:
    error = refusal(symbols=[MAOTAI, "999999.SH", "nonsense", "000002"])
    assert error.code == Code.SYMBOL_UNKNOWN
    assert error.details["symbols"] == ["nonsense", "999999.SH", "000002"]
    assert error.field == "symbols"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"symbols": []}, Code.FIELD_REQUIRED, "symbols"),
        ({"symbols": MAOTAI}, Code.FIELD_REQUIRED, "symbols"),
        ({"symbols": ["600519.SH"] * 6001}, Code.RANGE_TOO_LARGE, "symbols"),
        ({"period": "tick"}, Code.PERIOD_NOT_AVAILABLE, "period"),
        ({"fill": "maybe"}, Code.FIELD_INVALID, "fill"),
        ({"period": "1m", "open_day": True}, Code.FIELD_INVALID, "open_day"),
        ({"period": "60m", "open_day": True}, Code.FIELD_INVALID, "open_day"),
        ({"period": "7m"}, Code.PERIOD_UNKNOWN, "period"),
        ({"period": ""}, Code.PERIOD_UNKNOWN, "period"),
        ({"adjust": "sideways"}, Code.ADJUST_UNKNOWN, "adjust"),
        ({"fields": ["close", "vwap"]}, Code.FIELD_UNKNOWN, "fields"),
        ({"count": 0}, Code.FIELD_INVALID, "count"),
        ({"count": -2}, Code.FIELD_INVALID, "count"),
        ({"count": math.nan}, Code.FIELD_INVALID, "count"),
        ({"count": True}, Code.FIELD_INVALID, "count"),
        ({"start": "20230317", "end": "20230313"}, Code.RANGE_REVERSED, "start"),
        ({"start": "20230231"}, Code.RANGE_INVALID, "start"),
        ({"start": "NaN"}, Code.RANGE_INVALID, "start"),
        ({"end": "yesterday"}, Code.RANGE_INVALID, "end"),
        ({"end": "２０２３０３１７"}, Code.RANGE_INVALID, "end"),
        ({"start": "19000101"}, Code.RANGE_INVALID, "start"),
        ({"end": "20230321"}, Code.RANGE_IN_FUTURE, "end"),
        ({"start": "99990101", "end": "99991231"}, Code.RANGE_IN_FUTURE, "start"),
    ],
)
def test_request_malformed_is_refused_with_its_code(
    maotai: Instrument, changes: dict[str, Any], code: Code, field: str
) -> None:
    error = refusal(**changes)
    assert (error.code, error.field) == (code, field)


def test_request_future_is_judged_by_the_market_clock(maotai: Instrument) -> None:
    late = clock_at("2023-03-20 23:59:59")
    request = DataRequest([MAOTAI], "1d", "20230313", TODAY)
    assert request_resolve(request, late).end_date == TODAY


def test_request_too_many_bars_is_refused_with_their_number(maotai: Instrument, pingan: Instrument) -> None:
    error = refusal(symbols=[MAOTAI, PINGAN], period="1m", start="19910101")
    assert error.code == Code.RANGE_TOO_LARGE
    assert error.details["limit"] == 3_000_000
    assert error.details["rows"] > 3_000_000


def test_request_unknown_period_lists_what_can_be_asked_for(maotai: Instrument) -> None:
    assert refusal(period="2w").details["available"] == [
        *("1d", "1m", "5m"),
        *("15m", "30m", "60m", "1w", "1mon", "1q", "1y"),
    ]


@pytest.mark.parametrize(
    ("period", "stored", "begins"),
    [
        ("15m", Period.MINUTE_1, date(2023, 3, 15)),
        ("1w", Period.DAY_1, date(2023, 3, 13)),
        ("1mon", Period.DAY_1, date(2023, 3, 1)),
        ("1q", Period.DAY_1, date(2023, 1, 1)),
        ("1y", Period.DAY_1, date(2023, 1, 1)),
    ],
)
def test_request_folded_period_reads_whole_bars_of_its_stored_one(
    maotai: Instrument, period: str, stored: Period, begins: date
) -> None:
    query = resolve(period=period, start="20230315")
    assert (query.code, query.period, query.start_date) == (period, stored, begins)
    assert query.first_ts == date_ts(date(2023, 3, 15))


def test_request_open_day_always_brings_its_mark(maotai: Instrument) -> None:
    assert resolve(fields=["close"], open_day=True).columns == ("symbol", "time", "close", "partial")


def test_request_fields_keep_the_columns_order(maotai: Instrument) -> None:
    assert resolve(fields=["volume", "close"]).columns == ("symbol", "time", "close", "volume")
    assert resolve().period is Period.DAY_1
