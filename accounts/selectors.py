"""Reads of accounts and rights. Unknown and not-yours are the same answer everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet

from accounts.choices import SEES_EVERY_ACCOUNT, SessionState
from accounts.models import BrokerAccount, Handover, HostStatus, QmtHost, User
from accounts.querysets import may_trade_within
from accounts.restraints import Restraint, restraints_of
from ops.clocks import MarketClock, derive_market_clock, wall_now
from ops.errors import Code, Forbidden, NotFound
from ops.prepared import Prepared
from qmt.calendar import Phase


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as one person sees it, with its host and market clock."""

    account: BrokerAccount
    status: HostStatus | None
    clock: MarketClock | None
    can_trade: bool
    can_trade_all: bool
    can_approve: bool
    can_manage: bool
    can_move_money: bool
    can_halt: bool
    can_resume: bool
    restraint: Restraint | None


def account_get(user: User | AnonymousUser, account_id: int) -> BrokerAccount:
    """The account `account_id`, its host and status loaded, if `user` may see it.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND, the same for an account that does not exist and one
        that is not the person's to see.
    """
    account = (
        BrokerAccount.objects.visible_to(user)
        .select_related("host", "host__status", "host__fed_from", "session")
        .filter(pk=account_id)
        .first()
    )
    if account is None:
        raise NotFound(Code.ACCOUNT_NOT_FOUND, account=account_id)
    return account


_TO_TRADE = Prepared(
    lambda account_id, user_id: (
        BrokerAccount.objects.trade_granted_to(user_id).filter(pk=account_id).select_related("host", "host__status")
    ),
    BigIntegerField(),
    BigIntegerField(),
)


def account_to_trade(user: User | AnonymousUser, account_id: int) -> BrokerAccount:
    """The account `account_id`, its host and status loaded, if `user` may place orders on it, in one query.

    Raises
    ------
    NotFound
        As `account_get`.
    Forbidden
        TRADE_NOT_GRANTED: `user` may only look.
    """
    # Whoever may trade an account sees it: both rules ask for the same grants.
    account = _TO_TRADE.first(account_id, user.pk) if may_trade_within(user, account_id) else None
    if account is None:
        raise Forbidden(Code.TRADE_NOT_GRANTED, account=account_get(user, account_id).pk)
    return account


def refuse_lost_right(user: User, *, seen: BrokerAccount, held: BrokerAccount) -> None:
    """Ask again for the right to trade where it may have been withdrawn since it was checked.

    Parameters
    ----------
    seen, held
        The account as `account_to_trade` gave it, and as it is now that its book is held.

    Raises
    ------
    Forbidden
        TRADE_NOT_GRANTED.
    """
    if held.epoch != seen.epoch and not may_trade(user, held):
        raise Forbidden(Code.TRADE_NOT_GRANTED, account=held.pk)


def may_trade(user: User | AnonymousUser, account: BrokerAccount) -> bool:
    """Whether `user` may place and cancel orders on `account`, now."""
    return BrokerAccount.objects.tradable_by(user).filter(pk=account.pk).exists()


def may_cancel(user: User | AnonymousUser, account: BrokerAccount, *, owner_id: int | None) -> bool:
    """Whether `user` may cancel an order of `account`, now; switching the account off does not forbid it.

    Parameters
    ----------
    owner_id
        Who placed it. None for an order from outside the platform: it takes the right to
        cancel everybody's.
    """
    if owner_id is not None and acts_for(user, owner_id):
        return BrokerAccount.objects.cancellable_by(user).filter(pk=account.pk).exists()
    return BrokerAccount.objects.cancellable_by(user, all_orders=True).filter(pk=account.pk).exists()


def cancel_refusal(user: User | AnonymousUser, account: BrokerAccount, *, owner_id: int | None) -> Forbidden | None:
    """Why `user` may not cancel such an order, in the API's words; None when they may."""
    if may_cancel(user, account, owner_id=owner_id):
        return None
    trades = BrokerAccount.objects.cancellable_by(user).filter(pk=account.pk).exists()
    return Forbidden(Code.ORDER_NOT_YOURS if trades else Code.TRADE_NOT_GRANTED, account=account.pk)


