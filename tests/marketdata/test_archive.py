"""Ticks into Parquet and back, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import duckdb
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from accounts.models import QmtHost
from marketdata.models import Instrument, TickArchive
from marketdata.quotes import store
from marketdata.quotes.columns import TICK, QuoteColumns
from marketdata.quotes.models import QuoteSegment, RawQuote, RawTick
from marketdata.quotes.periods import Period, date_ts
from marketdata.quotes.reader import read_bars
from marketdata.quotes.segments import same_rows
from marketdata.services import archive as archive_module
from marketdata.services.archive import ArchiveDamaged, archive_day, archive_folder, archive_restore
from marketdata.services.retention import retention_run
from ops.errors import NotFound
from tests.marketdata.fakes import TODAY, WEEK, clock_at

pytestmark = pytest.mark.django_db(databases=["default", "quotes"], transaction=True)

DAY = WEEK[0]
NOW = clock_at("2023-03-20 10:00:00")


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    settings.MARKETDATA = settings.MARKETDATA.changed(ticks={"archive_folder": str(tmp_path), "retention_days": 5})
    yield tmp_path
    for model in (RawQuote, RawTick, QuoteSegment):
        model.objects.all().delete()


def ticks(instrument: Instrument, day: date = DAY, count: int = 50, *, price: float = 10.0) -> QuoteColumns:
    """Ticks three seconds apart; every tenth repeats its stamp, and the terminal counts trades of every other one."""
    at = np.arange(count)
    levels = {f"{side}{level}": np.full(count, price + level / 100) for side in ("bid", "ask") for level in range(1, 6)}
    sizes = {f"{side}_volume{level}": at * 100 + level for side in ("bid", "ask") for level in range(1, 6)}
    return QuoteColumns.build(
        TICK,
        instrument_id=instrument.pk,
        ts=date_ts(day) + 9 * 3_600_000 + 1_800_000 + (at - (at % 10 == 9)) * 3_000,
        columns={
            "seq": (at % 10 == 9).astype(np.int64),
            **dict.fromkeys(("last", "open", "high", "low", "pre_close"), price + at / 100),
            "volume": at * 100,
            "amount": at * 1000.25,
            "pvolume": at * 100,
            "transactions": np.ma.masked_array(at, mask=at % 2 == 0),
            "status": np.full(count, 13),
            **levels,
            **sizes,
        },
    )


def stored(instrument: Instrument, day: date = DAY) -> QuoteColumns:
    return read_bars([instrument.pk], Period.TICK, date_ts(day), date_ts(day + timedelta(days=1)) - 1)


def put(*rows: QuoteColumns) -> None:
    store.segments_merge(period=Period.TICK, rows=QuoteColumns.concat(rows))


@pytest.fixture
def archived(maotai: Instrument, pingan: Instrument, folder: Path) -> TickArchive:
    put(ticks(maotai), ticks(pingan, count=30))
    archive = archive_day(DAY)
    assert archive is not None
    return archive


def test_archive_holds_every_tick_and_the_database_none(
    archived: TickArchive, maotai: Instrument, pingan: Instrument, folder: Path
) -> None:
    assert (archived.rows, archived.instruments, archived.path) == (80, 2, f"ticks/date={DAY}/ticks.parquet")
    assert [path.name for path in (folder / archived.path).parent.iterdir()] == ["ticks.parquet"]
    assert not QuoteSegment.objects.exists()


def test_archive_is_read_by_duckdb_as_a_partitioned_table(archived: TickArchive, folder: Path) -> None:
    table = duckdb.sql(
        f"SELECT date, symbol, count(*), sum(volume), sum(transactions), max(ask_volume5) "
        f"FROM read_parquet('{folder}/ticks/*/*.parquet', hive_partitioning=true) GROUP BY ALL ORDER BY symbol"
    )
    assert table is not None
    odd = sum(range(1, 50, 2))
    assert table.fetchall() == [
        (DAY, "000001.SZ", 30, sum(range(30)) * 100, sum(range(1, 30, 2)), 2905),
        (DAY, "600519.SH", 50, sum(range(50)) * 100, odd, 4905),
    ]


def test_archive_restored_gives_back_every_value(archived: TickArchive, maotai: Instrument) -> None:
    archive_restore(DAY)
    assert same_rows(stored(maotai), ticks(maotai).normalised())
    archived.refresh_from_db()
    assert archived.restored_at is not None


def test_archive_of_a_day_that_is_not_there_is_none_and_its_restore_refused() -> None:
    assert archive_day(DAY) is None
    with pytest.raises(NotFound):
        archive_restore(DAY)


def test_archive_written_wrongly_deletes_nothing(
    maotai: Instrument, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ticks(maotai))
    monkeypatch.setattr(archive_module, "_groups", lambda _path: iter([ticks(maotai, price=11.0)]))
    with pytest.raises(ArchiveDamaged):
        archive_day(DAY)
    assert same_rows(stored(maotai), ticks(maotai).normalised())
    assert not TickArchive.objects.exists()
    assert not list(folder.rglob("*.*"))


def test_archive_file_that_changed_is_not_restored(archived: TickArchive, folder: Path) -> None:
    path = folder / archived.path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ArchiveDamaged):
        archive_restore(DAY)
    assert not QuoteSegment.objects.exists()


def test_archive_of_a_day_archived_before_keeps_both(
    archived: TickArchive, maotai: Instrument, pingan: Instrument
) -> None:
    corrected = ticks(maotai, price=11.0, count=5)
    put(corrected)
    again = archive_day(DAY)
    assert again is not None
    assert (again.rows, again.instruments) == (80, 2)
    archive_restore(DAY)
    assert stored(maotai).values["last"][:6].tolist() == pytest.approx([11.0, 11.01, 11.02, 11.03, 11.04, 10.05])
    assert len(stored(pingan)) == 30


def test_retention_seals_closed_days_and_archives_old_ones(maotai: Instrument, host: QmtHost) -> None:
    for day in (*WEEK, TODAY):
        store.bars_upsert(period=Period.TICK, rows=ticks(maotai, day))
    done = retention_run(NOW)
    assert done.sealed == 250
    assert done.archived == tuple(WEEK[:2])
    assert set(RawTick.objects.values_list("instrument_id", flat=True)) == {maotai.pk}
    assert RawTick.objects.count() == 50
    assert QuoteSegment.objects.filter(period=Period.TICK).count() == 3
    assert retention_run(NOW).archived == ()


def test_retention_without_an_archive_deletes(maotai: Instrument, host: QmtHost, settings: Settings) -> None:
    settings.MARKETDATA = settings.MARKETDATA.changed(ticks={"archive": False})
    put(ticks(maotai))
    assert retention_run(NOW).deleted == (DAY,)
    assert not QuoteSegment.objects.exists()
    assert not TickArchive.objects.exists()


def test_retention_deletes_live_bars_that_nobody_confirmed(
    maotai: Instrument, host: QmtHost, settings: Settings
) -> None:
    settings.MARKETDATA = settings.MARKETDATA.changed(live={"hot_bar_days": 4})
    for day in (WEEK[0], WEEK[4]):
        RawQuote.objects.create(
            instrument_id=maotai.pk, period=1, ts=date_ts(day), open=1, high=1, low=1, close=1, volume=1
        )
    assert retention_run(NOW).bars == 1
    assert RawQuote.objects.get().ts == date_ts(WEEK[4])


def test_command_archives_lists_and_restores(maotai: Instrument, host: QmtHost) -> None:
    put(ticks(maotai))
    out = StringIO()
    call_command("archive", "--before", "20230314", stdout=out)
    call_command("archive", "--list", stdout=out)
    call_command("archive", "--restore", "2023-03-13", stdout=out)
    text = out.getvalue()
    assert text.count("2023-03-13: 50 ticks of 1 instruments") == 2
    assert str(archive_folder()) in text
    assert "50 ticks are back in the database" in text
    assert len(stored(maotai)) == 50


def test_command_refuses_the_open_day(maotai: Instrument, host: QmtHost) -> None:
    with pytest.raises(CommandError, match="not closed"):
        call_command("archive", "--before", "20230321")
