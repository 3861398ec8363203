"""Files of bars in and out: what is refused, what is stored, and that a terminal's bars stay."""

from __future__ import annotations

import gzip
import io
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from accounts.models import QmtHost
from marketdata.choices import Basis
from marketdata.models import BarImport, DataSource, DataSourceStatus, ImportedDays, Instrument
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Period, date_ts
from marketdata.quotes.reader import read_bars
from marketdata.quotes.store import segments_merge
from marketdata.services.exports import export_file, export_pieces, export_request, export_spec
from marketdata.services.imports import files, import_confirm, import_preview
from marketdata.services.transfers import transfers_work
from ops.audit import Actor
from ops.errors import Code, Conflict, DeskError, Invalid
from ops.models import AuditEvent, Job
from tests.marketdata.conftest import MAOTAI, PINGAN
from tests.marketdata.fakes import WEEK, day_bars, minute_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

ACTOR = Actor("user", "1", "root")
DAILY: dict[str, Any] = {"period": "1d", "basis": "RAW", "volume_unit": "lots"}
HEAD = "ts_code,trade_date,open,high,low,close,vol,amount\n"
GOOD = HEAD + (
    "600519.SH,20230313,10,10.2,9.9,10.1,5,5050\n"
    "600519.SH,20230314,10.1,10.3,10,10.2,6,6120\n"
    "000001.SZ,2023-03-14,5,5,5,5,1,500\n"
)


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: QmtHost) -> None:
    for module in ("imports.service", "exports"):
        monkeypatch.setattr(f"marketdata.services.{module}.transfers_wake", lambda _job: True)
    monkeypatch.setattr("marketdata.services.imports.service._folder", lambda: tmp_path / "imports")
    monkeypatch.setattr("marketdata.services.exports._folder", lambda: tmp_path / "exports")


@pytest.fixture(autouse=True)
def _instruments(maotai: Instrument, pingan: Instrument) -> None:
    """Both are known."""


def preview(content: str | bytes, name: str = "bars.csv", **options: Any) -> BarImport:
    raw = content.encode() if isinstance(content, str) else content
    return import_preview(actor=ACTOR, owner=1, name=name, content=io.BytesIO(raw), options={**DAILY, **options})


def refusal(content: str | bytes, name: str = "bars.csv", **options: Any) -> DeskError:
    with pytest.raises(Invalid) as refused:
        preview(content, name, **options)
    assert not BarImport.objects.exists()
    return refused.value


def stored(symbol: str = MAOTAI, period: Period = Period.DAY_1) -> QuoteColumns:
    row = Instrument.objects.get(symbol=symbol)
    return read_bars([row.pk], period, date_ts(date(2023, 1, 1)), date_ts(date(2023, 12, 31)))


def confirmed(row: BarImport, **options: bool) -> Job:
    job = import_confirm(actor=ACTOR, row=row, **options)
    transfers_work("test")
    job.refresh_from_db()
    row.refresh_from_db()
    return job


# ----------------------------------------------------------------------------------- preview
def test_preview_tells_what_a_file_holds_and_stores_nothing() -> None:
    seen = preview(GOOD).preview
    assert (seen["rows"], seen["good_rows"], seen["instruments"], seen["problems"]) == (3, 3, 2, [])
    assert (seen["first_date"], seen["last_date"], seen["detected_period"]) == ("2023-03-13", "2023-03-14", "1d")
    assert seen["mapping"]["volume"] == "vol"
    assert seen["head"][0]["trade_date"] == "20230313"
    assert len(stored()) == 0


