"""What memory does not hold, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketdata.live import spill as spill_module
from marketdata.live.spill import Spill

MAX_BYTES = 1_000_000


def drained(spill: Spill) -> list[bytes]:
    records: list[bytes] = []
    while (stored := spill.oldest()) is not None:
        records += stored.records
        spill.discard(stored)
    return records


def test_spill_records_come_back_in_order_and_files_are_deleted(tmp_path: Path) -> None:
    spill = Spill(tmp_path, MAX_BYTES)
    for number in range(5):
        assert spill.append(b"record %d" % number)
    assert drained(spill) == [b"record %d" % number for number in range(5)]
    assert (spill.size, list(tmp_path.iterdir())) == (0, [])


def test_spill_next_run_reads_what_the_last_one_left_before_its_own(tmp_path: Path) -> None:
    before = Spill(tmp_path, MAX_BYTES)
    before.append(b"old")
    spill = Spill(tmp_path, MAX_BYTES)
    spill.append(b"new")
    assert drained(spill) == [b"old", b"new"]


def test_spill_put_first_comes_before_everything(tmp_path: Path) -> None:
    spill = Spill(tmp_path, MAX_BYTES)
    spill.append(b"c")
    assert spill.put_first([b"a", b"b"])
    spill.append(b"d")
    assert drained(spill) == [b"a", b"b", b"c", b"d"]


def test_spill_beyond_its_bound_takes_nothing(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 100)
    assert spill.append(b"x" * 60)
    assert not spill.append(b"y" * 60)
    assert not spill.put_first([b"z" * 60])
    assert drained(spill) == [b"x" * 60]


@pytest.mark.parametrize("cut", [1, 5, 11, 14])
def test_spill_torn_tail_costs_the_last_record_only(tmp_path: Path, cut: int) -> None:
    spill = Spill(tmp_path, MAX_BYTES)
    spill.append(b"whole")
    spill.append(b"torn")
    spill.close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-cut])
    after = Spill(tmp_path, MAX_BYTES)
    assert drained(after) == [b"whole"]
    assert after.torn == 1


def test_spill_flipped_byte_ends_its_file_and_not_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill_module, "FILE_BYTES", 1)
    spill = Spill(tmp_path, MAX_BYTES)
    spill.append(b"first")
    spill.append(b"second")
    first = min(tmp_path.iterdir())
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.write_bytes(bytes(data))
    assert drained(spill) == [b"second"]
    assert spill.torn == 1


def test_spill_file_that_is_not_read_yet_grows_no_more(tmp_path: Path) -> None:
    spill = Spill(tmp_path, MAX_BYTES)
    spill.append(b"a")
    stored = spill.oldest()
    spill.append(b"b")
    assert stored is not None
    spill.discard(stored)
    assert drained(spill) == [b"b"]


def test_spill_disk_that_refuses_is_told_to_the_caller(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert not Spill(blocked / "below", MAX_BYTES).append(b"a")
