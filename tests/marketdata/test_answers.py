"""Bars as JSON, CSV, Arrow and Parquet say the same; large answers come in pieces."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import QmtHost, User
from marketdata.models import Instrument, TradingDay
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Period, date_ts
from marketdata.quotes.store import segments_merge
from marketdata.services import DataRequest, MarketDataService, answers
from tests.marketdata.conftest import MAOTAI, PINGAN, instrument
from tests.marketdata.fakes import WEEK, day_bars, minute_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

WEEK_QUERY = f"symbols={MAOTAI},{PINGAN}&start=20230313&end=20230317&wait=0"
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"


@pytest.fixture
def alice(host: QmtHost) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("alice", password="market-data-1"))
    return client


def store(row: Instrument, period: Period, frame: pd.DataFrame) -> None:
    values = frame.drop(columns="suspended").rename(columns={"time": "ts"})
    segments_merge(period=period, rows=QuoteColumns.from_frame(BAR, values, instrument_id=row.pk))


@pytest.fixture
def stored(maotai: Instrument, pingan: Instrument) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK, price=1700.1))
    # An amount that the source did not deliver is absent in every form.
    frame = day_bars(WEEK, price=12.4563)
    store(pingan, Period.DAY_1, frame.drop(columns="amount"))


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def read_arrow(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()


def read_parquet(content: bytes) -> pa.Table:
    return pa.parquet.read_table(io.BytesIO(content))


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON has them."""
    rows: list[dict[str, Any]] = table.set_column(1, "time", table["time"].cast(pa.int64())).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("ask", "read"),
    [
        ({"headers": {"accept": ARROW}}, read_arrow),
        ({"headers": {"accept": PARQUET}}, read_parquet),
        ({"data": {"format": "arrow"}}, read_arrow),
        ({"data": {"format": "parquet"}}, read_parquet),
    ],
    ids=["accept-arrow", "accept-parquet", "format-arrow", "format-parquet"],
)
def test_answer_columns_hold_the_rows_and_the_head_of_json(
    stored: None, alice: Client, ask: dict[str, Any], read: Any
) -> None:
    extra = "".join(f"&{name}={value}" for name, value in ask.get("data", {}).items())
    expected = json.loads(body_of(alice.get(f"/api/v1/bars?{WEEK_QUERY}")))
    response = alice.get(f"/api/v1/bars?{WEEK_QUERY}{extra}", headers=ask.get("headers"))
    assert response["Content-Type"] in (ARROW, PARQUET)
    table = read(body_of(response))
    assert plain(table) == expected.pop("rows")
    assert orjson.loads(table.schema.metadata[b"desk.bars"]) == expected
    assert table.schema.field("time").type == pa.timestamp("ms", tz="Asia/Shanghai")
    assert table["amount"].null_count == 5


