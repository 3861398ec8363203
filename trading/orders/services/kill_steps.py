"""Carrying a kill switch on, one account at a time, from what its row says. Every step may be repeated.

The halt itself raised the account's epoch: nothing queued before can be claimed any more. What was
claimed just before is at the broker or on its way (SUBMITTING, UNKNOWN); its cancel is stored now and
fires on the first evidence. So each pass wants gone what no pass before has seen, until nothing is open.
A cancel is wanted once; its own way repeats nothing on a timer.
"""

from __future__ import annotations

import logging
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.actors import actor_for_user
from accounts.choices import TradingState
from accounts.models import BrokerAccount
from marketdata.models import InstrumentDay
from ops.clocks import wall_now
from ops.errors import Code, Denied, DeskError
from qmt.codes import Board
from qmt.gateway import PriceType, Side
from qmt.rules import lot_rule
from trading.ledger.journal import DATABASE
from trading.ledger.models import Position
from trading.orders.choices import KillPhase, KillScope, Source, Status
from trading.orders.models import KillRun, KillTarget, Order
from trading.orders.services.cancel import cancel_as
from trading.orders.services.context import account_clock, newest_quote, reserved_shares
from trading.orders.services.submit import instrument_named, order_flatten
from trading.orders.services.ticket import Ticket
from trading.orders.subscriptions import SUBSCRIPTION_KEY
from trading.risk.services.states import person_state, platform_state

logger = logging.getLogger(__name__)

#: What stands against a sale only for now: asked again with every pass.
_FOR_NOW: Final = frozenset(
    {
        Code.SESSION_CLOSED,
        Code.MARKET_CLOCK_STALE,
        Code.TERMINAL_DOWN,
        Code.HOST_MAINTENANCE,
        Code.RECONCILING,
        Code.STALE_LIMITS,
        Code.TRADE_DATE_UNCLOSED,
        Code.AUTHORITY_CHANGED,
    }
)
_PERCENT: Final = Decimal(100)
NOT_SELLABLE = "NOT_SELLABLE_TODAY"
"""What is held was bought today, or is promised to an order that has not ended."""


def advance_host(host_name: str) -> int:
    """Carry on every unfinished target of a host's accounts; how many there were."""
    targets = KillTarget.objects.filter(finished_at__isnull=True, account__host__name=host_name)
    rows = list(targets.select_related("run__person", "run__started_by").order_by("run__started_at", "account_id"))
    for target in rows:
        try:
            advance(target)
        except Exception:
            # One account's trouble must not keep the others from being stopped; the next pass comes back to it.
            logger.exception("kill switch %s: account %s is not carried on", target.run_id, target.account_id)
    return len(rows)


def advance(target: KillTarget) -> None:
    """One pass over one account of a run."""
    account = BrokerAccount.objects.select_related("host__status").get(pk=target.account_id)
    if not is_halted(target.run, account):
        _finish(target, KillPhase.LIFTED)
        return
    if target.phase == KillPhase.CANCELLING:
        _cancel(target)
    if target.phase == KillPhase.FLATTENING:
        _sell(target, account)


def is_halted(run: KillRun, account: BrokerAccount) -> bool:
    """Whether what the run stopped is still stopped."""
    if run.scope == KillScope.PLATFORM:
        return platform_state().state == TradingState.HALTED
    if run.scope == KillScope.PERSON and run.person_id is not None:
        return person_state(run.person_id) == TradingState.HALTED
    return account.state == TradingState.HALTED


def concerned(run: KillRun, account_id: int) -> QuerySet[Order]:
    """The account's open orders that the run wants gone: its own sales are not among them, another run's are.

    Nor is a subscription that left: the exchange cancels none, and none takes money or brings shares today.
    """
    orders = Order.objects.filter(account=account_id, final_at__isnull=True)
    left = ~Q(status__in=(Status.QUEUED, Status.PENDING_APPROVAL))
    orders = orders.exclude(left, client_order_id__startswith=SUBSCRIPTION_KEY)
    orders = orders.exclude(source=Source.FLATTEN, client_order_id__startswith=sale_key(run))
    return orders.filter(created_by=run.person_id) if run.scope == KillScope.PERSON else orders


def sale_key(run: KillRun) -> str:
    """How the keys of a run's sales begin."""
    return f"kill:{run.pk.hex[:16]}:"


