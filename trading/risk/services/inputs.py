"""What people send about limits and approval rules, read strictly: the first malformed field is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, User
from accounts.selectors import account_get
from ops.errors import Code, Forbidden, Invalid
from ops.inputs import shown
from trading.risk.choices import LimitScope

MAX_NOTE = 200
MAX_STRATEGY = 64


def refuse_others(user: User) -> None:
    """Raise Forbidden unless `user` may set limits and rules."""
    if not user.is_active or user.role not in SEES_EVERY_ACCOUNT:
        raise Forbidden(Code.PERMISSION_DENIED)


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


def read_note(name: str, value: Any) -> str:
    """A remark; raises Invalid for anything but a short text."""
    if not isinstance(value, str) or len(value) > MAX_NOTE:
        raise Invalid(Code.FIELD_INVALID, field=name, maximum=MAX_NOTE)
    return value


def read_flag(name: str, value: Any) -> bool:
    """True or false; raises Invalid for anything that only looks like it."""
    if not isinstance(value, bool):
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value))
    return value


def read_version(value: Any) -> int:
    """The version that a change was made to; raises Invalid."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid(Code.FIELD_INVALID if value is not None else Code.FIELD_REQUIRED, field="version")
    return value


def _account(user: User, value: Any) -> BrokerAccount:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise Invalid(Code.FIELD_INVALID, field="account", value=shown(value))
    return account_get(user, value)


def _person(value: Any) -> User:
    person = User.objects.filter(username=value).first() if isinstance(value, str) else None
    if person is None:
        raise Invalid(Code.FIELD_INVALID, field="user", value=shown(value))
    return person
