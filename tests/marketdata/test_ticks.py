"""Ticks asked for: which days are whole, the repair of others, the forms of an answer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import QmtHost, User
from marketdata.models import Evidence, Instrument, LiveDifference, TickArchive
from marketdata.quotes import store
from marketdata.quotes.models import QuoteSegment, RawQuote, RawTick
from marketdata.quotes.periods import Period, date_ts, day_number
from marketdata.services import DataRequest, MarketDataService
from marketdata.services.archive import ArchiveDamaged, archive_day, archive_restore
from marketdata.services.tickdays import missing_tick_days
from marketdata.services.tickrepair import tick_rows
from ops.errors import Invalid
from ops.models import Job
from qmt.errors import DownloadFailed
from qmt.gateway import Period as TerminalPeriod
from qmt.terminal.inprocess import InProcessTerminal
from rpc.data import get_ticks
from rpc.v1.data_pb2 import GetTicksRequest
from tests.marketdata.conftest import MAOTAI, PINGAN, RunnerFactory
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, clock_at, day_bars
from tests.people import signed_in
from tests.rpc.direct import call_of

pytestmark = pytest.mark.django_db(databases=["default", "quotes"], transaction=True)

DAY = WEEK[0]
NOW = clock_at("2023-03-20 10:00:00")
VOLUME = 24_100


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    for model in (RawQuote, RawTick, QuoteSegment):
        model.objects.all().delete()


def ticks(day: date = DAY, *, volume: int = VOLUME, count: int = 10) -> pd.DataFrame:
    """A day's ticks, three seconds apart, the last two of one stamp; the last one has the day's volume."""
    at = np.arange(count)
    frame = pd.DataFrame({"time": date_ts(day) + 34_200_000 + np.minimum(at, count - 2) * 3_000})
    for name in ("last", "open", "high", "low", "pre_close"):
        frame[name] = 10.0 + at / 100
    frame["volume"] = volume * (at + 1) // count
    frame["amount"] = frame["volume"] * 10.0
    frame["pvolume"] = frame["volume"]
    frame["transactions"] = at
    frame["status"] = np.int16(13)
    for level in range(1, 6):
        for side in ("bid", "ask"):
            frame[f"{side}{level}"] = 10.0
            frame[f"{side}_volume{level}"] = 100
    return frame


class TickTerminal(FakeTerminal):
    """Has ticks as well."""

    ticks: dict[tuple[str, str], pd.DataFrame]

    def read_ticks(self, symbols: Sequence[str], start: str, end: str) -> dict[str, pd.DataFrame]:
        landed = {symbol for names, period, *_ in self.downloads if period == "tick" for symbol in names}
        return {
            symbol: self.ticks.get((symbol, start[:8]), pd.DataFrame()) if symbol in landed else pd.DataFrame()
            for symbol in symbols
        }


@pytest.fixture
def terminal() -> TickTerminal:
    made = TickTerminal()
    made.ticks = {(MAOTAI, f"{DAY:%Y%m%d}"): ticks()}
    made.put(MAOTAI, "1d", day_bars(WEEK, volume=VOLUME))
    return made


def request(symbols: Sequence[str], start: str | None = None, end: str | None = None, **more: Any) -> DataRequest:
    return DataRequest(symbols, "tick", start, end, **more)


def asked(service: MarketDataService, end: str = f"{DAY:%Y%m%d}") -> tuple[bool, int]:
    _query, readiness = service.prepare(request([MAOTAI], f"{DAY:%Y%m%d}", end), wait_seconds=0)
    return readiness.complete, readiness.missing_days


@pytest.fixture
def repaired(maotai: Instrument, service: MarketDataService, make_runner: RunnerFactory) -> Instrument:
    assert asked(service) == (False, 1)
    make_runner(clock=NOW).run_all()
    return maotai


def test_ticks_missing_are_downloaded_with_the_daily_bar_and_stored(
    repaired: Instrument, service: MarketDataService, terminal: TickTerminal
) -> None:
    assert [period for _symbols, period, *_ in terminal.downloads] == ["1d", "tick"]
    assert asked(service) == (True, 0)
    assert Job.objects.count() == 1
    frame = service.get(request([MAOTAI], "20230313", "20230313")).frame
    assert frame["volume"].tolist() == ticks()["volume"].tolist()
    assert frame["time"].tolist() == ticks()["time"].tolist()
    assert frame["seq"].tolist() == [0] * 9 + [1]
    assert QuoteSegment.objects.get(period=Period.TICK).bucket == 20230313


def test_ticks_that_do_not_reach_the_days_volume_are_asked_for_again_and_believed_the_second_time(
    maotai: Instrument, service: MarketDataService, terminal: TickTerminal, make_runner: RunnerFactory
) -> None:
    terminal.ticks = {(MAOTAI, f"{DAY:%Y%m%d}"): ticks(volume=24_000)}
    asked(service)
    make_runner(clock=NOW).run_all()
    downloads = [call for call in terminal.downloads if call[1] == "tick"]
    assert len(downloads) == 2
    row = Evidence.objects.get(period="tick")
    assert (row.start_date, row.end_date, row.reason) == (DAY, DAY, "SOURCE_EMPTY")
    assert asked(service) == (True, 0)
    assert len(service.get(request([MAOTAI], "20230313", "20230313")).frame) == 10


def test_ticks_of_a_failed_download_prove_nothing(
    maotai: Instrument, service: MarketDataService, terminal: TickTerminal, make_runner: RunnerFactory
) -> None:
    terminal.ticks = {}
    terminal.fail = [None, *[DownloadFailed("server busy")] * 5]
    asked(service)
    make_runner(clock=NOW).run_all()
    assert not Evidence.objects.filter(period="tick").exists()
    _query, readiness = service.prepare(request([MAOTAI], "20230313", "20230313"), wait_seconds=0)
    assert (readiness.complete, list(readiness.failures)) == (False, [MAOTAI])


def test_ticks_captured_give_way_to_the_terminals(
    maotai: Instrument, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    stray = ticks().iloc[[0]].assign(time=date_ts(DAY) + 34_201_000)
    store.bars_upsert(period=Period.TICK, rows=tick_rows({maotai.pk: stray}, day_number(DAY)))
    asked(service)
    make_runner(clock=NOW).run_all()
    assert not RawTick.objects.exists()
    assert len(service.get(request([MAOTAI], "20230313", "20230313")).frame) == 10


def test_ticks_of_the_open_day_are_what_was_captured(repaired: Instrument, service: MarketDataService) -> None:
    store.bars_upsert(period=Period.TICK, rows=tick_rows({repaired.pk: ticks(TODAY)}, day_number(TODAY)))
    query, readiness = service.prepare(request([MAOTAI], "20230320"), wait_seconds=0)
    assert readiness.complete
    assert service.head(query, readiness)["source"]["open_day"] == "2023-03-20"
    assert len(service.get(request([MAOTAI], "20230320")).frame) == 10


def test_tick_days_without_a_known_daily_bar_are_missing(maotai: Instrument, host: QmtHost) -> None:
    first, last = day_number(WEEK[0]), day_number(TODAY)
    missing = missing_tick_days([maotai], first, last, NOW)
    assert missing[maotai.pk].tolist() == [day_number(day) for day in WEEK]


def test_tick_rows_of_another_day_or_without_numbers_are_left_out(maotai: Instrument) -> None:
    frame = ticks()
    frame["time"] -= np.where(np.arange(len(frame)) == 0, 86_400_000, 0)
    frame.loc[1, "last"] = float("nan")
    assert len(tick_rows({maotai.pk: frame}, day_number(DAY))) == 8


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (request([]), "FIELD_REQUIRED"),
        (request(["999999.SH"]), "SYMBOL_UNKNOWN"),
        (request([MAOTAI], fields=["colour"]), "FIELD_UNKNOWN"),
        (request([MAOTAI], "20230317", "20230313"), "RANGE_REVERSED"),
    ],
)
def test_tick_request_that_makes_no_sense_is_refused(
    maotai: Instrument, service: MarketDataService, request_: DataRequest, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        service.prepare(request_)
    assert refused.value.code == code
    assert not Job.objects.exists()


def test_tick_request_too_large_is_refused(
    maotai: Instrument, pingan: Instrument, service: MarketDataService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketdata.services.ticks.MAX_INSTRUMENT_DAYS", 9)
    with pytest.raises(Invalid) as refused:
        service.prepare(request([MAOTAI, PINGAN], "20230313", "20230317"))
    assert refused.value.code == "RANGE_TOO_LARGE"


# --- over REST


@pytest.fixture
def client(db: None) -> Client:
    return signed_in(User.objects.create_user("alice", password="x"))


def body(response: object) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


URL = f"/api/v1/ticks?symbols=600519&start={DAY}&end={DAY}"


def test_api_pending_ticks_are_a_job(maotai: Instrument, host: QmtHost, client: Client) -> None:
    response = client.get(URL + "&wait=0")
    assert response.status_code == 202
    assert response["Location"] == f"/api/v1/jobs/{Job.objects.get().pk}"


def test_api_ticks_in_every_form_are_the_same(repaired: Instrument, client: Client, tmp_path: Path) -> None:
    response = client.get(URL)
    assert response["X-Data-Complete"] == "true"
    answer = orjson.loads(body(response))
    assert (answer["complete"], answer["source"]["host"], len(answer["rows"])) == (True, "sim", 10)
    volumes = ticks()["volume"].tolist()
    assert [row["volume"] for row in answer["rows"]] == volumes
    lines = list(csv.DictReader(io.StringIO(body(client.get(URL + "&format=csv")).decode())))
    assert [int(line["volume"]) for line in lines] == volumes
    assert lines[0]["symbol"] == MAOTAI
    table = pa.ipc.open_stream(body(client.get(URL + "&format=arrow"))).read_all()
    assert table.column("volume").to_pylist() == volumes
    assert str(table.schema.field("time").type) == "timestamp[ms, tz=Asia/Shanghai]"
    (tmp_path / "t.parquet").write_bytes(body(client.get(URL + "&format=parquet&fields=last")))
    assert pq.read_table(tmp_path / "t.parquet").column_names == ["symbol", "time", "seq", "last"]


def test_rpc_ticks_in_pieces_are_rest_s_arrow(repaired: Instrument, client: Client) -> None:
    asked = GetTicksRequest(symbols=["600519"], start=f"{DAY}", end=f"{DAY}")

    head, *pieces = list(get_ticks(call_of(User.objects.get(username="alice")), asked))

    assert (head.head.complete, head.head.period, head.head.HasField("job")) == (True, "tick", False)
    told = pa.ipc.open_stream(b"".join(piece.arrow for piece in pieces)).read_all()
    arrow = body(client.get(URL, headers={"accept": "application/vnd.apache.arrow.stream"}))
    assert told.equals(pa.ipc.open_stream(arrow).read_all())
    assert told.num_rows == 10


def test_rpc_pending_ticks_are_a_job(maotai: Instrument, host: QmtHost, client: Client) -> None:
    asked = GetTicksRequest(symbols=["600519"], start=f"{DAY}", end=f"{DAY}", wait_seconds=0)

    (head,) = list(get_ticks(call_of(User.objects.get(username="alice")), asked))

    assert (head.head.complete, head.head.job.id) == (False, str(Job.objects.get().pk))


def test_api_live_differences_are_listed(maotai: Instrument, host: QmtHost, client: Client) -> None:
    LiveDifference.objects.create(
        instrument=maotai, period="1m", trade_date=DAY, host="sim", compared=241, differing=2, found_at=timezone.now()
    )
    (row,) = client.get("/api/v1/live-differences?symbols=600519").json()["results"]
    assert (row["symbol"], row["period"], row["differing"], row["compared"]) == (MAOTAI, "1m", 2, 241)


# --- a terminal's own ticks


def test_terminal_serves_ticks_that_reach_its_daily_volume() -> None:
    terminal = InProcessTerminal()
    gateway = terminal.quote_gateway()
    gateway.connect("127.0.0.1:1")
    day = f"{gateway.trading_days('SH', '20250101', '20251231')[-1]:%Y%m%d}"
    for period in (TerminalPeriod.TICK, TerminalPeriod.DAY_1):
        gateway.download([MAOTAI], period, day, day)
    (bar,) = gateway.read_local([MAOTAI], TerminalPeriod.DAY_1, day, day)[MAOTAI]["volume"].tolist()
    frame = gateway.read_ticks([MAOTAI], day, day)[MAOTAI]
    assert frame["volume"].iloc[-1] == bar


@pytest.mark.parametrize(("count", "kept"), [(1, [9]), (3, [7, 8, 9]), (50, list(range(10)))])
def test_tick_count_takes_the_last_ones(
    repaired: Instrument, service: MarketDataService, count: int, kept: list[int]
) -> None:
    frame = service.get(request([MAOTAI], "20230313", "20230313", count=count)).frame
    assert frame["transactions"].tolist() == kept


@pytest.mark.parametrize("changed", [{"adjust": "front"}, {"fill": "previous_close"}, {"open_day": True}])
def test_tick_request_of_what_is_for_bars_is_refused(
    maotai: Instrument, service: MarketDataService, changed: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refused:
        service.prepare(request([MAOTAI], "20230313", "20230313", **changed))
    assert (refused.value.code, refused.value.field) == ("FIELD_INVALID", *changed)


def test_ticks_of_the_same_request_are_answered_at_the_address_of_bars_and_by_the_command(
    repaired: Instrument, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = f"symbols={MAOTAI}&start=20230313&end=20230313&count=2&fields=volume"
    bars = client.get(f"/api/v1/bars?period=tick&{asked}")
    assert bars.status_code == 200
    assert bars["X-Data-Complete"] == "true"
    answer = orjson.loads(body(bars))
    assert [row["volume"] for row in answer["rows"]] == [VOLUME * 9 // 10, VOLUME]
    assert orjson.loads(body(client.get(f"/api/v1/ticks?{asked}"))) == answer
    call_command("bars", MAOTAI, "tick", "20230313", "20230313", "--count", "1", "--fields", "volume")
    assert capsys.readouterr().out == f"symbol,time,seq,volume\n{MAOTAI},2023-03-13T09:30:24.000+08:00,1,{VOLUME}\n"


@pytest.fixture
def archived(repaired: Instrument, settings: Settings, tmp_path: Path) -> Path:
    settings.MARKETDATA = settings.MARKETDATA.changed(ticks={"archive_folder": str(tmp_path)})
    archive = archive_day(DAY)
    assert archive is not None
    assert not QuoteSegment.objects.filter(period=Period.TICK).exists()
    return tmp_path / archive.path


def test_ticks_of_an_archived_day_are_answered_from_its_file(
    archived: Path, service: MarketDataService, terminal: TickTerminal
) -> None:
    asked_before = len(terminal.downloads)
    result = service.get(request([MAOTAI], "20230313", "20230313"))
    assert result.complete
    assert result.source["archive"] == "2023-03-13"
    assert result.frame["volume"].tolist() == ticks()["volume"].tolist()
    assert result.frame["seq"].tolist() == [0] * 9 + [1]
    assert len(terminal.downloads) == asked_before
    assert not QuoteSegment.objects.filter(period=Period.TICK).exists()


def test_ticks_of_an_archived_day_and_of_the_database_come_once_each(
    archived: Path, service: MarketDataService
) -> None:
    archive_restore(DAY)
    TickArchive.objects.update(restored_at=None)  # as between the file's row and the delete of the segments
    frame = service.get(request([MAOTAI], "20230313", "20230313", fields=["volume"])).frame
    assert frame["volume"].tolist() == ticks()["volume"].tolist()


def test_ticks_of_a_restored_day_need_no_file(archived: Path, service: MarketDataService) -> None:
    archive_restore(DAY)
    archived.unlink()
    result = service.get(request([MAOTAI], "20230313", "20230313"))
    assert len(result.frame) == 10
    assert "archive" not in result.source


def test_ticks_of_an_archived_day_whose_file_is_gone_are_refused(archived: Path, service: MarketDataService) -> None:
    archived.unlink()
    with pytest.raises(ArchiveDamaged, match="it is not there"):
        service.get(request([MAOTAI], "20230313", "20230313"))


def test_ticks_of_an_archived_day_whose_file_was_changed_are_refused(
    archived: Path, service: MarketDataService
) -> None:
    content = bytearray(archived.read_bytes())
    metadata = pq.read_metadata(archived)
    volume = metadata.row_group(0).column(metadata.schema.names.index("volume"))
    content[volume.data_page_offset + volume.total_compressed_size - 1] ^= 0xFF
    archived.write_bytes(content)
    with pytest.raises(ArchiveDamaged):
        service.get(request([MAOTAI], "20230313", "20230313"))
