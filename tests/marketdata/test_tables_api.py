"""Static data and snapshots as CSV, Arrow and Parquet, in the fields asked for, and only when they changed."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from django.test import Client

from accounts.models import QmtHost
from marketdata.models import DividendFactor, Instrument, InstrumentDay, NewIssue
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.tables import LatestRow
from marketdata.services.financials import financials_store
from marketdata.services.sectors import sectors_store
from ops.clocks import wall_now
from qmt.reference import FinancialRow, FinancialTable
from tests.marketdata.conftest import MAOTAI, PINGAN
from tests.marketdata.fakes import TODAY
from tests.marketdata.test_api import person, signed_in

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

API = "/api/v1"


@pytest.fixture
def alice(host: QmtHost) -> Client:
    return signed_in(person("alice"))


@pytest.fixture
def factors(maotai: Instrument) -> None:
    for year, interest in ((2022, 21.675), (2023, 25.911)):
        DividendFactor.objects.create(instrument=maotai, date=date(year, 6, 30), interest=interest, dr=1.0148)


@pytest.fixture
def quotes(maotai: Instrument, pingan: Instrument) -> None:
    book: dict[str, Any] = {
        "bid": "[1700.0, 1699.9]",
        "ask": "[1700.2]",
        "bid_volume": "[100, 200]",
        "ask_volume": "[300]",
    }
    prices: dict[str, Any] = dict.fromkeys(("last", "open", "high", "low", "pre_close", "amount"), 1700.1)
    latest_upsert(
        [LatestRow(instrument_id=maotai.pk, ts=1, volume=100, status=13, received_at=2, host="sim", **prices, **book)]
    )


def content(client: Client, address: str, **headers: str) -> bytes:
    response = client.get(f"{API}/{address}", headers=headers)
    assert response.status_code == 200, response.content
    return b"".join(response) if response.streaming else response.content


def refused(client: Client, address: str) -> tuple[int, str, str]:
    response = client.get(f"{API}/{address}")
    return response.status_code, response.json()["code"], response.json()["field"]


# ------------------------------------------------------------------------------- forms
@pytest.mark.postgres
def test_factors_as_csv_are_lines_in_the_order_of_the_list(factors: None, alice: Client) -> None:
    lines = content(alice, f"factors?symbols={MAOTAI}&fields=date,symbol,interest", accept="text/csv").decode()
    assert lines == f'date,symbol,interest\n2022-06-30,"{MAOTAI}",21.675\n2023-06-30,"{MAOTAI}",25.911\n'


def test_factors_as_arrow_have_dates_and_numbers(factors: None, alice: Client) -> None:
    table = pa.ipc.open_stream(content(alice, f"factors?symbols={MAOTAI}&format=arrow")).read_all()
    assert [table.schema.field(name).type for name in ("symbol", "date", "dr")] == [
        pa.string(),
        pa.date32(),
        pa.float64(),
    ]
    assert table.column("date").to_pylist() == [date(2022, 6, 30), date(2023, 6, 30)]


def test_table_holds_every_row_whatever_the_page(factors: None, alice: Client) -> None:
    table = pa.parquet.read_table(io.BytesIO(content(alice, f"factors?symbols={MAOTAI}&format=parquet&limit=1")))
    assert table.num_rows == 2


def test_table_without_rows_has_its_columns(alice: Client) -> None:
    assert content(alice, "sectors?format=csv") == b"name,known_since,retired_on,updated_at\n"
    assert pa.ipc.open_stream(content(alice, "sectors?format=arrow")).read_all().column_names[0] == "name"


def test_table_of_financials_has_a_line_per_figure(maotai: Instrument, alice: Client) -> None:
    row = FinancialRow(
        MAOTAI, FinancialTable.CAPITAL, date(2022, 12, 31), date(2023, 3, 28), 0, {"total_capital": 10.0, "cap": 8.5}
    )
    financials_store(rows=[row], ids={MAOTAI: maotai.pk})
    address = f"financials?symbols={MAOTAI}&format=arrow&fields=table,report_date,item,value"
    assert pa.ipc.open_stream(content(alice, address)).read_all().to_pylist() == [
        {"table": "Capital", "report_date": date(2022, 12, 31), "item": item, "value": value}
        for item, value in (("total_capital", 10.0), ("cap", 8.5))
    ]


def test_prices_in_a_table_are_exact(alice: Client) -> None:
    NewIssue.objects.create(
        symbol="688001.SH",
        name="新股, 一",
        price=Decimal("11.20"),
        first_seen_on=TODAY,
        updated_at=wall_now(),
        facts={},
    )
    table = pa.ipc.open_stream(content(alice, "ipos?format=arrow&fields=name,price")).read_all()
    assert table.to_pylist() == [{"name": "新股, 一", "price": Decimal("11.2000")}]
    assert content(alice, "ipos?format=csv&fields=name,price").decode() == 'name,price\n"新股, 一","11.2"\n'


def test_calendar_as_csv_is_its_days(maotai: Instrument, alice: Client) -> None:
    text = content(alice, "calendar?start=20230316&end=20230320&format=csv").decode()
    assert text == 'market,date\n"SH",2023-03-16\n"SH",2023-03-17\n"SH",2023-03-20\n'


def test_quotes_as_table_have_a_column_per_level(quotes: None, alice: Client) -> None:
    table = pa.ipc.open_stream(content(alice, f"quotes?symbols={MAOTAI}&format=arrow")).read_all()
    (line,) = table.to_pylist()
    assert [line[name] for name in ("symbol", "bid1", "bid2", "bid3", "ask1", "ask_volume1")] == [
        MAOTAI,
        1700.0,
        1699.9,
        None,
        1700.2,
        300,
    ]


def test_unknown_form_is_refused_with_those_there_are(alice: Client) -> None:
    assert refused(alice, "sectors?format=xml") == (400, "FIELD_INVALID", "format")


# ------------------------------------------------------------------------------ fields
def test_results_hold_only_the_fields_asked_for(factors: None, alice: Client) -> None:
    body = alice.get(f"{API}/factors?symbols={MAOTAI}&fields=interest,symbol&limit=1").json()
    assert body["results"] == [{"interest": 21.675, "symbol": MAOTAI}]
    assert body["next"] is not None


@pytest.mark.parametrize(
    "address",
    [
        *(f"factors?symbols={MAOTAI}&fields=", f"factors?symbols={MAOTAI}&fields=password", "calendar?fields=days"),
        *("instruments?fields=symbol,nothing", f"quotes?symbols={MAOTAI}&fields=bid1", "sectors?format=csv&fields=x"),
    ],
)
def test_field_that_there_is_none_of_is_refused(maotai: Instrument, alice: Client, address: str) -> None:
    assert refused(alice, address) == (400, "FIELD_INVALID", "fields")


# -------------------------------------------------------------------------------- bulk
def test_instruments_by_symbols_come_in_the_order_asked_with_their_day(
    maotai: Instrument, pingan: Instrument, alice: Client, django_assert_max_num_queries: Any
) -> None:
    InstrumentDay.objects.create(
        instrument=maotai, trade_date=TODAY, pre_close=Decimal(1700), limit_up=Decimal(1870), updated_at=wall_now()
    )
    alice.get(f"{API}/me")
    with django_assert_max_num_queries(5):
        body = alice.get(f"{API}/instruments?symbols={PINGAN},600519&fields=symbol,limit_up").json()
    assert body["results"] == [{"symbol": PINGAN, "limit_up": None}, {"symbol": MAOTAI, "limit_up": "1870.00"}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"symbols={MAOTAI}&q=6", "FIELD_INVALID"),
        ("symbols=999999.SH", "SYMBOL_UNKNOWN"),
        ("symbols=", "FIELD_REQUIRED"),
    ],
)
def test_instruments_by_symbols_malformed_are_refused(maotai: Instrument, alice: Client, query: str, code: str) -> None:
    assert refused(alice, f"instruments?{query}") == (400, code, "symbols")


def test_quotes_of_a_market_need_no_symbols(quotes: None, alice: Client) -> None:
    asked = {market: alice.get(f"{API}/quotes?market={market}").json()["results"] for market in ("SH", "SZ", "ALL")}
    assert {market: [row["symbol"] for row in rows] for market, rows in asked.items()} == {
        "SH": [MAOTAI],
        "SZ": [],
        "ALL": [MAOTAI],
    }


def test_quotes_of_symbols_and_a_market_at_once_are_refused(quotes: None, alice: Client) -> None:
    assert refused(alice, f"quotes?symbols={MAOTAI}&market=SH") == (400, "FIELD_INVALID", "market")


# --------------------------------------------------------------------------- unchanged
@pytest.mark.parametrize(
    "address", [f"instruments/{MAOTAI}", "instruments?q=6005", "calendar?fields=trading_days,holidays", "holidays"]
)
def test_static_answer_that_the_caller_has_is_304(maotai: Instrument, alice: Client, address: str) -> None:
    first = alice.get(f"{API}/{address}")
    again = alice.get(f"{API}/{address}", headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_compressed_answer_is_304_by_its_weak_tag(pingan: Instrument, maotai: Instrument, alice: Client) -> None:
    sectors_store(members={f"sector {number:03}": [MAOTAI] for number in range(60)}, day=TODAY)
    first = alice.get(f"{API}/sectors", headers={"Accept-Encoding": "gzip"})
    assert (first["Content-Encoding"], first["ETag"][:2]) == ("gzip", "W/")
    again = alice.get(f"{API}/sectors", headers={"Accept-Encoding": "gzip", "If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_periods_say_what_they_are_made_of(alice: Client) -> None:
    made = {row["code"]: row["folded_from"] for row in alice.get(f"{API}/periods").json()["results"]}
    assert {made[code] for code in ("tick", "1d", "1m", "5m")} == {None}
    assert (made["60m"], made["1mon"], len(made)) == ("1m", "1d", 11)