def test_preview_names_every_bad_row_by_its_line() -> None:
    rows = (
        "600519.SH,20230313,10,9,9.9,10.1,5,5050\n"  # high below the open
        "999998.SH,20230313,10,10,10,10,5,5000\n"
        "600519.SH,20230318,10,10,10,10,5,5000\n"  # a Saturday
        "600519.SH,20230314,ten,10,10,10,5,5000\n"
        "600519.SH,20230315,10,10,10,10,,5000\n"
        "600519.SH,20230316,0,10,10,10,5,5000\n"
        "600519.SH,20230317,10,10,10,10,5.003,5000\n"  # 500.3 shares
        "600519.SH,20230320,10,10,10,10,5,5000\n"  # today is not closed
        "600519.SH,2023-13-01,10,10,10,10,5,5000\n"
    )
    problems = preview(HEAD + rows).preview["problems"]
    assert [(one["line"], one["code"]) for one in sorted(problems, key=lambda one: int(one["line"]))] == [
        (2, "OHLC_ORDER"),
        (3, "SYMBOL_UNKNOWN"),
        (4, "NON_TRADING_DAY"),
        (5, "NOT_A_NUMBER"),
        (6, "FIELD_EMPTY"),
        (7, "PRICE_NOT_POSITIVE"),
        (8, "FRACTION_OF_A_SHARE"),
        (9, "NOT_CLOSED_YET"),
        (10, "TIME_INVALID"),
    ]
    assert problems[0]["value"] == "999998.SH"


def test_preview_second_row_of_one_day_is_a_duplicate() -> None:
    row = "600519.SH,20230313,10,10,10,10,5,5000\n"
    assert preview(HEAD + row + row).preview["problems"] == [
        {"line": 3, "code": "DUPLICATE", "column": "trade_date", "value": "20230313"}
    ]


def test_preview_asks_again_about_units_that_do_not_fit() -> None:
    (note,) = preview(GOOD, volume_unit="shares").preview["notes"]
    assert "are the units right?" in note


def test_preview_file_without_symbol_and_with_its_own_names() -> None:
    content = "day;x\n".replace(";", ",") + "1,2\n"
    assert refusal(content).code == Code.COLUMN_MISSING
    named = "datetime,o,close,high,low,volume\n2023-03-13 09:31:00,10,10,10,10,7\n"
    row = preview(named, period="1m", symbol=MAOTAI, columns={"open": "o"})
    assert (row.preview["good_rows"], row.preview["mapping"]["open"]) == (1, "o")


def test_preview_chinese_file_in_its_encoding() -> None:
    content = "代码,日期,开盘,最高,最低,收盘,成交量\n600519,20230313,10,10,10,10,5\n".encode("gb18030")
    error = refusal(content)
    assert (error.code, error.details["line"]) == (Code.FILE_ENCODING_WRONG, 1)
    assert preview(content, encoding="gb18030").preview["good_rows"] == 1


# ---------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    "name", ["../bars.csv", "a/b.csv", "C:\\bars.csv", "", "a\x00.csv", ".csv ", "x" * 300 + ".csv"]
)
def test_name_that_is_more_than_a_name_is_refused(name: str, tmp_path: Path) -> None:
    assert refusal(GOOD, name).code == Code.FILE_NAME_REFUSED
    assert not list(tmp_path.rglob("*.csv"))


def test_format_that_is_not_understood_is_refused() -> None:
    assert refusal(GOOD, "bars.zip").code == Code.FILE_FORMAT_UNKNOWN


def test_file_over_the_limit_is_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("marketdata.services.imports.service.MAX_FILE_BYTES", 10)
    error = refusal(GOOD)
    assert (error.code, error.status) == (Code.FILE_TOO_LARGE, 413)
    assert list((tmp_path / "imports").iterdir()) == []


def test_bomb_is_not_decompressed_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_EXPANDED_BYTES", 3_000_000)
    error = refusal(gzip.compress(b"0" * 50_000_000), "bars.csv.gz")
    assert error.code == Code.FILE_TOO_LARGE
    assert "decompressed" in error.message


def test_parquet_that_expands_too_far_is_refused_by_its_own_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 1000)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"time": pa.array([0] * 5000)}), buffer)
    assert refusal(buffer.getvalue(), "bars.parquet").code == Code.FILE_TOO_LARGE


