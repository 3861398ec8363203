"""The engine on a real Redis-compatible server: stream in, bars out."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
import redis
from django.conf import settings
from django.db import OperationalError

from desk.settings.schema import get_config
from desk.supervisor import plan
from marketdata import engine
from marketdata.engine import BarStore, Engine
from marketdata.minutes import MinuteBar
from marketdata.models import Instrument
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.models import RawQuote
from marketdata.quotes.periods import Period
from marketdata.quotes.store import bars_upsert
from marketdata.quotes.tables import LatestRow
from marketdata.symbols import SymbolIds
from ops.models import ProcessHeartbeat
from ops.publish import PREFIX
from tests.quotes.builders import bars, create_instrument, stamp

pytestmark = [
    pytest.mark.django_db(databases=["default", "quotes"], transaction=True),
    pytest.mark.postgres,
]

SYMBOL = "600519.SH"


def at(time_of_day: str) -> int:
    return stamp(f"2024-03-01 {time_of_day}")


@pytest.fixture
def instrument(store_db: None) -> Instrument:
    return create_instrument(SYMBOL)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READ_SECONDS", "PUBLISH_SECONDS", "STORE_SECONDS", "RECONNECT_SECONDS"):
        monkeypatch.setattr(engine, name, 0.02)


@contextmanager
def running() -> Iterator[Engine]:
    stop = threading.Event()
    work = Engine(stop)
    thread = threading.Thread(target=work.run)
    thread.start()
    try:
        yield work
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], object], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class DataWorker:
    """Publishes and stores quotes of one instrument as the data worker does."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.client = redis.Redis.from_url(settings.REDIS_URL)

    def listeners(self) -> int:
        return int(dict(self.client.pubsub_numsub(engine.CHANNEL))[engine.CHANNEL.encode()])

    def quote(self, time_of_day: str, last: float, volume: int, *, store: bool = True) -> None:
        received_at = time.time_ns() // 1_000_000
        values = {"last": last, "high": 0.0, "low": 0.0, "volume": volume, "amount": volume * 10.0}
        message = {"t": received_at, "host": "sim", "q": {SYMBOL: {"ts": at(time_of_day), **values}}}
        self.client.publish(engine.CHANNEL, orjson.dumps(message))
        if store:
            self.store(time_of_day, last, volume, received_at)

    def store(self, time_of_day: str, last: float, volume: int, received_at: int) -> None:
        row = LatestRow(
            instrument_id=self.instrument.pk,
            ts=at(time_of_day),
            last=last,
            open=0.0,
            high=0.0,
            low=0.0,
            pre_close=0.0,
            volume=volume,
            amount=volume * 10.0,
            bid="[]",
            ask="[]",
            bid_volume="[]",
            ask_volume="[]",
            status=13,
            received_at=received_at,
        )
        latest_upsert([row])


def stored() -> list[tuple[int, float, int]]:
    return list(RawQuote.objects.order_by("ts").values_list("ts", "close", "volume"))


def settled(work: Engine) -> bool:
    streams: dict[str, Any] = work.detail()["streams"]
    return bool(streams) and all(stream["settled"] for stream in streams.values())


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_finished_minutes_are_stored_and_growing_ones_published(
    instrument: Instrument,
) -> None:
    worker = DataWorker(instrument)
    listener = worker.client.pubsub()  # type: ignore[no-untyped-call]
    listener.subscribe(PREFIX + "bars")
    with running() as work:
        wait_until(worker.listeners)
        worker.quote("10:00:57", 10.0, 500)
        wait_until(lambda: settled(work))
        worker.quote("10:01:03", 10.1, 700)
        worker.quote("10:01:30", 10.3, 900)
        worker.quote("10:02:06", 10.2, 1000)
        wait_until(stored)
        assert stored() == [(at("10:02"), 10.3, 400)]
    messages = list(iter(lambda: listener.get_message(timeout=0.1), None))
    shown = [orjson.loads(m["data"])[SYMBOL] for m in messages if m["type"] == "message"]
    assert {
        "period": "1m",
        "ts": at("10:02"),
        "open": 10.1,
        "high": 10.3,
        "low": 10.1,
        "close": 10.3,
        "volume": 400,
        "amount": 4000.0,
        "complete": True,
    } in shown
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


@pytest.mark.usefixtures("quick")
@pytest.mark.faults
def test_engine_redis_restart_resumes_with_the_next_whole_minute(instrument: Instrument) -> None:
    with valkey_server():
        worker = DataWorker(instrument)
        with running() as work:
            wait_until(worker.listeners)
            worker.quote("10:00:57", 10.0, 500)
            wait_until(lambda: settled(work))
            worker.quote("10:01:03", 10.1, 700)
            stop_server()
            wait_until(lambda: not settled(work))
            with valkey_server():
                wait_until(lambda: listening(worker))
                worker.quote("10:01:50", 10.2, 900)
                wait_until(lambda: settled(work))
                worker.quote("10:02:03", 10.3, 950)
                worker.quote("10:03:06", 10.4, 990)
                wait_until(stored)
    assert stored() == [(at("10:03"), 10.3, 50)]


@pytest.mark.usefixtures("valkey", "quick")
def test_engine_heartbeat_tells_what_it_stored(instrument: Instrument) -> None:
    with running():
        wait_until(lambda: ProcessHeartbeat.objects.filter(name="engine").exists())
    detail = ProcessHeartbeat.objects.get(name="engine").detail
    assert (detail["bars_stored"], detail["bars_waiting"], detail["streams"]) == (0, 0, {})


def test_bar_store_database_away_keeps_the_bars_in_order(
    instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("database is locked")

    store = BarStore(SymbolIds())
    first, second = (
        MinuteBar(SYMBOL, at(label), 1.0, 1.0, 1.0, 1.0, 100, 100.0, complete=True) for label in ("10:01", "10:02")
    )
    with monkeypatch.context() as patch:
        patch.setattr(engine, "bars_upsert", away)
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

    monkeypatch.setattr(engine, "MAX_WAITING_BARS", 1)
    monkeypatch.setattr(SymbolIds, "find", away)
    store = BarStore(SymbolIds())
    bar = MinuteBar(SYMBOL, at("10:01"), 1.0, 1.0, 1.0, 1.0, 100, 100.0, complete=True)
    store.add([bar, bar, bar])
    store.flush()
    assert (len(store), store.dropped) == (1, 2)


# --- a server of this test's own

_servers: list[subprocess.Popen[bytes]] = []


@contextmanager
def valkey_server() -> Iterator[None]:
    config = get_config()
    plan.prepare_folders(config)
    server = subprocess.Popen(plan.valkey(config).command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _servers.append(server)
    client = redis.Redis.from_url(config.redis_url)
    try:
        wait_until(lambda: answers(client))
        yield
    finally:
        client.close()
        server.kill()
        server.wait()
        plan.remove_stale_socket(config.redis_socket)


def stop_server() -> None:
    server = _servers.pop()
    server.kill()
    server.wait()
    plan.remove_stale_socket(get_config().redis_socket)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def listening(worker: DataWorker) -> bool:
    try:
        return bool(worker.listeners())
    except redis.ConnectionError:
        return False
