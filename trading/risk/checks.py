"""Pre-trade checks: the refusals of ours, each with a code, its facts and what would be allowed.

Pure functions of a `CheckContext`; the first refusal decides. The checks run from the
account over host, session and instrument to the order itself, so that a person learns the
most general reason first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from accounts.choices import SessionState, TradingState
from accounts.maintenance import under_maintenance
from ops.errors import Code, Denied
from qmt.calendar import Phase, accepts_orders
from qmt.codes import Board, Kind
from qmt.gateway import PriceType
from qmt.pricetypes import is_market
from qmt.rules import LotRow, QuantityFault, lot_rule, quantity_fault
from trading.ledger.fees import cash_for_buy
from trading.ledger.wire import money, plain
from trading.risk.catalogue import limit_denials
from trading.risk.context import CheckContext, Reservation
from trading.risk.kinds import account_type_is_built, price_type_is_taken, protection_is_right
from trading.risk.rules.prices import price_is_within_cage
from trading.risk.sizes import largest_quantity
from trading.risk.venues import venue_refusal

Check = Callable[[CheckContext], Denied | None]

#: When orders are taken again (Shanghai time), for the refusals of a closed session.
_OPENS_AT: Final = {
    Phase.CLOSED: "09:15",
    Phase.PRE_OPEN: "09:30",
    Phase.LUNCH: "13:00",
    Phase.AFTER_HOURS: "09:15",
}


def pre_trade(context: CheckContext) -> Reservation:
    """Judge one order.

    Returns
    -------
    Reservation
        What accepting it takes aside.

    Raises
    ------
    Denied
        The first check that refuses, with its facts.
    """
    for denial in denials(context):
        raise denial
    return reservation_of(context)


def reservation_of(context: CheckContext) -> Reservation:
    """What the order takes aside if it is accepted."""
    if context.is_buy:
        return Reservation(cash=_cash_needed(context, context.quantity))
    return Reservation(quantity=context.quantity)


def denials(context: CheckContext) -> Iterator[Denied]:
    """Every refusal, in the order of the checks; a check may rely on those before it.

    The market's rules and the account's means come first, then the configurable limits.
    """
    for check in CHECKS:
        denial = check(context)
        if denial is not None:
            yield denial
    yield from limit_denials(context)


# ------------------------------------------------------------------- account and host
def account_may_trade(context: CheckContext) -> Denied | None:
    """The account is switched on, at a terminal that its mode fits, and its trading state lets the order pass."""
    account = context.account
    facts: dict[str, Any] = {"account": account.pk}
    if not account.enabled:
        return Denied(Code.ACCOUNT_DISABLED, **facts)
    venue = venue_refusal(account, account.host, simulated=account.host.is_simulated, live_allowed=context.live_allowed)
    if venue is not None:
        return venue
    return _state_refusal(context, TradingState(account.state), Code.ACCOUNT_HALTED, Code.ACCOUNT_REDUCING, facts)


def platform_may_trade(context: CheckContext) -> Denied | None:
    """The platform's trading state lets the order pass."""
    if context.facts is None:
        return None
    return _state_refusal(context, context.facts.platform_state, Code.PLATFORM_HALTED, Code.PLATFORM_REDUCING, {})


def person_may_trade(context: CheckContext) -> Denied | None:
    """The person's trading state lets the order pass."""
    if context.facts is None:
        return None
    return _state_refusal(context, context.facts.user_state, Code.PERSON_HALTED, Code.PERSON_REDUCING, {})


def _state_refusal(
    context: CheckContext, state: TradingState, halted: Code, reducing: Code, facts: dict[str, Any]
) -> Denied | None:
    """What a trading state says to this order; nothing to one that carries out the kill switch itself."""
    if context.flattening:
        return None
    if state == TradingState.HALTED:
        return Denied(halted, **facts)
    if state == TradingState.REDUCING and context.is_buy:
        return Denied(reducing, **facts, side=str(context.side), allowed="SELL")
    return None


def host_is_ready(context: CheckContext) -> Denied | None:
    """The account's own session at its terminal is READY; a terminal's daily maintenance is told from a fault."""
    facts: dict[str, Any] = {
        "host": context.account.host.name,
        "session": str(context.session_state),
    }
    if not context.account.host.enabled:
        return Denied(Code.TERMINAL_DOWN, **facts, enabled=False)
    if until := under_maintenance(context.account.host):
        return Denied(Code.HOST_MAINTENANCE, **facts, until=until)
    if context.session_state == SessionState.READY:
        return None
    if context.session_state == SessionState.RECONCILING:
        return Denied(Code.RECONCILING, **facts)
    return Denied(Code.TERMINAL_DOWN, **facts)


