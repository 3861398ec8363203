"""Accepting an execution: judged whole, stored whole, in one transaction; nothing is sent by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Sum

from accounts.actors import actor_for
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_to_trade, refuse_lost_right
from marketdata.models import Instrument
from ops import audit
from ops.audit import Actor
from ops.clocks import MarketClock, wall_now
from ops.errors import Code, Conflict, Denied, Invalid
from qmt.calendar import SHANGHAI
from qmt.codes import Board
from qmt.rules import lot_rule
from trading.execution.choices import Kind, State
from trading.execution.facts import Lots
from trading.execution.holding import execution_held, execution_hold
from trading.execution.models import Execution, Leg
from trading.execution.schedule import trading_spans
from trading.execution.services.validation import (
    Candidate,
    Verdict,
    judged,
    refuse_denied,
    sum_judged,
    symbols_once,
)
from trading.execution.targets import Holding, Step, shares_for, step_towards
from trading.execution.wire import execution_view
from trading.execution.wishes import Target, Wish, parse
from trading.ledger.choices import EventKind
from trading.ledger.journal import Journal, account_journal
from trading.ledger.models import AssetSnapshot, Position
from trading.orders.choices import Side
from trading.orders.models import Order
from trading.orders.services.context import account_clock, newest_quote, reserved_shares
from trading.orders.services.submit import instrument_named
from trading.orders.services.ticket import Ticket

#: A target by value is worked out at a quote no older than this.
QUOTE_FRESH = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Started:
    """The answer to a request: the execution as it stands, and whether it was made just now."""

    execution: Execution
    created: bool


def execution_start(
    *, user: User, account_id: int, body: Mapping[str, Any], token: ApiToken | None = None, request_id: str = ""
) -> Started:
    """Accept a basket, targets, a split or a TWAP.

    Parameters
    ----------
    body
        The request's fields, as they came; see `docs/orders.md`.

    Returns
    -------
    Started
        A repeated `client_execution_id` with the same body returns the stored execution.

    Raises
    ------
    NotFound, Forbidden
        ACCOUNT_NOT_FOUND, TRADE_NOT_GRANTED.
    Invalid
        A malformed field; nothing is stored.
    Conflict
        IDEMPOTENCY_CONFLICT.
    Denied
        LEGS_DENIED with every denied leg, NOTHING_TO_TRADE, QUOTE_UNKNOWN; nothing is stored.
    """
    account = account_to_trade(user, account_id)
    wish = parse(body)
    stored = stored_execution(account, wish.key, wish.digest)
    if stored is not None:
        return Started(stored, created=False)
    clock = account_clock(account)
    window = window_of(wish, clock)
    candidates = _targets(account, wish) if wish.kind is Kind.TARGET else legs_of(account, wish.tickets)
    refuse_shape(wish, candidates, clock.trade_date)
    with account_journal(account.pk) as journal:
        stored = stored_execution(account, wish.key, wish.digest)
        if stored is not None:
            return Started(stored, created=False)
        refuse_lost_right(user, seen=account, held=journal.book.account)
        waits = window is not None and window[0] > clock.market_time
        refuse_denied(
            judge(
                journal,
                user.pk,
                candidates,
                kind=wish.kind,
                child_quantity=wish.child_quantity,
                slices=wish.slices,
                waits=waits,
            )
        )
        hold = execution_hold(journal, user.pk, candidates)
        starts_at, ends_at = window or (None, None)
        execution = store(
            journal,
            candidates,
            user=user,
            token=token,
            request_id=request_id,
            kind=wish.kind,
            state=State.RUNNING if hold is None else State.PENDING_APPROVAL,
            client_execution_id=wish.key,
            body_digest=wish.digest,
            strategy=wish.strategy,
            terms=dict(wish.terms),
            trade_date=clock.trade_date,
            child_quantity=wish.child_quantity,
            slices=wish.slices,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        if hold is not None:
            execution_held(journal, execution, hold, candidates)
    return Started(execution, created=True)


def stored_execution(account: BrokerAccount, key: str | None, digest: str) -> Execution | None:
    """The execution this key names already. Raises Conflict when it names another request."""
    if key is None:
        return None
    rows = Execution.objects.select_related("created_by")
    execution = rows.filter(account=account, client_execution_id=key).first()
    if execution is not None and execution.body_digest != digest:
        raise Conflict(
            Code.IDEMPOTENCY_CONFLICT,
            field="client_execution_id",
            client_execution_id=key,
            execution=str(execution.pk),
        )
    return execution


def store(
    journal: Journal,
    candidates: Sequence[Candidate],
    *,
    user: User,
    token: ApiToken | None,
    request_id: str,
    actor: Actor | None = None,
    **fields: Any,
) -> Execution:
    """Write an accepted execution with its legs, its event and its audit record; its maker acts unless told otherwise."""
    account = journal.book.account
    execution = Execution.objects.create(
        account=account,
        created_by=user,
        token=token,
        by_token=token is not None,
        epoch=account.epoch,
        created_at=journal.at,
        **fields,
    )
    Leg.objects.bulk_create(
        Leg(
            execution=execution,
            number=candidate.number,
            symbol=candidate.instrument.symbol,
            instrument_id=candidate.instrument.pk,
            side=candidate.ticket.side,
            quantity=candidate.ticket.quantity,
            price_type=candidate.ticket.price_type,
            price=candidate.ticket.price,
            note=candidate.note,
        )
        for candidate in candidates
    )
    journal.record(EventKind.EXECUTION, str(execution.pk), partial(execution_view, execution))
    audit.record(
        actor=actor or actor_for(user, token),
        action="execution.accepted",
        target=f"execution:{execution.pk}",
        after={
            "kind": str(execution.kind),
            "state": str(execution.state),
            "terms": execution.terms,
            "legs": len(candidates),
        },
        account_id=account.pk,
        request_id=request_id,
    )
    return execution


def lots_of(instrument: Instrument, day: dt.date) -> Lots:
    """Order sizes of an instrument; one share where nothing can be ordered, which the checks refuse."""
    rule = lot_rule(Board(instrument.board), day)
    return Lots(1, 1) if rule is None else Lots(rule.minimum, rule.step)


def legs_of(account: BrokerAccount, tickets: Sequence[Ticket]) -> list[Candidate]:
    """A basket's legs, or the one of a split or TWAP. Raises Invalid for an unknown symbol."""
    return [
        Candidate.of(number, ticket, instrument_named(ticket.symbol), account)
        for number, ticket in enumerate(tickets, 1)
    ]


