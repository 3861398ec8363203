"""How frames are written: as JSON for the live socket; gRPC brings an encoding of its own.

A message of the hub is encoded once and shared by every client of the encoding. What a symbol has to say is encoded by
itself, so that frames of chosen symbols are put together from parts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import orjson

from desk.live.protocol import BAR_CHANNELS, ECHO_LIMIT, frame
from ops.errors import DeskError
from ops.hub import Message

Frame = str | bytes


class Encoding(ABC):
    """Writes frames. One instance serves every client of its kind: messages remember what it made of them."""

    @abstractmethod
    def frame(self, kind: str, **parts: Any) -> Frame:
        """One frame of its kind; the parts are those of the live socket's frames."""

    @abstractmethod
    def delta(self, message: Message) -> Frame:
        """An account's message as the frame that carries its events."""

    @abstractmethod
    def part(self, channel: str, symbol: str, value: dict[str, Any]) -> bytes:
        """What one symbol has to say on a channel of quotes or bars."""

    @abstractmethod
    def joined(self, channel: str, parts: list[bytes]) -> Frame:
        """A frame of parts."""

    def error(self, error: DeskError, channel: str | None = None) -> Frame:
        """A refusal in the API's error shape."""
        parts = error.as_dict()
        if channel is not None:
            parts["channel"] = channel[:ECHO_LIMIT]
        return self.frame("error", **parts)

    def parts(self, message: Message) -> dict[int, dict[str, bytes]]:
        """The message's parts per symbol, in slots: one for quotes, one per bar time.

        A closing bar and the next one's first value must not replace each other.
        """
        slots: dict[int, dict[str, bytes]] = {}
        bars = message.channel in BAR_CHANNELS
        for symbol, value in _symbol_data(message).items():
            slot = int(value.get("ts", 0)) if bars else 0
            slots.setdefault(slot, {})[symbol] = self.part(message.channel, symbol, value)
        return slots

    def whole(self, message: Message) -> Frame:
        """A frame of everything the message says."""
        slots = message.derive(self.parts)
        return self.joined(message.channel, [part for parts in slots.values() for part in parts.values()])


def _symbol_data(message: Message) -> dict[str, Any]:
    payload = message.payload
    data = payload["q"] if message.channel == "quotes" else payload
    return data if isinstance(data, dict) else {}


class JsonEncoding(Encoding):
    """The live socket's frames."""

    def frame(self, kind: str, **parts: Any) -> Frame:
        return frame(kind, **parts)

    def delta(self, message: Message) -> Frame:
        # It was published as the frame that clients get.
        return message.text

    def part(self, channel: str, symbol: str, value: dict[str, Any]) -> bytes:
        return orjson.dumps(symbol) + b":" + orjson.dumps(value)

    def joined(self, channel: str, parts: list[bytes]) -> Frame:
        head = b'{"type":"' + channel.encode() + b'","data":{'
        return (head + b",".join(parts) + b"}}").decode()


JSON = JsonEncoding()
