"""Deciding about an order that waits: by somebody else, once, on fresh facts.

Who places an order never approves it, nor does their successor or an administrator without a grant. What is decided
is decided while the account's book is held, where cancels and expiry happen too: exactly one of them wins.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts.actors import actor_for
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import acts_for, may_trade
from accounts.tokens import token_is_usable, token_user
from desk.settings.schema import get_config
from marketdata.selectors import instrument_day
from ops import audit
from ops.clocks import database_now, wall_now
from ops.errors import Code, Conflict, Denied, Forbidden, Invalid, NotFound
from ops.inputs import shown
from trading.ledger.journal import DATABASE, Journal, account_journal
from trading.ledger.models import AccountBook
from trading.ledger.wire import plain
from trading.orders.choices import OrderEventKind, Status
from trading.orders.counting import count_order
from trading.orders.models import Approval, Order
from trading.orders.services.check import verdicts
from trading.orders.services.context import account_clock, check_context, newest_quote
from trading.orders.services.submit import instrument_named
from trading.orders.services.ticket import Ticket
from trading.orders.services.waking import wake
from trading.orders.steps import take
from trading.risk.approval import drift_denial
from trading.risk.checks import denials
from trading.risk.context import CheckContext
from trading.risk.rules.prices import last_price

MAX_REASON: Final = 200
#: Verdicts about the moment, not about the order: it goes on waiting, and may be approved a little later.
PASSING: Final = frozenset(
    {
        Code.TERMINAL_DOWN,
        Code.HOST_MAINTENANCE,
        Code.RECONCILING,
        Code.SESSION_CLOSED,
        Code.MARKET_CLOCK_STALE,
        Code.ASSET_UNKNOWN,
        Code.ORDER_RATE_LIMIT,
    }
)


def order_approve(*, user: User, order_id: UUID, token: ApiToken | None = None, request_id: str = "") -> Order:
    """Approve an order of somebody else: it is judged again on fresh facts, then QUEUED under the present authority.

    Its time to live starts now. What any check, the maker's own right or the price's drift says against it denies it
    for good, with the code; verdicts about the moment (`PASSING`) leave it waiting.

    Returns
    -------
    Order
        QUEUED, or DENIED with `deny_code`.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND: no such order, or not the user's to see.
    Forbidden
        APPROVE_NOT_GRANTED, SELF_APPROVAL.
    Conflict
        APPROVAL_DECIDED: it does not wait any more; APPROVAL_EXPIRED: its time is over.
    Denied
        A passing verdict; nothing has changed.
    """
    order = order_to_decide(user, order_id)
    instrument = instrument_named(order.symbol)
    day = instrument_day(instrument, account_clock(order.account).trade_date)
    quote = newest_quote(instrument)
    with account_journal(order.account_id) as journal:
        order, approval = _waiting(journal, user, order)
        expired = _expire_late(journal, order)
        if not expired:
            account = journal.book.account
            denial = maker_refusal(
                account, maker=order.created_by, token=order.token, by_token=approval.by_token
            ) or _moved(order, account)
            if denial is None:
                context = _context(journal, order, instrument=instrument, day=day, quote=quote)
                denial = _drifted(context, approval) or next(denials(context), None)
            if denial is not None and denial.code in PASSING:
                raise denial
            before = str(order.status)
            if denial is None:
                _queue(journal, order, by=user)
            else:
                _deny(journal, order, denial, by=user)
            _decided(approval, user)
            _record(
                "order.approved" if denial is None else "order.approval_denied", order, before, user, token, request_id
            )
    if expired:
        raise Conflict(Code.APPROVAL_EXPIRED, order=str(order.pk))
    return order


def order_refuse(
    *, user: User, order_id: UUID, reason: Any, token: ApiToken | None = None, request_id: str = ""
) -> Order:
    """Refuse an order of somebody else: DENIED with APPROVAL_REFUSED and the reason.

    Raises
    ------
    NotFound, Forbidden, Conflict
        As `order_approve` does.
    Invalid
        No reason, or one of more than 200 characters.
    """
    words = read_reason(reason)
    order = order_to_decide(user, order_id)
    with account_journal(order.account_id) as journal:
        order, approval = _waiting(journal, user, order)
        expired = _expire_late(journal, order)
        if not expired:
            before = str(order.status)
            take(
                journal,
                order,
                Status.DENIED,
                kind=OrderEventKind.REFUSED,
                data={"by": user.username, "reason": words},
                strict=True,
                deny_code=str(Code.APPROVAL_REFUSED),
                message=words,
            )
            _decided(approval, user, reason=words)
            _record("order.refused", order, before, user, token, request_id)
    if expired:
        raise Conflict(Code.APPROVAL_EXPIRED, order=str(order.pk))
    return order


def read_reason(value: Any) -> str:
    """Why somebody refuses; raises Invalid for none and for too much."""
    if value is None or value == "":
        raise Invalid(Code.FIELD_REQUIRED, field="reason")
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_REASON or not value.isprintable():
        raise Invalid(Code.FIELD_INVALID, field="reason", value=shown(value), maximum=MAX_REASON)
    return value.strip()


def order_to_decide(user: User, order_id: UUID) -> Order:
    """The order, with its account, if `user` may decide about it. Raises as `order_approve` does."""
    orders = Order.objects.visible_to(user).select_related("account__host__status", "created_by")
    order = orders.filter(pk=order_id).first()
    if order is None:
        raise NotFound(Code.ORDER_NOT_FOUND, order=str(order_id))
    refuse_approver(user, order.account, maker_id=order.created_by_id)
    return order


def refuse_approver(user: User, account: BrokerAccount, *, maker_id: int | None) -> None:
    """Raise Forbidden unless `user` may decide, now, about what this person wants on `account`.

    A successor acts for whom they follow, so what that person placed is theirs too.
    """
    if maker_id is not None and acts_for(user, maker_id):
        raise Forbidden(Code.SELF_APPROVAL, account=account.pk)
    if not BrokerAccount.objects.approvable_by(user).filter(pk=account.pk).exists():
        raise Forbidden(Code.APPROVE_NOT_GRANTED, account=account.pk)


def maker_refusal(
    account: BrokerAccount, *, maker: User | None, token: ApiToken | None, by_token: bool
) -> Denied | None:
    """Why nothing may be sent in the maker's name any more; None when it may.

    Parameters
    ----------
    token, by_token
        The token it was asked for with; a token that was deleted is None although it `by_token` was asked for.
    """
    if by_token and (token is None or not token_is_usable(token, wall_now())):
        return Denied(Code.TOKEN_ENDED)
    acting = maker if token is None else token_user(token)
    if acting is None or not may_trade(acting, account):
        return Denied(Code.TRADE_NOT_GRANTED, account=account.pk)
    return None


def _waiting(journal: Journal, user: User, order: Order) -> tuple[Order, Approval]:
    """The order as it stands now that the book is ours, with its request; the right is asked once more."""
    order = Order.objects.select_related("created_by", "token__user", "approval").get(pk=order.pk)
    if order.status != Status.PENDING_APPROVAL:
        raise Conflict(Code.APPROVAL_DECIDED, order=str(order.pk), state=str(order.status))
    refuse_approver(user, journal.book.account, maker_id=order.created_by_id)
    return order, order.approval


def _expire_late(journal: Journal, order: Order) -> bool:
    """Whether the order's time to be decided is over by the database's time; it ends here then."""
    if order.expires_at > database_now(DATABASE):
        return False
    code = str(Code.APPROVAL_EXPIRED)
    return take(
        journal, order, Status.EXPIRED, kind=OrderEventKind.EXPIRED, data={"code": code}, strict=True, deny_code=code
    )


def _moved(order: Order, account: BrokerAccount) -> Denied | None:
    """The account trades elsewhere, or another day, than the order was accepted for."""
    if order.host_name != account.host.name or order.simulated != account.host.is_simulated:
        return Denied(Code.AUTHORITY_CHANGED, account=account.pk)
    clock = account_clock(account)
    if not clock.stale and clock.trade_date != order.trade_date:
        return Denied(Code.TRADE_DATE_CLOSED, trade_date=order.trade_date.isoformat())
    return None


def approval_facts(order: Order, approval: Approval) -> dict[str, Any]:
    """What an approver looks at: every check as it would judge now, and how far the price has gone. Holds nothing.

    Load the order with ``account__host__status`` and ``account__session``.
    """
    instrument = instrument_named(order.symbol)
    book = AccountBook.objects.select_related("account__host__status", "account__session").get(pk=order.account_id)
    context = _context(
        Journal(book=book, at=wall_now()),
        order,
        instrument=instrument,
        day=instrument_day(instrument, account_clock(book.account).trade_date),
        quote=newest_quote(instrument),
        hold=False,
    )
    then, now = approval.last_price, last_price(context)
    drift = None if not then or now is None else (now - then) * 100 / then
    denial = _drifted(context, approval)
    return {
        "last_price": plain(now),
        "drift_percent": None if drift is None else plain(drift.quantize(Decimal("0.01"))),
        "drift_code": "" if denial is None else str(denial.code),
        "checks": verdicts(context),
    }


def _context(journal: Journal, order: Order, **market: Any) -> CheckContext:
    ticket = Ticket.parse(
        symbol=order.symbol,
        side=str(order.side),
        quantity=order.quantity,
        price_type=str(order.price_type),
        price=order.price,
        client_order_id=None,
        strategy=order.strategy,
    )
    return check_context(journal, ticket, user_id=order.created_by_id, again=order, **market)


def _drifted(context: CheckContext, approval: Approval) -> Denied | None:
    return drift_denial(
        symbol=context.instrument.symbol,
        then=approval.last_price,
        now=last_price(context),
        most=approval.max_drift_percent,
    )


def _queue(journal: Journal, order: Order, *, by: User) -> None:
    """On its way from here on: counted, with a time to live and the authority of this moment."""
    take(
        journal,
        order,
        Status.QUEUED,
        kind=OrderEventKind.APPROVED,
        data={"by": by.username},
        strict=True,
        # As read with the book: a halt or a withdrawn grant that commits after that raises it, and nothing is sent.
        epoch=journal.book.account.epoch,
        expires_at=database_now(DATABASE) + timedelta(seconds=get_config().order_ttl_seconds),
    )
    count_order(journal, order)
    transaction.on_commit(partial(wake, order), using=DATABASE, robust=True)


def _deny(journal: Journal, order: Order, denial: Denied, *, by: User) -> None:
    facts = denial.as_dict().get("details", {})
    take(
        journal,
        order,
        Status.DENIED,
        kind=OrderEventKind.DENIED,
        data={"by": by.username, "code": str(denial.code), **facts},
        strict=True,
        deny_code=str(denial.code),
        message=denial.message[:400],
        details=order.details | facts,
    )


def _decided(approval: Approval, user: User, *, reason: str = "") -> None:
    approval.decided_by, approval.decided_at, approval.reason = user, wall_now(), reason
    approval.save(update_fields=["decided_by", "decided_at", "reason"])


def _record(action: str, order: Order, before: str, user: User, token: ApiToken | None, request_id: str) -> None:
    after = {"status": str(order.status), "code": order.deny_code}
    audit.record(
        actor=actor_for(user, token),
        action=action,
        target=f"order:{order.pk}",
        before={"status": before},
        after=after | ({"reason": order.message} if order.message else {}),
        account_id=order.account_id,
        request_id=request_id,
    )
