"""Money, holdings, orders, fills and executions.

No order is ever placed twice: every submission carries a key that names one order of the account for ever. When its answer
is lost, the order is looked up by that key; only if the platform does not know the key is the *same* submission sent
again, so that even one still on its way could not become two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from qmtdesk.errors import Denied, DeskError, OutcomeUnknown
from qmtdesk.flows.pages import json_of, pages
from qmtdesk.models import (
    Account,
    Asset,
    CancelOutcome,
    Execution,
    Order,
    OrderCheck,
    OrderDetail,
    Positions,
    Trade,
    parsed,
    typed,
)
from qmtdesk.queries import Number, given, number_text
from qmtdesk.steps import (
    Flow,
    Reply,
    Request,
    Settings,
    account_of,
    act,
    ask,
    backoff_seconds,
    error_of,
    pause,
    refusal_body,
    send,
)

T = TypeVar("T")

#: How long one try of a submission may take before its answer counts as lost.
SUBMIT_SECONDS = 10.0


# ------------------------------------------------------------------------------------------------------------- reads
def accounts(settings: Settings) -> Flow[list[Account]]:
    """The accounts you may see, with what you may do on each."""
    reply = yield from ask(settings, Request("GET", "/accounts"))
    return typed(list[Account], json_of(reply.content)["results"])


def asset(settings: Settings, *, account: int | None = None) -> Flow[Asset]:
    """An account's money."""
    query = given(account=account_of(settings, account))
    reply = yield from ask(settings, Request("GET", "/asset", query))
    return parsed(Asset, reply.content)


def positions(settings: Settings, *, account: int | None = None, symbol: str | None = None) -> Flow[Positions]:
    """Holdings of an account (without one: of all you may see), and the version they are true for."""
    query = given(account=settings.account if account is None else account, symbol=symbol)
    reply = yield from ask(settings, Request("GET", "/positions", query))
    return parsed(Positions, reply.content)


def orders(
    settings: Settings,
    *,
    account: int | None = None,
    status: str = "all",
    date: date | str | None = None,
    symbol: str | None = None,
    limit: int | None = 100,
) -> Flow[list[Order]]:
    """Orders, newest first; `status` ``open``, ``all`` or one status."""
    chosen = settings.account if account is None else account
    query = given(account=chosen, status=status, date=date, symbol=symbol)
    return (yield from pages(settings, "/orders", Order, query, limit=limit))


def order(settings: Settings, order_id: str) -> Flow[OrderDetail]:
    """One order with its timeline and its fills."""
    reply = yield from ask(settings, Request("GET", f"/orders/{order_id}"))
    return parsed(OrderDetail, reply.content)


def order_by_key(settings: Settings, client_order_id: str, *, account: int | None = None) -> Flow[Order | None]:
    """The order that a key names; None when the platform has none under it."""
    query = given(account=account_of(settings, account), client_order_id=client_order_id)
    found = yield from pages(settings, "/orders", Order, query, limit=2)
    match found:
        case []:
            return None
        case [placed] if placed.client_order_id == client_order_id:
            return placed
        case _:
            raise DeskError("NOT_UNDERSTOOD", "the platform is older than this client: it cannot look up keys")


def trades(
    settings: Settings,
    *,
    account: int | None = None,
    date: date | str | None = None,
    symbol: str | None = None,
    limit: int | None = 100,
) -> Flow[list[Trade]]:
    """Fills, newest first."""
    query = given(account=settings.account if account is None else account, date=date, symbol=symbol)
    return (yield from pages(settings, "/trades", Trade, query, limit=limit))


def executions(
    settings: Settings,
    *,
    account: int | None = None,
    state: str = "all",
    date: date | str | None = None,
    limit: int | None = 100,
) -> Flow[list[Execution]]:
    """Baskets, targets, splits, TWAPs and replacements, newest first; `state` ``open``, ``all`` or one state."""
    query = given(account=settings.account if account is None else account, state=state, date=date)
    return (yield from pages(settings, "/executions", Execution, query, limit=limit))


def execution(settings: Settings, execution_id: str) -> Flow[Execution]:
    """One execution as it stands."""
    reply = yield from ask(settings, Request("GET", f"/executions/{execution_id}"))
    return parsed(Execution, reply.content)


