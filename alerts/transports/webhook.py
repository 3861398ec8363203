"""Webhook for programs, signed so that the receiver knows who speaks and when.

The body is JSON. Headers::

    X-Desk-Delivery:  id of this notice on this channel, the same for repeated attempts
    X-Desk-Timestamp: Unix seconds of this attempt
    X-Desk-Signature: v1=<hex HMAC-SHA256(secret, "<timestamp>.<delivery>." + body)>

Replay: a receiver checks the signature over the raw body, refuses timestamps more than five minutes
off, and remembers the delivery ids of the last ten minutes. `verify` is what a receiver does.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping

from alerts.transports.base import Answer, Destination, Message
from alerts.transports.http import post

TOLERANCE_SECONDS = 300
VERSION_TAG = "v1"


def sign(secret: str, *, timestamp: int, delivery: str, body: bytes) -> str:
    """The signature header of one attempt."""
    signed = f"{timestamp}.{delivery}.".encode() + body
    return f"{VERSION_TAG}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Whether a request is ours and recent. Remembering delivery ids stays with the receiver."""
    try:
        timestamp = int(headers["X-Desk-Timestamp"])
        delivery, given = headers["X-Desk-Delivery"], headers["X-Desk-Signature"]
    except (KeyError, ValueError):
        return False
    wanted = sign(secret, timestamp=timestamp, delivery=delivery, body=body)
    return abs(now - timestamp) <= TOLERANCE_SECONDS and hmac.compare_digest(wanted.encode(), given.encode())


def send(message: Message, destination: Destination) -> Answer:
    """POST the notice as data; any 2xx means it was taken."""
    body = json.dumps(message.payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    timestamp = int(time.time())
    headers = {
        "X-Desk-Delivery": message.delivery_id,
        "X-Desk-Timestamp": str(timestamp),
        "X-Desk-Signature": sign(destination.secret, timestamp=timestamp, delivery=message.delivery_id, body=body),
    }
    return Answer(post(destination.address, body, headers).status)
