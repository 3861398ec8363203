"""What the configurable limits are held against, read in as few queries as the limits that apply need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import BigIntegerField, Q, QuerySet, Subquery, Sum

from accounts.choices import TradingState
from accounts.models import BrokerAccount
from marketdata.models import Instrument
from marketdata.selectors import listed_days
from ops.prepared import Prepared
from qmt.gateway import PriceType, Side
from trading.ledger.journal import Journal
from trading.ledger.models import Position
from trading.orders.choices import Source, Status
from trading.orders.models import Order
from trading.orders.subscriptions import SUBSCRIPTION_KEY
from trading.risk.catalogue import Needs, needs_of
from trading.risk.choices import LimitKind, LimitScope
from trading.risk.facts import LimitFacts, Usage, Working
from trading.risk.limits import Limit, limits_in_force
from trading.risk.models import Control, PersonTrading
from trading.risk.tallies import Tallies, subjects_of, usage_read

_COLUMNS = (
    "account_id", "symbol", "side", "price_type", "price", "quantity", "traded_quantity", "reserved_cash",
    "submitted_at", "created_by_id", "strategy",
)  # fmt: skip
_OVER_ACCOUNTS = frozenset({LimitScope.USER, LimitScope.STRATEGY})


def limit_facts(
    account: BrokerAccount,
    instrument: Instrument | None,
    *,
    user_id: int | None,
    strategy: str,
    trade_date: date,
    at: datetime,
    journal: Journal | None,
    again: Order | None = None,
) -> LimitFacts:
    """Everything that the limits on one order look at.

    Parameters
    ----------
    instrument
        None: no order, only how much of the account's limits is used.
    journal
        The open journal of the account: the counters are then locked until it closes, so two orders of one
        person, strategy or owner are judged one after the other. None reads without holding anything.
    again
        An order that is stored already and judged once more: its own row is left out.
    """
    version, platform_state, user_state = _control(user_id)
    limits = tuple(
        limit
        for limit in limits_in_force(version)
        if limit.applies(account_id=account.pk, user_id=user_id, strategy=strategy, at=at)
    )
    needs = needs_of(limits)
    owners = _owner_accounts(account) if LimitKind.SELF_TRADE in {limit.kind for limit in limits} else frozenset()
    subjects = subjects_of(account_id=account.pk, user_id=user_id, strategy=strategy)
    usage: dict[str, Usage]
    if journal is not None:
        held = (*subjects, f"o:{account.owner}") if account.owner and owners else subjects
        usage = Tallies.of(journal).hold(trade_date, held)
    else:
        usage = usage_read(trade_date, subjects, at) if Needs.USAGE in needs else {}
    symbol = "" if instrument is None else instrument.symbol
    is_st = instrument is not None and instrument.is_st
    return LimitFacts(
        at=at,
        trade_date=trade_date,
        version=version,
        user_id=user_id,
        strategy=strategy,
        owner_accounts=owners,
        platform_state=platform_state,
        user_state=user_state,
        limits=limits,
        usage=usage,
        working=_working(account, symbol, limits, owners, user_id, strategy, again) if Needs.WORKING in needs else (),
        recent=_recent(account, symbol, user_id, limits, trade_date, at, again) if Needs.RECENT in needs else (),
        positions=_positions(account) if Needs.POSITIONS in needs else {},
        bought=_bought(account, symbol, trade_date, again) if Needs.BOUGHT in needs and is_st else 0,
        listed_days=listed_days(instrument, trade_date) if instrument and Needs.LISTING in needs else None,
    )


def with_earlier(facts: LimitFacts, earlier: Iterable[Working]) -> LimitFacts:
    """The facts as they would be had these orders been accepted just before, on the same account.

    For wishes that are judged together: each of a basket's orders with those before it.
    """
    added = tuple(earlier)
    usage = dict(facts.usage)
    for order in added:
        subjects = subjects_of(account_id=order.account_id, user_id=order.user_id, strategy=order.strategy)
        for subject in subjects:
            used = usage.get(subject) or Usage()
            usage[subject] = replace(used, orders=used.orders + 1, in_last_second=used.in_last_second + 1)
    return replace(facts, usage=usage, working=(*facts.working, *added), recent=(*facts.recent, *added))


_STATES = Prepared(
    lambda user_id: Control.objects.filter(pk=Control.ONLY).values_list(
        "limits_version", "state", Subquery(PersonTrading.objects.filter(user=user_id).values("state")[:1])
    ),
    BigIntegerField(),
)


def _control(user_id: int | None) -> tuple[str, TradingState, TradingState]:
    """The version of the limits and both trading states, in one query."""
    row = _STATES.first(user_id)
    if row is None:
        # Nobody has set anything yet: no limit, and the platform is active. The person may be halted all the same.
        person = PersonTrading.objects.filter(user=user_id).values_list("state", flat=True).first()
        row = "", TradingState.ACTIVE, person
    version, state, person_state = row
    return version, TradingState(state), TradingState(person_state or TradingState.ACTIVE)


def _owner_accounts(account: BrokerAccount) -> frozenset[int]:
    """The accounts of the same owner; an account that names none is its own."""
    if not account.owner:
        return frozenset({account.pk})
    return frozenset(BrokerAccount.objects.filter(owner=account.owner).values_list("pk", flat=True))


def _working(
    account: BrokerAccount,
    symbol: str,
    limits: tuple[Limit, ...],
    owners: frozenset[int],
    user_id: int | None,
    strategy: str,
    again: Order | None,
) -> tuple[Working, ...]:
    wanted = Q(account=account)
    others = owners - {account.pk}
    if others:
        wanted |= Q(account__in=others, symbol=symbol)
    over = {limit.scope for limit in limits if limit.scope in _OVER_ACCOUNTS}
    if LimitScope.USER in over:
        wanted |= Q(created_by=user_id)
    if LimitScope.STRATEGY in over and strategy:
        wanted |= Q(strategy=strategy)
    open_orders = Order.objects.filter(wanted, final_at__isnull=True)
    # A subscription waits all day and brings nothing today: it is no working order.
    open_orders = open_orders.exclude(client_order_id__startswith=SUBSCRIPTION_KEY)
    rows = _without(open_orders, again).values(*_COLUMNS)
    return tuple(_seen(row) for row in rows)


def _recent(
    account: BrokerAccount,
    symbol: str,
    user_id: int | None,
    limits: tuple[Limit, ...],
    trade_date: date,
    at: datetime,
    again: Order | None,
) -> tuple[Working, ...]:
    """What the person placed in this symbol lately, ended or not; denied orders are no orders.

    Children of an execution are alike on purpose, and each has a key that keeps it from being placed twice.
    """
    seconds = max(float(limit.most) for limit in limits if limit.kind is LimitKind.DUPLICATE_ORDER)
    orders = Order.objects.filter(
        account=account,
        trade_date=trade_date,
        symbol=symbol,
        created_by=user_id,
        submitted_at__gt=at - timedelta(seconds=seconds),
    )
    if again is not None:
        # What came after it is not what it repeats.
        orders = orders.filter(submitted_at__lt=again.submitted_at)
    rows = orders.exclude(status=Status.DENIED).exclude(source=Source.EXECUTION)
    return tuple(_seen(row) for row in rows.values(*_COLUMNS))


def _without(orders: QuerySet[Order], again: Order | None) -> QuerySet[Order]:
    return orders if again is None else orders.exclude(pk=again.pk)


def _seen(row: dict[str, object]) -> Working:
    price = row["price"] if row["price_type"] == PriceType.LIMIT else None
    quantity, traded = int(str(row["quantity"])), int(str(row["traded_quantity"]))
    remaining = max(0, quantity - traded)
    reserved = Decimal(str(row["reserved_cash"]))
    return Working(
        account_id=int(str(row["account_id"])),
        symbol=str(row["symbol"]),
        side=Side(str(row["side"])),
        price=price if isinstance(price, Decimal) else None,
        quantity=quantity,
        remaining=remaining,
        at=row["submitted_at"],  # type: ignore[arg-type]
        worth=price * remaining if isinstance(price, Decimal) else reserved,
        user_id=row["created_by_id"],  # type: ignore[arg-type]
        strategy=str(row["strategy"]),
    )


def _positions(account: BrokerAccount) -> dict[str, Decimal]:
    rows = Position.objects.filter(account=account, quantity__gt=0)
    return dict(rows.values_list("symbol", "market_value"))


def _bought(account: BrokerAccount, symbol: str, trade_date: date, again: Order | None) -> int:
    """Shares of the symbol bought today, and those that working buys may still bring."""
    buys = Order.objects.filter(account=account, trade_date=trade_date, symbol=symbol, side=Side.BUY)
    traded = buys.aggregate(total=Sum("traded_quantity"))["total"] or 0
    working = _without(buys.filter(final_at__isnull=True), again)
    return traded + sum(max(0, whole - done) for whole, done in working.values_list("quantity", "traded_quantity"))


__all__ = ["limit_facts", "with_earlier"]
