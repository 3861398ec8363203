"""Writes of broker accounts: mode, trading state, host, automatic trading."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import AccountMode, TradingState
from accounts.models import BrokerAccount, LiveSwitch, QmtHost
from accounts.services.control import tell_after_commit
from desk.settings.schema import get_config
from ops import audit
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Denied


def account_add(*, actor: Actor, account: BrokerAccount) -> BrokerAccount:
    """Store a new account.

    Raises
    ------
    Denied
        LIVE_NEEDS_READ_ONLY: no account begins live; or PAPER_NEEDS_SIMULATED_HOST.
    """
    if account.mode == AccountMode.LIVE:
        raise Denied(Code.LIVE_NEEDS_READ_ONLY, field="mode")
    _refuse_paper_on_broker(account.mode, account.host)
    with transaction.atomic():
        account.save(force_insert=True)
        audit.record(
            actor=actor,
            action="account.added",
            target=f"account:{account.pk}",
            after={
                "host": account.host.name,
                "account_no": account.account_no,
                "name": account.name,
                "mode": account.mode,
            },
            account_id=account.pk,
        )
    return account


def account_halt(*, actor: Actor, account: BrokerAccount, reason: str = "") -> BrokerAccount:
    """Stop new orders; orders accepted but not yet sent lose their authority at once."""
    return account_state_set(actor=actor, account=account, state=TradingState.HALTED, reason=reason)


def account_resume(*, actor: Actor, account: BrokerAccount, reason: str = "") -> BrokerAccount:
    """Allow trading again. What was queued before stays without authority."""
    return account_state_set(actor=actor, account=account, state=TradingState.ACTIVE, reason=reason)


#: What else has to be true before a halt is lifted; each raises its refusal.
RESUME_GUARDS: list[Callable[[BrokerAccount], None]] = []


def account_state_set(*, actor: Actor, account: BrokerAccount, state: TradingState, reason: str = "") -> BrokerAccount:
    """Set the trading state and raise the epoch. Setting the present state does nothing.

    Raises
    ------
    Conflict
        RESTORE_UNRECONCILED: after a restore a halt is lifted once the account was compared with its terminal.
    """
    if account.state == TradingState.HALTED != state:
        for guard in RESUME_GUARDS:
            guard(account)
    changed = account_change(
        actor=actor,
        account=account,
        action=f"account.{_STATE_ACTIONS[state]}",
        extra={"reason": reason} if reason else {},
        state=state,
    )
    _tell_state(actor, changed, reason)
    return changed


def _tell_state(actor: Actor, account: BrokerAccount, reason: str) -> None:
    """A halt that no person decided is an alert until the account is resumed."""
    key = f"account.halted:{account.pk}"
    if account.state != TradingState.HALTED:
        alert_clear(key)
    elif actor.kind == "system":
        alert_raise(
            AlertKind.ACCOUNT_HALTED,
            Severity.CRITICAL,
            format_lazy(
                _("{account} takes no new orders: {reason}"),
                account=account.name,
                reason=reason or _("halted by the platform"),
            ),
            {"by": actor.label, "reason": reason},
            dedup_key=key,
            account_id=account.pk,
        )


_STATE_ACTIONS = {
    TradingState.ACTIVE: "resumed",
    TradingState.REDUCING: "reduced",
    TradingState.HALTED: "halted",
}


def account_mode_set(*, actor: Actor, account: BrokerAccount, mode: AccountMode) -> BrokerAccount:
    """Set PAPER or READ_ONLY and raise the epoch; leaving LIVE ends its switch.

    Raises
    ------
    Denied
        LIVE_NOT_AVAILABLE or LIVE_NOT_CONFIRMED: real money is only reached through
        `account_go_live`; the attempt stays on the audit trail.
        PAPER_NEEDS_SIMULATED_HOST: a paper account must not be able to reach a broker.
    """
    if mode == AccountMode.LIVE:
        code = Code.LIVE_NOT_CONFIRMED if get_config().allow_live else Code.LIVE_NOT_AVAILABLE
        live_refused(actor=actor, account=account, code=code)
        raise Denied(code, field="mode", account=account.pk)
    with transaction.atomic():
        row = _locked(account)
        _refuse_paper_on_broker(mode, row.host)
        switch_id = row.live_switch_id
        values: dict[str, Any] = {"mode": mode} | ({"live_switch_id": None} if switch_id is not None else {})
        account = account_change(actor=actor, account=account, action="account.mode_set", **values)
        if switch_id is not None:
            LiveSwitch.objects.filter(pk=switch_id).update(ended_at=wall_now(), ended_by=actor.label[:200])
    return account


def live_refused(*, actor: Actor, account: BrokerAccount, code: Code) -> None:
    """Put a refused attempt to go live on the account's audit trail."""
    with transaction.atomic():
        audit.record(
            actor=actor,
            action="account.live_refused",
            target=f"account:{account.pk}",
            before={"mode": account.mode},
            after={"code": code},
            account_id=account.pk,
        )


