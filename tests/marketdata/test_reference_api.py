"""The REST addresses of static data."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from accounts.choices import Role
from accounts.models import QmtHost, User
from marketdata.choices import Board, Kind
from marketdata.models import DividendFactor, Instrument, InstrumentAlias
from marketdata.services.financials import financials_store
from marketdata.services.reference import weights_sync
from marketdata.services.sectors import sectors_store
from ops.models import Job
from qmt.reference import FinancialRow, FinancialTable
from tests.marketdata.conftest import MAOTAI, PINGAN, instrument
from tests.marketdata.fake_reference import FakeReference
from tests.marketdata.fakes import TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

LATER = date(2023, 3, 21)


@pytest.fixture
def alice(host: QmtHost) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("alice", password="market-data-1", role=Role.TRADER))
    return client


@pytest.fixture
def sectors(maotai: Instrument, pingan: Instrument) -> None:
    sectors_store(members={"上证50": [MAOTAI, PINGAN]}, day=TODAY)
    sectors_store(members={"上证50": [MAOTAI]}, day=LATER)


def test_members_on_a_day_include_who_left_later(sectors: None, alice: Client) -> None:
    rows = alice.get(f"/api/v1/sectors/上证50/members?on={TODAY}").json()["results"]
    assert {(row["symbol"], row["valid_to"]) for row in rows} == {(MAOTAI, None), (PINGAN, "2023-03-20")}
    rows = alice.get(f"/api/v1/sectors/上证50/members?on={LATER}").json()["results"]
    assert [row["symbol"] for row in rows] == [MAOTAI]


def test_members_before_they_were_known_are_not_invented(sectors: None, alice: Client) -> None:
    response = alice.get("/api/v1/sectors/上证50/members?on=20230317")
    assert (response.status_code, response.json()["code"]) == (422, "DATA_UNAVAILABLE")
    assert response.json()["details"] == {"known_since": "2023-03-20"}


def test_members_of_an_unknown_sector_are_404(alice: Client) -> None:
    response = alice.get("/api/v1/sectors/没有/members")
    assert (response.status_code, response.json()["code"]) == (404, "SECTOR_NOT_FOUND")


def test_pages_follow_the_cursor_to_the_end(sectors: None, alice: Client) -> None:
    address = f"/api/v1/sectors/上证50/members?on={TODAY}&limit=1"
    first = alice.get(address).json()
    second = alice.get(f"{address}&cursor={first['next']}").json()
    assert len(first["results"]) == len(second["results"]) == 1
    assert first["results"] != second["results"]
    assert second["next"] is None


def test_unchanged_answer_is_304_and_a_changed_one_is_not(sectors: None, alice: Client) -> None:
    first = alice.get("/api/v1/sectors")
    again = alice.get("/api/v1/sectors", headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    sectors_store(members={"上证50": [MAOTAI], "新": [PINGAN]}, day=LATER)
    assert alice.get("/api/v1/sectors", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_weights_are_decimal_text(maotai: Instrument, alice: Client) -> None:
    index = instrument("000016.SH", kind=Kind.INDEX, board=Board.INDEX)
    weights_sync(reference=FakeReference(weights={index.symbol: {MAOTAI: Decimal("12.3456")}}), day=TODAY)
    (row,) = alice.get("/api/v1/index-weights?index=000016.SH").json()["results"]
    assert (row["symbol"], row["weight"]) == (MAOTAI, "12.345600")


def test_financials_as_of_a_day_and_of_one_table(maotai: Instrument, alice: Client) -> None:
    reported = date(2022, 12, 31)
    rows = [
        FinancialRow(MAOTAI, FinancialTable.INCOME, reported, date(2023, 3, 28), 0, {"revenue": 10.0}),
        FinancialRow(MAOTAI, FinancialTable.INCOME, reported, date(2024, 3, 28), 0, {"revenue": 9.0}),
        FinancialRow(MAOTAI, FinancialTable.BALANCE, reported, date(2023, 3, 28), 0, {"tot_assets": 1.0}),
    ]
    financials_store(rows=rows, ids={MAOTAI: maotai.pk})
    found = alice.get(f"/api/v1/financials?symbols={MAOTAI}&tables=income&as_of=2023-12-31").json()["results"]
    assert [(row["table"], row["announced_on"], row["values"]) for row in found] == [
        ("Income", "2023-03-28", {"revenue": 10.0})
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"symbols={MAOTAI}&tables=Nothing", "tables"),
        (f"symbols={MAOTAI}&as_of=2023-02-30", "as_of"),
        (f"symbols={MAOTAI}&start=20230201&end=20230101", "start"),
        ("", "symbols"),
    ],
)
def test_financials_bad_input_names_the_field(maotai: Instrument, alice: Client, query: str, field: str) -> None:
    response = alice.get(f"/api/v1/financials?{query}")
    assert (response.status_code, response.json()["field"]) == (400, field)


def test_factors_between_days(maotai: Instrument, alice: Client) -> None:
    for day in (date(2022, 6, 30), date(2023, 6, 30)):
        DividendFactor.objects.create(instrument=maotai, date=day, interest=25.911, dr=1.0148)
    (row,) = alice.get(f"/api/v1/factors?symbols={MAOTAI}&start=2023-01-01").json()["results"]
    assert (row["date"], row["interest"]) == ("2023-06-30", 25.911)


def test_instrument_is_found_by_its_former_code(maotai: Instrument, alice: Client) -> None:
    InstrumentAlias.objects.create(instrument=maotai, kind="SYMBOL", text="600001.SH", valid_to=TODAY)
    body = alice.get("/api/v1/instruments/600001.SH/history").json()
    assert (body["symbol"], body["aliases"][0]["text"]) == (MAOTAI, "600001.SH")


def test_refresh_by_a_trader_is_refused_and_starts_nothing(alice: Client) -> None:
    response = alice.post("/api/v1/static-refresh", {"parts": ["lists"]}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")
    assert not Job.objects.exists()


def test_refresh_by_an_administrator_is_a_job(host: QmtHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.services.refresh.repair_wake", lambda _job, _host: True)
    admin = Client()
    admin.force_login(User.objects.create_user("root", password="market-data-1", role=Role.ADMIN))
    response = admin.post("/api/v1/static-refresh", {"parts": ["lists"]}, content_type="application/json")
    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (202, f"/api/v1/jobs/{job.pk}")
    assert (job.kind, job.params["parts"], job.params["host"]) == ("static", ["lists"], "sim")
