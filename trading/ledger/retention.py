"""How long the event log of an account is kept: long enough for any client that can still catch up."""

from __future__ import annotations

from trading.ledger.journal import DATABASE
from trading.ledger.models import AccountBook, AccountEvent

KEEP_EVENTS = 10_000
"""More than a client may miss before a snapshot is cheaper anyway."""

_BATCH = 5_000


def account_events_prune(*, keep: int = KEEP_EVENTS) -> int:
    """Delete all but the last `keep` events of every account; returns how many went.

    Orders, fills and the audit trail are the lasting record; these rows only spare a client
    that was away a full snapshot. Deleted in batches, so that no order waits long for a lock.
    """
    deleted = 0
    books = AccountBook.objects.using(DATABASE).filter(version__gt=keep)
    for account_id, version in books.values_list("pk", "version"):
        rows = AccountEvent.objects.using(DATABASE).filter(account_id=account_id)
        first = rows.order_by("version").values_list("version", flat=True).first()
        bound = version - keep
        while first is not None and first <= bound:
            upto = min(first + _BATCH - 1, bound)
            deleted += rows.filter(version__lte=upto).delete()[0]
            first = upto + 1
    return deleted