def session_is_open(context: CheckContext) -> Denied | None:
    """The exchange takes orders in this phase, by a market clock that is fresh enough to be believed."""
    clock = context.clock
    if clock.stale:
        return Denied(Code.MARKET_CLOCK_STALE, host=clock.host, observed_at=clock.observed_at.isoformat())
    if accepts_orders(clock.phase):
        return None
    return Denied(
        Code.SESSION_CLOSED,
        phase=str(clock.phase),
        market_time=clock.market_time.strftime("%Y-%m-%d %H:%M:%S"),
        opens_at=_OPENS_AT.get(clock.phase),
    )


def trade_date_is_open(context: CheckContext) -> Denied | None:
    """The account's last trade date was closed, and today's was not: the terminal answers about today only."""
    today, book = context.clock.trade_date, context.book
    if book.open_trade_date is not None and book.open_trade_date < today:
        return Denied(
            Code.TRADE_DATE_UNCLOSED,
            unclosed=book.open_trade_date.isoformat(),
            trade_date=today.isoformat(),
        )
    if book.closed_trade_date is not None and book.closed_trade_date >= today:
        return Denied(
            Code.TRADE_DATE_CLOSED,
            closed=book.closed_trade_date.isoformat(),
            trade_date=today.isoformat(),
        )
    return None


# ------------------------------------------------------------------------- instrument
def instrument_is_tradable(context: CheckContext) -> Denied | None:
    """There are rules for its board, and no difference with the broker's books restricts it."""
    instrument = context.instrument
    tradable = instrument.tradable and lot_rule(Board(instrument.board), context.clock.trade_date)
    if not tradable:
        return Denied(Code.SYMBOL_NOT_TRADABLE, symbol=instrument.symbol, kind=str(instrument.kind))
    reason = context.book.restricted.get(instrument.symbol)
    if reason is not None:
        return Denied(Code.INSTRUMENT_RESTRICTED, symbol=instrument.symbol, reason=str(reason))
    return None


def day_facts_are_todays(context: CheckContext) -> Denied | None:
    """Limits and suspension are those of today: yesterday's limits would let a wrong price pass."""
    today = context.clock.trade_date
    if context.day is None or context.day.trade_date != today:
        return Denied(Code.STALE_LIMITS, symbol=context.instrument.symbol, trade_date=today.isoformat())
    if context.day.suspended:
        return Denied(Code.SYMBOL_SUSPENDED, symbol=context.instrument.symbol, trade_date=today.isoformat())
    return None


# ------------------------------------------------------------------------------ price
def price_is_on_tick(context: CheckContext) -> Denied | None:
    """The price is a multiple of the instrument's tick."""
    price, tick = context.price, context.instrument.tick
    if price is None or price % tick == 0:
        return None
    below = (price / tick).to_integral_value(rounding=ROUND_FLOOR) * tick
    return Denied(
        Code.PRICE_OFF_TICK,
        price=plain(price),
        tick=plain(tick),
        below=plain(below),
        above=plain(below + tick),
    )


def price_is_within_limits(context: CheckContext) -> Denied | None:
    """The price is within the day's limits (涨跌停), where the day has any."""
    price, day = context.price, context.day
    if price is None or day is None:
        return None
    if day.limit_up is not None and price > day.limit_up:
        return Denied(Code.PRICE_ABOVE_LIMIT_UP, price=plain(price), limit_up=plain(day.limit_up))
    if day.limit_down is not None and price < day.limit_down:
        return Denied(Code.PRICE_BELOW_LIMIT_DOWN, price=plain(price), limit_down=plain(day.limit_down))
    return None


def price_is_bounded(context: CheckContext) -> Denied | None:
    """A buy at the market's price needs a limit-up: there is nothing else to reserve by."""
    if not context.is_buy or context.worst_price is not None:
        return None
    return Denied(
        Code.PRICE_UNBOUNDED,
        symbol=context.instrument.symbol,
        price_type=str(context.price_type),
        allowed=str(PriceType.LIMIT),
    )


