"""Live frames as `LiveMessage`, written once for every gRPC client.

A frame of quotes is put together from parts without being built again: a serialised message with one element of a repeated
field is that element's stretch of bytes, and such stretches after one another are the message with all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.message import Message as Protobuf

from desk.live.encoding import Encoding, Frame
from ops.hub import Message
from rpc.messages import message_of, messages_of, plain
from rpc.v1 import common_pb2 as pb
from rpc.v1 import live_pb2 as live

UNITS: Final = 10_000
"""Prices and amounts of quotes and live bars are whole numbers of 1/10,000 CNY."""

_SECTIONS: Final = frozenset(live.AccountSnapshot.DESCRIPTOR.fields_by_name)
_EVENTS: Final = frozenset(field.name for field in live.AccountEvent.DESCRIPTOR.oneofs_by_name["data"].fields)
_BAR_PERIODS: Final = {"bars": "1m", "bars:5m": "5m"}


def e4(value: float | None) -> int | None:
    """CNY in units of 0.0001; None where there is no value."""
    return None if value is None or not math.isfinite(value) else round(value * UNITS)


def quote_of(symbol: str, view: Mapping[str, Any]) -> pb.Quote:
    """A quote as live messages and the store show it."""
    return pb.Quote(
        symbol=symbol,
        ts_ms=view["ts"],
        last_e4=e4(view.get("last")),
        open_e4=e4(view.get("open")),
        high_e4=e4(view.get("high")),
        low_e4=e4(view.get("low")),
        pre_close_e4=e4(view.get("pre_close")),
        volume=view.get("volume"),
        amount_e4=e4(view.get("amount")),
        bid_e4=_levels(view.get("bid")),
        ask_e4=_levels(view.get("ask")),
        bid_volume=view.get("bidv") or (),
        ask_volume=view.get("askv") or (),
        status=view.get("status") or 0,
    )


def _levels(prices: list[float] | None) -> list[int]:
    return [e4(price) or 0 for price in prices or ()]


def bar_of(symbol: str, view: Mapping[str, Any]) -> live.LiveBar:
    """A growing bar as live messages show it."""
    return live.LiveBar(
        symbol=symbol,
        ts_ms=view["ts"],
        open_e4=e4(view.get("open")) or 0,
        high_e4=e4(view.get("high")) or 0,
        low_e4=e4(view.get("low")) or 0,
        close_e4=e4(view.get("close")) or 0,
        volume=view.get("volume") or 0,
        amount_e4=e4(view.get("amount")) or 0,
        complete=bool(view.get("complete")),
    )


def account_id_of(channel: str) -> int:
    """The number in ``account:3``."""
    return int(channel.partition(":")[2])


class ProtobufEncoding(Encoding):
    """`LiveMessage` as bytes."""

    def frame(self, kind: str, **parts: Any) -> Frame:
        return _FRAMES[kind](parts).SerializeToString()

    def delta(self, message: Message) -> Frame:
        return self.frame("delta", **message.payload)

    def part(self, channel: str, symbol: str, value: dict[str, Any]) -> bytes:
        if channel == "quotes":
            return live.Quotes(quotes=[quote_of(symbol, value)]).SerializeToString()
        return live.Bars(bars=[bar_of(symbol, value)]).SerializeToString()

    def joined(self, channel: str, parts: list[bytes]) -> Frame:
        if channel == "quotes":
            return _wrapped("quotes", b"".join(parts))
        period = live.Bars(period=_BAR_PERIODS[channel]).SerializeToString()
        return _wrapped("bars", b"".join([*parts, period]))


PROTOBUF = ProtobufEncoding()


def _wrapped(field: str, body: bytes) -> bytes:
    """A `LiveMessage` around a serialised part of it: the field's tag, the length, the part."""
    tag = live.LiveMessage.DESCRIPTOR.fields_by_name[field].number << 3 | 2
    return _varint(tag) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    """A whole number in protobuf's seven bits a byte, least significant first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


# ------------------------------------------------------------------------- frame by frame
Parts = Mapping[str, Any]


def _hello(parts: Parts) -> live.LiveMessage:
    user = parts["user"]
    told = live.Hello(server_time_ms=parts["server_time"], user_id=user["id"], username=user["username"])
    return live.LiveMessage(hello=told)


def _link(*, up: bool) -> Callable[[Parts], Protobuf]:
    return lambda parts: live.LiveMessage(link=live.Link(up=up, server_time_ms=parts["server_time"]))


def _quotes(parts: Parts) -> live.LiveMessage:
    quotes = [quote_of(symbol, view) for symbol, view in parts["data"].items()]
    return live.LiveMessage(quotes=live.Quotes(quotes=quotes, snapshot=parts.get("snapshot", False)))


def _snapshot(parts: Parts) -> live.LiveMessage:
    snapshot = message_of(live.AccountSnapshot, parts["data"])
    others = {name: section for name, section in parts["data"].items() if name not in _SECTIONS}
    if others:
        snapshot.others.update(plain(others))
    snapshot.account_id, snapshot.version = account_id_of(parts["channel"]), parts["version"]
    return live.LiveMessage(account_snapshot=snapshot)


def _delta(parts: Parts) -> live.LiveMessage:
    events = [_event(event) for event in parts["events"]]
    account_id = account_id_of(parts["channel"])
    told = live.AccountEvents(account_id=account_id, version=parts["version"], events=events)
    return live.LiveMessage(account_events=told)


def _event(event: Mapping[str, Any]) -> live.AccountEvent:
    """An event with its message; of a kind that has none, as the live socket says it: no event is ever left out."""
    kind = event["kind"]
    field = kind if kind in _EVENTS else "other"
    return message_of(live.AccountEvent, {"version": event["version"], "kind": kind, field: event["data"]})


def _jobs(parts: Parts) -> live.LiveMessage:
    jobs = messages_of(pb.Job, parts["data"])
    return live.LiveMessage(jobs=live.Jobs(jobs=jobs, snapshot=parts.get("snapshot", False)))


_FRAMES: Final[dict[str, Callable[[Parts], Protobuf]]] = {
    "hello": _hello,
    "heartbeat": lambda parts: live.LiveMessage(heartbeat=live.Heartbeat(server_time_ms=parts["server_time"])),
    "live": _link(up=True),
    "stale": _link(up=False),
    "pong": lambda parts: live.LiveMessage(pong=live.Pong(id=parts.get("id", 0), server_time_ms=parts["server_time"])),
    "quotes": _quotes,
    "feeds": lambda parts: live.LiveMessage(feeds=live.Feeds(feeds=messages_of(live.Feed, parts["data"]))),
    "snapshot": _snapshot,
    "delta": _delta,
    "account": lambda parts: live.LiveMessage(account_changed=message_of(pb.Account, parts["data"])),
    "revoked": lambda parts: live.LiveMessage(revoked=live.Revoked(channel=parts["channel"])),
    "jobs": _jobs,
    "error": lambda parts: live.LiveMessage(error=message_of(live.Error, parts)),
}