# ------------------------------------------------------------------------------------------------------------ orders
def submit(
    settings: Settings,
    symbol: str,
    side: str,
    quantity: int,
    price: Number | None = None,
    *,
    price_type: str = "LIMIT",
    account: int | None = None,
    strategy: str | None = None,
    client_order_id: str | None = None,
) -> Flow[Order]:
    """Place an order, exactly once whatever the network does.

    Parameters
    ----------
    side
        ``BUY`` or ``SELL``.
    quantity
        Shares.
    price
        CNY; the limit of ``LIMIT``. A float is taken as its shortest text.
    client_order_id
        The key that names this order of the account for ever; made when None.

    Returns
    -------
    Order
        QUEUED, or PENDING_APPROVAL; whatever has become of it already when the key named it before.

    Raises
    ------
    Denied
        The platform denied it, with the numbers in `facts`; nothing went to the broker.
    Conflict
        IDEMPOTENCY_CONFLICT: the key belongs to an order on other terms.
    OutcomeUnknown
        No answer could be had in `Settings.order_seconds`: the order may or may not stand, under `key`.
    """
    key = settings.new_key() if client_order_id is None else client_order_id
    chosen = account_of(settings, account)
    body = _wish(chosen, symbol, side, quantity, price_type, price) | {"client_order_id": key}
    if strategy is not None:
        body["strategy"] = strategy
    request = Request("POST", "/orders", body=body, timeout_seconds=SUBMIT_SECONDS)
    once = replace(settings, attempts=1)
    placed = yield from _placed(settings, request, key, Order, lambda: order_by_key(once, key, account=chosen))
    if placed.status == "DENIED":
        # Found by its key; its own answer would have been the refusal.
        raise Denied(placed.code, placed.message, facts={**placed.details, "order": placed.id}, status=422)
    return placed


def check(
    settings: Settings,
    symbol: str,
    side: str,
    quantity: int,
    price: Number | None = None,
    *,
    price_type: str = "LIMIT",
    account: int | None = None,
) -> Flow[OrderCheck]:
    """Say what would become of an order: every check, the reservation, the cost. Changes nothing."""
    body = _wish(account_of(settings, account), symbol, side, quantity, price_type, price)
    reply = yield from ask(settings, Request("POST", "/orders/check", body=body))
    return parsed(OrderCheck, reply.content)


def cancel(settings: Settings, order_id: str) -> Flow[Order]:
    """Want an order cancelled. Repeated by itself while no answer comes: a second wish changes nothing."""
    reply = yield from ask(settings, Request("POST", f"/orders/{order_id}/cancel"))
    return parsed(Order, reply.content)


def cancel_all(
    settings: Settings,
    *,
    account: int | None = None,
    symbol: str | None = None,
    side: str | None = None,
    strategy: str | None = None,
) -> Flow[list[CancelOutcome]]:
    """Want every open order of an account cancelled, or those of a symbol, side or strategy. Repeated as `cancel` is."""
    named = {"symbol": symbol, "side": side, "strategy": strategy}
    body = {"account": account_of(settings, account), **_named(named)}
    reply = yield from ask(settings, Request("POST", "/orders/cancel", body=body))
    return typed(list[CancelOutcome], json_of(reply.content)["results"])


