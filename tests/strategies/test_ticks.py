"""Pushed quotes for a run: what is taken from the live channel, and from whom."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ops.signing import PLATFORM, host_key, signed, with_mark
from trading.strategies.runtime.ticks import TickFeed

SYMBOL = "600519.SH"


def quotes(ts: int, last: float = 10.0, **changes: Any) -> bytes:
    quote = {"ts": ts, "last": last, "volume": 1, "amount": 1.0, "bid": [9.99], "bidv": [1], "ask": [0.0], "askv": [0]}
    return orjson.dumps({"t": ts, "host": "sim", "q": {SYMBOL: {**quote, **changes}}})


@pytest.fixture
def feed() -> TickFeed:
    return TickFeed((SYMBOL,))


def test_newest_quote_of_a_symbol_is_taken_once(feed: TickFeed) -> None:
    for ts, last in ((1, 10.0), (3, 12.0), (2, 11.0)):
        feed.hear(signed("quotes", quotes(ts, last)))
    assert [(tick.ts, tick.last, tick.bids, tick.asks) for tick in feed.take()] == [(3, 12.0, ((9.99, 1),), ())]
    assert feed.take() == []


def test_quote_that_is_said_again_is_no_new_one(feed: TickFeed) -> None:
    recorded = signed("quotes", quotes(1))
    feed.hear(recorded)
    feed.take()
    feed.hear(recorded)
    assert feed.take() == []


@pytest.mark.parametrize(
    "raw",
    [
        quotes(1),
        with_mark("quotes", quotes(1), signer=PLATFORM, key=b"guessed"),
        with_mark("quotes", quotes(1), signer="qmt1", key=bytes.fromhex(host_key("qmt1"))),
        signed("bars", quotes(1)),
        signed("quotes", b"[]"),
        signed("quotes", b"{"),
        signed("quotes", quotes(1, bid=None)),
    ],
    ids=["unsigned", "guessed key", "another host", "another channel", "a list", "no JSON", "no book"],
)
def test_quotes_of_who_may_not_speak_for_the_host_reach_no_strategy(feed: TickFeed, raw: bytes) -> None:
    feed.hear(raw)
    assert feed.take() == []
