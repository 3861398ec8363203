"""Where an order's time went: each hop of one order, and the percentiles of a day's orders.

======================  ===============================================================================================
``accept_to_claim``     from acceptance (of an approved order: from the approval) to the trade worker's claim
``claim_to_call``       from the claim to the SDK call, the last look between them
``call_to_answer``      from the SDK call to the terminal's answer
``call_to_report``      from the SDK call to the commit of the first word about the order on the exchange's side
``accept_to_answer``    all of it that is ours and the terminal's
======================  ===============================================================================================

The claim carries the database's clock, everything else the processes': between machines their difference is part of the
first two hops. What lies after the commit is counted by the web processes, see `desk.live.metrics`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from django.db.models import F
from django.db.models.functions import Coalesce

from trading.ledger.wire import moment
from trading.orders.models import Approval, Order

HOPS: Final = ("accept_to_claim", "claim_to_call", "call_to_answer", "call_to_report", "accept_to_answer")
PERCENTILES: Final = (50, 90, 99)
MOST_ORDERS: Final = 20_000
"""Of a busier day the latest ones count."""

_ENDS: Final = {
    "accept_to_claim": (0, 1),
    "claim_to_call": (1, 2),
    "call_to_answer": (2, 3),
    "call_to_report": (2, 4),
    "accept_to_answer": (0, 3),
}
"""From which stamp to which of `_stamps`."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop of a day's orders; durations in milliseconds, None where no order has both stamps."""

    name: str
    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


def hops_of_day(trade_date: date, *, host: str | None = None, most: int = MOST_ORDERS) -> list[Hop]:
    """The hops of the orders of one trade date that were sent, the latest `most` of them.

    Parameters
    ----------
    host
        Only orders that went through this host.
    """
    orders = Order.objects.filter(trade_date=trade_date, sent_at__isnull=False)
    if host is not None:
        orders = orders.filter(host_name=host)
    accepted = Coalesce(F("approval__decided_at"), F("submitted_at"))
    rows = orders.order_by("-submitted_at").values_list(
        accepted, "claimed_at", "sent_at", "answered_at", "reported_at"
    )[:most]
    stamps = list(rows)
    return [_hop(name, stamps) for name in HOPS]


def _hop(name: str, stamps: Sequence[tuple[datetime | None, ...]]) -> Hop:
    start, end = _ENDS[name]
    found = [_milliseconds(row[start], row[end]) for row in stamps]
    durations = np.array([value for value in found if value is not None])
    if not durations.size:
        return Hop(name, 0, None, None, None, None)
    p50, p90, p99 = (round(float(value), 2) for value in np.percentile(durations, PERCENTILES))
    return Hop(name, int(durations.size), p50, p90, p99, round(float(durations.max()), 2))


def _milliseconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    # Two clocks, one of them in whole milliseconds: never less than nothing.
    return max(0.0, (end - start).total_seconds() * 1000)


def timeline(order: Order) -> list[dict[str, Any]]:
    """The stamps of one order in the order of time: each with the milliseconds since the one before and since acceptance.

    Load it with its `approval`. Steps: ``accepted``, ``approved``, ``claimed``, ``called``, ``answered``, ``reported``, ``final``.
    """
    approval: Approval | None = getattr(order, "approval", None)
    known = {
        "accepted": order.submitted_at,
        "approved": None if approval is None else approval.decided_at,
        "claimed": order.claimed_at,
        "called": order.sent_at,
        "answered": order.answered_at,
        "reported": order.reported_at,
        "final": order.final_at,
    }
    # The first stands first whatever the clocks say; of equal moments the earlier step comes first.
    steps = [(step, at) for step, at in known.items() if at is not None]
    steps[1:] = sorted(steps[1:], key=lambda pair: pair[1])
    told, before = [], order.submitted_at
    for step, at in steps:
        told.append(
            {
                "step": step,
                "at": moment(at),
                "ms": round(_milliseconds(before, at) or 0.0, 3),
                "total_ms": round(_milliseconds(order.submitted_at, at) or 0.0, 3),
            }
        )
        before = at
    return told