def _cancel(target: KillTarget) -> None:
    """Want every open order gone that nobody has wanted gone; on to the next phase when none works any more."""
    orders = concerned(target.run, target.account_id)
    unwanted = list(
        orders.filter(cancel_requested_at__isnull=True).order_by("submitted_at").values_list("pk", flat=True)
    )
    _note(target, list(orders.values_list("pk", flat=True)))
    if unwanted:
        run = target.run
        cancel_as(
            account_id=target.account_id, order_ids=unwanted, actor=actor_for_user(run.started_by), by=run.started_by
        )
    # An UNKNOWN order holds what it may sell as promised: the sales go round it and wait for nobody.
    if orders.exclude(status=Status.UNKNOWN).exists():
        return
    if target.run.flatten:
        target.phase = KillPhase.FLATTENING
        KillTarget.objects.filter(pk=target.pk, phase=KillPhase.CANCELLING).update(phase=target.phase)
    elif not orders.exists():
        _finish(target, KillPhase.DONE)


def _note(target: KillTarget, seen: list[UUID]) -> None:
    """Keep which orders the run wanted gone; another process may be noting too."""
    with transaction.atomic(using=DATABASE):
        stored = KillTarget.objects.select_for_update().get(pk=target.pk)
        new = [str(pk) for pk in seen if str(pk) not in stored.orders]
        if new:
            KillTarget.objects.filter(pk=target.pk).update(orders=[*stored.orders, *new])


def _sell(target: KillTarget, account: BrokerAccount) -> None:
    """Place the sales that can be placed; done when each holding has its orders or a lasting reason."""
    waits = False
    sales: dict[str, Any] = dict(target.sales)
    for position in Position.objects.filter(account=account, quantity__gt=0).order_by("symbol"):
        done = sales.get(position.symbol)
        if isinstance(done, list):
            continue
        try:
            sales[position.symbol] = _sell_one(target.run, account, position)
        except DeskError as refusal:
            sales[position.symbol] = str(refusal.code)
            waits = waits or refusal.code in _FOR_NOW
    if sales != target.sales:
        target.sales = sales
        KillTarget.objects.filter(pk=target.pk).update(sales=sales)
    if not waits and not concerned(target.run, account.pk).exists():
        _finish(target, KillPhase.DONE)


def _sell_one(run: KillRun, account: BrokerAccount, position: Position) -> list[str] | str:
    """Orders for everything that may be sold of one holding, each as large as the exchange takes.

    Orders that an earlier pass placed before it was interrupted are found again by their keys.
    """
    key = f"{sale_key(run)}{position.symbol}"
    sales = Order.objects.filter(account=account, source=Source.FLATTEN, client_order_id__startswith=f"{key}:")
    placed = sales.order_by("submitted_at")
    orders = [str(pk) for pk in placed.values_list("pk", flat=True)]
    left = position.confirmed_sellable - position.unconfirmed_sold - reserved_shares(account, position.symbol)
    if left <= 0:
        return orders or NOT_SELLABLE
    instrument = instrument_named(position.symbol)
    rule = lot_rule(Board(instrument.board), account_clock(account).trade_date)
    price = _price(run, account, position.symbol)
    stated = instrument.max_market_quantity if price is None else instrument.max_limit_quantity
    ruled = 0 if rule is None else (rule.market_most if price is None else rule.limit_most)
    most = min(figure for figure in (stated, ruled, left) if figure)
    while left > 0:
        quantity = min(left, most)
        ticket = Ticket(
            symbol=position.symbol,
            side=Side.SELL,
            quantity=quantity,
            price_type=PriceType.LATEST if price is None else PriceType.LIMIT,
            price=price,
            client_order_id=f"{key}:{len(orders)}",
        )
        orders.append(
            str(order_flatten(user=run.started_by, account=account, ticket=ticket, stands=partial(is_halted, run)).pk)
        )
        left -= quantity
    return orders


def _price(run: KillRun, account: BrokerAccount, symbol: str) -> Decimal | None:
    """The lowest price the run sells at, on the tick and not below limit-down; None for the latest price."""
    if run.max_below_percent is None:
        return None
    instrument = instrument_named(symbol)
    day = InstrumentDay.objects.filter(instrument=instrument, trade_date=account_clock(account).trade_date).first()
    if day is None:
        raise Denied(Code.STALE_LIMITS, symbol=symbol)
    quote = newest_quote(instrument)
    last = Decimal(str(round(quote.last, 4))) if quote is not None and quote.last > 0 else day.pre_close
    wanted = last * (_PERCENT - run.max_below_percent) / _PERCENT
    price = (wanted / instrument.tick).to_integral_value(rounding=ROUND_CEILING) * instrument.tick
    return max(price, day.limit_down) if day.limit_down is not None else price


def _finish(target: KillTarget, phase: KillPhase) -> None:
    now = wall_now()
    target.phase, target.finished_at = phase, now
    KillTarget.objects.filter(pk=target.pk, finished_at__isnull=True).update(phase=phase, finished_at=now)
    if not KillTarget.objects.filter(run=target.run_id, finished_at__isnull=True).exists():
        KillRun.objects.filter(pk=target.run_id, finished_at__isnull=True).update(finished_at=now)
    logger.info("kill switch %s: account %s %s", target.run_id, target.account_id, phase)
