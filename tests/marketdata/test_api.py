"""The REST addresses of market data."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.choices import Role, Scope
from accounts.models import QmtHost, User
from marketdata.choices import Basis
from marketdata.models import DataSource, DividendFactor, Instrument, InstrumentDay
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.periods import date_ts
from marketdata.quotes.tables import LatestRow
from ops.clocks import wall_now
from ops.models import AuditEvent, Job
from tests.marketdata.conftest import MAOTAI, PINGAN, RunnerFactory
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, day_bars, minute_bars
from tests.people import make_token

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

WEEK_QUERY = "start=20230313&end=20230317&wait=0"


def person(name: str, role: Role = Role.TRADER) -> User:
    return User.objects.create_user(name, password="market-data-1", role=role)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice(host: QmtHost) -> Client:
    return signed_in(person("alice"))


@pytest.fixture
def stored(
    maotai: Instrument, pingan: Instrument, terminal: FakeTerminal, alice: Client, make_runner: RunnerFactory
) -> None:
    """A week of daily bars of both instruments."""
    terminal.put(MAOTAI, "1d", day_bars(WEEK, price=1700.1))
    terminal.put(PINGAN, "1d", day_bars(WEEK, price=12.4563))
    alice.get(f"/api/v1/bars?symbols={MAOTAI},{PINGAN}&{WEEK_QUERY}")
    make_runner().run_all()


Get = Callable[[str], Any]


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


# ------------------------------------------------------------------------------- bars
def test_bars_missing_answers_202_with_the_job(maotai: Instrument, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?symbols={MAOTAI}&{WEEK_QUERY}")
    job = Job.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"/api/v1/jobs/{job.pk}"
    body = response.json()
    assert (body["complete"], body["missing_days"], body["job"]["status"]) == (False, 5, "PENDING")


def test_bars_complete_are_rows_in_the_order_asked(stored: None, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?symbols={PINGAN},{MAOTAI}&{WEEK_QUERY}")
    assert response.status_code == 200
    assert response["X-Data-Complete"] == "true"
    body = json.loads(body_of(response))
    assert body["complete"]
    assert [row["symbol"] for row in body["rows"]] == [PINGAN] * 5 + [MAOTAI] * 5
    assert body["rows"][0] == {
        "symbol": PINGAN,
        "time": date_ts(WEEK[0]),
        "open": 12.4563,
        "high": 12.5063,
        "low": 12.4063,
        "close": 12.4563,
        "volume": 24_100,
        "amount": 300_196.83,
        "pre_close": 12.4563,
        "suspended": False,
    }


def test_bars_csv_prints_the_stored_numbers_and_nothing_more(stored: None, alice: Client) -> None:
    response = alice.get(
        f"/api/v1/bars?symbols={PINGAN}&{WEEK_QUERY}&fields=close,volume,suspended", headers={"accept": "text/csv"}
    )
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    lines = body_of(response).decode().splitlines()
    assert lines[0] == "symbol,time,close,volume,suspended"
    assert lines[1] == f"000001.SZ,{date_ts(WEEK[0])},12.4563,24100,0"
    assert len(lines) == 6


def test_bars_iso_time_is_the_trade_date(stored: None, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?symbols={PINGAN}&{WEEK_QUERY}&time=iso")
    assert [row["time"] for row in json.loads(body_of(response))["rows"]] == [day.isoformat() for day in WEEK]


def test_bars_iso_time_of_a_minute_carries_the_offset(
    maotai: Instrument, terminal: FakeTerminal, alice: Client, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    terminal.put(MAOTAI, "1m", minute_bars(WEEK[0]))
    url = f"/api/v1/bars?symbols={MAOTAI}&period=1m&start=20230313&end=20230313&wait=0&time=iso&fields=close"
    alice.get(url)
    make_runner().run_all()
    rows = json.loads(body_of(alice.get(url)))["rows"]
    assert (rows[0]["time"], rows[-1]["time"]) == ("2023-03-13T09:30:00+08:00", "2023-03-13T15:00:00+08:00")


def test_bars_count_takes_the_last_of_each(stored: None, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?symbols={MAOTAI},{PINGAN}&count=2&end=20230317&wait=0&time=iso")
    rows = json.loads(body_of(response))["rows"]
    assert [(row["symbol"], row["time"]) for row in rows] == [
        (MAOTAI, "2023-03-16"),
        (MAOTAI, "2023-03-17"),
        (PINGAN, "2023-03-16"),
        (PINGAN, "2023-03-17"),
    ]


def test_bars_adjusted_use_the_factors(stored: None, maotai: Instrument, alice: Client) -> None:
    DividendFactor.objects.create(instrument=maotai, date=WEEK[2], interest=100.0, dr=1.0625)
    url = f"/api/v1/bars?symbols={MAOTAI}&{WEEK_QUERY}&fields=close&adjust=front"
    closes = [row["close"] for row in json.loads(body_of(alice.get(url)))["rows"]]
    assert closes == [1600.1, 1600.11, 1700.12, 1700.13, 1700.14]


def test_bars_adjusted_from_a_front_adjusted_source_are_refused(stored: None, alice: Client) -> None:
    DataSource.objects.create(host="sim", basis=Basis.FRONT_ADJUSTED)
    response = alice.get(f"/api/v1/bars?symbols={MAOTAI}&{WEEK_QUERY}&adjust=front")
    assert (response.status_code, response.json()["code"]) == (422, "FACTORS_UNAVAILABLE")


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("", "FIELD_REQUIRED", "symbols"),
        ("symbols=600519.SH,888888.SH", "SYMBOL_UNKNOWN", "symbols"),
        ("symbols=600519.SH&period=3d", "PERIOD_UNKNOWN", "period"),
        ("symbols=600519.SH&period=tick&adjust=front", "FIELD_INVALID", "adjust"),
        ("symbols=600519.SH&start=20230317&end=20230313", "RANGE_REVERSED", "start"),
        ("symbols=600519.SH&start=20230313&end=20991231", "RANGE_IN_FUTURE", "end"),
        ("symbols=600519.SH&start=NaN", "RANGE_INVALID", "start"),
        ("symbols=600519.SH&count=NaN", "FIELD_INVALID", "count"),
        ("symbols=600519.SH&count=1.5", "FIELD_INVALID", "count"),
        ("symbols=600519.SH&wait=NaN", "FIELD_INVALID", "wait"),
        ("symbols=600519.SH&wait=-1", "FIELD_INVALID", "wait"),
        ("symbols=600519.SH&fill=maybe", "FIELD_INVALID", "fill"),
        ("symbols=600519.SH&time=noon", "FIELD_INVALID", "time"),
        ("symbols=600519.SH&adjust=up", "ADJUST_UNKNOWN", "adjust"),
        ("symbols=600519.SH&fields=vwap", "FIELD_UNKNOWN", "fields"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_bars_bad_input_is_a_precise_refusal_and_starts_nothing(
    maotai: Instrument, alice: Client, query: str, code: str, field: str, accept: str
) -> None:
    response = alice.get(f"/api/v1/bars?{query}", headers={"accept": accept})
    body = response.json()
    assert (response.status_code, body["code"], body["field"]) == (400, code, field)
    assert Job.objects.count() == 0


def test_bars_need_a_person_or_a_market_token(stored: None, host: QmtHost) -> None:
    url = f"/api/v1/bars?symbols={MAOTAI}&{WEEK_QUERY}"
    assert Client().get(url).status_code == 401
    reader = make_token(person("bob"), Scope.MARKET_READ)[1]
    other = make_token(person("charlie"), Scope.ACCOUNT_READ)[1]
    assert Client(headers={"authorization": f"Bearer {reader}"}).get(url).status_code == 200
    refused = Client(headers={"authorization": f"Bearer {other}"}).get(url)
    assert (refused.status_code, refused.json()["code"]) == (403, "SCOPE_MISSING")


# ---------------------------------------------------------------- instruments, quotes, calendar
@pytest.mark.parametrize("text", ["6005", "600519.SH", "gz", "GZMT", "茅台"])
def test_instruments_are_found_by_code_pinyin_or_name(
    maotai: Instrument, pingan: Instrument, alice: Client, text: str
) -> None:
    body = alice.get("/api/v1/instruments", {"q": text}).json()
    assert [row["symbol"] for row in body["results"]] == [MAOTAI]


def test_instrument_shows_the_facts_of_its_trade_date(maotai: Instrument, alice: Client) -> None:
    assert alice.get(f"/api/v1/instruments/{MAOTAI}").json()["limit_up"] is None
    InstrumentDay.objects.create(
        instrument=maotai,
        trade_date=TODAY,
        pre_close=Decimal("1700.00"),
        limit_up=Decimal("1870.00"),
        limit_down=Decimal("1530.00"),
        updated_at=wall_now(),
    )
    body = alice.get("/api/v1/instruments/600519").json()
    assert (body["trade_date"], body["limit_up"], body["tick"]) == ("2023-03-20", "1870.00", "0.01")


def test_instrument_unknown_is_refused_by_name(maotai: Instrument, alice: Client) -> None:
    response = alice.get("/api/v1/instruments/600000.SH")
    assert (response.status_code, response.json()["code"]) == (404, "SYMBOL_UNKNOWN")


def test_quotes_are_the_newest_snapshots(maotai: Instrument, pingan: Instrument, alice: Client) -> None:
    latest_upsert(
        [
            LatestRow(
                instrument_id=maotai.pk,
                ts=1,
                last=1700.5,
                open=1.0,
                high=1.0,
                low=1.0,
                pre_close=1.0,
                volume=100,
                amount=1.0,
                bid="[1700.4]",
                ask="[1700.6]",
                bid_volume="[100]",
                ask_volume="[200]",
                status=13,
                received_at=2,
            )
        ]
    )
    results = alice.get(f"/api/v1/quotes?symbols={MAOTAI},{PINGAN}").json()["results"]
    assert [(row["symbol"], row["last"], row["bid"]) for row in results] == [(MAOTAI, 1700.5, [1700.4])]


def test_calendar_lists_trading_days_and_the_market_clock(maotai: Instrument, alice: Client) -> None:
    body = alice.get("/api/v1/calendar?start=20230316&end=2023-03-21").json()
    assert body["trading_days"] == ["2023-03-16", "2023-03-17", "2023-03-20"]
    assert (body["trade_date"], body["phase"], body["simulated"]) == ("2023-03-20", "CONTINUOUS", True)
    assert alice.get("/api/v1/calendar?start=2023").json()["code"] == "RANGE_INVALID"
    assert alice.get("/api/v1/calendar?market=HK").json()["code"] == "FIELD_INVALID"


# -------------------------------------------------------------------------------- jobs
def test_jobs_are_their_owners_and_the_administrators(maotai: Instrument, alice: Client) -> None:
    job_id = alice.get(f"/api/v1/bars?symbols={MAOTAI}&{WEEK_QUERY}").json()["job"]["id"]
    bob, admin = signed_in(person("bob")), signed_in(person("root", Role.ADMIN))
    seen = {
        name: [row["id"] for row in client.get("/api/v1/jobs").json()["results"]]
        for name, client in (("alice", alice), ("bob", bob), ("admin", admin))
    }
    assert seen == {"alice": [job_id], "bob": [], "admin": [job_id]}
    hidden, absent = bob.get(f"/api/v1/jobs/{job_id}"), bob.get(f"/api/v1/jobs/{uuid4()}")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "JOB_NOT_FOUND")
    assert hidden.json().keys() == absent.json().keys()
    assert alice.get(f"/api/v1/jobs/{job_id}").json()["total"] == 5


def test_bars_second_person_gets_a_job_of_their_own_for_the_same_download(
    maotai: Instrument, terminal: FakeTerminal, alice: Client, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    url = f"/api/v1/bars?symbols={MAOTAI}&{WEEK_QUERY}"
    bob = signed_in(person("bob"))
    jobs = [client.get(url).json()["job"]["id"] for client in (alice, bob)]
    make_runner().run_all()
    assert len(set(jobs)) == 2
    assert len(terminal.downloads) == 1
    assert bob.get(f"/api/v1/jobs/{jobs[1]}").json()["status"] == "DONE"


def test_job_cancelled_gives_up_only_what_nobody_else_waits_for(
    maotai: Instrument, pingan: Instrument, terminal: FakeTerminal, alice: Client, make_runner: RunnerFactory
) -> None:
    both = alice.get(f"/api/v1/bars?symbols={MAOTAI},{PINGAN}&{WEEK_QUERY}").json()["job"]["id"]
    bob = signed_in(person("bob"))
    bob.get(f"/api/v1/bars?symbols={MAOTAI}&{WEEK_QUERY}")
    assert bob.post(f"/api/v1/jobs/{both}/cancel").status_code == 404
    response = alice.post(f"/api/v1/jobs/{both}/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "CANCELLED")
    make_runner().run_all()
    assert {symbol for call in terminal.downloads for symbol in call[0]} == {MAOTAI}
    assert AuditEvent.objects.get(action="job.cancelled").target == f"job:{both}"
    again = alice.post(f"/api/v1/jobs/{both}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "JOB_ENDED")


def test_bars_before_any_market_clock_say_so(db: None) -> None:
    QmtHost.objects.create(name="new")
    response = signed_in(person("alice")).get(f"/api/v1/bars?symbols={MAOTAI}&start={date(2023, 3, 13)}")
    assert (response.status_code, response.json()["code"]) == (503, "MARKET_CLOCK_UNKNOWN")
