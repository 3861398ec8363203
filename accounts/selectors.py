"""Reads of accounts and rights. Unknown and not-yours are the same answer everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, HostStatus, QmtHost, User
from ops.clocks import MarketClock, derive_market_clock, wall_now
from ops.errors import Code, NotFound
from qmt.calendar import Phase


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as one person sees it, with its host and market clock."""

    account: BrokerAccount
    status: HostStatus | None
    clock: MarketClock | None
    can_trade: bool
    can_halt: bool
    can_resume: bool


def account_get(user: User | AnonymousUser, account_id: int) -> BrokerAccount:
    """The account `account_id`, its host and status loaded, if `user` may see it.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND, the same for an account that does not exist and one
        that is not the person's to see.
    """
    account = (
        BrokerAccount.objects.visible_to(user).select_related("host", "host__status").filter(pk=account_id).first()
    )
    if account is None:
        raise NotFound(Code.ACCOUNT_NOT_FOUND, account=account_id)
    return account


def may_trade(user: User | AnonymousUser, account: BrokerAccount) -> bool:
    """Whether `user` may place and cancel orders on `account`, now."""
    return BrokerAccount.objects.tradable_by(user).filter(pk=account.pk).exists()


def may_cancel(user: User | AnonymousUser, account: BrokerAccount) -> bool:
    """Whether `user` may cancel orders of `account`, now; switching the account off does not forbid it."""
    return BrokerAccount.objects.cancellable_by(user).filter(pk=account.pk).exists()


def may_halt(user: User, account: BrokerAccount) -> bool:
    """Whether `user` may stop new orders: whoever trades it, risk officers, administrators."""
    return may_resume(user) or may_trade(user, account)


def may_resume(user: User) -> bool:
    """Whether `user` may lift a halt: not the traders whom it restrains."""
    return user.is_active and user.role in SEES_EVERY_ACCOUNT


def account_view(user: User, account_id: int) -> AccountView:
    """One account through the eyes of `user`; raises as `account_get` does."""
    account = account_get(user, account_id)
    return _view(user, account, can_trade=may_trade(user, account))


def account_views(user: User) -> list[AccountView]:
    """Every account `user` may see, in two queries however many there are."""
    accounts = BrokerAccount.objects.visible_to(user).select_related("host", "host__status")
    tradable = set(BrokerAccount.objects.tradable_by(user).values_list("pk", flat=True))
    return [_view(user, account, can_trade=account.pk in tradable) for account in accounts]


def host_status(host: QmtHost) -> HostStatus | None:
    """The host's status row, or None while its worker has never reported."""
    return getattr(host, "status", None)


def host_clock(host: QmtHost) -> MarketClock | None:
    """The host's market clock from its loaded status, or None before its first report."""
    status = host_status(host)
    if status is None or status.trade_date is None or status.updated_at is None:
        return None
    return derive_market_clock(
        host=host.name,
        trade_date=status.trade_date,
        phase=Phase(status.phase or Phase.CLOSED),
        offset_ms=status.clock_offset_ms,
        simulated=status.simulated,
        observed_at=status.updated_at,
        now=wall_now(),
    )


def _view(user: User, account: BrokerAccount, *, can_trade: bool) -> AccountView:
    resumes = may_resume(user)
    return AccountView(
        account=account,
        status=host_status(account.host),
        clock=host_clock(account.host),
        can_trade=can_trade,
        can_halt=can_trade or resumes,
        can_resume=resumes,
    )
