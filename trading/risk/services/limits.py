"""Setting limits: administrators and risk officers only, versioned, audited, and never to loosen one's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from django.db import transaction
from django.utils.dateparse import parse_datetime

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, User
from accounts.selectors import account_get
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Forbidden, Invalid, NotFound
from ops.inputs import shown
from trading.ledger.journal import DATABASE
from trading.ledger.wire import moment, plain
from trading.risk.catalogue import ACCOUNT_ONLY, read_params, read_value
from trading.risk.choices import LimitKind, LimitScope
from trading.risk.models import Control, RiskLimit, RiskLimitChange

MAX_NOTE = 200
MAX_STRATEGY = 64
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
    if isinstance(version, bool) or not isinstance(version, int):
        raise Invalid(Code.FIELD_INVALID if version is not None else Code.FIELD_REQUIRED, field="version")
    with transaction.atomic(using=DATABASE):
        limits = RiskLimit.objects.visible_to(user).select_related("user", "account").select_for_update(of=("self",))
        limit = limits.filter(pk=limit_id).first()
        if limit is None:
            raise NotFound(Code.LIMIT_NOT_FOUND, limit=limit_id)
        if limit.version != version:
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
        fields = (*_CHANGEABLE, "version", "updated_at", "updated_by")
        written = RiskLimit.objects.filter(pk=limit.pk, version=version).update(
            **{name: getattr(limit, name) for name in fields}
        )
        if written != 1:
            raise Conflict(Code.LIMIT_CHANGED, limit=limit.pk)
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


def refuse_others(user: User) -> None:
    """Raise Forbidden unless `user` may set limits and rules."""
    if not user.is_active or user.role not in SEES_EVERY_ACCOUNT:
        raise Forbidden(Code.PERMISSION_DENIED)


def refuse_unknown(given: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise Invalid for the first field that is none of `known`."""
    unknown = sorted(set(given) - known)
    if unknown:
        raise Invalid(Code.FIELD_UNKNOWN, field=shown(unknown[0]), allowed=sorted(known))


def read_choice(kind: Any, given: Mapping[str, Any], name: str) -> Any:
    """A member of a closed vocabulary; raises Invalid."""
    value = given.get(name)
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field=name)
    if not isinstance(value, str) or value not in kind.values:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=list(kind.values))
    return kind(value)


def read_targets(user: User, scope: LimitScope, given: Mapping[str, Any]) -> dict[str, Any]:
    """The account, person and strategy that the scope needs; others must not be named."""
    needed = {
        LimitScope.PLATFORM: (),
        LimitScope.USER: ("user",),
        LimitScope.ACCOUNT: ("account",),
        LimitScope.USER_ACCOUNT: ("user", "account"),
        LimitScope.STRATEGY: ("strategy",),
    }[scope]
    for name in ("account", "user", "strategy"):
        value = given.get(name)
        if name in needed and value in (None, ""):
            raise Invalid(Code.FIELD_REQUIRED, field=name, scope=str(scope))
        if name not in needed and value not in (None, ""):
            raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), scope=str(scope))
    targets: dict[str, Any] = {}
    if "account" in needed:
        targets["account"] = _account(user, given["account"])
    if "user" in needed:
        targets["user"] = _person(given["user"])
    if "strategy" in needed:
        strategy = given["strategy"]
        if not isinstance(strategy, str) or len(strategy) > MAX_STRATEGY or not strategy.isprintable():
            raise Invalid(Code.FIELD_INVALID, field="strategy", value=shown(strategy))
        targets["strategy"] = strategy
    return targets


def _account(user: User, value: Any) -> BrokerAccount:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise Invalid(Code.FIELD_INVALID, field="account", value=shown(value))
    return account_get(user, value)


def _person(value: Any) -> User:
    person = User.objects.filter(username=value).first() if isinstance(value, str) else None
    if person is None:
        raise Invalid(Code.FIELD_INVALID, field="user", value=shown(value))
    return person


def _assign(limit: RiskLimit, given: Mapping[str, Any]) -> None:
    """Take over what was given, read strictly."""
    kind = LimitKind(limit.kind)
    if "value" in given:
        limit.value = read_value(kind, given["value"])
    if "params" in given:
        limit.params = read_params(kind, given["params"])
    if "enabled" in given:
        if not isinstance(given["enabled"], bool):
            raise Invalid(Code.FIELD_INVALID, field="enabled", value=shown(given["enabled"]))
        limit.enabled = given["enabled"]
    for name in ("valid_from", "valid_to"):
        if name in given:
            setattr(limit, name, _moment(name, given[name]))
    if limit.valid_from is not None and limit.valid_to is not None and limit.valid_from >= limit.valid_to:
        raise Invalid(Code.FIELD_INVALID, field="valid_to", after=moment(limit.valid_from))
    if "note" in given:
        limit.note = read_note("note", given["note"])


def read_note(name: str, value: Any) -> str:
    """A remark; raises Invalid for anything but a short text."""
    if not isinstance(value, str) or len(value) > MAX_NOTE:
        raise Invalid(Code.FIELD_INVALID, field=name, maximum=MAX_NOTE)
    return value


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
    """The history, the audit trail, and the word by which every process drops the limits it holds."""
    after = limit_view(limit)
    RiskLimitChange.objects.create(
        limit=limit, version=limit.version, at=limit.updated_at, by=limit.updated_by, before=before, after=after
    )
    Control.objects.update_or_create(pk=Control.ONLY, defaults={"limits_version": uuid4().hex})
    audit.record(
        actor=actor,
        action=action,
        target=f"limit:{limit.pk}",
        before=before,
        after=after,
        account_id=limit.account_id,
        request_id=request_id,
    )
