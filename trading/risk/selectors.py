"""Reads of limits and approval rules."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from ops.errors import Code, NotFound
from trading.ledger.wire import moment
from trading.risk.models import ApprovalRule, ApprovalRuleChange, RiskLimit, RiskLimitChange
from trading.risk.querysets import ApprovalRuleQuerySet, RiskLimitQuerySet
from trading.risk.services.approval_rules import approval_rule_view
from trading.risk.services.limits import limit_view


def limits_visible(user: User) -> RiskLimitQuerySet:
    """The limits that `user` may see, with their targets."""
    return RiskLimit.objects.visible_to(user).select_related("user", "account")


def limit_get(user: User, limit_id: int) -> RiskLimit:
    """One limit.

    Raises
    ------
    NotFound
        LIMIT_NOT_FOUND, the same for one that does not exist and one that is not the person's to see.
    """
    limit = limits_visible(user).filter(pk=limit_id).first()
    if limit is None:
        raise NotFound(Code.LIMIT_NOT_FOUND, limit=limit_id)
    return limit


def limit_detail(user: User, limit_id: int) -> dict[str, Any]:
    """One limit with its history, oldest first; raises as `limit_get` does."""
    limit = limit_get(user, limit_id)
    changes = RiskLimitChange.objects.filter(limit=limit)
    return limit_view(limit) | {"history": [_change(change) for change in changes]}


def approval_rules_visible(user: User) -> ApprovalRuleQuerySet:
    """The approval rules that `user` may see, with their targets."""
    return ApprovalRule.objects.visible_to(user).select_related("user", "account")


def approval_rule_detail(user: User, rule_id: int) -> dict[str, Any]:
    """One approval rule with its history, oldest first.

    Raises
    ------
    NotFound
        APPROVAL_RULE_NOT_FOUND, the same for one that is not the person's to see.
    """
    rule = approval_rules_visible(user).filter(pk=rule_id).first()
    if rule is None:
        raise NotFound(Code.APPROVAL_RULE_NOT_FOUND, rule=rule_id)
    changes = ApprovalRuleChange.objects.filter(rule=rule)
    return approval_rule_view(rule) | {"history": [_change(change) for change in changes]}


def _change(change: RiskLimitChange | ApprovalRuleChange) -> dict[str, Any]:
    return {
        "version": change.version,
        "at": moment(change.at),
        "by": change.by,
        "before": change.before,
        "after": change.after,
    }