def test_answer_arrow_with_iso_time_is_text(stored: None, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?{WEEK_QUERY}&format=arrow&time=iso&fields=close")
    assert read_arrow(body_of(response))["time"].to_pylist()[:2] == ["2023-03-13", "2023-03-14"]


def test_answer_without_rows_is_still_a_table(stored: None, alice: Client) -> None:
    query = f"symbols={MAOTAI}&start=20230318&end=20230319&wait=0"
    for form, read in (("arrow", read_arrow), ("parquet", read_parquet)):
        table = read(body_of(alice.get(f"/api/v1/bars?{query}&format={form}")))
        assert (table.num_rows, table.column_names[:3]) == (0, ["symbol", "time", "open"])


def test_answer_unknown_form_is_refused_by_name(stored: None, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?{WEEK_QUERY}&format=xlsx")
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (400, "FIELD_INVALID", "format")


def test_answer_pending_is_json_whatever_was_asked_for(maotai: Instrument, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?symbols={MAOTAI}&start=20230313&end=20230317&wait=0&format=parquet")
    assert (response.status_code, response["Content-Type"]) == (202, "application/json")
    assert response.json()["missing_days"] == 5


def test_answer_names_period_and_source_of_folded_bars(stored: None, alice: Client) -> None:
    response = alice.get(f"/api/v1/bars?{WEEK_QUERY}&period=1w&adjust=none")
    body = json.loads(body_of(response))
    assert (body["period"], body["source"]["folded"]) == ("1w", "1w from 1d")
    assert [(row["symbol"], row["time"], row["close"]) for row in body["rows"]] == [
        (MAOTAI, date_ts(WEEK[-1]), 1700.14),
        (PINGAN, date_ts(WEEK[-1]), 12.4963),
    ]
    assert "folded=1w from 1d" in response["X-Data-Source"]


@pytest.mark.parametrize("form", ["json", "csv", "arrow", "parquet"])
def test_answer_memory_does_not_grow_with_its_length(
    calendar: None, service: MarketDataService, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Forty instrument-days of minutes against ten: the peak of the traced memory stays within a fifth more."""
    monkeypatch.setattr(answers, "ROWS_PER_READ", 2_000)
    days = [date(2023, 1, 2) + timedelta(days=number) for number in range(5)]
    TradingDay.objects.bulk_create(TradingDay(market="SH", date=day) for day in days)
    for number in range(8):
        row = instrument(f"{600_000 + number}.SH")
        store(row, Period.MINUTE_1, pd.concat([minute_bars(day) for day in days], ignore_index=True))

    def peak(symbols: int) -> tuple[int, int]:
        names = [f"{600_000 + number}.SH" for number in range(symbols)]
        query, readiness = service.prepare(DataRequest(names, "1m", days[0], days[-1]), wait_seconds=0)
        head = service.head(query, readiness)
        tracemalloc.start()
        total = sum(len(piece) for piece in service.pieces(query, head, form=form))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest, total

    peak(2)  # what is loaded once
    small, large = peak(2), peak(8)
    assert large[1] > 2.5 * small[1]
    assert large[0] < 1.2 * small[0]


# ------------------------------------------------------------------------------ command
def test_bars_command_prints_csv_and_the_source_beside_it(
    stored: None, host: QmtHost, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("bars", "600519,000001", "1d", "20230316", "20230317", "--fields", "close")
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "symbol,time,close",
        f"{MAOTAI},2023-03-16,1700.13",
        f"{MAOTAI},2023-03-17,1700.14",
        f"{PINGAN},2023-03-16,12.4863",
        f"{PINGAN},2023-03-17,12.4963",
    ]
    assert "stored_period=1d adjust=none" in captured.err


def test_bars_command_writes_parquet(stored: None, host: QmtHost, tmp_path: Path) -> None:
    call_command("bars", MAOTAI, "1w", "20230313", "20230317", "--format", "parquet", "--output", str(tmp_path / "x"))
    assert read_parquet((tmp_path / "x").read_bytes())["close"].to_pylist() == [1700.14]


def test_bars_command_incomplete_says_so_and_fails(
    maotai: Instrument, host: QmtHost, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("bars", MAOTAI, "1d", "20230313", "20230317", "--wait", "0")
    assert ended.value.code == 1
    assert "Not complete: 5 instrument-days are missing. Job " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["600519", "2d"], r"^PERIOD_UNKNOWN: there is no period '2d'"),
        (["900901", "1d"], r"^SYMBOL_UNKNOWN: .*B shares are not supported"),
        (["600519", "1d", "--format", "arrow"], r"^--format arrow needs --output FILE$"),
    ],
)
def test_bars_command_refuses_in_words(maotai: Instrument, host: QmtHost, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("bars", *arguments)


def test_answer_numbers_read_back_bit_for_bit(maotai: Instrument, service: MarketDataService) -> None:
    frame = day_bars(WEEK)
    frame["close"] = np.nextafter(frame["close"], 0)
    store(maotai, Period.DAY_1, frame.assign(low=1.0, high=99.0))
    query, readiness = service.prepare(DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1]), wait_seconds=0)
    head = service.head(query, readiness)
    pieces = {form: b"".join(service.pieces(query, head, form=form)) for form in answers.FORMS}
    expected = frame["close"].tolist()
    assert [row["close"] for row in json.loads(pieces["json"])["rows"]] == expected
    assert [float(row["close"]) for row in csv.DictReader(io.StringIO(pieces["csv"].decode()))] == expected
    assert read_arrow(pieces["arrow"])["close"].to_pylist() == expected
    assert read_parquet(pieces["parquet"])["close"].to_pylist() == expected
