"""An engine and the data worker's side of its stream, for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import redis
from django.conf import settings

from marketdata import engine
from marketdata.engine import Engine
from marketdata.models import Instrument
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.models import RawQuote
from marketdata.quotes.periods import Period
from marketdata.quotes.tables import LatestRow
from ops.signing import signed
from tests.quotes.builders import stamp

SYMBOL = "600519.SH"


def at(time_of_day: str) -> int:
    return stamp(f"2024-03-01 {time_of_day}")


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
        self.client.publish(engine.CHANNEL, signed(engine.NAME, orjson.dumps(message)))
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
            host="sim",
        )
        latest_upsert([row])


def stored() -> list[tuple[int, float, int]]:
    return bars_of(Period.MINUTE_1)


def bars_of(period: Period) -> list[tuple[int, float, int]]:
    return list(RawQuote.objects.filter(period=period).order_by("ts").values_list("ts", "close", "volume"))


def settled(work: Engine) -> bool:
    streams: dict[str, Any] = work.detail()["streams"]
    return bool(streams) and all(stream["settled"] for stream in streams.values())
