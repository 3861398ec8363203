"""Setting limits: administrators and risk officers only, versioned, audited, and never to loosen one's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.utils.dateparse import parse_datetime

from accounts.models import User
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Forbidden, Invalid, NotFound
from ops.inputs import refuse_unknown, shown
from trading.ledger.journal import DATABASE
from trading.ledger.wire import moment, plain
from trading.risk.catalogue import ACCOUNT_ONLY, read_params, read_value
from trading.risk.choices import LimitKind, LimitScope
from trading.risk.models import RiskLimit, RiskLimitChange
from trading.risk.services.changes import change_keep
from trading.risk.services.inputs import read_choice, read_flag, read_note, read_targets, read_version, refuse_others

_NEW: Final = frozenset(
    {"kind", "scope", "account", "user", "strategy", "value", "params", "enabled", "valid_from", "valid_to", "note"}
)
_CHANGEABLE: Final = frozenset({"value", "params", "enabled", "valid_from", "valid_to", "note"})


def limit_create(*, actor: Actor, user: User, wish: Mapping[str, Any], request_id: str = "") -> RiskLimit:
    """Set a new limit.

    Parameters
    ----------
    wish
        As the request has them: ``kind``, ``scope``, the targets that the scope names (``account`` id, ``user``
        name, ``strategy``), ``value`` in the kind's unit, ``params``, ``enabled``, ``valid_from``, ``valid_to``, ``note``.

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
    kind = read_choice(LimitKind, wish, "kind")
    scope = read_choice(LimitScope, wish, "scope")
    if kind in ACCOUNT_ONLY and scope not in (LimitScope.PLATFORM, LimitScope.ACCOUNT):
        allowed = [str(LimitScope.PLATFORM), str(LimitScope.ACCOUNT)]
        raise Invalid(Code.FIELD_INVALID, field="scope", value=str(scope), allowed=allowed)
    now = wall_now()
    limit = RiskLimit(
        kind=kind,
        scope=scope,
        **read_targets(user, scope, wish),
        created_at=now,
        updated_at=now,
        updated_by=actor.label[:200],
    )
    _assign(limit, {"value": None, "params": {}, "enabled": True, **wish})
    with transaction.atomic(using=DATABASE):
        limit.save(force_insert=True)
        _changed(actor, limit, None, "limit.set", request_id)
    return limit


def limit_update(
    *, actor: Actor, user: User, limit_id: int, version: Any, changes: Mapping[str, Any], request_id: str = ""
) -> RiskLimit:
    """Change a limit's value, parameters, validity, note, or switch it on or off.

    Parameters
    ----------
    version
        The version that was looked at: somebody else's change meanwhile is not overwritten.

    Raises
    ------
    NotFound
        LIMIT_NOT_FOUND.
    Forbidden
        PERMISSION_DENIED, or LIMIT_IS_YOUR_OWN: a risk officer loosening a limit on themselves.
    Conflict
        LIMIT_CHANGED.
    Invalid
        The first malformed field, named.
    """
    refuse_others(user)
    refuse_unknown(changes, _CHANGEABLE)
    looked_at = read_version(version)
    with transaction.atomic(using=DATABASE):
        limits = RiskLimit.objects.visible_to(user).select_related("user", "account").select_for_update(of=("self",))
        limit = limits.filter(pk=limit_id).first()
        if limit is None:
            raise NotFound(Code.LIMIT_NOT_FOUND, limit=limit_id)
        if limit.version != looked_at:
            raise Conflict(Code.LIMIT_CHANGED, limit=limit.pk, version=limit.version)
        before = limit_view(limit)
        _assign(limit, changes)
        after = limit_view(limit)
        if after == before:
            return limit
        if limit.user_id == user.pk and not user.is_admin and not _only_tightens(before, after):
            raise Forbidden(Code.LIMIT_IS_YOUR_OWN, limit=limit.pk)
        limit.version += 1
        limit.updated_at, limit.updated_by = wall_now(), actor.label[:200]
        limit.save(update_fields=[*_CHANGEABLE, "version", "updated_at", "updated_by"])
        _changed(actor, limit, before, "limit.changed", request_id)
    return limit


def limit_view(limit: RiskLimit) -> dict[str, Any]:
    """One limit as the API, the history and the audit trail show it."""
    return {
        "id": limit.pk,
        "kind": str(limit.kind),
        "scope": str(limit.scope),
        "account": limit.account_id,
        "user": None if limit.user is None else limit.user.username,
        "strategy": limit.strategy,
        "value": plain(limit.value),
        "params": dict(limit.params),
        "enabled": limit.enabled,
        "valid_from": moment(limit.valid_from),
        "valid_to": moment(limit.valid_to),
        "note": limit.note,
        "version": limit.version,
        "updated_at": moment(limit.updated_at),
        "updated_by": limit.updated_by,
    }


def _assign(limit: RiskLimit, given: Mapping[str, Any]) -> None:
    """Take over what was given, read strictly."""
    kind = LimitKind(limit.kind)
    if "value" in given:
        limit.value = read_value(kind, given["value"])
    if "params" in given:
        limit.params = read_params(kind, given["params"])
    if "enabled" in given:
        limit.enabled = read_flag("enabled", given["enabled"])
    for name in ("valid_from", "valid_to"):
        if name in given:
            setattr(limit, name, _moment(name, given[name]))
    if limit.valid_from is not None and limit.valid_to is not None and limit.valid_from >= limit.valid_to:
        raise Invalid(Code.FIELD_INVALID, field="valid_to", after=moment(limit.valid_from))
    if "note" in given:
        limit.note = read_note("note", given["note"])


def _moment(name: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        read = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed="ISO 8601 with a time zone")
    return read


def _only_tightens(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether nothing but a smaller value or another note changed, or the limit was switched on."""
    changed = {name for name in before if before[name] != after[name]} - {"version", "updated_at", "updated_by"}
    if not changed <= {"value", "note", "enabled"} or not after["enabled"]:
        return False
    return before["value"] is None or Decimal(after["value"]) <= Decimal(before["value"])


def _changed(actor: Actor, limit: RiskLimit, before: dict[str, Any] | None, action: str, request_id: str) -> None:
    change = RiskLimitChange(
        limit=limit, version=limit.version, at=limit.updated_at, by=limit.updated_by, before=before, after=limit_view(limit)
    )  # fmt: skip
    change_keep(
        change,
        actor=actor,
        action=action,
        target=f"limit:{limit.pk}",
        account_id=limit.account_id,
        request_id=request_id,
    )
