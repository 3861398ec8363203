"""What a client may say on the live socket, and how our frames are written.

Client to server::

    {"op": "authenticate", "token": "desk_…"}            first message, without other credentials
    {"op": "subscribe", "channel": "account:3", "since": 17}
    {"op": "subscribe", "channel": "signals:3"}
    {"op": "subscribe", "channel": "quotes", "symbols": ["600519.SH"]}    no symbols: all
    {"op": "unsubscribe", "channel": "quotes"}
    {"op": "ping", "id": 5}

Every mistake is answered by ``{"type": "error", "code", "message", "field"?, "channel"?}``
and changes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import orjson

from ops.errors import Code, Invalid

MAX_MESSAGE_CHARS = 64 * 1024
MAX_SYMBOLS = 2000
_MAX_ID = 2**63 - 1
ECHO_LIMIT = 80
"""Characters of a name that a refusal repeats."""

BAR_CHANNELS = frozenset({"bars", "bars:5m"})
SYMBOL_CHANNELS = BAR_CHANNELS | {"quotes"}
PLAIN_CHANNELS = SYMBOL_CHANNELS | {"jobs", "alerts", "approvals"}
_ACCOUNT = "account:"
SIGNALS = "signals:"
STRATEGIES = "strategies:"


@dataclass(frozen=True, slots=True)
class Authenticate:
    token: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`symbols` None means all; `since` None asks for a snapshot."""

    channel: str
    account_id: int | None = None
    since: int | None = None
    symbols: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    channel: str


@dataclass(frozen=True, slots=True)
class Ping:
    id: int | str | None


Command = Authenticate | Subscribe | Unsubscribe | Ping

_FIELDS = {
    "authenticate": {"op", "token"},
    "subscribe": {"op", "channel", "since", "symbols"},
    "unsubscribe": {"op", "channel"},
    "ping": {"op", "id"},
}


def parse(text: str) -> Command:
    """Read one client message.

    Raises
    ------
    Invalid
        MESSAGE_MALFORMED with the field at fault, or CHANNEL_UNKNOWN.
    """
    if len(text) > MAX_MESSAGE_CHARS:
        raise Invalid(Code.BODY_TOO_LARGE, limit=MAX_MESSAGE_CHARS)
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _malformed(f"The message is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise _malformed("A message is a JSON object.")
    op = message.get("op")
    if not isinstance(op, str) or op not in _FIELDS:
        raise _malformed(f"op is one of {', '.join(_FIELDS)}.", field="op")
    unknown = sorted(set(message) - _FIELDS[op])
    if unknown:
        name = unknown[0][:ECHO_LIMIT]
        raise _malformed(f"{op} knows no field {name!r}.", field=name)
    if op == "authenticate":
        return Authenticate(_text(message, "token"))
    if op == "ping":
        return Ping(_ping_id(message.get("id")))
    if op == "unsubscribe":
        return Unsubscribe(_text(message, "channel"))
    return _subscribe(message)


def _subscribe(message: dict[str, Any]) -> Subscribe:
    channel = _text(message, "channel")
    if channel in SYMBOL_CHANNELS:
        _refuse(message, "since", channel)
        return Subscribe(channel, symbols=_symbols(message.get("symbols")))
    _refuse(message, "symbols", channel)
    if channel in PLAIN_CHANNELS:
        _refuse(message, "since", channel)
        return Subscribe(channel)
    kind, _colon, digits = channel.rpartition(":")
    canonical = digits.isascii() and digits.isdigit() and not digits.startswith("0")
    if f"{kind}:" not in (_ACCOUNT, SIGNALS, STRATEGIES) or not canonical:
        raise Invalid(Code.CHANNEL_UNKNOWN, field="channel", channel=channel[:ECHO_LIMIT])
    # An id that no database could hold is simply one that does not exist.
    account_id = int(digits) if len(digits) < 19 else _MAX_ID
    if f"{kind}:" != _ACCOUNT:
        _refuse(message, "since", channel)
        return Subscribe(channel, account_id=account_id)
    return Subscribe(channel, account_id=account_id, since=_since(message.get("since")))


def _text(message: dict[str, Any], field: str) -> str:
    value = message.get(field)
    if not isinstance(value, str) or not value:
        raise _malformed(f"{field} is text.", field=field)
    return value


def _refuse(message: dict[str, Any], field: str, channel: str) -> None:
    if message.get(field) is not None:
        raise _malformed(f"{channel[:ECHO_LIMIT]} takes no {field}.", field=field)


def _since(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_ID:
        raise _malformed("since is a version: a whole number, not negative.", field="since")
    return value


def _symbols(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not texts or not value or len(value) > MAX_SYMBOLS:
        raise _malformed(f"symbols is a list of 1 to {MAX_SYMBOLS} symbols.", field="symbols")
    return tuple(value)


def _ping_id(value: Any) -> int | str | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= ECHO_LIMIT:
        return value
    raise _malformed("id is a number or a short text.", field="id")


def _malformed(text: str, *, field: str | None = None) -> Invalid:
    return Invalid(Code.MESSAGE_MALFORMED, text, field=field)


# ---------------------------------------------------------------------- our frames
def frame(kind: str, **parts: Any) -> str:
    """One frame as text; Decimal, dates and UUIDs become text."""
    return orjson.dumps({"type": kind, **parts}, default=str).decode()


def now_ms() -> int:
    """The server's wall clock, epoch milliseconds."""
    return time.time_ns() // 1_000_000
