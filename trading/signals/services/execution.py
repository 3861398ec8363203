"""Carrying out signals: from rows, safe to repeat, one signal after the other.

A step looks at what a signal's orders have come to and does the next thing: place, wait, cancel, quote the remainder anew, or end
it. Every order's key follows from signal and attempt, so a crash between any two statements costs nothing but time. Orders go
through `trading.execution.automatic` in the name of the plan's owner, whose right is asked anew for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from marketdata.models import Instrument, InstrumentDay
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from ops.clocks import MarketClock, wall_now
from ops.errors import Code, Denied, DeskError
from qmt.calendar import accepts_cancels
from qmt.codes import Board
from qmt.rules import lot_rule
from trading.execution.automatic import Outcome, automatic_key, automatic_submit
from trading.execution.reading import taken
from trading.ledger.models import Position
from trading.ledger.wire import plain
from trading.orders.choices import Side, Source, Status
from trading.orders.models import Approval, Order
from trading.orders.services import cancel_as
from trading.orders.services.context import account_clock
from trading.orders.states import TERMINAL
from trading.signals.choices import SignalKind, SignalState
from trading.signals.market import (
    LiveQuote,
    Quotes,
    day_is_over,
    is_at_limit,
    is_trading,
    trading_seconds,
    within_limits,
)
from trading.signals.models import Signal
from trading.signals.services.detections import signal_change
from trading.signals.terms import DEFAULT, ExitTerms

ENGINE: Final = Actor.system("signals")
#: After a cancel a fill may still come; the remainder is counted after it.
SETTLE: Final = timedelta(seconds=2)
#: A cancel that the broker has not confirmed after this long is told.
CANCEL_LATE: Final = timedelta(seconds=60)
_QUIET: Final = frozenset({Code.SIGNAL_REPEATED, Code.ORDER_IN_FLIGHT, Code.AUTO_TRADING_OFF})
_ENDED_BY_PEOPLE: Final = frozenset({Code.CHILD_CANCELLED, Code.SIGNAL_OVERTAKEN})


@dataclass(frozen=True, slots=True)
class _Scene:
    """What one step looks at."""

    signal: Signal
    terms: ExitTerms
    clock: MarketClock
    quote: LiveQuote | None
    orders: Sequence[Order]

    @property
    def last(self) -> Order:
        return self.orders[-1]

    @property
    def remaining(self) -> int:
        return self.signal.quantity - sum(taken(order) for order in self.orders if order.status in TERMINAL)


def signal_step(signal: Signal, quotes: Quotes) -> bool:
    """Take one live signal one step further.

    Parameters
    ----------
    signal
        Loaded with ``account__host__status``, ``account__host__fed_from`` and ``plan_version``.

    Returns
    -------
    bool
        Whether anything was placed, cancelled or changed.
    """
    scene = _scene(signal, quotes)
    if not scene.orders:
        return _begin(scene)
    changed = _note_progress(scene)
    if scene.last.status not in TERMINAL:
        return _watch_over(scene) or changed
    return _carry_on(scene) or changed


def _scene(signal: Signal, quotes: Quotes) -> _Scene:
    account = signal.account
    host = account.host.fed_from or account.host
    return _Scene(
        signal=signal,
        terms=DEFAULT if signal.plan_version is None else ExitTerms.stored(signal.plan_version.terms),
        clock=account_clock(account),
        quote=quotes.newest(host.name, signal.symbol, signal.instrument_id),
        orders=_orders(signal),
    )


def _orders(signal: Signal) -> list[Order]:
    """The signal's orders by attempt; one more than it knows of may have been placed before a crash."""
    keys = [automatic_key(signal.lane, attempt) for attempt in range(1, signal.attempts + 2)]
    found = {
        order.client_order_id: order
        for order in Order.objects.filter(account=signal.account_id, client_order_id__in=keys)
    }
    return [found[key] for key in keys if key in found]


# ------------------------------------------------------------------------------ the first
def _begin(scene: _Scene) -> bool:
    """Validate and place the first order, or keep the reason why not."""
    signal = scene.signal
    if wall_now() > signal.expires_at:
        code = signal.code or Code.SIGNAL_EXPIRED
        return _end(scene, SignalState.EXPIRED, Denied(Code(code), signal.message))
    try:
        price = _validated(scene)
    except DeskError as refusal:
        return _end(scene, SignalState.REFUSED, refusal)
    if price is None:
        return False
    outcome = _place(scene, 1, signal.quantity, price)
    if outcome.code == Code.ORDER_IN_FLIGHT and _overtake(scene, outcome):
        return True
    if outcome.refused:
        return _end(scene, SignalState.REFUSED, Denied(Code(outcome.code), outcome.message))
    return signal_change(signal, state=SignalState.WORKING, attempts=1, executed_at=wall_now(), code="", message="")


