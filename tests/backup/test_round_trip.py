"""What goes into a backup comes out again, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from django.db import connections, transaction
from pytest_django import Settings

from accounts.models import BrokerAccount, User
from desk.backup.create import Made
from desk.backup.manifest import FILE_NAME, read_manifest
from desk.backup.proof import backup_prove
from marketdata.models import TickArchive
from marketdata.quotes import store
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Period, date_ts
from ops.anchor_file import AnchorFile
from ops.audit import Actor, record
from ops.clocks import wall_now
from ops.errors import Code, DeskError
from tests.backup.home import CODE, Home
from tests.orders.bench import Bench

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
PASSPHRASE = "a long one, kept elsewhere"


def note(words: str) -> None:
    """Something on the audit trail: an easy row to look for."""
    with transaction.atomic():
        record(actor=Actor.system("tests"), action="test.noted", target=words)


def noted() -> list[str]:
    from ops.models import AuditEvent

    return list(AuditEvent.objects.filter(action="test.noted").order_by("pk").values_list("target", flat=True))


def seal_bars(instrument_id: int, days: int = 3) -> None:
    """Daily bars in a segment."""
    ts = np.array([date_ts(date(2026, 11, 9 + day)) for day in range(days)], dtype=np.int64)
    prices = np.full(days, 10.0)
    values = {
        column.name: prices.astype(column.kind.value)
        if column.name != "suspended"
        else np.zeros(days, dtype=column.kind.value)
        for column in BAR.columns
    }
    rows = QuoteColumns(BAR, np.full(days, instrument_id, dtype=np.int64), ts, values, {})
    store.segments_merge(period=Period.DAY_1, rows=rows)


def refusal(act: Callable[[], object]) -> DeskError:
    with pytest.raises(DeskError) as caught:
        act()
    return caught.value


def test_backup_restored_rows_segments_and_archives_are_back(home: Home, bench: Bench) -> None:
    order = bench.submit()
    seal_bars(bench.instruments["600519.SH"].pk)
    archived = home.folder / "archive" / "ticks" / "day.parquet"
    archived.parent.mkdir(parents=True)
    archived.write_bytes(b"PAR1 of a day")
    TickArchive.objects.create(
        trade_date=date(2026, 11, 9), path="ticks/day.parquet", rows=0, instruments=0, size=13,
        sha256=hashlib.sha256(archived.read_bytes()).hexdigest(), archived_at=wall_now(),
    )  # fmt: skip
    note("before")
    made = home.backup()
    note("after")
    BrokerAccount.objects.update(name="changed")
    QuoteSegment.objects.all().delete()
    archived.unlink()
    home.restore(made)
    assert noted() == ["before"]
    assert BrokerAccount.objects.get(pk=bench.account.pk).name == "Alpha"
    assert bench.order(order).tag == order.tag
    assert QuoteSegment.objects.get().rows == 3
    assert archived.read_bytes() == b"PAR1 of a day"


def test_backup_says_what_it_holds(home: Home, bench: Bench) -> None:
    note("one")
    made = home.backup()
    manifest = read_manifest(made.folder)
    assert manifest == made.manifest
    assert manifest.installation == CODE
    assert manifest.engines == {"default": "sqlite", "quotes": "sqlite"}
    assert manifest.rows["default"]["accounts_user"] == User.objects.count()
    assert manifest.rows["quotes"]["quotes_quotesegment"] == 0
    assert [part.path for part in manifest.parts] == ["default.sqlite3.zst", "quotes.sqlite3.zst"]
    for part in manifest.parts:
        stored = (made.folder / part.path).read_bytes()
        assert (len(stored), hashlib.sha256(stored).hexdigest()) == (part.stored.size, part.stored.sha256)


def test_backup_without_a_key_has_no_key_in_it(home: Home, settings: Settings) -> None:
    made = home.backup()
    keys = settings.ENCRYPTION_KEYS
    text = (made.folder / FILE_NAME).read_text()
    assert keys[0] not in text
    assert len(made.manifest.key_fingerprints[0]) == 16


def test_backup_while_somebody_writes_is_of_one_moment(home: Home) -> None:
    """A transaction that is open while the backup is made is not in it, and does not wait for it."""
    other = connections["default"].copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("UPDATE ops_installation SET code = 'LATE'")
        made = home.backup()
        cursor.execute("COMMIT")
    other.close()
    home.restore(made)
    assert read_manifest(made.folder).installation == CODE
    from ops.models import Installation

    assert Installation.objects.get().code == CODE


def test_backup_encrypted_comes_back_with_its_passphrase_only(home: Home) -> None:
    note("secret words")
    made = home.backup(PASSPHRASE)
    stored = b"".join(path.read_bytes() for path in made.folder.rglob("*") if path.is_file())
    assert b"secret words" not in stored
    before = home.content()
    assert refusal(lambda: home.restore(made)).code == Code.BACKUP_UNFIT
    assert refusal(lambda: home.restore(made, passphrase="another")).code == Code.BACKUP_DAMAGED
    assert home.content() == before
    home.restore(made, passphrase=PASSPHRASE)
    assert noted() == ["secret words"]


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_backup_with_one_bit_changed_is_refused_and_nothing_is_touched(home: Home, passphrase: str) -> None:
    made = home.backup(passphrase)
    part = made.folder / made.manifest.parts[0].path
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    before = home.content()
    assert refusal(lambda: home.restore(made, passphrase=passphrase)).code == Code.BACKUP_DAMAGED
    assert home.content() == before


def test_backup_encrypted_changed_together_with_its_manifest_is_refused(home: Home) -> None:
    made = home.backup(PASSPHRASE)
    path = made.folder / FILE_NAME
    content = json.loads(path.read_text())
    content["rows"]["default"]["accounts_user"] += 1
    path.write_text(json.dumps(content))
    changed = Made(made.folder, read_manifest(made.folder))
    assert refusal(lambda: home.restore(changed, passphrase=PASSPHRASE)).code == Code.BACKUP_DAMAGED


def test_backup_with_a_part_missing_is_refused(home: Home) -> None:
    made = home.backup()
    (made.folder / made.manifest.parts[1].path).unlink()
    assert refusal(lambda: home.restore(made)).code == Code.BACKUP_DAMAGED


def test_backup_whose_manifest_leads_out_of_its_folder_is_refused(home: Home) -> None:
    made = home.backup()
    path = made.folder / FILE_NAME
    path.write_text(path.read_text().replace("default.sqlite3.zst", "../default.sqlite3.zst"))
    assert refusal(lambda: read_manifest(made.folder)).code == Code.BACKUP_DAMAGED


def test_archives_of_an_older_backup_are_shared(home: Home) -> None:
    archived = home.folder / "archive" / "day.parquet"
    archived.parent.mkdir()
    archived.write_bytes(b"ticks" * 100)
    digest = hashlib.sha256(archived.read_bytes()).hexdigest()
    TickArchive.objects.create(
        trade_date=date(2026, 11, 9), path="day.parquet", rows=0, instruments=0, size=500, sha256=digest,
        archived_at=wall_now(),
    )  # fmt: skip
    first = home.backup()
    second = home.backups / "desk-20000101-000000"
    first.folder.rename(second)
    later = home.backup()
    assert (later.folder / "archive/day.parquet.zst").samefile(second / "archive/day.parquet.zst")


def test_archive_that_is_damaged_does_not_stop_the_backup_and_is_named(home: Home) -> None:
    TickArchive.objects.create(
        trade_date=date(2026, 11, 9), path="gone.parquet", rows=0, instruments=0, size=1, sha256="0" * 64,
        archived_at=wall_now(),
    )  # fmt: skip
    assert home.backup().manifest.problems == ("archive gone.parquet is not there",)


def test_signed_anchors_go_with_their_chains(home: Home) -> None:
    note("one")
    AnchorFile(home.folder).append()
    made = home.backup()
    note("two")
    AnchorFile(home.folder).append()
    home.restore(made)
    assert AnchorFile(home.folder).count() == 1
    assert list(AnchorFile(home.folder).verify()) == []


def test_backup_proven_is_restored_in_a_scratch_place_and_leaves_nothing(home: Home, bench: Bench) -> None:
    bench.reported()
    AnchorFile(home.folder).append()
    made = home.backup(PASSPHRASE)
    before = home.content()
    report = backup_prove(made, home.backups, passphrase=PASSPHRASE)
    assert report.findings == []
    assert report.checked["orders"] == 1
    assert report.checked["signed anchors"] == 1
    assert home.content() == before
    assert {path.name for path in home.backups.iterdir()} == {made.folder.name}


def test_backup_of_a_full_disk_is_refused_before_it_begins(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=0))
    assert refusal(home.backup).code == Code.DISK_FULL
    assert list(home.backups.iterdir()) == []


def test_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    assert refusal(lambda: read_manifest(tmp_path)).code == Code.BACKUP_DAMAGED
