"""One batch of session events, applied in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from qmt.gateway import TradeEvent
from trading.orders.intake.results import IntakeResult


def apply_events(
    events: Sequence[TradeEvent], *, host_name: str, session_key: str = ""
) -> IntakeResult:
    """Apply what one trade session said, in the order it was said, in one transaction.

    Parameters
    ----------
    events
        Of any kind and of any of the host's accounts; repeats and disorder are normal.
    host_name
        The host the session belongs to.
    session_key
        Names the session: its sequence numbers and terminal order ids mean nothing in another.
    """
    raise NotImplementedError
