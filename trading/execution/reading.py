"""From rows to facts: what an execution's children have come to, and how the market stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from uuid import UUID

from django.db.models.functions import Now

from accounts.choices import SessionState, TradingState
from accounts.models import BrokerAccount, User
from accounts.selectors import host_status, may_trade
from accounts.tokens import token_is_usable, token_user
from marketdata.models import Instrument, InstrumentDay
from ops.clocks import MarketClock, wall_now
from ops.errors import Code
from qmt.calendar import Phase, accepts_orders
from qmt.codes import Board
from qmt.codes import Kind as InstrumentKind
from qmt.gateway import PriceType
from qmt.pricetypes import is_market
from qmt.rules import lot_rule
from trading.execution.choices import Kind, State
from trading.execution.facts import ChildFacts, Facts, LegFacts, Lots, Replaced
from trading.execution.models import Child, Execution, ExecutionApproval, Leg
from trading.ledger.fees import cash_for_buy
from trading.ledger.fields import ZERO
from trading.ledger.models import AccountBook, AssetSnapshot
from trading.orders.choices import Side, Status
from trading.orders.models import Order
from trading.orders.services.context import account_clock
from trading.orders.states import TERMINAL

_CLOSE = time(15, 0)
#: Ends that say more than "it ended".
_TELLING = frozenset({Status.REJECTED, Status.NOT_FOUND, Status.DONE_FOR_DAY})


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at an execution.

    Attributes
    ----------
    orders
        The orders of its children by (leg, child) number.
    traded
        Shares and CNY that each leg's fills come to.
    """

    execution: Execution
    facts: Facts
    children: Mapping[tuple[int, int], Child]
    orders: Mapping[tuple[int, int], Order]
    traded: Mapping[int, tuple[int, Decimal]]


def read(execution_id: UUID) -> Reading:
    """Look at one execution: its rows, its orders, its account, its market."""
    rows = Execution.objects.select_related("account__host__status", "created_by", "token__user", "replaced")
    execution = rows.get(pk=execution_id)
    legs = list(execution.legs.order_by("number"))
    children = _children(legs)
    orders = _orders(execution, children)
    account = execution.account
    clock = account_clock(account)
    instruments = Instrument.objects.in_bulk([leg.instrument_id for leg in legs])
    book = AccountBook.objects.filter(pk=account.pk).first() or AccountBook(account=account)
    asset = AssetSnapshot.objects.filter(pk=account.pk).first()
    waiting = _affordable(execution, legs, children, instruments, clock, book, asset)
    facts = Facts(
        kind=Kind(execution.kind),
        state=State(execution.state),
        ending=execution.ending,
        legs=tuple(
            _leg(leg, instruments[leg.instrument_id], execution, children, orders, affordable=waiting.get(leg.pk, True))
            for leg in legs
        ),
        now=wall_now(),
        market_time=clock.market_time,
        trade_date=execution.trade_date,
        takes_orders=_takes_orders(execution, account, clock, legs),
        day_over=_day_over(execution, clock),
        proceeds_confirmed=_proceeds_confirmed(asset, legs, orders),
        barred=_barred(execution, account),
        authority_changed=account.epoch != execution.epoch,
        child_quantity=execution.child_quantity,
        slices=execution.slices,
        starts_at=execution.starts_at,
        ends_at=execution.ends_at,
        resumed_at=execution.resumed_at,
        replaced=None if execution.replaced is None else _replaced(execution.replaced),
        approval_over=_approval_over(execution),
    )
    return Reading(execution, facts, children, orders, _traded(legs, orders))


def _approval_over(execution: Execution) -> bool:
    if execution.state != State.PENDING_APPROVAL:
        return False
    return ExecutionApproval.objects.filter(pk=execution.pk, expires_at__lte=Now()).exists()


def acting_user(execution: Execution) -> User:
    """In whose name children are placed: limited to the token's accounts where a token asked."""
    return execution.created_by if execution.token is None else token_user(execution.token)


def _children(legs: Iterable[Leg]) -> dict[tuple[int, int], Child]:
    rows = Child.objects.filter(leg__in=[leg.pk for leg in legs], void=False).select_related("leg", "order")
    return {(child.leg.number, child.number): child for child in rows.order_by("leg_id", "number")}


def _orders(execution: Execution, children: Mapping[tuple[int, int], Child]) -> dict[tuple[int, int], Order]:
    """Each child's order: the one it names, or the one that was placed under its key before a crash."""
    found = {place: child.order for place, child in children.items() if child.order is not None}
    keys = {child.key: place for place, child in children.items() if place not in found}
    if keys:
        placed = Order.objects.filter(account=execution.account, client_order_id__in=list(keys))
        found |= {keys[str(order.client_order_id)]: order for order in placed}
    return found


def _leg(
    leg: Leg,
    instrument: Instrument,
    execution: Execution,
    children: Mapping[tuple[int, int], Child],
    orders: Mapping[tuple[int, int], Order],
    *,
    affordable: bool,
) -> LegFacts:
    rule = lot_rule(Board(instrument.board), execution.trade_date)
    return LegFacts(
        number=leg.number,
        is_buy=leg.side == Side.BUY,
        quantity=leg.quantity,
        lots=Lots(1, 1) if rule is None else Lots(rule.minimum, rule.step),
        children=tuple(_child(child, orders.get(place)) for place, child in children.items() if place[0] == leg.number),
        ended=leg.ended,
        affordable=affordable,
    )


