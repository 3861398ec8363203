"""Prometheus series of the trade worker."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

_BUCKETS: Final = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
)

ACCEPTED_TO_CLAIMED = Histogram(
    "desk_order_accepted_to_claimed_seconds",
    "From the order's acceptance to its claim by the trade worker",
    buckets=_BUCKETS,
)
CLAIMED_TO_CALL = Histogram(
    "desk_order_claimed_to_call_seconds",
    "From the claim to the SDK call (the last look between them)",
    buckets=_BUCKETS,
)
ACCEPTED_TO_CALL = Histogram(
    "desk_order_accepted_to_call_seconds",
    "From the order's acceptance to the SDK call",
    buckets=_BUCKETS,
)
CALL_TO_RETURN = Histogram("desk_order_call_to_return_seconds", "Duration of the SDK's submit call", buckets=_BUCKETS)
CALL_TO_RESPONSE = Histogram(
    "desk_order_call_to_response_seconds",
    "From the SDK call to the terminal's response",
    buckets=_BUCKETS,
)
EVENT_STORED = Histogram(
    "desk_order_event_stored_seconds",
    "From a push's arrival to its commit in the database",
    buckets=_BUCKETS,
)
ORDERS_NOT_SENT = Counter("desk_orders_not_sent_total", "Claimed orders the last look stopped", ["reason"])
ORDERS_UNKNOWN = Counter("desk_orders_unknown_total", "Orders that became UNKNOWN", ["reason"])
ORDERS_RESOLVED = Counter("desk_orders_resolved_total", "UNKNOWN orders resolved by evidence", ["state"])
EVENT_WRITER_RETRIES = Counter("desk_order_event_retries_total", "Batches the database refused for the moment")
EVENTS_REFUSED = Counter("desk_order_events_refused_total", "Events that could not be stored and need a person")
EVENTS_SPILLED = Counter("desk_order_events_spilled_total", "Events that did not fit in memory and went to a file")
SESSION_REBUILDS = Counter("desk_order_session_rebuilds_total", "Order sessions ended and opened again", ["reason"])
RECONCILIATIONS = Counter("desk_order_reconciliations_total", "Reconciliations of an account", ["result"])
RECONCILE_SECONDS = Histogram(
    "desk_order_reconcile_seconds",
    "Duration of one account's reconciliation",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30),
)
