"""Our orders and fills of the day against the terminal's full-day lists, after everything known was applied."""

from __future__ import annotations

from datetime import date

from qmt.gateway import OrderUpdate
from trading.ledger.choices import DifferenceKind
from trading.ledger.comparison import Finding
from trading.orders.intake.results import AccountSnapshot
from trading.orders.models import Order

ABSENT = "absent"
_COLUMNS = ("pk", "order_sysid", "broker_order_id", "seen_session", "status", "traded_quantity")


def compare_orders(account_id: int, snapshot: AccountSnapshot, *, today: date, session_key: str) -> list[Finding]:
    """Orders of ours that the terminal's list lacks, and fills that do not add up to what it states.

    Orders that were reported before the queries were sent only: a younger one may be missing from an
    answer that was on its way.
    """
    if snapshot.orders is None:
        return []
    by_number: dict[str, OrderUpdate] = {}
    by_id: dict[str, OrderUpdate] = {}
    for update in snapshot.orders:
        by_id[str(update.order_id)] = update
        if update.order_sysid:
            by_number[update.order_sysid] = update
    ours = Order.objects.filter(account_id=account_id, trade_date=today, reported_at__lt=snapshot.started_at)
    findings = []
    for pk, number, order_id, seen, status, traded in ours.values_list(*_COLUMNS).iterator(chunk_size=2000):
        shown = by_number.get(number) if number else None
        if shown is None and order_id and seen == session_key:
            shown = by_id.get(order_id)
        if shown is None:
            if number or seen == session_key:
                findings.append(Finding(DifferenceKind.ORDER, str(pk), str(status), ABSENT))
        elif shown.traded_quantity != traded:
            findings.append(Finding(DifferenceKind.FILL, str(pk), str(traded), str(shown.traded_quantity)))
    return findings
