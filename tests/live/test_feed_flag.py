"""What a subscription to quotes says about hosts whose feed stopped."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from desk.live.streams import SymbolStream
from ops.hub import Message

STALE = {"host": "sim", "stale_since": "2026-01-05T02:00:00Z", "last_quote_at": "2026-01-05T02:00:00Z"}


def message(channel: str, body: dict[str, Any]) -> Message:
    return Message(channel, orjson.dumps(body))


def stream(feeds: list[dict[str, Any]]) -> SymbolStream:
    async def read() -> tuple[None, dict[str, Any]]:
        return None, {}

    async def read_feeds() -> list[dict[str, Any]]:
        return feeds

    return SymbolStream("quotes", read=read, read_feeds=read_feeds, wake=lambda: None)


async def frames(source: SymbolStream) -> list[dict[str, Any]]:
    return [orjson.loads(text) async for text in source.frames()]


@pytest.mark.asyncio
async def test_quotes_stream_begins_with_the_stale_feeds() -> None:
    assert await frames(stream([STALE])) == [{"type": "feeds", "data": [STALE]}]


@pytest.mark.asyncio
async def test_quotes_stream_of_live_feeds_says_nothing_about_them() -> None:
    assert await frames(stream([])) == []


@pytest.mark.asyncio
async def test_quotes_stream_tells_when_a_feed_stops_and_when_it_is_back() -> None:
    quotes = stream([])
    await frames(quotes)
    quotes.deliver(message("feeds", STALE))
    assert await frames(quotes) == [{"type": "feeds", "data": [STALE]}]
    back = {**STALE, "stale_since": None}
    quotes.deliver(message("feeds", back))
    assert await frames(quotes) == [{"type": "feeds", "data": [back]}]


@pytest.mark.asyncio
async def test_quotes_stream_message_that_overtook_the_read_counts() -> None:
    quotes = stream([STALE])
    quotes.deliver(message("feeds", {**STALE, "stale_since": None}))
    assert await frames(quotes) == [{"type": "feeds", "data": [{**STALE, "stale_since": None}]}]