def _validated(scene: _Scene) -> Decimal | None:
    """The price to quote at; None while there is no fresh quote: the signal's age ends that.

    Raises
    ------
    DeskError
        Why the signal is not carried out.
    """
    signal, quote = scene.signal, scene.quote
    since = wall_now() - timedelta(seconds=scene.terms.repeat_seconds)
    twins = Signal.objects.filter(account=signal.account_id, symbol=signal.symbol, kind=signal.kind)
    if twins.exclude(pk=signal.pk).filter(executed_at__gt=since).exists():
        raise Denied(
            Code.SIGNAL_REPEATED, symbol=signal.symbol, kind=str(signal.kind), seconds=scene.terms.repeat_seconds
        )
    day = InstrumentDay.objects.filter(instrument=signal.instrument_id, trade_date=scene.clock.trade_date).first()
    if day is None:
        raise Denied(Code.STALE_LIMITS, symbol=signal.symbol, trade_date=scene.clock.trade_date.isoformat())
    if day.suspended:
        raise Denied(Code.SYMBOL_SUSPENDED, symbol=signal.symbol, trade_date=day.trade_date.isoformat())
    if quote is None or not quote.is_fresh(scene.clock):
        return None
    drift = abs(quote.last - signal.price) / signal.price
    if drift > scene.terms.max_drift:
        raise Denied(
            Code.PRICE_DRIFTED, detected=plain(signal.price), price=plain(quote.last), most=plain(scene.terms.max_drift)
        )
    if is_at_limit(signal.side, quote.last, day):
        raise Denied(Code.PRICE_AT_LIMIT, symbol=signal.symbol, side=str(signal.side), price=plain(quote.last))
    if signal.side == Side.SELL and (sellable := sellable_now(signal)) < signal.quantity:
        raise Denied(Code.SELLABLE_INSUFFICIENT, symbol=signal.symbol, quantity=signal.quantity, sellable=sellable)
    return within_limits(quote.opposite(signal.side), day)


def sellable_now(signal: Signal) -> int:
    """Shares of the signal's instrument that may be sold: T+1 is in the broker's figure, promises of ours are taken off."""
    position = Position.objects.filter(account=signal.account_id, symbol=signal.symbol).first()
    if position is None:
        return 0
    promised = Order.objects.filter(account=signal.account_id, symbol=signal.symbol, reserved_quantity__gt=0)
    total = promised.aggregate(total=Sum("reserved_quantity"))["total"] or 0
    return max(0, position.confirmed_sellable - position.unconfirmed_sold - total)


def _overtake(scene: _Scene, outcome: Outcome) -> bool:
    """Have a less urgent signal's order on this side cancelled; ours waits for its end as long as it may wait at all."""
    signal = scene.signal
    others = Signal.objects.filter(
        account=signal.account_id,
        symbol=signal.symbol,
        side=signal.side,
        state=SignalState.WORKING,
        priority__gt=signal.priority,
    )
    other = others.first()
    if other is None:
        # Overtaken already, or an order that is no signal's: wait for the one, yield to the other.
        waits = Signal.objects.filter(account=signal.account_id, symbol=signal.symbol, state=SignalState.WORKING)
        return waits.filter(priority__gt=signal.priority, code=Code.SIGNAL_OVERTAKEN).exists()
    standing = [order.pk for order in _orders(other) if order.status not in TERMINAL]
    cancel_as(account_id=signal.account_id, order_ids=standing, actor=ENGINE)
    signal_change(other, code=Code.SIGNAL_OVERTAKEN)
    return signal_change(signal, code=Code.ORDER_IN_FLIGHT, message=outcome.message[:400])


# -------------------------------------------------------------------------- the next ones
def _note_progress(scene: _Scene) -> bool:
    """Bring the row up to what its orders have come to."""
    signal = scene.signal
    changes: dict[str, Any] = {
        "attempts": len(scene.orders),
        "traded_quantity": sum(order.traded_quantity for order in scene.orders),
        "traded_amount": sum((order.traded_amount for order in scene.orders), Decimal(0)),
    }
    if signal.state == SignalState.DETECTED:
        changes |= {"state": SignalState.WORKING, "executed_at": scene.orders[0].submitted_at}
    differs = any(getattr(signal, name) != value for name, value in changes.items())
    return differs and signal_change(signal, **changes)


def _watch_over(scene: _Scene) -> bool:
    """An order stands: cancel it once it has stood long enough since its report."""
    order, now = scene.last, wall_now()
    if order.cancel_requested_at is not None:
        if now - order.cancel_requested_at > CANCEL_LATE and accepts_cancels(scene.clock.phase):
            _alarm(scene, _("its cancel is not confirmed"), order.status)
        return False
    if order.reported_at is None or not accepts_cancels(scene.clock.phase) or scene.clock.stale:
        return False
    limit = scene.terms.order_timeout_seconds
    if scene.signal.kind == SignalKind.STOP_LOSS:
        limit = scene.terms.stop_loss_timeout_seconds
    if trading_seconds(order.reported_at, scene.clock, now) < limit:
        return False
    cancel_as(account_id=order.account_id, order_ids=[order.pk], actor=ENGINE)
    return True


