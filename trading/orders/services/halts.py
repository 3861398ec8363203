"""The kill switch: halt, cancel all that works, cancel again what appears meanwhile, sell what is there if asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import SEES_EVERY_ACCOUNT, TradingState
from accounts.models import BrokerAccount, User
from accounts.selectors import account_get, may_halt, may_resume, may_trade
from accounts.services import account_halt
from ops import audit
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Forbidden, Invalid
from ops.inputs import shown
from trading.ledger.journal import DATABASE
from trading.orders.choices import KillScope
from trading.orders.models import KillRun, KillTarget, Order
from trading.orders.services import kill_steps
from trading.risk.services.overrides import PLATFORM_WORD
from trading.risk.services.states import person_state_set, platform_state_set

MAX_BELOW = Decimal(20)


@dataclass(frozen=True, slots=True)
class _Pull:
    """What is to be stopped, by whom and how; `account` and `target` are None where the scope names none."""

    actor: Actor
    user: User
    scope: KillScope
    account: BrokerAccount | None
    target: User | None
    flatten: bool
    below: Decimal | None
    reason: str
    request_id: str

    @property
    def name(self) -> str:
        """What is stopped, for people."""
        if self.account is not None:
            return str(self.account.name)
        return str(self.scope.label) if self.target is None else self.target.username

    @property
    def account_id(self) -> int | None:
        return None if self.account is None else self.account.pk


def kill(
    *,
    actor: Actor,
    user: User,
    scope: KillScope,
    account_id: int | None = None,
    person: str | None = None,
    flatten: bool = False,
    max_below_percent: Any = None,
    confirm: str = "",
    reason: str = "",
    proven: Callable[[], object],
    request_id: str = "",
) -> KillRun:
    """Pull the kill switch of an account, a person or the platform. Repeatable; each pull is a run of its own.

    When this returns, nothing new is accepted, nothing queued is sent any more, and the cancel of every open order
    is stored. The trade workers carry the run on from its rows, whatever crashes.

    Parameters
    ----------
    flatten
        Sell everything that may be sold (T+1) once nothing works any more: at the latest price, or at most
        `max_below_percent` below the last one. Not for a person: shares belong to accounts.
    confirm
        With `flatten`: the account's number, or the word PLATFORM, typed.
    proven
        Raises unless the caller has proved who they are a moment ago; asked with `flatten` only.

    Raises
    ------
    Forbidden
        PERMISSION_DENIED: an account is stopped by who trades or manages it, everybody may stop themselves, the
        rest is for administrators and risk officers. SUDO_REQUIRED.
    NotFound
        ACCOUNT_NOT_FOUND.
    Invalid
        A malformed field; NOT_CONFIRMED.
    """
    account = _account(user, scope, account_id)
    target = _person(user, scope, person)
    _refuse_others(user, scope, account, target)
    below = _below(max_below_percent, flatten=flatten)
    if flatten:
        _refuse_flattening(user, scope, account, confirm)
        proven()
    pull = _Pull(actor, user, scope, account, target, flatten, below, reason, request_id)
    with transaction.atomic(using=DATABASE):
        accounts = _accounts(pull)
        _halt(pull)
        run = _kept(pull, accounts)
    alert_raise(
        AlertKind.ACCOUNT_HALTED,
        Severity.CRITICAL,
        format_lazy(_("Kill switch: {name}, by {user}"), name=pull.name, user=user.username),
        {"scope": str(scope), "flatten": flatten, "reason": reason, "run": str(run.pk)},
        dedup_key=f"kill:{run.pk}",
        account_id=pull.account_id,
    )
    for one in KillTarget.objects.filter(run=run).select_related("run__person", "run__started_by"):
        kill_steps.advance(one)
    return run


def _account(user: User, scope: KillScope, account_id: int | None) -> BrokerAccount | None:
    if scope is KillScope.ACCOUNT:
        if account_id is None:
            raise Invalid(Code.FIELD_REQUIRED, field="account")
        return account_get(user, account_id)
    if account_id is not None:
        raise Invalid(Code.FIELD_INVALID, field="account", scope=str(scope))
    return None


def _person(user: User, scope: KillScope, person: str | None) -> User | None:
    if scope is not KillScope.PERSON:
        if person is not None:
            raise Invalid(Code.FIELD_INVALID, field="user", scope=str(scope))
        return None
    if person is None:
        raise Invalid(Code.FIELD_REQUIRED, field="user")
    if person == user.username:
        return user
    if user.role not in SEES_EVERY_ACCOUNT:
        raise Forbidden(Code.PERMISSION_DENIED)
    found = User.objects.filter(username=person).first()
    if found is None:
        raise Invalid(Code.FIELD_INVALID, field="user", value=shown(person))
    return found


def _refuse_others(user: User, scope: KillScope, account: BrokerAccount | None, target: User | None) -> None:
    officer = user.is_active and user.role in SEES_EVERY_ACCOUNT
    myself = target is not None and target.pk == user.pk
    allowed = officer or myself if account is None else may_halt(user, account)
    if not allowed or not user.is_active:
        raise Forbidden(Code.PERMISSION_DENIED, scope=str(scope))


def _below(value: Any, *, flatten: bool) -> Decimal | None:
    if value is None:
        return None
    try:
        read = Decimal(str(value))
    except ArithmeticError:
        read = Decimal("NaN")
    if not flatten or isinstance(value, bool) or not read.is_finite() or not 0 <= read <= MAX_BELOW:
        raise Invalid(Code.FIELD_INVALID, field="max_below_percent", value=shown(value), allowed=f"0 to {MAX_BELOW}")
    return read.quantize(Decimal("0.01"))


def _refuse_flattening(user: User, scope: KillScope, account: BrokerAccount | None, confirm: str) -> None:
    if scope is KillScope.PERSON:
        raise Invalid(Code.FIELD_INVALID, field="flatten", scope=str(scope))
    if account is not None and not (may_trade(user, account) or may_resume(user, account)):
        raise Forbidden(Code.PERMISSION_DENIED, account=account.pk)
    expected = PLATFORM_WORD if account is None else account.account_no
    if confirm != expected:
        raise Invalid(Code.NOT_CONFIRMED, field="confirm", expected=expected)


def _accounts(pull: _Pull) -> list[BrokerAccount]:
    """The accounts whose orders go; of a person those with orders of theirs and those they could have any on."""
    if pull.account is not None:
        return [pull.account]
    accounts = BrokerAccount.objects.order_by("pk")
    if pull.target is not None:
        open_on = Order.objects.filter(created_by=pull.target, final_at__isnull=True).values("account")
        may = BrokerAccount.objects.cancellable_by(pull.target).values("pk")
        accounts = accounts.filter(pk__in=open_on) | accounts.filter(pk__in=may)
    return list(accounts.distinct())


def _halt(pull: _Pull) -> None:
    actor, halted, words = pull.actor, TradingState.HALTED, pull.reason or "kill switch"
    if pull.account is not None:
        account_halt(actor=actor, account=pull.account, reason=words)
    elif pull.target is not None:
        person_state_set(actor=actor, user=pull.target, state=halted, reason=words, request_id=pull.request_id)
    else:
        platform_state_set(actor=actor, state=halted, reason=words, request_id=pull.request_id)


def _kept(pull: _Pull, accounts: list[BrokerAccount]) -> KillRun:
    """The rows that the trade workers carry on from, and the audit record."""
    run = KillRun.objects.create(
        scope=pull.scope,
        person=pull.target,
        flatten=pull.flatten,
        max_below_percent=pull.below,
        reason=pull.reason[:200],
        started_by=pull.user,
        started_at=wall_now(),
    )
    KillTarget.objects.bulk_create(KillTarget(run=run, account=account) for account in accounts)
    audit.record(
        actor=pull.actor,
        action="kill.started",
        target=f"kill:{run.pk}",
        after={
            "scope": str(pull.scope),
            "accounts": [account.pk for account in accounts],
            "person": None if pull.target is None else pull.target.username,
            "flatten": pull.flatten,
            "max_below_percent": pull.below,
            "reason": pull.reason,
        },
        account_id=pull.account_id,
        request_id=pull.request_id,
    )
    return run
