"""What a live socket tells a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qmtdesk.models import Job, Quote


@dataclass(frozen=True, slots=True)
class Link:
    """The connection: ``up``, ``down`` (being made again by itself), ``stale`` or ``live`` (the platform's own link).

    Between ``down`` and ``up`` nothing arrives; afterwards events of accounts go on where they stopped, quotes come anew.
    """

    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The truth about an account at `version`; what was known of it before is void.

    `data` has ``asset``, ``positions``, ``orders``, ``trades``, ``executions``, ``account`` and ``market_clock``; see `AccountBook`.
    """

    account: int
    version: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an account, the successor of the one before.

    `data` is an `Order`, `Trade`, `Asset` or `Position` for these kinds, plain values for others.
    """

    account: int
    version: int
    kind: str
    data: Any


@dataclass(frozen=True, slots=True)
class Quotes:
    """New quotes by symbol; with `snapshot` the present ones of all that was subscribed."""

    data: Mapping[str, Quote]
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class LiveBar:
    """A bar so far; `ts` is its right edge in epoch ms, `complete` says that nothing of it is missing."""

    symbol: str
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    amount: float | None = None
    complete: bool | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Live bars by symbol; `period` 1m or 5m."""

    period: str
    data: Mapping[str, LiveBar]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs and their progress."""

    data: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Everything else, as the platform sent it: ``alerts``, ``approvals``, ``feeds``, ``account``."""

    kind: str
    data: Any
    channel: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Revoked:
    """The right to a channel was withdrawn; nothing more comes of it."""

    channel: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What was asked is not possible; the channel is not subscribed. `details` are the platform's words."""

    channel: str
    code: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


Message = Link | Snapshot | Event | Quotes | Bars | Jobs | Notice | Revoked | Refused
