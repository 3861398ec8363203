"""Orders of a restored installation: none of them is sent any more, and what may be at the broker is looked for there."""

from __future__ import annotations

from ops.clocks import wall_now
from ops.errors import Code
from trading.ledger.journal import account_journal
from trading.orders.choices import KillPhase, OrderEventKind, Status
from trading.orders.lifecycle import mark_unknown
from trading.orders.models import KillRun, KillTarget, Order
from trading.orders.steps import take

_UNSENT = (Status.QUEUED, Status.PENDING_APPROVAL)


def orders_after_restore(reason: str) -> dict[str, int]:
    """End what waited to be sent or approved; what was being sent is UNKNOWN; no kill switch goes on.

    An order that was queued when the backup was made was most probably sent a moment later. Its tag is kept: the next
    reconciliation finds it at the broker, adopts it, alarms and keeps the account halted.

    Returns
    -------
    dict
        How many: ended, unknown, kills.
    """
    ended = 0
    accounts = Order.objects.filter(status__in=_UNSENT, final_at__isnull=True).order_by()
    for account_id in sorted(set(accounts.values_list("account_id", flat=True))):
        with account_journal(account_id) as journal:
            for order in accounts.filter(account_id=account_id).select_related("created_by"):
                ended += take(
                    journal,
                    order,
                    Status.EXPIRED,
                    kind=OrderEventKind.EXPIRED,
                    data={"code": str(Code.RESTORED)},
                    strict=True,
                    deny_code=str(Code.RESTORED),
                    message=reason,
                )
    sending = Order.objects.filter(status=Status.SUBMITTING, final_at__isnull=True).values_list("pk", flat=True)
    unknown = mark_unknown(list(sending), reason=reason)
    now = wall_now()
    kills = KillTarget.objects.filter(finished_at__isnull=True).update(phase=KillPhase.LIFTED, finished_at=now)
    KillRun.objects.filter(finished_at__isnull=True).update(finished_at=now)
    return {"ended": ended, "unknown": len(unknown), "kills": kills}
