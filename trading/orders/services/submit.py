"""Accepting an order: one transaction from the check to the row, and one answer per key."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction

from accounts.actors import actor_for
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_to_trade, refuse_lost_right
from desk.settings.schema import get_config
from marketdata.models import Instrument, InstrumentDay
from marketdata.quotes.models import LatestQuote
from marketdata.selectors import instrument_day, instrument_get
from ops import audit
from ops.clocks import database_now
from ops.errors import Code, Conflict, Denied, Invalid
from ops.installation import installation_code
from ops.room import refuse_without_room
from qmt.gateway import MAX_TAG_LENGTH
from trading.ledger.choices import EventKind
from trading.ledger.dates import trade_date_open
from trading.ledger.journal import DATABASE, Journal, account_journal
from trading.ledger.wire import money, plain
from trading.orders.choices import OrderEventKind, Source, Status
from trading.orders.counting import count_order
from trading.orders.holding import held_for_approval, tell_waiting
from trading.orders.models import Approval, Order, OrderEvent
from trading.orders.services.context import account_clock, check_context, newest_quote
from trading.orders.services.ticket import Ticket
from trading.orders.services.waking import wake
from trading.orders.wire import order_view
from trading.risk.checks import pre_trade
from trading.risk.context import Reservation
from trading.risk.rules.prices import clamped_to_cage
from trading.risk.services.stops import tell_cancel_ratio

_TAG_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_TAG_RANDOM_LENGTH = 16
_FIRST_EVENT: Final[dict[str, OrderEventKind]] = {
    Status.DENIED: OrderEventKind.DENIED,
    Status.PENDING_APPROVAL: OrderEventKind.HELD,
}
#: Sources whose orders carry keys of the platform's own.
_PROGRAMS: Final = frozenset({Source.EXECUTION, Source.SIGNAL, Source.GRID, Source.STRATEGY})
_ACTION: Final[dict[str, str]] = {Status.DENIED: "order.denied", Status.PENDING_APPROVAL: "order.held"}


@dataclass(frozen=True, slots=True)
class Submission:
    """The answer to a submission: the order as it stands, and whether it was made just now."""

    order: Order
    created: bool


@dataclass(frozen=True, slots=True)
class _Request:
    """A well-formed submission by somebody who may trade the account."""

    user: User
    token: ApiToken | None
    source: Source
    ticket: Ticket
    instrument: Instrument
    day: InstrumentDay | None
    quote: LatestQuote | None
    approved: bool
    flattening: bool

    @classmethod
    def of(
        cls,
        account: BrokerAccount,
        ticket: Ticket,
        *,
        user: User,
        token: ApiToken | None,
        source: Source,
        approved: bool = False,
        flattening: bool = False,
    ) -> _Request:
        """With what is known of the instrument now. Raises Invalid: SYMBOL_UNKNOWN."""
        instrument = instrument_named(ticket.symbol)
        day = instrument_day(instrument, account_clock(account).trade_date)
        return cls(user, token, source, ticket, instrument, day, newest_quote(instrument), approved, flattening)

    @property
    def digest(self) -> str:
        return self.ticket.digest(self.instrument.symbol)


def order_submit(
    *,
    user: User,
    account_id: int,
    symbol: Any,
    side: Any,
    quantity: Any,
    price_type: Any = "LIMIT",
    price: Any = None,
    client_order_id: Any = None,
    strategy: Any = None,
    source: Source = Source.API,
    token: ApiToken | None = None,
    request_id: str = "",
    guard: Callable[[], None] | None = None,
    approved: bool = False,
) -> Submission:
    """Accept one order, or keep its denial, in one transaction.

    Parameters
    ----------
    symbol, side, quantity, price_type, price, client_order_id, strategy
        As the request has them; they are checked here. `quantity` in shares, `price` in
        CNY. `client_order_id` names one order of the account for ever; some beginnings belong
        to the platform's own orders (see `ticket`).
    guard
        Called while the account's book is held, before a new order is decided; what it raises ends the
        submission, and nothing is stored.
    approved
        It belongs to an execution that somebody else has approved: no rule asks about it again.

    Returns
    -------
    Submission
        The order is QUEUED, PENDING_APPROVAL, or DENIED with `deny_code` and `details`. A repeated
        `client_order_id` with the same body returns the stored order, whatever became of it.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND: no such account, or not the user's.
    Forbidden
        TRADE_NOT_GRANTED: the user may only look.
    Invalid
        A malformed field; nothing is stored.
    Conflict
        IDEMPOTENCY_CONFLICT: the `client_order_id` belongs to another body.
    Unavailable
        DISK_FULL: nothing is stored; the room that is left is for what the broker says.
    """
    account = account_to_trade(user, account_id)
    ticket = Ticket.parse(
        symbol=symbol,
        side=side,
        quantity=quantity,
        price_type=price_type,
        price=price,
        client_order_id=client_order_id,
        strategy=strategy,
        reserved_key=source in _PROGRAMS,
    )
    request = _Request.of(account, ticket, user=user, token=token, source=source, approved=approved)
    with account_journal(account.pk) as journal:
        stored = _stored(account, request)
        if stored is not None:
            return Submission(stored, created=False)
        refuse_lost_right(user, seen=account, held=journal.book.account)
        if guard is not None:
            guard()
        refuse_without_room()
        order, approval = _decide(journal, request)
        keep_order(journal, order, user=user, token=token, request_id=request_id, approval=approval)
    return Submission(order, created=True)


def order_flatten(
    *, user: User, account: BrokerAccount, ticket: Ticket, stands: Callable[[BrokerAccount], bool]
) -> Order:
    """Accept a sale that a kill switch has decided on; only `services.halts` calls this.

    No trading state and no limit of ours stands against it; the market's rules, T+1 and what is there do. The
    decision's right was asked when the switch was pulled.

    Parameters
    ----------
    stands
        Whether the halt still stands, asked of the account as it is while its book is held. A halt that is lifted
        later raises the epoch, so the sale is not sent.

    Returns
    -------
    Order
        QUEUED, or the order that this key names already.

    Raises
    ------
    Denied
        Why it cannot be sold now, AUTHORITY_CHANGED when the halt was lifted; nothing is stored.
    """
    request = _Request.of(account, ticket, user=user, token=None, source=Source.FLATTEN, flattening=True)
    with account_journal(account.pk) as journal:
        stored = _stored(account, request)
        if stored is not None:
            return stored
        if not stands(journal.book.account):
            raise Denied(Code.AUTHORITY_CHANGED, account=account.pk)
        order, _approval = _decide(journal, request)
        if order.status == Status.DENIED:
            raise Denied(Code(order.deny_code), order.message)
        keep_order(journal, order, user=user, token=None, request_id="")
    return order


def instrument_named(symbol: str) -> Instrument:
    """The instrument of a ticket.

    Raises
    ------
    Invalid
        SYMBOL_UNKNOWN, for the field of an order.
    """
    try:
        return instrument_get(symbol)
    except Invalid as error:
        raise Invalid(error.code, field="symbol", symbol=symbol) from None


def _stored(account: BrokerAccount, request: _Request) -> Order | None:
    """The order this key names already. Read while the book is held, so no twin can slip in."""
    key = request.ticket.client_order_id
    if key is None:
        return None
    orders = Order.objects.select_related("created_by")
    order = orders.filter(account=account, client_order_id=key).first()
    if order is not None and order.body_digest != request.digest:
        raise Conflict(
            Code.IDEMPOTENCY_CONFLICT,
            field="client_order_id",
            client_order_id=key,
            order=str(order.pk),
        )
    return order


def _decide(journal: Journal, request: _Request) -> tuple[Order, Approval | None]:
    """The new order's row: QUEUED or PENDING_APPROVAL with its reservation, or DENIED with its reason."""
    account, ticket = journal.book.account, request.ticket
    context = clamped_to_cage(
        check_context(
            journal,
            ticket,
            instrument=request.instrument,
            day=request.day,
            quote=request.quote,
            user_id=request.user.pk,
            flattening=request.flattening,
        )
    )
    now = database_now(DATABASE)
    order = Order(
        account=account,
        created_by=request.user,
        token=request.token,
        source=request.source,
        client_order_id=ticket.client_order_id,
        body_digest=request.digest,
        strategy=ticket.strategy,
        symbol=request.instrument.symbol,
        instrument_id=request.instrument.pk,
        side=ticket.side,
        price_type=ticket.price_type,
        price=context.price,
        quantity=ticket.quantity,
        details={} if context.price == ticket.price else {"clamped_from": plain(ticket.price)},
        status=Status.QUEUED,
        epoch=account.epoch,
        trade_date=context.clock.trade_date,
        host_name=account.host.name,
        simulated=account.host.is_simulated,
        submitted_at=journal.at,
        expires_at=now + timedelta(seconds=get_config().order_ttl_seconds),
    )
    approval = None
    try:
        _promise(order, pre_trade(context))
        if not (request.flattening or request.approved):
            approval = held_for_approval(order, context, now)
    except Denied as denial:
        order.status = Status.DENIED
        order.final_at = journal.at
        order.deny_code = str(denial.code)
        order.message = denial.message[:400]
        order.details |= denial.as_dict().get("details", {})
    if context.facts is not None:
        tell_cancel_ratio(context.facts, account)
    return order, approval


