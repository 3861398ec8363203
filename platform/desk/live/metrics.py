"""Prometheus series of the live channels, whichever door they leave by."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

CLIENTS = Gauge(
    "desk_live_clients", "Live sessions that are open: sockets and gRPC streams", multiprocess_mode="livesum"
)
DROPPED = Counter(
    "desk_live_dropped_total",
    "What a slow client did not get: a quote or bar message laid over by a newer one, a queue thrown away and read"
    " again, a connection ended",
    ["what"],
)
CONFLATED: Final = DROPPED.labels(what="conflated")
READ_AGAIN: Final = DROPPED.labels(what="read_again")
ENDED: Final = DROPPED.labels(what="ended")
EVENT_TO_FRAME = Histogram(
    "desk_order_event_to_frame_seconds",
    "From the commit of an account's events to their frame's being taken for a client",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)
