"""Reads of the books: daily statement, equity curve, profit by owner, strategy and instrument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.db.models import QuerySet, Sum

from accounts.models import BrokerAccount
from accounts.selectors import host_clock
from ops.errors import Code, NotFound
from trading.ledger.choices import FEES, DifferenceState, EntryKind
from trading.ledger.equity import PositionValue, account_day_profit, account_equity, positions_value
from trading.ledger.fields import CENT, ZERO
from trading.ledger.models import (
    AccountDay,
    Difference,
    LedgerEntry,
    LedgerPosition,
    OwnerPosition,
    Position,
    PositionDay,
)
from trading.ledger.wire import day as day_text
from trading.ledger.wire import money, plain

#: Money that is neither a trade nor a fee nor brought in: profit and loss of its own.
_INCOME: Final = (EntryKind.DIVIDEND, EntryKind.TAX, EntryKind.INTEREST, EntryKind.FEE_TRUE_UP)


class By(StrEnum):
    """What a profit report adds up by."""

    USER = "user"
    STRATEGY = "strategy"
    INSTRUMENT = "instrument"


@dataclass(slots=True)
class Profit:
    """One line of a profit report, CNY.

    ``realised`` is after the fees of sales; fees of purchases are part of the cost. ``fees`` itemises both.
    """

    key: str
    name: str
    realised: Decimal = ZERO
    dividends: Decimal = ZERO
    unrealised: Decimal = ZERO
    market_value: Decimal = ZERO
    cost: Decimal = ZERO
    quantity: int = 0
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=lambda: {str(kind): ZERO for kind in sorted(FEES)})

    @property
    def total(self) -> Decimal:
        """Everything earned: realised, dividends, and what the holdings have gained."""
        return self.realised + self.dividends + self.unrealised


def profit_report(
    account: BrokerAccount, *, by: By, start: date | None = None, end: date | None = None
) -> list[Profit]:
    """Profit per person, strategy or instrument, best first.

    Parameters
    ----------
    start, end
        Trade dates, both included, of what was realised, paid and charged. What is held is always what is held now.

    Notes
    -----
    By person and by strategy each part has its own average cost; by instrument it is the account's. The shares
    of all persons (and nobody's) add up to the account's, and so does their total profit since the books
    were opened.
    """
    lines: dict[str, Profit] = {}
    entries = _within(LedgerEntry.objects.filter(account=account).exclude(symbol=""), start, end)
    _add_entries(lines, entries, by)
    values = positions_value(account)
    for row in _held(account, by):
        key, label = _key(by, row)
        line = lines.setdefault(key, Profit(key, label))
        line.quantity += row.quantity
        line.cost += row.cost
        worth = _price(values, row.symbol) * row.quantity
        line.market_value += worth.quantize(CENT)
        line.unrealised += worth.quantize(CENT) - row.cost
    return sorted(lines.values(), key=lambda line: (-line.total, line.key))


def _add_entries(lines: dict[str, Profit], entries: QuerySet[LedgerEntry], by: By) -> None:
    column = "realised" if by is By.INSTRUMENT else "realised_own"
    group = {By.USER: ("user_id", "user__username"), By.STRATEGY: ("strategy",), By.INSTRUMENT: ("symbol",)}[by]
    rows = entries.order_by().values(*group, "kind", "side").annotate(cash=Sum("cash"), gain=Sum(column))
    for row in rows:
        key, label = _row_key(by, row)
        line = lines.setdefault(key, Profit(key, label))
        kind = EntryKind(row["kind"])
        if kind in FEES:
            line.fees[str(kind)] += -row["cash"]
            line.realised += row["gain"]
        elif kind in (EntryKind.DIVIDEND, EntryKind.TAX):
            line.dividends += row["cash"]
        else:
            line.realised += row["gain"]
        if kind is EntryKind.TRADE:
            line.bought += max(ZERO, -row["cash"])
            line.sold += max(ZERO, row["cash"])


def _row_key(by: By, row: Mapping[str, Any]) -> tuple[str, str]:
    if by is By.USER:
        return str(row["user_id"] or ""), row["user__username"] or ""
    name = row["strategy"] if by is By.STRATEGY else row["symbol"]
    return name, name


def _held(account: BrokerAccount, by: By) -> Iterable[LedgerPosition | OwnerPosition]:
    if by is By.INSTRUMENT:
        return LedgerPosition.objects.filter(account=account).exclude(quantity=0)
    return OwnerPosition.objects.filter(account=account).exclude(quantity=0).select_related("user")


def _key(by: By, row: LedgerPosition | OwnerPosition) -> tuple[str, str]:
    if isinstance(row, LedgerPosition):
        return row.symbol, row.symbol
    if by is By.STRATEGY:
        return row.strategy, row.strategy
    return str(row.user_id or ""), "" if row.user is None else row.user.username


def _price(values: Mapping[str, PositionValue], symbol: str) -> Decimal:
    value = values.get(symbol)
    return ZERO if value is None else value.price


def _within(entries: QuerySet[LedgerEntry], start: date | None, end: date | None) -> QuerySet[LedgerEntry]:
    if start is not None:
        entries = entries.filter(trade_date__gte=start)
    if end is not None:
        entries = entries.filter(trade_date__lte=end)
    return entries


# ------------------------------------------------------------------------------- curve
def equity_curve(account: BrokerAccount, *, start: date | None = None, end: date | None = None) -> list[dict[str, Any]]:
    """Equity at each close, oldest first, with the profit of the day and since the books were opened.

    The first point is the opening balance, dated the day before. Drawdown is measured on the profit, so that
    money paid in or out leaves it alone.
    """
    points: list[dict[str, Any]] = []
    earned_before = peak = first = None
    for row in AccountDay.objects.filter(account=account).order_by("date"):
        earned = row.equity - row.external
        first = earned if first is None else first
        peak = earned if peak is None else max(peak, earned)
        day_profit = ZERO if earned_before is None else earned - earned_before
        earned_before = earned
        if (start is not None and row.date < start) or (end is not None and row.date > end):
            continue
        points.append(
            {
                "date": day_text(row.date),
                "equity": money(row.equity),
                "cash": money(row.cash),
                "market_value": money(row.market_value),
                "external": money(row.external),
                "profit": money(day_profit),
                "profit_total": money(earned - first),
                "drawdown": money(peak - earned),
            }
        )
    return points


# --------------------------------------------------------------------------- statement
def statement(account: BrokerAccount, day: date) -> dict[str, Any]:
    """What happened to the account on one trade date, and how it ended.

    A closed date shows what was kept at its close; the present one is shown as it stands, with ``closed`` false.

    Raises
    ------
    NotFound
        NOT_FOUND: the books know nothing of that date.
    """
    clock = host_clock(account.host)
    kept = AccountDay.objects.filter(account=account, date=day).first()
    present = kept is None and clock is not None and clock.trade_date == day
    if kept is None and not present:
        raise NotFound(Code.NOT_FOUND, account=account.pk, date=day.isoformat())
    before = AccountDay.objects.filter(account=account, date__lt=day).order_by("-date").first()
    entries = LedgerEntry.objects.filter(account=account, trade_date=day)
    sums = {
        row["kind"]: row for row in entries.order_by().values("kind").annotate(cash=Sum("cash"), gain=Sum("realised"))
    }
    ending = _ending(account, kept, before)
    return {
        "account": account.pk,
        "date": day_text(day),
        "closed": kept is not None,
        "opening_equity": None if before is None else money(before.equity),
        "equity": money(ending.equity),
        "cash": money(ending.cash),
        "market_value": money(ending.market_value),
        "profit": None if ending.profit is None else money(ending.profit),
        "realised": money(sum((row["gain"] for row in sums.values()), ZERO)),
        "external": money(ending.external),
        "income": {str(kind): money(sums[kind]["cash"]) for kind in _INCOME if kind in sums},
        "fees": {str(kind): money(-sums[kind]["cash"]) for kind in sorted(FEES) if kind in sums},
        "positions": _positions_of(account, day, kept),
        "entries": entries.count(),
        "differences": Difference.objects.filter(account=account, state=DifferenceState.OPEN).count(),
    }


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a date ended, CNY; ``external`` is what came in since the date before, shares at their value included.

    Where a date before is known, equity is its equity plus what came in plus the profit.
    """

    equity: Decimal
    cash: Decimal
    market_value: Decimal
    external: Decimal = ZERO
    profit: Decimal | None = None


def _ending(account: BrokerAccount, kept: AccountDay | None, before: AccountDay | None) -> _Ending:
    if kept is not None:
        if before is None:
            return _Ending(kept.equity, kept.cash, kept.market_value)
        external = kept.external - before.external
        earned = kept.equity - before.equity - external
        return _Ending(kept.equity, kept.cash, kept.market_value, external, earned)
    now = account_equity(account)
    if now is None:
        return _Ending(ZERO, ZERO, ZERO)
    day = account_day_profit(account, now)
    if day is None:
        return _Ending(now.total, now.cash, now.market_value)
    return _Ending(now.total, now.cash, now.market_value, day.external, day.profit)


def _positions_of(account: BrokerAccount, day: date, kept: AccountDay | None) -> list[dict[str, Any]]:
    if kept is not None:
        rows = PositionDay.objects.filter(account=account, date=day).order_by("symbol")
        return [
            holding_view(row.symbol, row.quantity, row.sellable, row.price, row.broker_cost, row, day) for row in rows
        ]
    return holdings(account, day)


def holdings(account: BrokerAccount, today: date | None) -> list[dict[str, Any]]:
    """What the account holds now: the broker's shares at the last prices, with our cost beside the broker's."""
    values = positions_value(account)
    figures = {row.symbol: row for row in LedgerPosition.objects.filter(account=account).exclude(quantity=0)}
    broker_cost = dict(Position.objects.filter(account=account).values_list("symbol", "avg_price"))
    return [
        holding_view(
            symbol, value.quantity, value.sellable, value.price, broker_cost[symbol], figures.get(symbol), today
        )
        for symbol, value in sorted(values.items())
    ]


def holding_view(
    symbol: str,
    quantity: int,
    sellable: int,
    price: Decimal,
    broker_cost: Decimal,
    figures: LedgerPosition | PositionDay | None,
    today: date | None,
) -> dict[str, Any]:
    """One holding. Costs are null while the books do not know it."""
    worth = (price * quantity).quantize(CENT)
    known = figures is not None and figures.quantity > 0
    cost = figures.cost if figures is not None and known else None
    opened_on = None if figures is None else figures.opened_on
    return {
        "symbol": symbol,
        "quantity": quantity,
        "sellable": sellable,
        "price": plain(price),
        "market_value": money(worth),
        "average_cost": None if figures is None or cost is None else plain(_each(cost, figures.quantity)),
        "base_cost": None if figures is None or not known else plain(_each(figures.base_cost, figures.quantity)),
        "broker_cost": plain(broker_cost),
        "unrealised": None if cost is None else money(worth - cost),
        "opened_on": day_text(opened_on),
        "holding_days": None if opened_on is None or today is None else (today - opened_on).days,
    }


def _each(total: Decimal, quantity: int) -> Decimal:
    return (total / quantity).quantize(Decimal("0.0001"))
