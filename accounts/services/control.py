"""Control messages: tell every web process at once that somebody's rights changed."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from ops.publish import publish


def tell_after_commit(kind: str, **facts: Any) -> None:
    """Publish ``{"kind": kind, …}`` on `control` once the transaction is durable.

    Losing the message is harmless: live sockets check their rights again on their own.
    """
    message = {"kind": kind, **facts}
    transaction.on_commit(lambda: _publish(message), using="default", robust=True)


def _publish(message: dict[str, Any]) -> None:
    publish("control", message)
