"""Writers against writers, and a reader against sealing, on real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from marketdata.quotes import bulk_postgres, queries, reader, store
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.errors import SegmentConflict
from marketdata.quotes.models import QuoteSegment, RawQuote
from marketdata.quotes.periods import Period
from tests.quotes.builders import bars, closes, stamp

pytestmark = [
    pytest.mark.django_db(databases=["quotes"], transaction=True),
    pytest.mark.postgres,
    pytest.mark.usefixtures("store_db"),
]

M1 = Period.MINUTE_1
T0 = stamp("2024-02-01 09:31")
ALL = (0, 1 << 60)


def minute(number: int) -> int:
    return T0 + 60_000 * number


def run_together(*works: Callable[[], None]) -> None:
    """Run in threads from one start line; the first error is raised."""
    barrier = threading.Barrier(len(works))
    errors: list[Exception] = []

    def run(work: Callable[[], None]) -> None:
        try:
            barrier.wait()
            work()
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            errors.append(error)
        finally:
            connections["quotes"].close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_segments_merge_four_writers_of_one_segment_lose_nothing() -> None:
    def writer(offset: int) -> Callable[[], None]:
        def work() -> None:
            for number in range(5):
                store.segments_merge(period=M1, rows=bars(1, [minute(offset + 4 * number)]))

        return work

    run_together(*(writer(offset) for offset in range(4)))
    assert reader.read_bars([1], M1, *ALL).ts.tolist() == [minute(n) for n in range(20)]
    assert QuoteSegment.objects.get().version == 20


def test_segments_merge_change_between_read_and_write_is_merged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.segments_merge(period=M1, rows=bars(1, [minute(0)], 1.0))
    real = queries.segments_select
    others = iter([bars(1, [minute(1)], 2.0)])

    def select_then_let_another_write(*args: object, **kwargs: object) -> object:
        found = real(*args, **kwargs)  # type: ignore[arg-type]
        for rows in others:
            store.segments_merge(period=M1, rows=rows)
        return found

    monkeypatch.setattr(queries, "segments_select", select_then_let_another_write)
    store.segments_merge(period=M1, rows=bars(1, [minute(2)], 3.0))
    assert closes(reader.read_bars([1], M1, *ALL)) == [
        (1, minute(0), 1.0),
        (1, minute(1), 2.0),
        (1, minute(2), 3.0),
    ]
    assert QuoteSegment.objects.get().version == 3


def test_segments_merge_always_beaten_gives_up_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("marketdata.quotes.store.time.sleep", lambda _: None)
    real = queries.segments_select
    busy = False
    beaten = 0

    def select_then_always_be_beaten(*args: object, **kwargs: object) -> object:
        nonlocal busy, beaten
        found = real(*args, **kwargs)  # type: ignore[arg-type]
        if not busy:
            busy, beaten = True, beaten + 1
            store.segments_merge(period=M1, rows=bars(1, [minute(beaten)]))
            busy = False
        return found

    monkeypatch.setattr(queries, "segments_select", select_then_always_be_beaten)
    with pytest.raises(SegmentConflict) as conflict:
        store.segments_merge(period=M1, rows=bars(1, [minute(0)]))
    assert conflict.value.details == {"period": "1m", "segments": 1, "attempts": store.ATTEMPTS}
    monkeypatch.undo()
    assert minute(0) not in reader.read_bars([1], M1, *ALL).ts.tolist()


def test_bars_upsert_rows_that_appear_after_the_look_are_merged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # PostgreSQL copies straight in where it saw no rows; by then another writer may have been there.
    monkeypatch.setattr(bulk_postgres, "_no_rows_there", lambda *_: True)
    store.bars_upsert(period=M1, rows=bars(1, [minute(5)], 99.0))
    rows = bars(1, [minute(n) for n in range(1_500)], [float(n + 1) for n in range(1_500)])
    assert store.bars_upsert(period=M1, rows=rows).written == 1_500
    assert closes(reader.read_bars([1], M1, *ALL)) == closes(rows)


def test_segments_merge_two_creators_of_one_segment_lose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = queries.segments_select
    others = iter([bars(1, [minute(1)], 2.0)])

    def select_then_let_another_create(*args: object, **kwargs: object) -> object:
        found = real(*args, **kwargs)  # type: ignore[arg-type]
        for rows in others:
            store.segments_merge(period=M1, rows=rows)
        return found

    monkeypatch.setattr(queries, "segments_select", select_then_let_another_create)
    store.segments_merge(period=M1, rows=bars(1, [minute(0)], 1.0))
    assert closes(reader.read_bars([1], M1, *ALL)) == [(1, minute(0), 1.0), (1, minute(1), 2.0)]


def test_read_bars_seal_between_the_two_reads_is_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = bars(1, [minute(n) for n in range(10)], [float(n + 1) for n in range(10)])
    store.bars_upsert(period=M1, rows=rows)
    real = queries.segments_select
    sealed = False

    def seal_first(*args: object, **kwargs: object) -> object:
        nonlocal sealed
        if not sealed:
            sealed = True
            store.seal(period=M1, upto_ts=minute(99))
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "segments_select", seal_first)
    found = reader.read_bars([1], M1, *ALL)
    assert not RawQuote.objects.exists()
    assert closes(found) == closes(rows)


def test_read_bars_while_days_are_sealed_always_sees_every_row() -> None:
    rows = QuoteColumns.concat([bars(i, [minute(n) for n in range(40)]) for i in range(1, 6)])
    store.bars_upsert(period=M1, rows=rows)
    done = threading.Event()

    def sealer() -> None:
        for number in range(40):
            store.seal(period=M1, upto_ts=minute(number))
        done.set()

    def watcher() -> None:
        while not done.is_set():
            found = reader.read_bars(range(1, 6), M1, *ALL, columns=["close"])
            assert len(found) == 200

    run_together(sealer, watcher, watcher)
    assert not RawQuote.objects.exists()


def test_seal_while_rows_keep_coming_loses_none() -> None:
    def writer() -> None:
        for number in range(60):
            store.bars_upsert(period=M1, rows=bars(1, [minute(number)], float(number + 1)))

    def sealer() -> None:
        for _ in range(20):
            store.seal(period=M1, upto_ts=minute(99))

    run_together(writer, sealer)
    expected = [(1, minute(n), float(n + 1)) for n in range(60)]
    assert closes(reader.read_bars([1], M1, *ALL)) == expected
