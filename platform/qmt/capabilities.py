"""What one backend of the SDK can do and how it differs, as data: nothing else branches on a backend's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Differences between backends that the gateway or its users have to know.

    Attributes
    ----------
    announces_disconnect : bool
        A lost link is told by a hook, at least sometimes. The probe is needed either way.
    connect_raises : bool
        A failed connect raises instead of returning a number.
    subscribe_proves_link : bool
        A subscription answered with 0 proves that the terminal is there.
    numeric_order_ids : bool
        Order ids are integers. Exchange numbers are text everywhere.
    positions_have_last_price : bool
        Holdings carry a last price.
    remark_length : int
        Characters of a remark that come back.
    leaves_queue_files : bool
        Each session id leaves files with the terminal that have to be cleaned up.
    has_market_clock : bool
        The terminal can be asked for its market clock; otherwise the market's time is the wall clock's.
    """

    name: str
    announces_disconnect: bool
    connect_raises: bool
    subscribe_proves_link: bool
    numeric_order_ids: bool
    positions_have_last_price: bool
    remark_length: int
    leaves_queue_files: bool
    has_market_clock: bool


MINI_QMT: Final = Capabilities(
    name="miniQMT",
    announces_disconnect=True,
    connect_raises=False,
    subscribe_proves_link=True,
    numeric_order_ids=True,
    positions_have_last_price=True,
    remark_length=24,
    leaves_queue_files=True,
    has_market_clock=False,
)

SIMULATED: Final = Capabilities(
    name="simulated",
    announces_disconnect=True,
    connect_raises=False,
    subscribe_proves_link=True,
    numeric_order_ids=True,
    positions_have_last_price=True,
    remark_length=24,
    leaves_queue_files=True,
    has_market_clock=True,
)
"""The SDK over the simulated terminal."""


def capabilities(native: str) -> Capabilities:
    """Capabilities of the SDK over its real or simulated native modules."""
    return SIMULATED if native == "simulated" else MINI_QMT
