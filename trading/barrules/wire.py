"""How rules on bars look outside."""

from __future__ import annotations

from typing import Any

from trading.barrules.models import MacdRule
from trading.ledger.wire import day, moment, money


def rule_view(rule: MacdRule) -> dict[str, Any]:
    """One rule. Load it with its `user`."""
    return {
        "account": rule.account_id,
        "symbol": rule.symbol,
        "user": rule.user.username,
        "by_token": rule.by_token,
        "period": rule.period,
        "amount": money(rule.amount),
        "enabled": rule.enabled,
        "judged_bar": rule.judged_bar or None,
        "entered_on": day(rule.entered_on),
        "exited_on": day(rule.exited_on),
        "changed_at": moment(rule.changed_at),
    }
