"""The newest quote of each symbol as this process received it.

The latest-quote table is written about a second after a quote is published. Somebody who
subscribes in between would get the older value from the table and, if the market then
falls silent, never the newer one. So what is read is laid under what was received.
"""

from __future__ import annotations

import time
from typing import Any

from ops.hub import Hub, Message

#: Longest time a published quote may take to reach the table.
STORE_LAG_SECONDS = 3.0


class LastQuotes:
    """Listens to the quotes of one process for as long as it lives."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._quotes: dict[str, dict[str, Any]] = {}
        self._listening_since = time.monotonic() if hub.is_up else None
        hub.join("quotes", self)

    def deliver(self, message: Message) -> None:
        self._quotes.update(message.payload["q"])

    def link_changed(self, *, up: bool) -> None:
        self._listening_since = time.monotonic() if up else None

    @property
    def settled(self) -> bool:
        """Whether everything published before we listened is in the table by now."""
        since = self._listening_since
        return since is not None and time.monotonic() - since > STORE_LAG_SECONDS

    def overlay(self, stored: dict[str, dict[str, Any]], symbols: frozenset[str] | None) -> dict[str, dict[str, Any]]:
        """`stored` with the newer of each quote; `symbols` None means all."""
        received = self._quotes
        for symbol in symbols if symbols is not None else received:
            quote = received.get(symbol)
            if quote is not None and quote["ts"] >= stored.get(symbol, quote)["ts"]:
                stored[symbol] = quote
        return stored


_latest: dict[Hub, LastQuotes] = {}


def running_latest(hub: Hub) -> LastQuotes:
    """The last quotes of the hub's process, listening from the first call on."""
    latest = _latest.get(hub)
    if latest is None:
        _latest.clear()  # hubs of event loops that have ended
        latest = _latest[hub] = LastQuotes(hub)
    return latest
