"""The engine on a real Redis-compatible server: stream in, bars out."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import orjson
import pytest
from django.db import OperationalError

from marketdata import engine
from marketdata.engine import Engine
from marketdata.live import barstore
from marketdata.live import stream as stream_module
from marketdata.live.barstore import BarStore
from marketdata.live.stream import HostStream
from marketdata.minutes import MinuteBar
from marketdata.models import Instrument
from marketdata.quotes.periods import Period
from marketdata.quotes.store import bars_upsert
from marketdata.symbols import SymbolIds
from ops.models import ProcessHeartbeat
from ops.publish import PREFIX
from ops.signing import host_key, opened, signed, with_mark
from tests.quotes.builders import bars
from tests.quotes.stream import SYMBOL, DataWorker, at, bars_of, running, settled, stored, wait_until

pytestmark = [
    pytest.mark.django_db(databases=["default", "quotes"], transaction=True),
    pytest.mark.postgres,
]


def heard(channel: str, message: dict[str, Any]) -> Any:
    """What a message says, whose mark has to be ours."""
    proven = opened(channel, message["data"])
    assert proven is not None
    return orjson.loads(proven.body)


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_finished_minutes_are_stored_and_growing_ones_published(
    instrument: Instrument,
) -> None:
    worker = DataWorker(instrument)
    listener = worker.client.pubsub()  # type: ignore[no-untyped-call]
    listener.subscribe(PREFIX + "bars")
    finished = {
        "period": "1m",
        "ts": at("10:02"),
        "open": 10.1,
        "high": 10.3,
        "low": 10.1,
        "close": 10.3,
        "volume": 400,
        "amount": 4000.0,
        "complete": True,
    }
    with running() as work:
        wait_until(worker.listeners)
        worker.quote("10:00:57", 10.0, 500)
        wait_until(lambda: settled(work))
        worker.quote("10:01:03", 10.1, 700)
        worker.quote("10:01:30", 10.3, 900)
        worker.quote("10:02:06", 10.2, 1000)
        wait_until(stored)
        assert stored() == [(at("10:02"), 10.3, 400)]
        shown: list[dict[str, Any]] = []

        def finished_bar_is_shown() -> bool:
            message = listener.get_message(timeout=0.1)
            if message and message["type"] == "message":
                shown.append(heard("bars", message)[SYMBOL])
            return finished in shown

        wait_until(finished_bar_is_shown)
    listener.close()


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_restart_inside_a_minute_never_stores_that_minute(instrument: Instrument) -> None:
    worker = DataWorker(instrument)
    with running() as work:
        wait_until(worker.listeners)
        worker.quote("10:00:57", 10.0, 500)
        wait_until(lambda: settled(work))
        worker.quote("10:01:03", 10.1, 700)
    worker.store("10:01:27", 10.9, 800, time.time_ns() // 1_000_000)  # while it was down
    with running() as work:
        wait_until(worker.listeners)
        worker.quote("10:01:30", 10.3, 900)
        wait_until(lambda: settled(work))
        worker.quote("10:02:03", 10.2, 1000)
        worker.quote("10:03:06", 10.4, 1100)
        wait_until(stored)
    assert stored() == [(at("10:03"), 10.2, 100)]


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_bar_that_is_already_there_is_not_overwritten(instrument: Instrument) -> None:
    bars_upsert(period=Period.MINUTE_1, rows=bars(instrument.pk, [at("10:02")], 77.0))
    worker = DataWorker(instrument)
    with running() as work:
        wait_until(worker.listeners)
        worker.quote("10:00:57", 10.0, 500)
        wait_until(lambda: settled(work))
        worker.quote("10:01:03", 10.1, 700)
        worker.quote("10:02:03", 10.1, 800)
        worker.quote("10:03:06", 10.2, 1000)
        wait_until(lambda: len(stored()) == 2)
    assert stored() == [(at("10:02"), 77.0, 100), (at("10:03"), 10.1, 100)]


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_stored_quotes_behind_the_stream_do_not_make_a_bar_complete(
    instrument: Instrument,
) -> None:
    worker = DataWorker(instrument)
    worker.store("09:59:57", 10.0, 100, 1_000)
    with running() as work:
        wait_until(worker.listeners)
        # The data worker publishes, and its database is away.
        for second in ("10:00:57", "10:01:03", "10:02:03", "10:03:06"):
            worker.quote(second, 10.0, 500 + int(second[-2:]), store=False)
        wait_until(lambda: work.detail()["streams"].get("sim", {}).get("event_ts") == at("10:03:06"))
        time.sleep(1.2)
        assert not settled(work)
    assert stored() == []


@pytest.mark.usefixtures("valkey", "quick")
@pytest.mark.parametrize("body", [b"\xff", b"[]", b'{"t": 1}', b'{"t": 1, "host": "sim", "q": {"A": {}}}'])
def test_engine_malformed_message_is_counted_and_the_stream_goes_on(instrument: Instrument, body: bytes) -> None:
    worker = DataWorker(instrument)
    with running() as work:
        wait_until(worker.listeners)
        worker.client.publish(engine.CHANNEL, signed(engine.NAME, body))
        wait_until(lambda: work.detail()["malformed_messages"] == 1)
        worker.quote("10:00:57", 10.0, 500)
        wait_until(lambda: settled(work))


class Following:
    """A listener that keeps what it is told."""

    name = "following"

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def start(self) -> None: ...
    def interrupt(self) -> None: ...
    def stop(self, timeout_seconds: float) -> None: ...

    def quotes(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def detail(self) -> dict[str, Any]:
        return {}


def test_engine_hands_on_only_quotes_of_who_may_speak_for_the_host(caplog: pytest.LogCaptureFixture) -> None:
    """Exit plans, grids and bars follow these: whoever reaches Redis, or another host, must not move them."""
    listener = Following()
    work = Engine(threading.Event(), [listener])
    body = orjson.dumps(message("10:00:57", 500))
    with caplog.at_level(logging.WARNING):
        for raw in (
            body,
            with_mark("quotes", body, signer="sim", key=bytes.fromhex(host_key("qmt1"))),
            with_mark("quotes", body, signer="qmt1", key=bytes.fromhex(host_key("qmt1"))),
        ):
            work._take({"type": "message", "data": raw})
        assert (listener.messages, work.detail()["streams"]) == ([], {})
        work._take(
            {"type": "message", "data": with_mark("quotes", body, signer="sim", key=bytes.fromhex(host_key("sim")))}
        )
    assert [told["host"] for told in listener.messages] == ["sim"]
    assert "QMT host qmt1 published quotes of host sim: they were dropped" in caplog.text


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_heartbeat_tells_what_it_stored(instrument: Instrument) -> None:
    with running():
        wait_until(lambda: ProcessHeartbeat.objects.filter(name="engine").exists())
    detail = ProcessHeartbeat.objects.get(name="engine").detail
    assert (detail["bars_stored"], detail["bars_waiting"], detail["streams"]) == (0, 0, {})


def message(time_of_day: str, volume: int) -> dict[str, Any]:
    quote = {"ts": at(time_of_day), "last": 10.0, "high": 0.0, "low": 0.0}
    quote |= {"volume": volume, "amount": volume * 10.0}
    return {"t": 1, "host": "sim", "q": {SYMBOL: quote}}


def test_stream_that_stalled_makes_no_complete_bar_of_the_stalled_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = HostStream("sim")
    stream.quotes(message("10:00:57", 500))
    minutes = stream.builders[Period.MINUTE_1]
    minutes.resume()
    stream.settled = True
    stream.quotes(message("10:01:03", 700))
    with monkeypatch.context() as patch:
        patch.setattr(stream_module, "STALL_SECONDS", -1.0)
        stream.quotes(message("10:03:30", 900))
    stream.quotes(message("10:04:03", 950))
    stream.quotes(message("10:05:03", 970))
    bars = minutes.closed(at("10:07:00"))
    assert [(bar.ts, bar.volume) for bar in bars] == [(at("10:05"), 50), (at("10:06"), 20)]


def test_stream_that_lost_messages_before_the_publisher_makes_no_complete_bar_of_them() -> None:
    stream = HostStream("sim")
    stream.quotes(message("10:00:57", 500))
    minutes = stream.builders[Period.MINUTE_1]
    minutes.resume()
    stream.settled = True
    stream.quotes(message("10:01:03", 700))
    stream.quotes(message("10:01:33", 900) | {"gap": True})
    assert not stream.settled
    stream.quotes(message("10:02:03", 950))
    assert minutes.closed(at("10:04:00")) == []


def test_stream_event_time_stands_still_in_a_session_and_runs_on_at_lunch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = HostStream("sim")
    stream.quotes(message("11:29:58", 500))
    now = time.monotonic()
    monkeypatch.setattr("marketdata.live.stream.time.monotonic", lambda: now + 60)
    assert stream.event_now() == at("11:29:58")
    stream.quotes(message("11:30:00", 500))
    monkeypatch.setattr("marketdata.live.stream.time.monotonic", lambda: now + 70)
    assert stream.event_now() == at("11:30:10")


def test_bar_store_database_away_keeps_the_bars_in_order(
    instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("database is locked")

    store = BarStore(Period.MINUTE_1, SymbolIds())
    first, second = (
        MinuteBar(SYMBOL, at(label), 1.0, 1.0, 1.0, 1.0, 100, 100.0, complete=True) for label in ("10:01", "10:02")
    )
    with monkeypatch.context() as patch:
        patch.setattr(barstore, "bars_upsert", away)
        store.add([first])
        store.flush()
        store.add([second])
        store.flush()
    assert (len(store), store.failures) == (2, 2)
    store.flush()
    assert (len(store), store.stored) == (0, 2)
    assert [ts for ts, _, _ in stored()] == [at("10:01"), at("10:02")]


def test_bar_store_full_drops_the_oldest_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(barstore, "MAX_WAITING_BARS", 1)
    monkeypatch.setattr(SymbolIds, "find", away)
    store = BarStore(Period.MINUTE_1, SymbolIds())
    bar = MinuteBar(SYMBOL, at("10:01"), 1.0, 1.0, 1.0, 1.0, 100, 100.0, complete=True)
    store.add([bar, bar, bar])
    store.flush()
    assert (len(store), store.dropped) == (1, 2)


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_stores_and_publishes_five_minutes_beside_one(instrument: Instrument) -> None:
    worker = DataWorker(instrument)
    listener = worker.client.pubsub()  # type: ignore[no-untyped-call]
    listener.subscribe(PREFIX + "bars:5m")
    with running() as work:
        wait_until(worker.listeners)
        worker.quote("10:04:57", 10.0, 500)
        wait_until(lambda: settled(work))
        worker.quote("10:05:03", 10.1, 700)
        worker.quote("10:06:03", 10.3, 900)
        worker.quote("10:10:06", 10.2, 1000)
        wait_until(lambda: bars_of(Period.MINUTE_5))
    assert bars_of(Period.MINUTE_5) == [(at("10:10"), 10.3, 400)]
    messages = [heard("bars:5m", m)[SYMBOL] for m in iter(listener.get_message, None) if m["type"] == "message"]
    assert {(bar["period"], bar["ts"]) for bar in messages} >= {("5m", at("10:10"))}
    listener.close()