def refuse_shape(wish: Wish, candidates: Sequence[Candidate], day: dt.date) -> None:
    """What no child could be made of."""
    twice = symbols_once(candidates)
    if twice is not None:
        raise Invalid(Code.FIELD_INVALID, "two legs name the same symbol", field="legs", symbol=twice)
    lots = lots_of(candidates[0].instrument, day)
    quantity = candidates[0].ticket.quantity
    if wish.child_quantity is not None and (wish.child_quantity < lots.minimum or wish.child_quantity % lots.step):
        raise Invalid(
            Code.FIELD_INVALID,
            field="child_quantity",
            child_quantity=wish.child_quantity,
            minimum=lots.minimum,
            step=lots.step,
        )
    if wish.slices is not None and quantity // wish.slices < lots.minimum:
        raise Invalid(Code.FIELD_INVALID, field="slices", slices=wish.slices, most=max(1, quantity // lots.minimum))


def window_of(wish: Wish, clock: MarketClock) -> tuple[dt.datetime, dt.datetime] | None:
    """A TWAP's window on the trade date; it begins now unless told otherwise."""
    if wish.ends_at is None:
        return None
    now = clock.market_time
    ends_at = dt.datetime.combine(clock.trade_date, wish.ends_at, SHANGHAI)
    starts_at = now if wish.starts_at is None else dt.datetime.combine(clock.trade_date, wish.starts_at, SHANGHAI)
    starts_at = max(now, starts_at)
    if not trading_spans(starts_at, ends_at):
        raise Invalid(
            Code.FIELD_INVALID,
            "the window holds no continuous trading after now",
            field="ends_at",
            starts_at=starts_at.isoformat(timespec="seconds"),
            ends_at=ends_at.isoformat(timespec="seconds"),
        )
    return starts_at, ends_at


def judge(
    journal: Journal,
    user_id: int,
    candidates: Sequence[Candidate],
    *,
    kind: str,
    child_quantity: int | None,
    slices: int | None,
    waits: bool,
) -> list[Verdict]:
    """Every leg by an order's own checks; what is traded in parts by its first part, and as a sum.

    Parameters
    ----------
    waits
        Its window begins later: that the session is closed now says nothing.

    Returns
    -------
    list of Verdict
        One per leg of a basket; of what is traded in parts one of the first part and, unless that is denied, one of the sum.
    """
    if kind in (Kind.BASKET, Kind.TARGET):
        return judged(journal, user_id, candidates)
    ignore = {Code.SESSION_CLOSED, Code.PRICE_TYPE_NEEDS_CONTINUOUS} if waits else set()
    whole = candidates[0]
    lots = lots_of(whole.instrument, account_clock(journal.book.account).trade_date)
    part = child_quantity or whole.ticket.quantity // (slices or 1)
    part = max(lots.minimum, part - part % lots.step)
    first = replace(whole, ticket=replace(whole.ticket, quantity=min(part, whole.ticket.quantity)))
    (verdict,) = judged(journal, user_id, [first], ignore=ignore)
    return [verdict] if verdict.denial is not None else [verdict, sum_judged(journal, user_id, whole)]


# -------------------------------------------------------------------------------- targets
def _targets(account: BrokerAccount, wish: Wish) -> list[Candidate]:
    """The orders that lead to the targets; those that are reached already make none."""
    candidates = [candidate for _instrument, _step, candidate in target_steps(account, wish) if candidate is not None]
    if not candidates:
        raise Denied(Code.NOTHING_TO_TRADE, account=account.pk, legs=len(wish.targets))
    return candidates


def target_steps(account: BrokerAccount, wish: Wish) -> list[tuple[Instrument, Step, Candidate | None]]:
    """For each target the step that leads there and the leg it makes; None where there is nothing to order.

    Raises
    ------
    Invalid
        SYMBOL_UNKNOWN.
    Denied
        ASSET_UNKNOWN, QUOTE_UNKNOWN: a value cannot be turned into shares.
    """
    total = AssetSnapshot.objects.filter(pk=account.pk).values_list("total_asset", flat=True).first()
    day = account_clock(account).trade_date
    steps: list[tuple[Instrument, Step, Candidate | None]] = []
    for number, target in enumerate(wish.targets, 1):
        instrument = instrument_named(target.symbol)
        wanted = _wanted(target, instrument, total)
        step = step_towards(wanted, _holding(account, instrument.symbol), lots_of(instrument, day))
        candidate = None
        if step.quantity:
            ticket = Ticket.parse(
                symbol=instrument.symbol,
                side=str(step.side),
                quantity=step.quantity,
                price_type=target.price_type,
                price=target.price,
                client_order_id=None,
                strategy=wish.strategy,
            )
            candidate = Candidate.of(number, ticket, instrument, account, **step.note)
        steps.append((instrument, step, candidate))
    return steps


def _wanted(target: Target, instrument: Instrument, total_asset: Decimal | None) -> int:
    if target.quantity is not None:
        return target.quantity
    if target.weight is not None:
        if total_asset is None:
            raise Denied(Code.ASSET_UNKNOWN, symbol=instrument.symbol)
        value = target.weight * total_asset
    else:
        value = target.value or Decimal(0)
    if value == 0:
        return 0
    quote = newest_quote(instrument)
    age = None if quote is None else wall_now().timestamp() - quote.received_at / 1000
    if quote is None or age is None or age > QUOTE_FRESH.total_seconds() or not quote.last > 0:
        raise Denied(Code.QUOTE_UNKNOWN, symbol=instrument.symbol, age_seconds=None if age is None else round(age))
    return shares_for(value, Decimal(str(quote.last)))


def _holding(account: BrokerAccount, symbol: str) -> Holding:
    position = Position.objects.filter(account=account, symbol=symbol).first()
    working = Order.objects.filter(account=account, symbol=symbol, final_at__isnull=True)
    sides = {
        row["side"]: (row["asked"] or 0) - (row["done"] or 0)
        for row in working.values("side").annotate(asked=Sum("quantity"), done=Sum("traded_quantity"))
    }
    reserved = reserved_shares(account, symbol)
    sellable = 0 if position is None else position.confirmed_sellable - position.unconfirmed_sold - reserved
    return Holding(
        quantity=0 if position is None else position.quantity,
        sellable=max(0, sellable),
        buying=sides.get(Side.BUY, 0),
        selling=sides.get(Side.SELL, 0),
    )
