"""Answers on their way from the reads worker to whoever waits: one Redis stream per call, in pieces, read once.

The pieces are small and few at a time, so that an answer of any size passes through little memory of Redis; what
nobody fetches is gone a minute after the call's deadline.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from qmt.reader import ReadFailure

PREFIX = "desk:reads:"
PIECE_BYTES = 512 * 1024
PIECES_AHEAD = 16
KEPT_SECONDS = 60
BLOCK_MS = 1000
TIMEOUT_SECONDS = 3.0
_PAUSE_SECONDS = 0.005


class ChannelLost(Exception):
    """Redis is away, or the other side has gone."""


@lru_cache(maxsize=4)
def _client(url: str) -> Any:
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )


@contextmanager
def _redis() -> Iterator[Any]:
    try:
        yield _client(settings.REDIS_URL)
    except (redis.RedisError, OSError) as error:
        raise ChannelLost(str(error)) from error


def send_answer(call_id: UUID, body: bytes, *, until: float) -> None:
    """Send an answer.

    Parameters
    ----------
    until : float
        Monotonic time until which it makes sense.

    Raises
    ------
    ChannelLost
        Redis is away, or nobody fetched the pieces in time.
    """
    key = PREFIX + str(call_id)
    with _redis() as client:
        for start in range(0, max(len(body), 1), PIECE_BYTES):
            while client.xlen(key) >= PIECES_AHEAD:
                if time.monotonic() > until:
                    client.delete(key)
                    raise ChannelLost("nobody fetches the answer")
                time.sleep(_PAUSE_SECONDS)
            _add(client, key, {"piece": body[start : start + PIECE_BYTES]}, until)
        _add(client, key, {"end": "1"}, until)


def send_failure(call_id: UUID, failure: ReadFailure, *, until: float) -> None:
    """Send why there is no answer. Raises `ChannelLost`."""
    with _redis() as client:
        _add(client, PREFIX + str(call_id), {"code": failure.code, "words": failure.words}, until)


def _add(client: Any, key: str, fields: dict[str, Any], until: float) -> None:
    pipe = client.pipeline(transaction=False)
    pipe.xadd(key, fields)
    pipe.expire(key, int(max(until - time.monotonic(), 0)) + KEPT_SECONDS)
    pipe.execute()


def receive(call_id: UUID, *, until: float) -> Iterator[bytes]:
    """The pieces of an answer as they come; nothing is left behind.

    Raises
    ------
    ReadFailure
        What the worker sent instead, or FUNCTION_TIMEOUT when nothing came in time.
    ChannelLost
    """
    key = PREFIX + str(call_id)
    last = b"0"
    try:
        while True:
            left_ms = int((until - time.monotonic()) * 1000)
            if left_ms <= 0:
                raise ReadFailure("FUNCTION_TIMEOUT", f"call={call_id}: no answer came in time")
            with _redis() as client:
                found = client.xread({key: last}, count=PIECES_AHEAD, block=min(left_ms, BLOCK_MS))
            for number, fields in found[0][1] if found else ():
                last = number
                if b"code" in fields:
                    raise ReadFailure(fields[b"code"].decode(), fields[b"words"].decode())
                if b"end" in fields:
                    return
                yield fields[b"piece"]
                with _redis() as client:
                    client.xdel(key, number)
    finally:
        forget(call_id)


def forget(call_id: UUID) -> None:
    """Remove what is left of an answer; it would end by itself too."""
    try:
        with _redis() as client:
            client.delete(PREFIX + str(call_id))
    except ChannelLost:
        return
