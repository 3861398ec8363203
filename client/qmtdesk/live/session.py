"""The live protocol without a socket: texts in, messages out, and what to say when a connection begins.

An account's events have consecutive versions. What was seen already is dropped; on a hole everything is dropped until the
fresh snapshot that is asked for has come: a program sees each event once, in order, or a snapshot that contains it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qmtdesk.errors import DeskError, NotAuthenticated
from qmtdesk.live.messages import (
    Bars,
    Event,
    Jobs,
    Link,
    LiveBar,
    Message,
    Notice,
    Quotes,
    Refused,
    Revoked,
    Snapshot,
)
from qmtdesk.models import Asset, Job, Order, Position, Quote, Trade, typed

ACCOUNT = "account:"
BAR_CHANNELS = {"bars": "1m", "bars:5m": "5m"}
_KINDS: dict[str, type[Any]] = {"order": Order, "trade": Trade, "asset": Asset, "position": Position}
#: The platform reads the channel again by itself.
_PASSING = "UNAVAILABLE"
_SIGNED_OUT = frozenset({"TOKEN_INVALID", "NOT_AUTHENTICATED"})
CLOSE_UNAUTHORISED = 4401


@dataclass(slots=True)
class _Subscription:
    symbols: tuple[str, ...] | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What came of one text: messages for the program, texts to send."""

    messages: Sequence[Message] = ()
    answers: Sequence[str] = field(default=())


class Session:
    """The subscriptions of one program; it outlives its connections."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, _Subscription] = {}

    def subscribe(self, channel: str, *, symbols: Sequence[str] | None = None, since: int | None = None) -> str:
        """Remember a subscription; the text that asks for it."""
        self._subscriptions[channel] = _Subscription(None if symbols is None else tuple(symbols), since)
        return self._asking(channel)

    def unsubscribe(self, channel: str) -> str:
        """Forget a subscription; the text that ends it."""
        self._subscriptions.pop(channel, None)
        return json.dumps({"op": "unsubscribe", "channel": channel})

    def opening(self) -> list[str]:
        """What to say on a new connection: every subscription, accounts from where they stopped."""
        return [self._asking(channel) for channel in self._subscriptions]

    def receive(self, text: str | bytes) -> Received:
        """Take one text from the platform.

        Raises
        ------
        NotAuthenticated
            The token is not, or no longer, valid; do not connect again.
        """
        frame = json.loads(text)
        kind = frame.get("type")
        if kind == "error":
            return self._refused(frame)
        if kind == "delta":
            return self._delta(frame)
        return Received(tuple(self._plain(str(kind), frame)))

    def _asking(self, channel: str) -> str:
        wanted = self._subscriptions[channel]
        message: dict[str, Any] = {"op": "subscribe", "channel": channel}
        if wanted.symbols is not None:
            message["symbols"] = wanted.symbols
        if wanted.version is not None:
            message["since"] = wanted.version
        return json.dumps(message)

    def _plain(self, kind: str, frame: Mapping[str, Any]) -> Iterator[Message]:
        snapshot = bool(frame.get("snapshot"))
        match kind:
            case "hello":
                yield Link("up")
            case "stale" | "live":
                yield Link(kind)
            case "snapshot":
                wanted = self._subscriptions.get(frame["channel"])
                if wanted is not None:
                    wanted.version = frame["version"]
                    yield Snapshot(_account(frame), frame["version"], frame["data"])
            case "quotes":
                yield Quotes({symbol: _quote(symbol, value) for symbol, value in frame["data"].items()}, snapshot)
            case "bars" | "bars:5m":
                bars = {name: typed(LiveBar, {**value, "symbol": name}) for name, value in frame["data"].items()}
                yield Bars(BAR_CHANNELS[kind], bars)
            case "jobs":
                yield Jobs(tuple(typed(list[Job], frame["data"])))
            case "revoked":
                self._subscriptions.pop(frame["channel"], None)
                yield Revoked(frame["channel"])
            case "heartbeat" | "pong":
                pass
            case _ if "data" in frame:
                yield Notice(kind, frame["data"], frame.get("channel", ""), snapshot)
            case _:
                pass  # a newer platform's word that this version has no use for

    def _delta(self, frame: Mapping[str, Any]) -> Received:
        channel = frame["channel"]
        wanted = self._subscriptions.get(channel)
        if wanted is None or wanted.version is None:
            return Received()  # the snapshot is on its way
        messages: list[Message] = []
        for event in frame["events"]:
            version = event["version"]
            if version <= wanted.version:
                continue
            if version != wanted.version + 1:
                wanted.version = None
                return Received(messages, (self._asking(channel),))
            wanted.version = version
            kind = _KINDS.get(event["kind"])
            data = event["data"] if kind is None else typed(kind, event["data"])
            messages.append(Event(_account(frame), version, event["kind"], data))
        return Received(messages)

    def _refused(self, frame: Mapping[str, Any]) -> Received:
        code, channel = str(frame["code"]), str(frame.get("channel", ""))
        message = str(frame.get("message", ""))
        if code in _SIGNED_OUT:
            raise NotAuthenticated(code, message, status=401)
        if code == _PASSING:
            return Received((Link("stale", message),))
        self._subscriptions.pop(channel, None)
        return Received((Refused(channel, code, message, frame.get("details", {})),))


def closed(code: int | None, reason: str) -> DeskError | None:
    """Why a connection must not be made again; None when it is to be."""
    if code == CLOSE_UNAUTHORISED:
        return NotAuthenticated("NOT_AUTHENTICATED", reason or "the platform ended the session", status=401)
    return None


def _account(frame: Mapping[str, Any]) -> int:
    return int(frame["channel"].removeprefix(ACCOUNT))


def _quote(symbol: str, value: Mapping[str, Any]) -> Quote:
    named = {**value, "symbol": symbol, "bid_volume": value.get("bidv", ()), "ask_volume": value.get("askv", ())}
    return typed(Quote, named)
