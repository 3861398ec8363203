"""Prometheus series of the gRPC calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from prometheus_client import Gauge, Histogram

SECONDS = Histogram(
    "desk_rpc_call_seconds",
    "Duration of gRPC calls by method and status; live streams are counted by desk_rpc_streams",
    ["method", "code"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
STREAMS = Gauge(
    "desk_rpc_streams", "Live gRPC streams that are open, by method", ["method"], multiprocess_mode="livesum"
)

_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


@contextmanager
def measured(method: str, context: Any) -> Iterator[None]:
    """Count one call and how long it took; its status is what was set when the block ends."""
    began = time.monotonic()
    ended = "CANCELLED"
    try:
        yield
        ended = "OK"
    except grpc.aio.AbortError:
        ended = _name(context.code())
        raise
    finally:
        SECONDS.labels(method=method, code=ended).observe(time.monotonic() - began)


@contextmanager
def streaming(method: str) -> Iterator[None]:
    """Count one live stream while it is open."""
    with STREAMS.labels(method=method).track_inprogress():
        yield


def _name(code: Any) -> str:
    number = code.value[0] if isinstance(code, grpc.StatusCode) else code
    return _CODES.get(number, "UNKNOWN")
