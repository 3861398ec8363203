"""Reads of rules on bars."""

from __future__ import annotations

from ops.handover import OpenWork
from trading.barrules.models import MacdRule


def rules_of(user_id: int) -> list[OpenWork]:
    """The rules in a person's name; their orders are refused once the person may not trade any more."""
    rows = MacdRule.objects.filter(user=user_id, enabled=True).order_by("pk")
    return [
        OpenWork(
            kind="macd_rule",
            id=str(rule.pk),
            title=f"MACD {rule.symbol} {rule.period}",
            account_id=rule.account_id,
            facts={"symbol": rule.symbol, "period": rule.period},
        )
        for rule in rows
    ]
