"""DataService: the same bars, facts and jobs as over REST, read from and written to messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from accounts.choices import Role
from accounts.models import QmtHost, User
from marketdata.models import Instrument
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.periods import date_ts
from marketdata.quotes.tables import LatestRow
from ops.errors import Code, Conflict, DeskError, Invalid, NotFound
from ops.models import AuditEvent, Job
from rpc import data
from rpc.calls import Call
from rpc.v1 import common_pb2 as common
from rpc.v1 import data_pb2 as pb
from tests.marketdata.conftest import (  # noqa: F401 - fixtures
    MAOTAI,
    PINGAN,
    RunnerFactory,
    _fast,
    calendar,
    host,
    make_runner,
    maotai,
    pingan,
    terminal,
    wakes,
)
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, day_bars
from tests.rpc.direct import call_of

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]


@pytest.fixture
def alice(host: QmtHost) -> Call:  # noqa: F811
    return call_of(User.objects.create_user("alice", role=Role.TRADER))


def week(*symbols: str, **changes: Any) -> pb.GetBarsRequest:
    """The daily bars of the week, without waiting, unless told otherwise."""
    values: dict[str, Any] = {"symbols": symbols, "start": "20230313", "end": "20230317", "wait_seconds": 0}
    return pb.GetBarsRequest(**(values | changes))


@pytest.fixture
def stored(
    maotai: Instrument,  # noqa: F811
    pingan: Instrument,  # noqa: F811
    terminal: FakeTerminal,  # noqa: F811
    alice: Call,
    make_runner: RunnerFactory,  # noqa: F811
) -> None:
    """A week of daily bars of both instruments."""
    terminal.put(MAOTAI, "1d", day_bars(WEEK, price=1700.1))
    terminal.put(PINGAN, "1d", day_bars(WEEK, price=12.4563))
    list(data.get_bars(alice, week(MAOTAI, PINGAN)))
    make_runner().run_all()


# --------------------------------------------------------------------------------- bars
def test_bars_come_by_instrument_in_the_order_asked(stored: None, alice: Call) -> None:
    head, first, second = data.get_bars(alice, week(PINGAN, MAOTAI))
    assert (head.head.complete, head.head.period, head.head.source["host"]) == (True, "1d", "sim")
    assert [first.bars.symbol, second.bars.symbol] == [PINGAN, MAOTAI]
    assert list(first.bars.time_ms) == [date_ts(day) for day in WEEK]
    assert (first.bars.close[0], first.bars.volume[0], first.bars.amount[0]) == (12.4563, 24_100, 300_196.83)
    assert list(first.bars.suspended) == [False] * 5
    assert list(first.bars.partial) == []


def test_bars_have_the_columns_that_were_asked_for(stored: None, alice: Call) -> None:
    _head, part = data.get_bars(alice, week(MAOTAI, fields=["close"]))
    assert len(part.bars.close) == len(part.bars.time_ms) == 5
    assert (list(part.bars.open), list(part.bars.volume)) == ([], [])


def test_bars_that_are_missing_name_the_download_and_bring_none(maotai: Instrument, alice: Call) -> None:  # noqa: F811
    parts = list(data.get_bars(alice, week(MAOTAI)))
    assert len(parts) == 1
    head = parts[0].head
    assert (head.complete, head.missing_days) == (False, 5)
    assert (head.job.id, head.job.status) == (str(Job.objects.get().pk), common.JOB_STATUS_PENDING)
    assert head.job.owner == alice.user.pk


def test_long_answer_comes_in_messages_of_bounded_size() -> None:
    rows = 12_345
    frame = pd.DataFrame(
        {
            "symbol": ["A"] * rows + ["B"],
            "time": np.arange(rows + 1),
            "close": np.linspace(1, 2, rows + 1),
            "volume": np.arange(rows + 1),
            "pre_close": [math.nan] * (rows + 1),
        }
    )
    parts = list(data.bar_columns(frame))
    assert [(part.symbol, len(part.time_ms)) for part in parts] == [("A", 5000), ("A", 5000), ("A", 2345), ("B", 1)]
    assert [stamp for part in parts for stamp in part.time_ms] == list(range(rows + 1))
    assert math.isnan(parts[-1].pre_close[0])
    assert parts[-1].volume[0] == rows
    assert max(part.ByteSize() for part in parts) < 1024 * 1024


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"symbols": []}, Code.FIELD_REQUIRED, "symbols"),
        ({"symbols": ["600001"]}, Code.SYMBOL_UNKNOWN, "symbols"),
        ({"period": "2h"}, Code.PERIOD_UNKNOWN, "period"),
        ({"period": "tick"}, Code.PERIOD_NOT_AVAILABLE, "period"),
        ({"start": "yesterday"}, Code.RANGE_INVALID, "start"),
        ({"start": "20230318", "end": "20230313"}, Code.RANGE_REVERSED, "start"),
        ({"count": 0}, Code.FIELD_INVALID, "count"),
        ({"adjust": "sideways"}, Code.ADJUST_UNKNOWN, "adjust"),
        ({"wait_seconds": math.nan}, Code.FIELD_INVALID, "wait_seconds"),
        ({"wait_seconds": 61}, Code.FIELD_INVALID, "wait_seconds"),
    ],
)
def test_malformed_request_for_bars_is_refused(
    maotai: Instrument,  # noqa: F811
    alice: Call,
    changes: dict[str, Any],
    code: Code,
    field: str,
) -> None:
    with pytest.raises(DeskError) as refusal:
        list(data.get_bars(alice, week(MAOTAI, **changes)))
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert Job.objects.count() == 0


# --------------------------------------------------------------- quotes, facts, calendar
def test_quotes_are_the_stored_ones_in_the_order_asked(maotai: Instrument, pingan: Instrument, alice: Call) -> None:  # noqa: F811
    latest_upsert(
        [
            LatestRow(
                instrument_id=maotai.pk,
                ts=1679277600000,
                last=1700.01,
                open=1690.0,
                high=1710.0,
                low=1688.5,
                pre_close=1695.0,
                volume=2500,
                amount=4.25e6,
                bid="[1700.0]",
                ask="[1700.02]",
                bid_volume="[100]",
                ask_volume="[200]",
                status=3,
                received_at=1679277600100,
                host="sim",
            )
        ]
    )
    quotes = data.get_quotes(alice, pb.GetQuotesRequest(symbols=["000001.SZ", "600519"])).quotes
    assert [quote.symbol for quote in quotes] == [MAOTAI]
    assert (quotes[0].last_e4, quotes[0].amount_e4, list(quotes[0].ask_volume)) == (17_000_100, 42_500_000_000, [200])


def test_instrument_is_found_by_its_pinyin(maotai: Instrument, pingan: Instrument, alice: Call) -> None:  # noqa: F811
    found = data.search_instruments(alice, pb.SearchInstrumentsRequest(text="gzmt")).instruments
    assert [(row.symbol, row.name, row.tick, row.lot_size) for row in found] == [(MAOTAI, "贵州茅台", "0.01", 100)]
    assert not found[0].HasField("limit_up")
    assert data.get_instrument(alice, pb.GetInstrumentRequest(symbol="600519")).symbol == MAOTAI
    with pytest.raises(NotFound):
        data.get_instrument(alice, pb.GetInstrumentRequest(symbol="600001"))


def test_calendar_is_of_the_markets_year_unless_told_otherwise(calendar: None, alice: Call) -> None:  # noqa: F811
    told = data.get_calendar(alice, pb.GetCalendarRequest())
    assert list(told.trading_days) == [day.isoformat() for day in (*WEEK, TODAY)]
    assert (told.market, told.trade_date, told.simulated) == ("SH", "2023-03-20", True)
    part = data.get_calendar(alice, pb.GetCalendarRequest(market="BJ", start="20230314", end="2023-03-15"))
    assert list(part.trading_days) == ["2023-03-14", "2023-03-15"]
    with pytest.raises(Invalid) as refusal:
        data.get_calendar(alice, pb.GetCalendarRequest(start="20230315", end="20230314"))
    assert refusal.value.code == Code.RANGE_REVERSED


def test_coverage_counts_what_is_stored(stored: None, alice: Call) -> None:
    request = pb.ListCoverageRequest(start="20230313", end="20230317", page=common.PageRequest(size=1))
    first = data.list_coverage(alice, request)
    request.page.page_token = first.next_page_token
    second = data.list_coverage(alice, request)
    rows = [*first.coverage, *second.coverage]
    assert [(row.symbol, row.expected, row.present, row.missing) for row in rows] == [
        (PINGAN, 5, 5, 0),
        (MAOTAI, 5, 5, 0),
    ]
    assert (first.instruments, second.next_page_token) == (2, "")
    assert rows[0].first_ts_ms == date_ts(WEEK[0])


# --------------------------------------------------------------------------------- jobs
def test_download_is_started_shown_held_and_given_up(maotai: Instrument, alice: Call) -> None:  # noqa: F811
    started = data.start_sync(alice, pb.StartSyncRequest(symbols=[MAOTAI], start="20230313", end="20230317"))
    named = pb.JobRequest(job=started.job.id)
    assert (started.complete, started.missing_days) == (False, 5)
    assert [job.id for job in data.list_jobs(alice, pb.ListJobsRequest()).jobs] == [started.job.id]
    assert data.pause_job(alice, named).status == common.JOB_STATUS_PAUSED
    assert data.resume_job(alice, named).status == common.JOB_STATUS_PENDING
    assert data.cancel_job(alice, named).status == common.JOB_STATUS_CANCELLED
    assert data.get_job(alice, named).status == common.JOB_STATUS_CANCELLED
    with pytest.raises(Conflict) as refusal:
        data.cancel_job(alice, named)
    assert refusal.value.code == Code.JOB_ENDED
    assert AuditEvent.objects.filter(actor_kind="token", target=f"job:{started.job.id}").count() == 3


def test_job_of_somebody_else_is_not_found(maotai: Instrument, alice: Call) -> None:  # noqa: F811
    started = data.start_sync(alice, pb.StartSyncRequest(symbols=[MAOTAI]))
    bob = call_of(User.objects.create_user("bob", role=Role.TRADER))
    for act in (data.get_job, data.pause_job, data.cancel_job, data.retry_job):
        with pytest.raises(NotFound) as refusal:
            act(bob, pb.JobRequest(job=started.job.id))
        assert refusal.value.code == Code.JOB_NOT_FOUND
    assert list(data.list_jobs(bob, pb.ListJobsRequest()).jobs) == []