@pytest.mark.parametrize("name", ["bars.parquet", "bars.arrow", "bars.csv.gz"])
def test_garbage_is_refused_in_words(name: str) -> None:
    assert refusal(b"this is nothing of the kind", name).code == Code.FILE_UNREADABLE


def test_units_and_basis_have_to_be_said() -> None:
    error = refusal(GOOD, basis="")
    assert (error.code, error.field) == (Code.FIELD_REQUIRED, "basis")


# ----------------------------------------------------------------------------------- storing
def test_confirmed_file_is_stored_in_shares_with_its_origin() -> None:
    row = preview(GOOD)
    job = confirmed(row)
    bars = stored()
    assert (job.status, row.state) == ("DONE", "DONE")
    assert bars.values["volume"].tolist() == [500, 600]
    assert bars.values["amount"].tolist() == [5050.0, 6120.0]
    days = ImportedDays.objects.get(instrument__symbol=MAOTAI)
    assert (days.start_date, days.end_date, days.bars, days.source) == (WEEK[0], WEEK[1], 2, row)
    note = DataSourceStatus.objects.get(instrument__symbol=MAOTAI).note
    assert note == f"import: bars.csv, {row.digest[:12]}, by root"
    assert AuditEvent.objects.get().action == "import.confirmed"


def test_terminals_bars_are_never_overwritten() -> None:
    maotai = Instrument.objects.get(symbol=MAOTAI)
    frame = day_bars(WEEK[:1], price=99.0).rename(columns={"time": "ts"}).assign(suspended=False)
    segments_merge(period=Period.DAY_1, rows=QuoteColumns.from_frame(BAR, frame, instrument_id=maotai.pk))
    row = preview(GOOD)
    confirmed(row)
    assert stored().values["close"].tolist() == [99.0, 10.2]
    assert (row.result["stored"], row.result["kept_existing"]) == (2, 1)
    assert ImportedDays.objects.get(instrument=maotai).start_date == WEEK[1]


def test_import_cut_short_is_completed_by_the_next_run() -> None:
    row = preview(GOOD)
    import_confirm(actor=ACTOR, row=row)
    maotai = Instrument.objects.get(symbol=MAOTAI)
    # As after a crash: the origin and one of two bars are there.
    ImportedDays.objects.create(
        source=row, instrument=maotai, period="1d", start_date=WEEK[0], end_date=WEEK[1], bars=2
    )
    frame = pd.DataFrame({"ts": [date_ts(WEEK[0])], "open": [10.0], "high": [10.2], "low": [9.9], "close": [10.1]})
    frame = frame.assign(volume=500, amount=5050.0, suspended=False)
    segments_merge(period=Period.DAY_1, rows=QuoteColumns.from_frame(BAR, frame, instrument_id=maotai.pk))
    transfers_work("test")
    assert len(stored()) == 2
    assert ImportedDays.objects.filter(instrument=maotai).count() == 1


def test_file_with_problems_is_stored_only_when_told_so() -> None:
    row = preview(GOOD + "600519.SH,20230318,10,10,10,10,5,5000\n")
    with pytest.raises(Conflict) as refused:
        import_confirm(actor=ACTOR, row=row)
    assert refused.value.code == Code.IMPORT_HAS_PROBLEMS
    assert not Job.objects.exists()
    confirmed(row, skip_problems=True)
    assert row.result == {"stored": 3, "kept_existing": 0, "skipped": {"NON_TRADING_DAY": 1}}


def test_other_basis_than_the_stored_one_is_refused() -> None:
    DataSource.objects.create(host="sim", basis=Basis.FRONT_ADJUSTED)
    row = preview(GOOD)
    assert "will be refused" in row.preview["notes"][0]
    with pytest.raises(Conflict) as refused:
        import_confirm(actor=ACTOR, row=row)
    assert refused.value.code == Code.BASIS_DIFFERS


