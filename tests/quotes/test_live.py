"""Quotes from SDK threads to the latest-quote table and the live channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.live import latest, publisher
from marketdata.live.buffers import LatestBuffer, Received
from marketdata.live.writer import QuoteWriter
from marketdata.models import Instrument
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.models import LatestQuote
from qmt.gateway import Quote
from tests.quotes.builders import create_instrument
from tests.quotes.stream import wait_until

pytestmark = [
    pytest.mark.django_db(databases=["default", "quotes"], transaction=True),
    pytest.mark.postgres,
]

QUOTE = Quote(
    symbol="600519.SH",
    ts=1_709_258_403_000,
    last=10.5,
    open=10.0,
    high=10.6,
    low=9.9,
    pre_close=10.1,
    volume=12_300,
    amount=128_000.5,
    bid=(10.5, 10.49, 10.48, 10.47, 10.46),
    ask=(10.51, 10.52, 10.53, 10.54, 10.55),
    bid_volume=(100, 200, 300, 400, 500),
    ask_volume=(600, 700, 800, 900, 1000),
    status=13,
)

QUICK = MarketDataConfig().changed(live={"store_seconds": 0.01, "publish_gap_seconds": 0})


class Channel:
    """Collects what is published."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, channel: str, payload: dict[str, Any]) -> bool:
        self.messages.append((channel, payload))
        return True


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def writer(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> Iterator[QuoteWriter]:
    monkeypatch.setattr(latest, "RETRY_SECONDS", 0.01)
    quote_writer = QuoteWriter("sim", config=QUICK, publish=channel)
    quote_writer.start()
    yield quote_writer
    quote_writer.stop()


def test_writer_quote_becomes_a_row(instrument: Instrument, writer: QuoteWriter) -> None:
    writer.accept({"600519.SH": QUOTE})
    wait_until(LatestQuote.objects.exists)
    row = LatestQuote.objects.get()
    assert row.instrument_id == instrument.pk
    assert (row.ts, row.last, row.open, row.high, row.low) == (QUOTE.ts, 10.5, 10.0, 10.6, 9.9)
    assert (row.pre_close, row.volume, row.amount, row.status) == (10.1, 12_300, 128_000.5, 13)
    assert (row.bid, row.ask) == (list(QUOTE.bid), list(QUOTE.ask))
    assert (row.bid_volume, row.ask_volume) == ([100, 200, 300, 400, 500], [600, 700, 800, 900, 1000])
    assert abs(row.received_at - time.time() * 1000) < 10_000
    assert row.host == "sim"


def test_writer_quote_is_published_at_once(instrument: Instrument, writer: QuoteWriter, channel: Channel) -> None:
    writer.accept({"600519.SH": QUOTE})
    wait_until(lambda: channel.messages)
    name, payload = channel.messages[0]
    assert name == "quotes"
    assert payload["host"] == "sim"
    assert payload["q"]["600519.SH"] == {
        "ts": QUOTE.ts,
        "last": 10.5,
        "open": 10.0,
        "high": 10.6,
        "low": 9.9,
        "pre_close": 10.1,
        "volume": 12_300,
        "amount": 128_000.5,
        "bid": QUOTE.bid,
        "ask": QUOTE.ask,
        "bidv": QUOTE.bid_volume,
        "askv": QUOTE.ask_volume,
        "status": 13,
    }


def test_writer_quote_that_redis_did_not_take_goes_out_later_and_says_so(
    instrument: Instrument, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "RETRY_SECONDS", 0.01)
    answers = iter([False, False])

    def publish(name: str, payload: dict[str, Any]) -> bool:
        return next(answers, True) and channel(name, payload)

    writer = QuoteWriter("sim", config=QUICK, publish=publish)
    writer.start()
    writer.accept({"600519.SH": QUOTE})
    wait_until(lambda: channel.messages)
    writer.accept({"600519.SH": replace(QUOTE, last=11.0)})
    wait_until(lambda: len(channel.messages) == 2)
    writer.stop()
    first, second = (payload for _name, payload in channel.messages)
    assert (first["q"]["600519.SH"]["last"], first["gap"]) == (10.5, True)
    assert (second["q"]["600519.SH"]["last"], "gap" in second) == (11.0, False)
    assert writer.counters()["publish_failures"] == 2


def test_writer_stop_writes_what_is_buffered(instrument: Instrument, channel: Channel) -> None:
    writer = QuoteWriter("sim", config=MarketDataConfig().changed(live={"store_seconds": 60}), publish=channel)
    writer.start()
    writer.accept({"600519.SH": QUOTE})
    writer.accept({"600519.SH": replace(QUOTE, last=11.0)})
    writer.stop()
    assert LatestQuote.objects.get().last == 11.0
    assert channel.messages[-1][1]["q"]["600519.SH"]["last"] == 11.0


@pytest.mark.parametrize(
    "bad",
    [
        {"last": float("nan")},
        {"amount": float("inf")},
        {"bid": (10.5, float("nan"), 0.0, 0.0, 0.0)},
    ],
)
def test_writer_quote_with_a_number_that_is_not_finite_is_refused(
    instrument: Instrument, writer: QuoteWriter, channel: Channel, bad: dict[str, Any]
) -> None:
    writer.accept({"600519.SH": replace(QUOTE, **bad)})
    writer.stop()
    assert writer.counters()["not_finite"] == 1
    assert not LatestQuote.objects.exists()
    assert channel.messages == []


def test_writer_unknown_symbol_is_given_up_after_a_while(
    instrument: Instrument, writer: QuoteWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest, "UNKNOWN_KEPT_SECONDS", 0.05)
    writer.accept({"999999.SH": replace(QUOTE, symbol="999999.SH"), "600519.SH": QUOTE})
    wait_until(lambda: writer.counters()["unknown_symbols"] == 1)
    assert LatestQuote.objects.get().instrument_id == instrument.pk


def test_writer_instrument_that_appears_gets_the_quote_that_came_before(
    instrument: Instrument, writer: QuoteWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketdata.symbols.REFRESH_SECONDS", 0.0)
    writer.accept({"000001.SZ": replace(QUOTE, symbol="000001.SZ")})
    writer.accept({"600519.SH": QUOTE})
    wait_until(LatestQuote.objects.exists)
    later = create_instrument("000001.SZ")
    wait_until(LatestQuote.objects.filter(instrument_id=later.pk).exists)


def test_writer_database_away_keeps_the_newest_quotes(
    instrument: Instrument, writer: QuoteWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = threading.Event()
    away.set()

    def upsert(rows: Any) -> int:
        if away.is_set():
            raise OperationalError("database is locked")
        return latest_upsert(rows)

    monkeypatch.setattr(latest, "latest_upsert", upsert)
    writer.accept({"600519.SH": QUOTE})
    wait_until(lambda: writer.counters()["store_failures"] >= 2)
    writer.accept({"600519.SH": replace(QUOTE, last=12.0)})
    away.clear()
    wait_until(LatestQuote.objects.exists)
    assert LatestQuote.objects.get().last == 12.0
    assert writer.counters()["waiting"] == 0


def test_writer_unforeseen_error_costs_one_batch_not_the_thread(
    instrument: Instrument, writer: QuoteWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(latest, "latest_row", lambda *_: 1 / 0)
        writer.accept({"600519.SH": QUOTE})
        wait_until(lambda: writer.counters()["errors"] == 1)
    writer.accept({"600519.SH": replace(QUOTE, last=12.0)})
    wait_until(LatestQuote.objects.exists)
    assert LatestQuote.objects.get().last == 12.0


def test_writer_accept_does_not_wait_for_a_stuck_publisher_or_database(
    instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def stuck(*_: Any) -> bool:
        release.wait(10)
        return True

    monkeypatch.setattr(latest, "latest_upsert", stuck)
    writer = QuoteWriter("sim", config=QUICK, publish=stuck)
    writer.start()
    started = time.monotonic()
    for number in range(200):
        writer.accept({"600519.SH": replace(QUOTE, volume=number)})
    taken = time.monotonic() - started
    counters = writer.counters()
    release.set()
    writer.stop()
    assert taken < 1.0
    assert counters["received"] == 200
    assert counters["waiting"] == 1


def test_latest_upsert_quote_received_earlier_does_not_replace(instrument: Instrument) -> None:
    newer, older = (
        latest.latest_row(instrument.pk, Received(replace(QUOTE, last=last), received_at), "sim")
        for last, received_at in ((11.0, 2_000), (10.0, 1_000))
    )
    assert latest_upsert([newer]) == 1
    assert latest_upsert([older]) == 0
    assert LatestQuote.objects.get().last == 11.0


def test_buffer_full_refuses_new_symbols_and_still_replaces_known_ones() -> None:
    buffer = LatestBuffer(max_symbols=2)
    for number, symbol in enumerate(["A", "B", "C", "A"]):
        buffer.put({symbol: Received(QUOTE, number)})
    assert {symbol: item.received_at for symbol, item in buffer.take().items()} == {"A": 3, "B": 1}
    assert (buffer.refused, buffer.replaced) == (1, 1)


def test_buffer_give_back_keeps_what_came_meanwhile() -> None:
    buffer = LatestBuffer()
    buffer.put({"A": Received(QUOTE, 1), "B": Received(QUOTE, 1)})
    taken = buffer.take()
    buffer.put({"A": Received(QUOTE, 2)})
    buffer.give_back(taken)
    assert {symbol: item.received_at for symbol, item in buffer.take().items()} == {"A": 2, "B": 1}