def _child(child: Child, order: Order | None) -> ChildFacts:
    if order is None:
        return ChildFacts(number=child.number, quantity=child.quantity)
    ended = order.status in TERMINAL
    return ChildFacts(
        number=child.number,
        quantity=child.quantity,
        placed=True,
        open=not ended,
        taken=taken(order) if ended else 0,
        cancel_wanted=order.cancel_requested_at is not None,
        by_person=order.cancel_requested_by_id is not None,
        code=order.deny_code or (str(order.status) if order.status in _TELLING else ""),
        ended_at=order.final_at if ended else None,
        unproven=order.status == Status.NOT_FOUND,
    )


def taken(order: Order) -> int:
    """What an ended order counts for: its fills, or more where the broker states more; all of it while unproven."""
    if order.status == Status.NOT_FOUND:
        return order.quantity
    return max(order.traded_quantity, order.broker_traded_quantity)


def _replaced(order: Order) -> Replaced:
    return Replaced(
        open=order.status not in TERMINAL,
        taken=taken(order),
        cancel_wanted=order.cancel_requested_at is not None,
        lost=order.status == Status.NOT_FOUND,
        ended_at=order.final_at,
    )


def _traded(legs: Iterable[Leg], orders: Mapping[tuple[int, int], Order]) -> dict[int, tuple[int, Decimal]]:
    return {
        leg.number: (
            sum(order.traded_quantity for place, order in orders.items() if place[0] == leg.number),
            sum((order.traded_amount for place, order in orders.items() if place[0] == leg.number), ZERO),
        )
        for leg in legs
    }


def _takes_orders(execution: Execution, account: BrokerAccount, clock: MarketClock, legs: Iterable[Leg]) -> bool:
    status = host_status(account.host)
    if clock.stale or status is None or status.session_state != SessionState.READY:
        return False
    if clock.trade_date != execution.trade_date or not accepts_orders(clock.phase):
        return False
    continuous_only = execution.kind == Kind.TWAP or any(is_market(PriceType(leg.price_type)) for leg in legs)
    return clock.phase is Phase.CONTINUOUS or not continuous_only


def _day_over(execution: Execution, clock: MarketClock) -> bool:
    if clock.stale:
        return False
    if clock.trade_date != execution.trade_date:
        return clock.trade_date > execution.trade_date
    closed = clock.phase in (Phase.AFTER_HOURS, Phase.CLOSED)
    return closed and clock.market_time.date() >= execution.trade_date and clock.market_time.time() >= _CLOSE


def _barred(execution: Execution, account: BrokerAccount) -> str:
    if execution.by_token and (execution.token is None or not token_is_usable(execution.token, wall_now())):
        return Code.TOKEN_ENDED
    if not may_trade(acting_user(execution), account):
        return Code.TRADE_NOT_GRANTED
    return Code.ACCOUNT_HALTED if account.state == TradingState.HALTED else ""


def _proceeds_confirmed(
    asset: AssetSnapshot | None, legs: Iterable[Leg], orders: Mapping[tuple[int, int], Order]
) -> bool:
    """Whether the broker's money figure was asked for after the last sale ended."""
    sales = {leg.number for leg in legs if leg.side == Side.SELL}
    ends = [order.final_at for place, order in orders.items() if place[0] in sales and order.final_at is not None]
    if not ends:
        return True
    return asset is not None and asset.query_started_at is not None and asset.query_started_at > max(ends)


def _affordable(
    execution: Execution,
    legs: Iterable[Leg],
    children: Mapping[tuple[int, int], Child],
    instruments: Mapping[int, Instrument],
    clock: MarketClock,
    book: AccountBook,
    asset: AssetSnapshot | None,
) -> dict[int, bool]:
    """For each buy of a basket that waits: whether the money is there, those before it served first.

    Only a reason to wait; whether an order may be placed is decided when it is placed.
    """
    if execution.kind not in (Kind.BASKET, Kind.TARGET):
        return {}
    begun = {place[0] for place in children}
    buys = [leg for leg in legs if leg.side == Side.BUY and not leg.ended and leg.number not in begun]
    if not buys or asset is None:
        return {leg.pk: False for leg in buys}
    days = InstrumentDay.objects.filter(trade_date=clock.trade_date).in_bulk([leg.instrument_id for leg in buys])
    free = asset.confirmed_cash - book.promised_cash
    affordable = {}
    for leg in buys:
        day = days.get(leg.instrument_id)
        price = leg.price if leg.price is not None else None if day is None else day.limit_up
        if price is None:
            affordable[leg.pk] = True  # nothing to wait for: the check will say why
            continue
        needed = cash_for_buy(
            account=execution.account,
            kind=InstrumentKind(instruments[leg.instrument_id].kind),
            price=price,
            quantity=leg.quantity,
            day=clock.trade_date,
        )
        affordable[leg.pk] = needed <= free
        free -= needed if affordable[leg.pk] else ZERO
    return affordable
