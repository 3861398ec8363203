"""The kill switch: halt, cancel all that works, cancel again what appears meanwhile, sell what is there if asked to."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.choices import SEES_EVERY_ACCOUNT, TradingState
from accounts.models import BrokerAccount, User
from accounts.selectors import account_get, may_halt, may_resume, may_trade
from accounts.services import account_halt
from ops import audit
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Forbidden, Invalid, NotFound
from ops.inputs import shown
from trading.ledger.journal import DATABASE
from trading.ledger.wire import moment, plain
from trading.orders.choices import KillScope
from trading.orders.models import KillRun, KillTarget, Order
from trading.orders.services import kill_steps
from trading.risk.services.overrides import PLATFORM_WORD
from trading.risk.services.states import person_state_set, platform_state_set

MAX_BELOW = Decimal(20)


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
    with transaction.atomic(using=DATABASE):
        accounts = _accounts(scope, account, target)
        _halt(actor, scope, account, target, reason, request_id)
        run = KillRun.objects.create(
            scope=scope,
            person=target,
            flatten=flatten,
            max_below_percent=below,
            reason=reason[:200],
            started_by=user,
            started_at=wall_now(),
        )
        targets = [KillTarget(run=run, account=one) for one in accounts]
        KillTarget.objects.bulk_create(targets)
        audit.record(
            actor=actor,
            action="kill.started",
            target=f"kill:{run.pk}",
            after={
                "scope": str(scope),
                "accounts": [one.pk for one in accounts],
                "person": None if target is None else target.username,
                "flatten": flatten,
                "max_below_percent": below,
                "reason": reason,
            },
            account_id=None if account is None else account.pk,
            request_id=request_id,
        )
    alert_raise(
        AlertKind.ACCOUNT_HALTED,
        Severity.CRITICAL,
        f"Kill switch: {_name(scope, account, target)}, by {user.username}",
        {"scope": str(scope), "flatten": flatten, "reason": reason, "run": str(run.pk)},
        dedup_key=f"kill:{run.pk}",
        account_id=None if account is None else account.pk,
    )
    for one in KillTarget.objects.filter(run=run).select_related("run__person", "run__started_by"):
        kill_steps.advance(one)
    return run


def kill_get(user: User, run_id: UUID) -> KillRun:
    """One run.

    Raises
    ------
    NotFound
        KILL_NOT_FOUND: there is none, or none of its accounts is the person's to see.
    """
    run = KillRun.objects.select_related("person", "started_by").filter(pk=run_id).first()
    officer = user.is_active and user.role in SEES_EVERY_ACCOUNT
    visible = run is not None and KillTarget.objects.visible_to(user).filter(run=run).exists()
    if run is None or not (officer or visible):
        raise NotFound(Code.KILL_NOT_FOUND, run=str(run_id))
    return run


def kills_recent(user: User, limit: int = 50) -> list[KillRun]:
    """The last runs that concern accounts the person may see, newest first."""
    targets = KillTarget.objects.visible_to(user).values("run")
    return list(KillRun.objects.filter(pk__in=targets).select_related("person", "started_by")[:limit])


def kill_view(user: User, run: KillRun) -> dict[str, Any]:
    """A run as it stands, with every order it wanted gone and every sale, of the accounts the person may see."""
    targets = list(KillTarget.objects.visible_to(user).filter(run=run).select_related("account"))
    return {
        "id": str(run.pk),
        "scope": str(run.scope),
        "person": None if run.person is None else run.person.username,
        "flatten": run.flatten,
        "max_below_percent": plain(run.max_below_percent),
        "reason": run.reason,
        "started_by": run.started_by.username,
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "targets": [_target_view(target) for target in targets],
    }


def _target_view(target: KillTarget) -> dict[str, Any]:
    sold = [pk for orders in target.sales.values() if isinstance(orders, list) for pk in orders]
    orders = Order.objects.in_bulk([UUID(pk) for pk in (*target.orders, *sold)])
    return {
        "account": target.account_id,
        "name": target.account.name,
        "phase": str(target.phase),
        "finished_at": moment(target.finished_at),
        "orders": [_order_view(orders[UUID(pk)]) for pk in target.orders if UUID(pk) in orders],
        "sales": [
            {
                "symbol": symbol,
                "orders": [_order_view(orders[UUID(pk)]) for pk in made if UUID(pk) in orders]
                if isinstance(made, list)
                else [],
                "refused": "" if isinstance(made, list) else str(made),
            }
            for symbol, made in sorted(target.sales.items())
        ],
    }


def _order_view(order: Order) -> dict[str, Any]:
    return {
        "id": str(order.pk),
        "symbol": order.symbol,
        "side": str(order.side),
        "quantity": order.quantity,
        "traded_quantity": order.traded_quantity,
        "status": str(order.status),
        "ended": order.final_at is not None,
    }


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


def _accounts(scope: KillScope, account: BrokerAccount | None, target: User | None) -> list[BrokerAccount]:
    if account is not None:
        return [account]
    accounts = BrokerAccount.objects.order_by("pk")
    if scope is KillScope.PERSON and target is not None:
        open_on = Order.objects.filter(created_by=target, final_at__isnull=True).values("account")
        may = BrokerAccount.objects.cancellable_by(target).values("pk")
        accounts = accounts.filter(pk__in=open_on) | accounts.filter(pk__in=may)
    return list(accounts.distinct())


def _halt(
    actor: Actor,
    scope: KillScope,
    account: BrokerAccount | None,
    target: User | None,
    reason: str,
    request_id: str,
) -> None:
    words = reason or "kill switch"
    if account is not None:
        account_halt(actor=actor, account=account, reason=words)
    elif scope is KillScope.PLATFORM:
        platform_state_set(actor=actor, state=TradingState.HALTED, reason=words, request_id=request_id)
    elif target is not None:
        person_state_set(actor=actor, user=target, state=TradingState.HALTED, reason=words, request_id=request_id)


def _name(scope: KillScope, account: BrokerAccount | None, target: User | None) -> str:
    if account is not None:
        return str(account.name)
    return str(scope.label) if target is None else target.username
