"""The form of a denial by a limit: which one fired, and its value, before the facts."""

from __future__ import annotations

from typing import Any

from ops.errors import Code, Denied
from trading.ledger.wire import plain
from trading.risk.limits import Limit


def fired(limit: Limit, code: Code, **facts: Any) -> Denied:
    """A denial that names its limit by id, scope and value."""
    named: dict[str, Any] = {"limit": limit.id, "scope": str(limit.scope)}
    if limit.value is not None:
        named["limit_value"] = plain(limit.value)
    return Denied(code, **named, **facts)
