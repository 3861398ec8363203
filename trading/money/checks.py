"""What a transfer must fulfil: asked when it is requested, again when it is decided, and in part at the last look."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.choices import TradingState
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import acts_for
from accounts.tokens import token_is_usable, token_user
from desk.settings.schema import get_config
from ops import health
from ops.clocks import wall_now
from ops.errors import Code, Denied, DeskError, Forbidden, Unavailable
from trading.ledger.journal import Journal
from trading.ledger.models import AssetSnapshot
from trading.money.choices import BANK_KINDS, TransferKind
from trading.money.models import MoneyLimit, Transfer
from trading.money.selectors import leaving, today, used_on
from trading.money.wire import plain_amount
from trading.risk.services.states import platform_state
from trading.risk.venues import venue_refusal


def require_mover(user: User, account: BrokerAccount) -> None:
    """Raise Forbidden (MONEY_NOT_GRANTED) unless `user` may move the account's money, now."""
    if not BrokerAccount.objects.money_moved_by(user).filter(pk=account.pk).exists():
        raise Forbidden(Code.MONEY_NOT_GRANTED, account=account.pk)


def require_decider(user: User, transfer: Transfer) -> None:
    """Raise Forbidden unless `user` may decide about it: somebody else's, with the grant."""
    if acts_for(user, transfer.created_by_id):
        raise Forbidden(Code.SELF_APPROVAL, account=transfer.account_id)
    require_mover(user, transfer.account)


def maker_refusal(account: BrokerAccount, *, maker: User, token: ApiToken | None, by_token: bool) -> Denied | None:
    """Why nothing may be moved in the maker's name any more; None when it may."""
    if by_token and (token is None or not token_is_usable(token, wall_now())):
        return Denied(Code.TOKEN_ENDED)
    acting = maker if token is None else token_user(token)
    if not BrokerAccount.objects.money_moved_by(acting).filter(pk=account.pk).exists():
        return Denied(Code.MONEY_NOT_GRANTED, account=account.pk)
    return None


def venue_denial(account: BrokerAccount, *, simulated: bool) -> Denied | None:
    """Why this account's money is not moved at this terminal: switched off, halted, read only, real without its switch."""
    facts: dict[str, Any] = {"account": account.pk}
    if not account.enabled:
        return Denied(Code.ACCOUNT_DISABLED, **facts)
    if not account.host.enabled:
        return Denied(Code.TERMINAL_DOWN, host=account.host.name, enabled=False)
    venue = venue_refusal(account, account.host, simulated=simulated, live_allowed=get_config().allow_live)
    if venue is not None:
        return venue
    if account.state == TradingState.HALTED:
        return Denied(Code.ACCOUNT_HALTED, **facts)
    if platform_state().state == TradingState.HALTED:
        return Denied(Code.PLATFORM_HALTED)
    return None


def require_simulated(account: BrokerAccount, kind: TransferKind) -> None:
    """Raise 501 NOT_SIMULATED for what the simulated exchange core holds no state of."""
    if account.host.is_simulated and kind not in BANK_KINDS:
        raise DeskError(Code.NOT_SIMULATED, status=501, kind=str(kind), host=account.host.name)


def require_sender(account: BrokerAccount) -> None:
    """Raise Unavailable while nobody would send it: an approval must not be spent on nothing."""
    if not health.check_heartbeat(f"worker.reads@{account.host.name}").ok:
        raise Unavailable(Code.UNAVAILABLE, f"the reads worker of {account.host.name} does not report")


def judge(journal: Journal, transfer: Transfer) -> None:
    """Raise Denied if the transfer must not be, as everything stands; the caller holds the account's journal."""
    for denial in denials(journal, transfer):
        raise denial


def denials(journal: Journal, transfer: Transfer) -> Iterator[Denied]:
    """Everything that speaks against the transfer, as it stands in the journal's book; nothing when it may be."""
    account = journal.book.account
    venue = venue_denial(account, simulated=account.host.is_simulated)
    if venue is not None:
        yield venue
    yield from _beyond_limits(transfer)
    if transfer.kind == TransferKind.BANK_OUT:
        yield from _not_there(journal, transfer)


def free_cash(journal: Journal, *, without: UUID | None = None) -> Decimal | None:
    """CNY neither promised to an order, nor on its way to the bank already; None while the broker has not stated any.

    What of it can be withdrawn, the broker knows.
    """
    account_id = journal.book.pk
    asset = AssetSnapshot.objects.filter(account_id=account_id).first()
    if asset is None:
        return None
    return asset.confirmed_cash - journal.book.promised_cash - leaving(account_id, without=without)


def _beyond_limits(transfer: Transfer) -> Iterator[Denied]:
    limit = MoneyLimit.objects.filter(account_id=transfer.account_id).first()
    if limit is None:
        yield Denied(Code.MONEY_LIMIT_UNSET, account=transfer.account_id)
        return
    facts: dict[str, Any] = {"account": transfer.account_id, "amount": plain_amount(transfer.amount)}
    if transfer.amount > limit.single_amount:
        yield Denied(Code.MONEY_SINGLE_LIMIT, **facts, limit=plain_amount(limit.single_amount))
    used = used_on(transfer.account_id, today(), without=transfer.pk)
    if used + transfer.amount > limit.day_amount:
        yield Denied(Code.MONEY_DAY_LIMIT, **facts, limit=plain_amount(limit.day_amount), used=plain_amount(used))


def _not_there(journal: Journal, transfer: Transfer) -> Iterator[Denied]:
    free = free_cash(journal, without=transfer.pk)
    if free is None:
        yield Denied(Code.ASSET_UNKNOWN, account=transfer.account_id)
    elif transfer.amount > free:
        facts: dict[str, Any] = {"needed": plain_amount(transfer.amount), "available": plain_amount(free)}
        yield Denied(Code.CASH_INSUFFICIENT, account=transfer.account_id, **facts)
