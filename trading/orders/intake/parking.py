"""Events whose order nobody knows yet: kept in the database, tried again when an order appears.

A fill may come before its order, an order's first push before its row is told the
terminal's number. An event that never finds its order ends as STALE with its trade date.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, Q

from accounts.models import BrokerAccount, QmtHost
from ops.prepared import Prepared
from qmt import gateway
from qmt.gateway import Side
from trading.orders.choices import ParkedState
from trading.orders.intake.book import Clues, OrderEvidence
from trading.orders.models import ParkedEvent

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        gateway.OrderResponse,
        gateway.OrderUpdate,
        gateway.TradeUpdate,
        gateway.OrderError,
        gateway.CancelResponse,
        gateway.CancelError,
    )
}
_DECIMALS = frozenset({"price", "traded_price", "amount"})
MOST_TRIED = 1000


def park(host: QmtHost, event: OrderEvidence, clues: Clues, *, session_key: str) -> bool:
    """Keep an event; False when the very same one is kept already."""
    payload = _encode(event)
    identity = [host.pk, type(event).__name__, session_key, payload]
    row = ParkedEvent(
        host=host,
        account_id=clues.account_id,
        kind=type(event).__name__,
        session_key=session_key,
        session_seq=clues.seq,
        tag=clues.tag[:64],
        order_sysid=clues.order_sysid[:64],
        broker_order_id=clues.broker_order_id,
        payload=payload | {"received_at_ns": event.received_at_ns},
        digest=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
        received_at=datetime.fromtimestamp(event.received_at_ns / 1e9, UTC),
    )
    known = ParkedEvent.objects.filter(digest=row.digest).exists()
    if not known:
        row.save(force_insert=True)
    return not known


_WAITING = Prepared(
    lambda host_id: ParkedEvent.objects.filter(host=host_id, state=ParkedState.PARKED).order_by("pk")[:MOST_TRIED],
    BigIntegerField(),
)


def waiting(host: QmtHost) -> Sequence[ParkedEvent]:
    """The host's parked events, oldest first."""
    return _WAITING.all(host.pk)


def settle(row: ParkedEvent, state: ParkedState, at: datetime) -> None:
    """The event found its order, or never will."""
    ParkedEvent.objects.filter(pk=row.pk).update(state=state, settled_at=at)


def restore(row: ParkedEvent) -> OrderEvidence:
    """The event as it came."""
    values = {name: Decimal(value) if name in _DECIMALS else value for name, value in row.payload.items()}
    if "side" in values:
        values["side"] = Side(str(values["side"]))
    event: OrderEvidence = _KINDS[row.kind](**values)
    return event


def _encode(event: OrderEvidence) -> dict[str, Any]:
    values = dataclasses.asdict(event)
    del values["received_at_ns"]
    return {name: str(value) if isinstance(value, Decimal | Side) else value for name, value in values.items()}


def end_of_day(account: BrokerAccount, at: datetime) -> None:
    """What found no order by the end of its day never will: of this account, or of nobody's on its host."""
    mine = Q(account=account) | Q(account=None, host_id=account.host_id)
    ParkedEvent.objects.filter(mine, state=ParkedState.PARKED).update(state=ParkedState.STALE, settled_at=at)