# --------------------------------------------------------------------------- quantity
def quantity_fits_the_lot(context: CheckContext) -> Denied | None:
    """The quantity is what the board takes: least, step, most, and an odd remainder only as a whole (零股)."""
    board, today = Board(context.instrument.board), context.clock.trade_date
    rule = lot_rule(board, today)
    if rule is None:
        return None  # refused as not tradable before
    fault = quantity_fault(
        board=board,
        side=context.side,
        quantity=context.quantity,
        day=today,
        sellable=context.available_quantity,
        is_market=is_market(context.price_type),
    )
    if fault is None:
        return _above_terminals_maximum(context)
    return _quantity_denial(context, rule, fault)


def _quantity_denial(context: CheckContext, rule: LotRow, fault: QuantityFault) -> Denied:
    quantity = context.quantity
    if fault is QuantityFault.ABOVE_MAXIMUM:
        maximum = rule.market_most if is_market(context.price_type) else rule.limit_most
        return Denied(Code.QUANTITY_ABOVE_MAXIMUM, quantity=quantity, maximum=maximum)
    if fault is QuantityFault.NOT_A_MULTIPLE:
        below = quantity - quantity % rule.step
        return Denied(
            Code.QUANTITY_OFF_LOT,
            quantity=quantity,
            step=rule.step,
            below=below,
            above=below + rule.step,
        )
    if fault is QuantityFault.ODD_LOT_SPLIT:
        return Denied(
            Code.ODD_LOT_SPLIT,
            quantity=quantity,
            sellable=context.available_quantity,
            step=rule.step,
            minimum=rule.minimum,
        )
    return Denied(Code.QUANTITY_BELOW_MINIMUM, quantity=quantity, minimum=rule.minimum)


def _above_terminals_maximum(context: CheckContext) -> Denied | None:
    """The terminal's own figure, where it states one, may be smaller than the rule's."""
    instrument = context.instrument
    market = is_market(context.price_type)
    maximum = instrument.max_market_quantity if market else instrument.max_limit_quantity
    if not maximum or context.quantity <= maximum:
        return None
    return Denied(Code.QUANTITY_ABOVE_MAXIMUM, quantity=context.quantity, maximum=maximum)


# -------------------------------------------------------------------- cash and shares
def cash_suffices(context: CheckContext) -> Denied | None:
    """The free money pays for a purchase at the worst price it may meet, with its fees."""
    if not context.is_buy:
        return None
    if context.asset is None:
        return Denied(Code.ASSET_UNKNOWN, account=context.account.pk)
    needed, available = _cash_needed(context, context.quantity), context.available_cash
    if needed <= available:
        return None
    return Denied(
        Code.CASH_INSUFFICIENT,
        needed=money(needed),
        available=money(max(available, Decimal(0))),
        allowed_quantity=_affordable(context),
    )


def _cash_needed(context: CheckContext, quantity: int) -> Decimal:
    price = context.worst_price
    if price is None:
        return Decimal(0)
    return cash_for_buy(
        account=context.account,
        kind=Kind(context.instrument.kind),
        price=price,
        quantity=quantity,
        day=context.clock.trade_date,
    )


def _affordable(context: CheckContext) -> int:
    """The largest quantity of the board's lots that the available cash pays for; 0 for none."""
    return largest_quantity(context, lambda quantity: _cash_needed(context, quantity) <= context.available_cash)


def shares_suffice(context: CheckContext) -> Denied | None:
    """A sale is of shares that are sellable today (T+1) and that no other order holds."""
    if context.is_buy or context.quantity <= context.available_quantity:
        return None
    position = context.position
    return Denied(
        Code.SELLABLE_INSUFFICIENT,
        symbol=context.instrument.symbol,
        quantity=context.quantity,
        held=0 if position is None else position.quantity,
        sellable=0 if position is None else position.sellable,
        reserved=context.reserved_quantity,
        allowed_quantity=context.available_quantity,
    )


CHECKS: Final[tuple[Check, ...]] = (
    platform_may_trade,
    person_may_trade,
    account_may_trade,
    account_type_is_built,
    host_is_ready,
    session_is_open,
    trade_date_is_open,
    instrument_is_tradable,
    day_facts_are_todays,
    price_type_is_taken,
    protection_is_right,
    price_is_on_tick,
    price_is_within_limits,
    price_is_within_cage,
    price_is_bounded,
    shares_suffice,
    quantity_fits_the_lot,
    cash_suffices,
)
