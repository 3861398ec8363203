"""The wait that belongs to a halt: orders claimed under the older authority are still on their way.

A halt raises the account's epoch, so nothing more can be claimed. What was claimed just before is
stopped by the last look or has an SDK call behind it within seconds; whoever cancels
everything cancels again after this wait.
"""

from __future__ import annotations

import time

from trading.orders.choices import Status
from trading.orders.models import Order

POLL_SECONDS = 0.05


def wait_for_older_epochs(*, account_id: int, epoch: int, timeout_seconds: float = 5.0) -> bool:
    """Wait until no SUBMITTING order of the account carries an epoch before `epoch`.

    Returns
    -------
    bool
        False when some are still SUBMITTING after the timeout: they become UNKNOWN by their
        deadline, and the cancel that is stored with them fires on the first evidence.
    """
    deadline = time.monotonic() + timeout_seconds
    older = Order.objects.filter(account_id=account_id, status=Status.SUBMITTING, epoch__lt=epoch)
    while older.exists():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