def _promise(order: Order, reservation: Reservation) -> None:
    order.tag = new_tag()
    order.reserved_cash = reservation.cash
    order.reserved_quantity = reservation.quantity


def keep_order(
    journal: Journal,
    order: Order,
    *,
    user: User,
    token: ApiToken | None,
    request_id: str,
    approval: Approval | None = None,
) -> None:
    """Write the order with everything that belongs to it; wake the worker, or the approvers, after the commit."""
    denied = order.status == Status.DENIED
    order.save(force_insert=True)
    if approval is not None:
        approval.save(force_insert=True)
        tell_waiting(order)
    OrderEvent.objects.create(
        order=order,
        seq=order.version,
        kind=_FIRST_EVENT.get(order.status, OrderEventKind.ACCEPTED),
        to_status=order.status,
        data={"code": order.deny_code, **order.details} if denied else _held_facts(approval),
        at=journal.at,
    )
    journal.record(EventKind.ORDER, str(order.pk), partial(order_view, order))
    if not denied:
        journal.reserve_cash(order.reserved_cash)
        if journal.book.open_trade_date is None:
            trade_date_open(journal, order.trade_date)
    if order.status == Status.QUEUED:
        # What waits is counted when it is approved: only then it is on its way to the broker.
        count_order(journal, order)
        transaction.on_commit(partial(wake, order), using=DATABASE, robust=True)
    audit.record(
        actor=actor_for(user, token),
        action=_ACTION.get(order.status, "order.accepted"),
        target=f"order:{order.pk}",
        after=_audited(order),
        account_id=order.account_id,
        request_id=request_id,
    )


def _held_facts(approval: Approval | None) -> dict[str, Any]:
    return {} if approval is None else {"rules": approval.rules, "value": money(approval.value)}


def _audited(order: Order) -> dict[str, Any]:
    facts = {
        "symbol": order.symbol,
        "side": str(order.side),
        "quantity": order.quantity,
        "price_type": str(order.price_type),
        "price": order.price,
        "source": str(order.source),
        "client_order_id": order.client_order_id,
    }
    if order.strategy:
        facts["strategy"] = order.strategy
    return facts | ({"code": order.deny_code} if order.deny_code else {"tag": order.tag})


def new_tag() -> str:
    """A mark that no other order of any installation has: it travels to the broker and back."""
    code = installation_code(get_config().installation)
    random = "".join(secrets.choice(_TAG_ALPHABET) for _ in range(_TAG_RANDOM_LENGTH))
    return f"{code}-{random}"[:MAX_TAG_LENGTH]
