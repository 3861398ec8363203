"""What is stored, proven absent and missing: as a table, by month, page by page."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import QmtHost, User
from marketdata.choices import EvidenceReason
from marketdata.models import Instrument
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Period, date_ts, day_number
from marketdata.quotes.store import segments_merge
from marketdata.services import DataRequest, MarketDataService
from marketdata.services.coverage import CoverageRequest, coverage_months, coverage_page, coverage_table
from marketdata.services.evidence import Proof, evidence_record
from tests.marketdata.conftest import MAOTAI, PINGAN, RunnerFactory, instrument
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, day_bars, minute_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

NUMBERS = np.array([day_number(day) for day in (*WEEK, TODAY)])
COUNTS = ["expected", "present", "suspended", "source_empty", "source_depth", "missing"]


@pytest.fixture
def alice(host: QmtHost) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("alice", password="market-data-1"))
    return client


def store(row: Instrument, period: Period, frame: Any) -> None:
    values = frame.drop(columns="suspended").rename(columns={"time": "ts"})
    segments_merge(period=period, rows=QuoteColumns.from_frame(BAR, values, instrument_id=row.pk))


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def prove(row: Instrument, day: int, reason: EvidenceReason, period: Period = Period.DAY_1) -> None:
    evidence_record(
        proofs=[Proof(row.pk, NUMBERS[day : day + 1], reason)],
        period=period,
        calendar=NUMBERS,
        host="sim",
        sdk_version="x",
    )


def table(service: MarketDataService, **changes: Any) -> dict[str, list[int]]:
    found = coverage_table(service.coverage_scope(CoverageRequest(**changes)))
    return {row["symbol"]: [row[name] for name in COUNTS] for row in found.to_dict("records")}


def test_coverage_counts_add_up_for_each_instrument(
    maotai: Instrument, pingan: Instrument, service: MarketDataService
) -> None:
    store(maotai, Period.DAY_1, day_bars([WEEK[0], WEEK[2]]))
    prove(maotai, 1, EvidenceReason.SUSPENDED)
    prove(maotai, 3, EvidenceReason.SOURCE_EMPTY)
    assert table(service) == {PINGAN: [5, 0, 0, 0, 0, 5], MAOTAI: [5, 2, 1, 1, 0, 1]}


def test_coverage_without_a_start_is_of_the_days_kept_complete(
    maotai: Instrument, service: MarketDataService, settings: Settings
) -> None:
    settings.MARKETDATA = settings.MARKETDATA.changed(sync={"history_days": 2})
    assert table(service, end=WEEK[-1])[MAOTAI] == [2, 0, 0, 0, 0, 2]
    assert table(service, start=WEEK[0], end=WEEK[-1])[MAOTAI] == [5, 0, 0, 0, 0, 5]


def test_coverage_expects_only_days_of_the_listing(
    maotai: Instrument, pingan: Instrument, service: MarketDataService
) -> None:
    Instrument.objects.filter(pk=maotai.pk).update(list_date=WEEK[3])
    Instrument.objects.filter(pk=pingan.pk).update(delist_date=WEEK[0])
    assert {symbol: counts[0] for symbol, counts in table(service).items()} == {MAOTAI: 2, PINGAN: 1}


def test_coverage_minutes_without_trade_leave_a_day_present(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.MINUTE_1, minute_bars(WEEK[0]).iloc[:-1])
    prove(maotai, 0, EvidenceReason.NO_TRADE, Period.MINUTE_1)
    assert table(service, period="1m", end=WEEK[-1])[MAOTAI] == [5, 1, 0, 0, 0, 4]


def test_coverage_interior_hole_of_minutes_is_missing(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.MINUTE_1, minute_bars(WEEK[0]).drop(index=100))
    store(maotai, Period.MINUTE_1, minute_bars(WEEK[1]))
    assert table(service, period="1m", end=WEEK[1])[MAOTAI] == [2, 1, 0, 0, 0, 1]


def test_coverage_states_pick_instruments(maotai: Instrument, pingan: Instrument, service: MarketDataService) -> None:
    instrument("000002.SZ")
    store(maotai, Period.DAY_1, day_bars(WEEK))
    store(pingan, Period.DAY_1, day_bars(WEEK[:2]))
    found = {state: list(table(service, state=state)) for state in ("complete", "missing", "empty")}
    assert found == {"complete": [MAOTAI], "missing": [PINGAN, "000002.SZ"], "empty": ["000002.SZ"]}


def test_coverage_names_first_last_and_the_download(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    service.get(DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1]), wait_seconds=0)
    make_runner().run_all()
    (row,) = coverage_table(service.coverage_scope(CoverageRequest(symbols=[MAOTAI]))).to_dict("records")
    assert (row["first_ts"], row["last_ts"]) == (date_ts(WEEK[0]), date_ts(WEEK[-1]))
    assert (row["host"], row["last_sync_count"]) == ("sim", 5)


@pytest.mark.parametrize("state", ["any", "missing"])
def test_coverage_pages_join_to_the_whole(calendar: None, service: MarketDataService, state: str) -> None:
    rows = [instrument(f"{600_000 + number}.SH") for number in range(7)]
    store(rows[2], Period.DAY_1, day_bars(WEEK))
    scope = service.coverage_scope(CoverageRequest(state=state))
    seen: list[str] = []
    sizes = []
    after: str | None = ""
    while after is not None:
        page, after = coverage_page(scope, limit=3, after=after)
        sizes.append(len(page))
        seen += page["symbol"].tolist()
    assert seen == [row.symbol for row in rows if state == "any" or row is not rows[2]]
    assert sizes == ([3, 3, 1] if state == "any" else [3, 3])


def test_coverage_months_round_down_so_that_100_means_all(
    maotai: Instrument, pingan: Instrument, service: MarketDataService
) -> None:
    instrument("000002.SZ", list_date=TODAY + timedelta(days=1))
    store(maotai, Period.DAY_1, day_bars(WEEK[:3]))
    prove(maotai, 3, EvidenceReason.SUSPENDED)
    store(pingan, Period.DAY_1, day_bars(WEEK[:1]))
    for day in range(1, 5):
        prove(pingan, day, EvidenceReason.SUSPENDED)
    found = coverage_months(service.coverage_scope(CoverageRequest()))
    assert (found.months, found.symbols) == (("2023-03",), (PINGAN, "000002.SZ", MAOTAI))
    assert found.ratios.tolist() == [[100], [-1], [75]]


# --------------------------------------------------------------------------------- REST
def test_coverage_api_pages_with_evidence(maotai: Instrument, pingan: Instrument, alice: Client) -> None:
    prove(pingan, 1, EvidenceReason.SUSPENDED)
    body = alice.get("/api/v1/coverage?limit=1").json()
    assert (body["instruments"], body["next"]) == (2, PINGAN)
    (row,) = body["results"]
    assert {name: row[name] for name in ("symbol", "first_ts", "suspended", "missing", "last_sync_at")} == {
        "symbol": PINGAN,
        "first_ts": None,
        "suspended": 1,
        "missing": 4,
        "last_sync_at": None,
    }
    assert [(item["start_date"], item["reason"]) for item in row["evidence"]] == [("2023-03-14", "SUSPENDED")]
    rest = alice.get("/api/v1/coverage?limit=1&cursor=" + body["next"]).json()
    assert ([row["symbol"] for row in rest["results"]], rest["next"]) == ([MAOTAI], None)


def test_coverage_api_csv_is_the_whole_table(maotai: Instrument, pingan: Instrument, alice: Client) -> None:
    Instrument.objects.filter(pk=maotai.pk).update(name='A "quoted", name')
    response = alice.get("/api/v1/coverage?format=csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(body_of(response).decode())))
    assert [(row["symbol"], row["missing"]) for row in rows] == [(PINGAN, "5"), (MAOTAI, "5")]
    assert rows[1]["name"] == 'A "quoted", name'


def test_coverage_api_months_is_a_matrix(maotai: Instrument, pingan: Instrument, alice: Client) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    body = json.loads(alice.get("/api/v1/coverage/months?kind=STOCK&market=SH").content)
    assert body == {
        "period": "1d",
        "months": ["2023-03"],
        "symbols": [MAOTAI],
        "names": [maotai.name],
        "ratios": [[100]],
    }


def test_coverage_api_missing_lists_unbroken_stretches_of_trading_days(
    maotai: Instrument, pingan: Instrument, alice: Client
) -> None:
    store(maotai, Period.DAY_1, day_bars([WEEK[1]]))
    body = alice.get(f"/api/v1/coverage/missing?symbols={MAOTAI}&end=20230319").json()
    assert body["results"] == [
        {"symbol": MAOTAI, "start_date": "2023-03-13", "end_date": "2023-03-13", "days": 1},
        {"symbol": MAOTAI, "start_date": "2023-03-15", "end_date": "2023-03-17", "days": 3},
    ]


def test_coverage_api_missing_of_too_many_instruments_is_refused(alice: Client) -> None:
    response = alice.get("/api/v1/coverage/missing?symbols=" + ",".join(["600519.SH"] * 101))
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (
        400,
        "FIELD_INVALID",
        "symbols",
    )


# ------------------------------------------------------------------------------ command
def test_coverage_command_prints_counts_and_their_sums(
    maotai: Instrument, pingan: Instrument, host: QmtHost, capsys: pytest.CaptureFixture[str]
) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    call_command("coverage", "--state", "missing")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "symbol",
        "first",
        "last",
        "expected",
        "present",
        "proven",
        "missing",
        "last",
        "download",
    ]
    assert lines[1].split() == [PINGAN, "-", "-", "5", "0", "0", "5", "-"]
    assert lines[-1] == "1 of 2 instruments, 1d: 5 days expected, 0 present, 0 proven absent, 5 missing"


def test_coverage_command_writes_csv(maotai: Instrument, host: QmtHost, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("coverage", "--csv", "--symbols", MAOTAI)
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["symbol"], row["missing"]) == (MAOTAI, "5")


def test_coverage_command_refuses_in_words(host: QmtHost) -> None:
    with pytest.raises(CommandError, match=r"^PERIOD_NOT_AVAILABLE: "):
        call_command("coverage", "--period", "1w")