def _carry_on(scene: _Scene) -> bool:
    """The last order has ended: end the signal, or quote what is left anew."""
    order, signal = scene.last, scene.signal
    if order.status == Status.NOT_FOUND:
        # It may be at the broker after all: nothing is placed in its stead.
        return _end(scene, SignalState.INCOMPLETE, Denied(Code.ORDER_NOT_FOUND, order=str(order.pk)))
    if scene.remaining <= 0:
        return _end(scene, SignalState.DONE, None)
    if reason := _reason_to_stop(scene):
        return _end(scene, SignalState.INCOMPLETE, reason)
    if order.final_at is not None and wall_now() - order.final_at < SETTLE and order.status != Status.FILLED:
        return False
    price = _price_again(scene)
    if price is None:
        return False
    attempt = len(scene.orders) + 1
    outcome = _place(scene, attempt, scene.remaining, price)
    if outcome.refused:
        return _end(scene, SignalState.INCOMPLETE, Denied(Code(outcome.code), outcome.message))
    return signal_change(signal, attempts=attempt)


def _reason_to_stop(scene: _Scene) -> DeskError | None:
    order, signal = scene.last, scene.signal
    facts: dict[str, Any] = {"remaining": scene.remaining, "order": str(order.pk)}
    if signal.code == Code.SIGNAL_OVERTAKEN:
        return Denied(Code.SIGNAL_OVERTAKEN, **facts)
    if order.cancel_requested_by_id is not None:
        return Denied(Code.CHILD_CANCELLED, **facts)
    if order.status == Status.DENIED:
        return Denied(Code(order.deny_code), order.message)
    if order.status == Status.EXPIRED and Approval.objects.filter(pk=order.pk).exists():
        return Denied(Code.APPROVAL_EXPIRED, **facts)
    if order.trade_date != scene.clock.trade_date or day_is_over(scene.clock):
        return Denied(Code.DEADLINE_PASSED, **facts)
    quoted_anew = sum(1 for earlier in scene.orders if earlier.status != Status.FILLED) - 1
    if quoted_anew >= scene.terms.max_requotes:
        return Denied(Code.REQUOTES_USED_UP, **facts, requotes=quoted_anew)
    return None


def _price_again(scene: _Scene) -> Decimal | None:
    """The best opposite price within the limits; None while nobody trades or nobody is there to trade with."""
    quote, signal = scene.quote, scene.signal
    if not is_trading(scene.clock) or quote is None or not quote.is_fresh(scene.clock):
        return None
    day = InstrumentDay.objects.filter(instrument=signal.instrument_id, trade_date=scene.clock.trade_date).first()
    if day is None or day.suspended or is_at_limit(signal.side, quote.last, day):
        return None
    return within_limits(quote.opposite(signal.side), day)


# ---------------------------------------------------------------------------------- both
def _place(scene: _Scene, attempt: int, quantity: int, price: Decimal) -> Outcome:
    signal = scene.signal
    return automatic_submit(
        authority=signal.authority,
        account_id=signal.account_id,
        lane=signal.lane,
        attempt=attempt,
        source=Source.SIGNAL,
        symbol=signal.symbol,
        side=signal.side,
        quantity=min(quantity, _largest_order(signal, scene.clock)),
        price=price,
        strategy=signal.strategy,
        alone_on_side=True,
    )


def _largest_order(signal: Signal, clock: MarketClock) -> int:
    """The most shares of one limit order; more goes in several, one after the other."""
    board = Instrument.objects.values_list("board", flat=True).get(pk=signal.instrument_id)
    rule = lot_rule(Board(board), clock.trade_date)
    return signal.quantity if rule is None else rule.limit_most


def _end(scene: _Scene, state: SignalState, reason: DeskError | None) -> bool:
    """End the signal; what went wrong is kept, and told where nobody asked for it."""
    signal = scene.signal
    code = "" if reason is None else str(reason.code)
    message = "" if reason is None else reason.message[:400]
    if not signal_change(signal, state=state, code=code, message=message, final_at=wall_now()):
        return False
    urgent = signal.kind == SignalKind.STOP_LOSS
    failed = state == SignalState.INCOMPLETE and code not in _ENDED_BY_PEOPLE
    left = state == SignalState.EXPIRED or (state == SignalState.REFUSED and code not in _QUIET)
    if failed or (left and urgent):
        _alarm(scene, SignalState(state).label, code)
    return True


def _alarm(scene: _Scene, what: str | Promise, code: str) -> None:
    signal = scene.signal
    alert_raise(
        AlertKind.SIGNAL_FAILED,
        Severity.CRITICAL if signal.kind == SignalKind.STOP_LOSS else Severity.WARNING,
        format_lazy(
            _("{kind} of {symbol} on {account}: {what}"),
            kind=SignalKind(signal.kind).label,
            symbol=signal.symbol,
            account=signal.account.name,
            what=what,
        ),
        {
            "symbol": signal.symbol,
            "quantity": signal.quantity,
            "traded": signal.traded_quantity,
            "reason": code,
            "signal": signal.pk,
        },
        dedup_key=f"signals.failed:{signal.account_id}:{signal.symbol}:{signal.kind}",
        account_id=signal.account_id,
    )
