"""What the broker says, written down once: the single writer of everything it pushes and answers.

`apply_events` takes batches from the trade session; `resolve_by_query` takes the answers of
one reconciliation. Both are idempotent: the same evidence twice changes nothing.
"""

from __future__ import annotations

from trading.orders.intake.batch import apply_events
from trading.orders.intake.results import AccountSnapshot, CallReturned, IntakeResult
from trading.orders.intake.snapshot import resolve_by_query

__all__ = ["AccountSnapshot", "CallReturned", "IntakeResult", "apply_events", "resolve_by_query"]
