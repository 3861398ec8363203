"""Replacing an order: cancel it, wait for its final state, then order what it left over and never more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from accounts.models import ApiToken, User
from accounts.selectors import account_to_trade, cancel_refusal, refuse_lost_right
from marketdata.models import Instrument
from ops.errors import Code, Conflict, Denied, Invalid
from ops.inputs import refuse_unknown
from trading.execution.choices import Kind
from trading.execution.models import Execution
from trading.execution.services.start import (
    Started,
    store,
    stored_execution,
)
from trading.execution.services.validation import Candidate
from trading.execution.wishes import digest_of
from trading.ledger.journal import Journal, account_journal
from trading.orders.models import Order
from trading.orders.selectors import order_get
from trading.orders.services.context import account_clock, check_context
from trading.orders.services.ticket import Ticket, key_of
from trading.orders.states import TERMINAL
from trading.risk import checks

FIELDS: Final = frozenset({"quantity", "price_type", "price", "client_execution_id"})
#: Checks that cannot be asked while the old order still holds its money and shares; the new order is asked them all.
_LATER: Final = frozenset({checks.cash_suffices, checks.shares_suffice, checks.quantity_fits_the_lot})


def order_replace(
    *,
    user: User,
    order_id: UUID,
    body: Mapping[str, Any],
    token: ApiToken | None = None,
    request_id: str = "",
) -> Started:
    """Accept the replacement of a working order by another price, price type or quantity.

    The old order's cancel is wanted at once. The new order is placed when the old one is final, for `quantity` (the
    old order's unless told otherwise) less what the old one traded. If it was filled meanwhile nothing is sent, and
    the replacement ends with ORDER_FILLED.

    Raises
    ------
    NotFound, Forbidden
        ORDER_NOT_FOUND; TRADE_NOT_GRANTED, ORDER_NOT_YOURS.
    Invalid
        A malformed field.
    Conflict
        ORDER_FINAL; CONFLICT: it is being replaced already; IDEMPOTENCY_CONFLICT.
    Denied
        The new terms could not be ordered now, whatever became of the old order.
    """
    old = order_get(user, order_id)
    account = account_to_trade(user, old.account_id)
    refusal = cancel_refusal(user, account, owner_id=old.created_by_id)
    if refusal is not None:
        raise refusal
    refuse_unknown(body, FIELDS)
    key = key_of(body.get("client_execution_id"), field="client_execution_id")
    terms = {"order": str(old.pk)} | {name: body[name] for name in sorted(FIELDS - {"client_execution_id"} & set(body))}
    digest = digest_of(terms)
    ticket = _ticket(old, body)
    instrument = None if old.instrument_id is None else Instrument.objects.filter(pk=old.instrument_id).first()
    if instrument is None:
        raise Invalid(Code.SYMBOL_UNKNOWN, field="symbol", symbol=old.symbol)
    candidate = Candidate.of(1, ticket, instrument, account)
    with account_journal(account.pk) as journal:
        stored = stored_execution(account, key, digest)
        if stored is not None:
            return Started(stored, created=False)
        refuse_lost_right(user, seen=account, held=journal.book.account)
        _refuse_old(old.pk)
        _refuse_terms(journal, user, candidate)
        execution = store(
            journal,
            [candidate],
            user=user,
            token=token,
            request_id=request_id,
            kind=Kind.REPLACE,
            client_execution_id=key,
            body_digest=digest,
            strategy=old.strategy,
            terms=terms,
            trade_date=account_clock(account).trade_date,
            replaced=old,
        )
    return Started(execution, created=True)


def _ticket(old: Order, body: Mapping[str, Any]) -> Ticket:
    price_type = body.get("price_type", str(old.price_type))
    kept = old.price if price_type == old.price_type else None
    return Ticket.parse(
        symbol=old.symbol,
        side=str(old.side),
        quantity=body.get("quantity", old.quantity),
        price_type=price_type,
        price=body.get("price", kept),
        client_order_id=None,
        strategy=old.strategy,
    )


def _refuse_old(order_id: UUID) -> None:
    """Asked while the book is held: the order still works, and nobody else replaces it."""
    old = Order.objects.get(pk=order_id)
    if old.status in TERMINAL:
        raise Conflict(Code.ORDER_FINAL, order=str(old.pk), state=str(old.status))
    other = Execution.objects.filter(replaced=old, final_at__isnull=True).values_list("pk", flat=True).first()
    if other is not None:
        raise Conflict(Code.CONFLICT, order=str(old.pk), execution=str(other))


def _refuse_terms(journal: Journal, user: User, candidate: Candidate) -> None:
    context = check_context(
        journal,
        candidate.ticket,
        instrument=candidate.instrument,
        day=candidate.day,
        quote=candidate.quote,
        user_id=user.pk,
        hold=False,
    )
    for check in checks.CHECKS:
        denial: Denied | None = None if check in _LATER else check(context)
        if denial is not None:
            raise denial
