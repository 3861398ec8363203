"""Setting approval rules: administrators and risk officers only, versioned, audited. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid, NotFound
from ops.inputs import refuse_unknown, shown
from trading.ledger.journal import DATABASE
from trading.ledger.wire import moment, plain
from trading.risk.catalogue import read_sides, read_symbols
from trading.risk.choices import HeldSource, LimitScope
from trading.risk.models import ApprovalRule, ApprovalRuleChange
from trading.risk.services.changes import change_keep
from trading.risk.services.inputs import read_choice, read_flag, read_note, read_targets, read_version, refuse_others

MAX_VALUE: Final = Decimal(10**13)
MAX_SECONDS: Final = 8 * 3600
_CHANGEABLE: Final = frozenset(
    {"min_value", "symbols", "sides", "sources", "expires_seconds", "max_drift_percent", "enabled", "note"}
)
_NEW: Final = _CHANGEABLE | {"scope", "account", "user", "strategy"}


def approval_rule_create(*, actor: Actor, user: User, wish: Mapping[str, Any], request_id: str = "") -> ApprovalRule:
    """Set a new rule; it holds for every order that is accepted from now on.

    Parameters
    ----------
    wish
        As the request has them: ``scope`` and the targets it names (``account`` id, ``user`` name, ``strategy``),
        ``min_value`` (CNY), ``symbols``, ``sides``, ``sources``, ``expires_seconds``, ``max_drift_percent``,
        ``enabled``, ``note``.

    Raises
    ------
    Forbidden
        PERMISSION_DENIED: the person is neither an administrator nor a risk officer.
    Invalid
        The first malformed field, named.
    NotFound
        ACCOUNT_NOT_FOUND.
    """
    refuse_others(user)
    refuse_unknown(wish, _NEW)
    scope = read_choice(LimitScope, wish, "scope")
    now = wall_now()
    rule = ApprovalRule(
        scope=scope,
        **read_targets(user, scope, wish),
        created_at=now,
        updated_at=now,
        updated_by=actor.label[:200],
    )
    _assign(rule, wish)
    with transaction.atomic(using=DATABASE):
        rule.save(force_insert=True)
        _changed(actor, rule, None, "approval_rule.set", request_id)
    return rule


def approval_rule_update(
    *, actor: Actor, user: User, rule_id: int, version: Any, changes: Mapping[str, Any], request_id: str = ""
) -> ApprovalRule:
    """Change a rule's conditions or terms, or switch it on or off. What waits already keeps waiting.

    Parameters
    ----------
    version
        The version that was looked at: somebody else's change meanwhile is not overwritten.

    Raises
    ------
    NotFound
        APPROVAL_RULE_NOT_FOUND.
    Forbidden
        PERMISSION_DENIED.
    Conflict
        APPROVAL_RULE_CHANGED.
    Invalid
        The first malformed field, named.
    """
    refuse_others(user)
    refuse_unknown(changes, _CHANGEABLE)
    looked_at = read_version(version)
    with transaction.atomic(using=DATABASE):
        rules = ApprovalRule.objects.visible_to(user).select_related("user", "account").select_for_update(of=("self",))
        rule = rules.filter(pk=rule_id).first()
        if rule is None:
            raise NotFound(Code.APPROVAL_RULE_NOT_FOUND, rule=rule_id)
        if rule.version != looked_at:
            raise Conflict(Code.APPROVAL_RULE_CHANGED, rule=rule.pk, version=rule.version)
        before = approval_rule_view(rule)
        _assign(rule, changes)
        if approval_rule_view(rule) == before:
            return rule
        rule.version += 1
        rule.updated_at, rule.updated_by = wall_now(), actor.label[:200]
        rule.save(update_fields=[*_CHANGEABLE, "version", "updated_at", "updated_by"])
        _changed(actor, rule, before, "approval_rule.changed", request_id)
    return rule


def approval_rule_view(rule: ApprovalRule) -> dict[str, Any]:
    """One rule as the API, the history and the audit trail show it."""
    return {
        "id": rule.pk,
        "scope": str(rule.scope),
        "account": rule.account_id,
        "user": None if rule.user is None else rule.user.username,
        "strategy": rule.strategy,
        "min_value": plain(rule.min_value),
        "symbols": list(rule.symbols),
        "sides": list(rule.sides),
        "sources": list(rule.sources),
        "expires_seconds": rule.expires_seconds,
        "max_drift_percent": plain(rule.max_drift_percent),
        "enabled": rule.enabled,
        "note": rule.note,
        "version": rule.version,
        "updated_at": moment(rule.updated_at),
        "updated_by": rule.updated_by,
    }


def _assign(rule: ApprovalRule, given: Mapping[str, Any]) -> None:
    """Take over what was given, read strictly."""
    readers: dict[str, Callable[[str, Any], Any]] = {
        "min_value": lambda name, value: _decimal(name, value, MAX_VALUE),
        "symbols": lambda name, value: _list(read_symbols, name, value),
        "sides": lambda name, value: _list(read_sides, name, value),
        "sources": lambda name, value: _list(_sources, name, value),
        "expires_seconds": _seconds,
        "max_drift_percent": lambda name, value: _decimal(name, value, Decimal(100)),
        "enabled": read_flag,
        "note": read_note,
    }
    for name, read in readers.items():
        if name in given:
            setattr(rule, name, read(name, given[name]))


def _list(read: Callable[[str, Any], list[str]], name: str, value: Any) -> list[str]:
    return [] if value == [] else read(name, value)


def _sources(name: str, value: Any) -> list[str]:
    allowed = list(HeldSource.values)
    if not isinstance(value, list) or any(source not in allowed for source in value):
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=allowed)
    return sorted(set(value))


def _seconds(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SECONDS:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=f"1 to {MAX_SECONDS}")
    return value


def _decimal(name: str, value: Any, most: Decimal) -> Decimal | None:
    if value is None:
        return None
    try:
        read = Decimal(str(value))
    except ArithmeticError:
        read = Decimal("NaN")
    bad = isinstance(value, bool) or not read.is_finite() or not 0 <= read <= most
    if bad or read != read.quantize(Decimal("0.0001")):
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=f"0 to {most}")
    return read


def _changed(actor: Actor, rule: ApprovalRule, before: dict[str, Any] | None, action: str, request_id: str) -> None:
    change = ApprovalRuleChange(
        rule=rule, version=rule.version, at=rule.updated_at, by=rule.updated_by, before=before, after=approval_rule_view(rule)
    )  # fmt: skip
    target = f"approval_rule:{rule.pk}"
    change_keep(change, actor=actor, action=action, target=target, account_id=rule.account_id, request_id=request_id)