# -------------------------------------------------------------------------------------------------------- executions
def execute(
    settings: Settings,
    kind: str,
    *,
    account: int | None = None,
    legs: Sequence[Mapping[str, Any]] | None = None,
    strategy: str | None = None,
    client_execution_id: str | None = None,
    symbol: str | None = None,
    side: str | None = None,
    quantity: int | None = None,
    price_type: str | None = None,
    price: Number | None = None,
    child_quantity: int | None = None,
    slices: int | None = None,
    starts_at: str | None = None,
    ends_at: str | None = None,
) -> Flow[Execution]:
    """Start a ``BASKET``, ``TARGET``, ``SPLIT`` or ``TWAP``, exactly once, as `submit` places an order.

    Parameters
    ----------
    legs
        Of a basket or a target: ``{"symbol": …, "side": …, "quantity": …}``, see docs/orders.md.
    symbol, side, quantity, price_type, price
        Of a split or a TWAP.
    child_quantity
        Of a split: the largest single order.
    slices, starts_at, ends_at
        Of a TWAP; times as ``HH:MM`` of the market.
    """
    key = settings.new_key() if client_execution_id is None else client_execution_id
    chosen = account_of(settings, account)
    terms = {
        "legs": None if legs is None else [_exact(leg) for leg in legs],
        "strategy": strategy,
        "symbol": symbol,
        "side": side,
        "quantity": quantity,
        "price_type": price_type,
        "price": number_text(price),
        "child_quantity": child_quantity,
        "slices": slices,
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    body = {"account": chosen, "kind": kind, "client_execution_id": key, **_named(terms)}
    request = Request("POST", "/executions", body=body, timeout_seconds=SUBMIT_SECONDS)
    return (yield from _placed(settings, request, key, Execution, lambda: _execution_by_key(settings, key, chosen)))


def replace_order(
    settings: Settings,
    order_id: str,
    *,
    quantity: int | None = None,
    price: Number | None = None,
    price_type: str | None = None,
    client_execution_id: str | None = None,
) -> Flow[Execution]:
    """Cancel an order and order what it leaves over on new terms, never more; exactly once, as `submit`.

    `quantity` is the whole, what the old order traded included. What is None stays as it was.
    """
    key = settings.new_key() if client_execution_id is None else client_execution_id
    named = {"quantity": quantity, "price": number_text(price), "price_type": price_type}
    body = {"client_execution_id": key, **_named(named)}
    request = Request("POST", f"/orders/{order_id}/replace", body=body, timeout_seconds=SUBMIT_SECONDS)
    return (yield from _placed(settings, request, key, Execution, lambda: _execution_by_key(settings, key, None)))


def execution_pause(settings: Settings, execution_id: str) -> Flow[Execution]:
    """Place nothing more for now; orders that are out work on."""
    return (yield from _steered(settings, execution_id, "pause"))


def execution_resume(settings: Settings, execution_id: str) -> Flow[Execution]:
    """Go on with a paused execution."""
    reply = yield from act(Request("POST", f"/executions/{execution_id}/resume"))
    return parsed(Execution, reply.content)


def execution_cancel(settings: Settings, execution_id: str) -> Flow[Execution]:
    """Place nothing more, cancel what is out."""
    return (yield from _steered(settings, execution_id, "cancel"))


def _steered(settings: Settings, execution_id: str, verb: str) -> Flow[Execution]:
    reply = yield from ask(settings, Request("POST", f"/executions/{execution_id}/{verb}"))
    return parsed(Execution, reply.content)


def _execution_by_key(settings: Settings, key: str, account: int | None) -> Flow[Execution | None]:
    query = given(account=account, client_execution_id=key)
    found = yield from pages(replace(settings, attempts=1), "/executions", Execution, query, limit=2)
    return next((one for one in found if one.client_execution_id == key), None)


# ------------------------------------------------------------------------------------------------ placing exactly once
def _placed(
    settings: Settings, request: Request, key: str, kind: type[T], lookup: Callable[[], Flow[T | None]]
) -> Flow[T]:
    """Send a keyed submission until its outcome is known.

    After a lost answer the key is looked up before anything is sent again. From then on a refusal settles the matter only
    if it would have met the lost submission too (`_settles`): one for the moment, such as 429, says nothing about it.
    """
    attempt, until = 0, float("inf")
    lost: DeskError | None = None
    while settings.clock() < until:
        try:
            if lost is not None:
                found = yield from lookup()
                if found is not None:
                    return found
            reply = yield from send(request)
            if reply.status < 400:
                return parsed(kind, reply.content)
        except DeskError as error:
            # No answer; or somebody else's page; or the lookup's refusal, which is no word about the order.
            lost = error
        else:
            refused = error_of(reply)
            if _settles(refused) or (lost is None and _is_refusal(reply)):
                raise refused
            lost = refused
        if attempt == 0:
            until = settings.clock() + settings.order_seconds
        attempt += 1
        yield from pause(backoff_seconds(attempt))
    raise OutcomeUnknown(key, f"no answer about {key} in time; the last word was {lost}")


def _settles(refused: DeskError) -> bool:
    """Whether a refusal depends on the submission alone, or is kept under its key as a denied order is."""
    return refused.status in (400, 409) or (refused.status == 422 and "order" in refused.facts)


def _is_refusal(reply: Reply) -> bool:
    """Whether the platform itself refused, so that nothing was stored; a failure inside it proves nothing."""
    return reply.status != 500 and refusal_body(reply) is not None


def _wish(account: int, symbol: str, side: str, quantity: int, price_type: str, price: Number | None) -> dict[str, Any]:
    return {
        "account": account,
        "symbol": symbol,
        "side": side,
        "quantity": quantity,
        "price_type": price_type,
        "price": number_text(price),
    }


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is given."""
    return {name: value for name, value in values.items() if value is not None}


def _exact(leg: Mapping[str, Any]) -> dict[str, Any]:
    """A leg with price, value and weight as decimal text."""
    return {name: number_text(value) if name in ("price", "value", "weight") else value for name, value in leg.items()}