def account_host_set(*, actor: Actor, account: BrokerAccount, host: QmtHost) -> BrokerAccount:
    """Move the account to another terminal and raise the epoch.

    Raises
    ------
    Denied
        LIVE_ACCOUNT_PINNED: the decision to go live was about one terminal;
        PAPER_NEEDS_SIMULATED_HOST.
    """
    with transaction.atomic():
        row = _locked(account)
        _refuse_paper_on_broker(row.mode, host)
        if row.mode == AccountMode.LIVE and host.pk != row.host_id:
            raise Denied(Code.LIVE_ACCOUNT_PINNED, field="host", account=account.pk)
        return account_change(actor=actor, account=account, action="account.host_set", host_id=host.pk)


def account_auto_trading_set(*, actor: Actor, account: BrokerAccount, enabled: bool) -> BrokerAccount:
    """Decide whether signals are executed on this account. Detection always runs."""
    return account_change(actor=actor, account=account, action="account.auto_trading_set", auto_trading=enabled)


def account_details_set(
    *,
    actor: Actor,
    account: BrokerAccount,
    name: str,
    commission_rate: Decimal,
    min_commission: Decimal,
) -> BrokerAccount:
    """Set what decides nobody's authority: the name and the commission terms."""
    return account_change(
        actor=actor,
        account=account,
        action="account.details_set",
        narrows_authority=False,
        name=name,
        commission_rate=commission_rate,
        min_commission=min_commission,
    )


def account_enabled_set(*, actor: Actor, account: BrokerAccount, enabled: bool) -> BrokerAccount:
    """Switch the account on or off for new orders, and raise the epoch."""
    return account_change(actor=actor, account=account, action="account.enabled_set", enabled=enabled)


def _locked(account: BrokerAccount) -> BrokerAccount:
    """The account as it is now, kept so until the transaction ends: mode and host are decided together."""
    accounts = BrokerAccount.objects.select_for_update(of=("self",)).select_related("host")
    return accounts.get(pk=account.pk)


def _refuse_paper_on_broker(mode: str, host: QmtHost) -> None:
    if mode == AccountMode.PAPER and not host.is_simulated:
        raise Denied(Code.PAPER_NEEDS_SIMULATED_HOST, field="mode", host=host.name)


def account_change(
    *,
    actor: Actor,
    account: BrokerAccount,
    action: str,
    extra: dict[str, Any] | None = None,
    narrows_authority: bool = True,
    **values: Any,
) -> BrokerAccount:
    """One audited change under the row's lock; nothing if nothing differs.

    A change that `narrows_authority` raises the epoch.
    """
    with transaction.atomic():
        row = BrokerAccount.objects.select_for_update().get(pk=account.pk)
        before = {name: getattr(row, name) for name in values}
        if before != values:
            epoch = row.epoch + 1 if narrows_authority else row.epoch
            BrokerAccount.objects.filter(pk=row.pk).update(epoch=epoch, **values)
            tell_after_commit("account.changed", account_id=row.pk)
            audit.record(
                actor=actor,
                action=action,
                target=f"account:{row.pk}",
                before={**before, "epoch": row.epoch},
                after={**values, "epoch": epoch, **(extra or {})},
                account_id=row.pk,
            )
    account.refresh_from_db()
    return account