def test_confirmed_twice_is_one_import() -> None:
    row = preview(GOOD)
    confirmed(row)
    with pytest.raises(Conflict) as refused:
        import_confirm(actor=ACTOR, row=row)
    assert refused.value.code == Code.IMPORT_SETTLED


# ------------------------------------------------------------------------------------ export
@pytest.fixture
def exported(db: None) -> None:
    """A week of daily bars of two instruments and a day of minutes of one."""
    for symbol, price in ((MAOTAI, 1700.1), (PINGAN, 12.4563)):
        row = Instrument.objects.get(symbol=symbol)
        for period, frame in ((Period.DAY_1, day_bars(WEEK, price=price)), (Period.MINUTE_1, minute_bars(WEEK[0]))):
            columns = frame.rename(columns={"time": "ts"}).assign(suspended=False)
            segments_merge(period=period, rows=QuoteColumns.from_frame(BAR, columns, instrument_id=row.pk))


def content(**wish: Any) -> bytes:
    return b"".join(export_pieces(export_spec(**{"period": "1d", "file_format": "csv", **wish})))


def test_export_csv_has_every_bar_by_symbol_and_time(exported: None) -> None:
    lines = content().decode().splitlines()
    assert len(lines) == 11
    assert lines[1] == f"{PINGAN},{date_ts(WEEK[0])},12.4563,12.5063,12.4063,12.4563,24100,300196.83,12.4563,0"


def test_export_parquet_says_basis_and_units(exported: None) -> None:
    table = pq.read_table(io.BytesIO(content(file_format="parquet", symbols=[MAOTAI], start=WEEK[1], end=WEEK[2])))
    assert table.column("time").to_pylist() == [date_ts(WEEK[1]), date_ts(WEEK[2])]
    assert (table.schema.metadata[b"basis"], table.schema.metadata[b"volume"]) == (b"RAW", b"shares")


def test_export_arrow_of_minutes_reads_back(exported: None) -> None:
    table = pa.ipc.open_stream(content(file_format="arrow", period="1m")).read_all()
    assert table.num_rows == 482


def test_export_of_nothing_is_an_empty_table(db: None) -> None:
    assert content() == b"symbol,time,open,high,low,close,volume,amount,pre_close,suspended\n"


def test_exported_file_comes_back_in_unchanged(exported: None) -> None:
    file = content(file_format="parquet", symbols=[MAOTAI])
    row = preview(file, "bars.parquet", volume_unit="shares")
    assert (row.preview["good_rows"], row.preview["problems"]) == (5, [])
    confirmed(row)
    assert row.result["kept_existing"] == 5


def test_export_job_leaves_a_file_that_only_its_owner_names(exported: None) -> None:
    job = export_request(export_spec(period="1d", file_format="csv"), owner=7)
    transfers_work("test")
    job.refresh_from_db()
    path, name = export_file(job)
    assert (job.status, name, path.read_bytes()) == ("DONE", "bars_1d.csv", content())


def test_export_job_that_is_not_done_has_no_file(exported: None) -> None:
    job = export_request(export_spec(period="1d", file_format="csv"), owner=7)
    with pytest.raises(DeskError) as refused:
        export_file(job)
    assert refused.value.code == Code.FILE_NOT_FOUND


# ---------------------------------------------------------------------------------- commands
def test_commands_bring_out_and_in(exported: None, tmp_path: Path) -> None:
    out = io.StringIO()
    path = tmp_path / "week.csv"
    call_command("export_bars", str(path), "--symbols", MAOTAI, stdout=out)
    assert len(path.read_text().splitlines()) == 6
    call_command(
        "import_bars", str(path), "--period", "1d", "--basis", "RAW", "--volume-unit", "shares", "--store", stdout=out
    )
    assert "5 rows, 5 can be stored" in out.getvalue()
    assert "done kept_existing 5" in out.getvalue()


def test_command_of_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command(
            "import_bars", str(tmp_path / "no.csv"), "--period", "1d", "--basis", "RAW", "--volume-unit", "lots"
        )
