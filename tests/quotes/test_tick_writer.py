"""Pushed quotes as tick rows: batches, numbers of equal stamps, a database that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError

from desk.settings.marketdata_schema import TicksConfig
from marketdata.live import ticks as ticks_module
from marketdata.live.blocks import BlockCorrupt, TickBlock
from marketdata.live.spill import Spill
from marketdata.live.tickqueue import TickQueue
from marketdata.live.ticks import TickWriter
from marketdata.models import Instrument
from marketdata.quotes.models import RawTick
from marketdata.quotes.store import bars_upsert
from marketdata.symbols import SymbolIds
from qmt.gateway import Quote
from tests.quotes.stream import wait_until
from tests.quotes.test_live import QUOTE

database = pytest.mark.django_db(databases=["default", "quotes"], transaction=True)
MAX_BYTES = 10_000_000
SYMBOL = QUOTE.symbol

Begin = Callable[..., TickWriter]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    monkeypatch.setattr(ticks_module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(ticks_module, "YIELD_SECONDS", 0.0)
    writers: list[TickWriter] = []

    def make(**config: Any) -> TickWriter:
        writer = TickWriter(
            "sim", SymbolIds(), Spill(tmp_path, MAX_BYTES), TicksConfig(**{"batch_seconds": 0.01} | config)
        )
        writers.append(writer)
        writer.start()
        return writer

    yield make
    for writer in writers:
        writer.stop(5)


def tick(number: int, **changes: Any) -> dict[str, Quote]:
    """The n-th tick, three seconds after the one before."""
    return {SYMBOL: replace(QUOTE, ts=QUOTE.ts + 3000 * number, volume=QUOTE.volume + 100 * number, **changes)}


def rows() -> list[tuple[int, int, int]]:
    found = RawTick.objects.order_by("instrument_id", "ts", "seq").values_list("ts", "seq", "volume")
    return [((ts - QUOTE.ts) // 3000, seq, (volume - QUOTE.volume) // 100) for ts, seq, volume in found]


class Away:
    """A database that can be switched off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gone = threading.Event()
        self.gone.set()
        self.calls = 0
        monkeypatch.setattr(ticks_module, "bars_upsert", self)

    def __call__(self, **arguments: Any) -> Any:
        self.calls += 1
        if self.gone.is_set():
            raise OperationalError("database is locked")
        return bars_upsert(**arguments)


# --- blocks


def test_block_bytes_and_back_are_the_same_ticks() -> None:
    block = TickBlock.of_quotes({**tick(0, pvolume=5), "000001.SZ": replace(QUOTE, symbol="000001.SZ", transactions=7)})
    again = TickBlock.decode(block.encode())
    assert again.symbols == block.symbols
    assert np.array_equal(again.floats, block.floats)
    assert np.array_equal(again.ints, block.ints)


@pytest.mark.parametrize("data", [b"", b"12345678", b"\x02\x00\x00\x00\x03\x00\x00\x00nonsense"])
def test_block_of_other_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(BlockCorrupt):
        TickBlock.decode(data)


def test_queue_order_is_kept_through_memory_disk_and_what_was_given_back(tmp_path: Path) -> None:
    queue = TickQueue(Spill(tmp_path, MAX_BYTES), buffer_rows=2)
    blocks = [TickBlock.of_quotes(tick(number)) for number in range(6)]
    queue.put(blocks[0])
    first = queue.take(1)
    assert first is not None
    for block in blocks[1:5]:
        queue.put(block)
    assert queue.spilled == 3
    queue.give_back(first)
    queue.put(blocks[5])
    seen: list[int] = []
    while (batch := queue.take(1)) is not None:
        seen += [int(block.ts[0] - QUOTE.ts) // 3000 for block in batch.blocks]
        queue.done(batch)
    assert seen == [0, 1, 2, 3, 4, 5]
    assert (queue.read_back, queue.rows, queue.dropped) == (3, 0, 0)


def test_queue_without_room_anywhere_drops_and_counts(tmp_path: Path) -> None:
    queue = TickQueue(Spill(tmp_path, 0), buffer_rows=1)
    queue.put(TickBlock.of_quotes(tick(0)))
    queue.put(TickBlock.of_quotes(tick(1)))
    assert (queue.dropped, queue.spilled, queue.rows) == (2, 0, 0)


def test_queue_closed_while_a_batch_is_being_written_keeps_that_batch(tmp_path: Path) -> None:
    queue = TickQueue(Spill(tmp_path, MAX_BYTES), buffer_rows=10)
    queue.put(TickBlock.of_quotes(tick(0)))
    queue.put(TickBlock.of_quotes(tick(1)))
    assert queue.take(1) is not None
    queue.close()
    after = TickQueue(Spill(tmp_path, MAX_BYTES), buffer_rows=10)
    stamps: list[int] = []
    while (batch := after.take(10)) is not None:
        stamps += [int(block.ts[0] - QUOTE.ts) // 3000 for block in batch.blocks]
        after.done(batch)
    assert stamps == [0, 1]


# --- the writer


@database
@pytest.mark.postgres
def test_ticks_are_stored_with_every_column(instrument: Instrument, begin: Begin) -> None:
    begin().put(tick(0, pvolume=12_300, transactions=42))
    wait_until(RawTick.objects.exists)
    row = RawTick.objects.get()
    assert (row.instrument_id, row.ts, row.seq) == (instrument.pk, QUOTE.ts, 0)
    assert (row.last, row.open, row.high, row.low, row.pre_close) == (10.5, 10.0, 10.6, 9.9, 10.1)
    assert (row.volume, row.amount, row.status) == (12_300, 128_000.5, 13)
    assert (row.pvolume, row.transactions) == (12_300, 42)
    assert (row.bid1, row.bid5, row.ask1, row.ask5) == (10.5, 10.46, 10.51, 10.55)
    assert (row.bid_volume1, row.bid_volume5, row.ask_volume1, row.ask_volume5) == (100, 500, 600, 1000)


@database
@pytest.mark.postgres
def test_ticks_terminal_that_says_nothing_leaves_null(instrument: Instrument, begin: Begin) -> None:
    begin().put(tick(0))
    wait_until(RawTick.objects.exists)
    row = RawTick.objects.get()
    assert (row.pvolume, row.transactions) == (None, None)


@database
def test_ticks_of_one_stamp_are_numbered_and_a_repeated_one_is_left_out(instrument: Instrument, begin: Begin) -> None:
    writer = begin()
    writer.put(tick(0))
    writer.put(tick(0))
    writer.put(tick(0, last=10.6))
    writer.put(tick(1))
    wait_until(lambda: RawTick.objects.count() == 3)
    assert rows() == [(0, 0, 0), (0, 1, 0), (1, 0, 1)]
    assert writer.counters()["repeated"] == 1


@database
def test_ticks_that_a_restarted_terminal_pushes_again_are_known_after_a_restart(
    instrument: Instrument, begin: Begin
) -> None:
    writer = begin()
    writer.put(tick(0))
    writer.put(tick(0, last=10.6))
    wait_until(lambda: RawTick.objects.count() == 2)
    writer.stop(5)
    again = begin()
    again.put(tick(0, last=10.6))
    again.put(tick(0, last=10.7))
    wait_until(lambda: RawTick.objects.count() == 3)
    again.stop(5)
    assert list(RawTick.objects.order_by("seq").values_list("seq", "last")) == [(0, 10.5), (1, 10.6), (2, 10.7)]


@database
def test_ticks_out_of_order_are_stored_once(instrument: Instrument, begin: Begin) -> None:
    writer = begin()
    for number in (0, 2, 1, 1, 3):
        writer.put(tick(number))
    wait_until(lambda: RawTick.objects.count() == 4)
    writer.stop(5)
    assert rows() == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)]