def acts_for(user: User | AnonymousUser, owner_id: int) -> bool:
    """Whether what `owner_id` placed counts as the own of `user`: themselves, or handed over to them."""
    if user.pk == owner_id:
        return True
    return Handover.objects.filter(person=owner_id, successor=user.pk, ended_at=None).exists()


def own_ids(user: User) -> frozenset[int]:
    """Whose doings count as the own of `user`: themselves, and whomever they follow (see `acts_for`)."""
    followed = Handover.objects.filter(successor=user.pk, ended_at=None).values_list("person", flat=True)
    return frozenset((user.pk, *followed))


def may_halt(user: User, account: BrokerAccount) -> bool:
    """Whether `user` may stop new orders: whoever trades or manages it, risk officers, administrators."""
    return may_resume(user, account) or may_trade(user, account)


def may_resume(user: User, account: BrokerAccount) -> bool:
    """Whether `user` may lift a halt: not the traders whom it restrains, unless they manage the account."""
    if not user.is_active:
        return False
    if user.role in SEES_EVERY_ACCOUNT:
        return BrokerAccount.objects.visible_to(user).filter(pk=account.pk).exists()
    return BrokerAccount.objects.managed_by(user).filter(pk=account.pk).exists()


def account_view(user: User, account_id: int) -> AccountView:
    """One account through the eyes of `user`; raises as `account_get` does."""
    account_get(user, account_id)
    return _views(user, BrokerAccount.objects.filter(pk=account_id))[0]


def account_views(user: User) -> list[AccountView]:
    """Every account `user` may see, in one query however many there are."""
    return _views(user, BrokerAccount.objects.visible_to(user))


def host_status(host: QmtHost) -> HostStatus | None:
    """The host's status row, or None while its worker has never reported."""
    return getattr(host, "status", None)


def session_state(account: BrokerAccount) -> SessionState:
    """Whether the account's orders can be sent: its host's session, and its own part in it.

    Load the account with ``host__status`` and ``session``.
    """
    status = host_status(account.host)
    if status is None:
        return SessionState.DOWN
    own = getattr(account, "session", None)
    if status.session_state == SessionState.READY and own is not None:
        return SessionState(own.state)
    return SessionState(status.session_state)


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


def _views(user: User, accounts: QuerySet[BrokerAccount]) -> list[AccountView]:
    """The accounts with what `user` may do on each, by the same rule that decides when it is done."""
    rule, this = BrokerAccount.objects, Q(pk=OuterRef("pk"))
    # Asked of each account by itself: as lists of keys, each right would be worked out over all accounts first.
    rows = accounts.select_related("host", "host__status", "host__fed_from", "session").annotate(
        rights_trade=Exists(rule.tradable_by(user).filter(this)),
        rights_all=Exists(rule.cancellable_by(user, all_orders=True).filter(this)),
        rights_approve=Exists(rule.approvable_by(user).filter(this)),
        rights_manage=Exists(rule.managed_by(user).filter(this)),
        rights_money=Exists(rule.money_moved_by(user).filter(this)),
    )
    officer = user.role in SEES_EVERY_ACCOUNT
    restraints = restraints_of(rows)
    return [
        AccountView(
            account=row,
            status=host_status(row.host),
            clock=host_clock(row.host),
            can_trade=row.rights_trade,
            can_trade_all=row.rights_trade and row.rights_all,
            can_approve=row.rights_approve,
            can_manage=row.rights_manage,
            can_move_money=row.rights_money,
            can_halt=officer or row.rights_trade or row.rights_manage,
            can_resume=officer or row.rights_manage,
            restraint=restraints.get(row.pk),
        )
        for row in rows
    ]


def _keys(accounts: QuerySet[BrokerAccount]) -> set[int]:
    return set(accounts.values_list("pk", flat=True))


def handovers_for(user: User) -> list[tuple[Handover, list[dict[str, Any]]]]:
    """What was handed over to `user` and is still theirs, with the items they may see."""
    visible = _keys(BrokerAccount.objects.visible_to(user))
    rows = Handover.objects.filter(successor=user, ended_at=None).select_related("person")
    return [
        (row, [item for item in row.items if item.get("account_id") is None or item["account_id"] in visible])
        for row in rows
    ]