@database
def test_ticks_wait_for_a_full_batch(instrument: Instrument, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Away(monkeypatch)
    away.gone.clear()
    writer = begin(batch_rows=3, batch_seconds=60)
    writer.put(tick(0))
    writer.put(tick(1))
    wait_until(lambda: writer.counters()["waiting"] == 2)
    assert away.calls == 0
    writer.put(tick(2))
    wait_until(lambda: RawTick.objects.count() == 3)
    assert away.calls == 1


@database
def test_ticks_database_away_fills_memory_then_the_disk_and_all_are_stored_in_order(
    instrument: Instrument, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch)
    writer = begin(buffer_rows=2)
    for number in range(10):
        writer.put(tick(number))
    wait_until(lambda: writer.counters()["spilled"] >= 6)
    wait_until(lambda: writer.counters()["store_failures"] >= 2)
    away.gone.clear()
    wait_until(lambda: RawTick.objects.count() == 10)
    assert rows() == [(number, 0, number) for number in range(10)]
    counters = writer.counters()
    assert (counters["dropped"], counters["repeated"], counters["spill_bytes"]) == (0, 0, 0)


@database
def test_ticks_stop_without_a_database_are_stored_by_the_next_run(
    instrument: Instrument, begin: Begin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        Away(patch)
        writer = begin()
        for number in range(3):
            writer.put(tick(number))
        wait_until(lambda: writer.counters()["store_failures"] >= 1)
        writer.stop(1)
        assert list(tmp_path.iterdir())
    begin()
    wait_until(lambda: RawTick.objects.count() == 3)
    assert rows() == [(0, 0, 0), (1, 0, 1), (2, 0, 2)]


@database
def test_ticks_stop_writes_what_waits_for_its_batch(instrument: Instrument, begin: Begin) -> None:
    writer = begin(batch_seconds=60)
    writer.put(tick(0))
    writer.stop(5)
    assert rows() == [(0, 0, 0)]


@database
def test_ticks_of_unknown_symbols_are_counted(instrument: Instrument, begin: Begin) -> None:
    writer = begin()
    writer.put({**tick(0), "999999.SH": replace(QUOTE, symbol="999999.SH")})
    wait_until(RawTick.objects.exists)
    assert writer.counters()["unknown"] == 1
    assert RawTick.objects.get().instrument_id == instrument.pk


@database
@pytest.mark.parametrize("bad", [{"ts": 0}, {"volume": -100}])
def test_ticks_that_make_no_sense_cost_only_themselves(
    instrument: Instrument, begin: Begin, bad: dict[str, Any]
) -> None:
    writer = begin(batch_seconds=0.2)
    writer.put({SYMBOL: replace(QUOTE, **bad)})
    writer.put(tick(1))
    wait_until(RawTick.objects.exists)
    assert rows() == [(1, 0, 1)]
    assert writer.counters()["refused"] == 1


@database
def test_ticks_put_never_waits_for_the_database(
    instrument: Instrument, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(ticks_module, "bars_upsert", lambda **_: release.wait(10))
    monkeypatch.setattr(ticks_module, "MAX_INCOMING_ROWS", 5)
    writer = begin(buffer_rows=3)
    began = time.monotonic()
    for number in range(50):
        writer.put(tick(number))
    assert time.monotonic() - began < 1
    release.set()
    wait_until(lambda: writer.counters()["waiting"] == 0)
