"""What an account is worth, what it earned today, and what it holds in which instrument: one place for all readers.

The figures are the broker's (cash, shares) at the last prices known here; profit is what changed since the
last closed trade date and was not brought in from outside.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import DatabaseError
from django.db.models import QuerySet

from accounts.models import BrokerAccount
from marketdata.quotes.models import LatestQuote
from marketdata.selectors import latest_quotes
from trading.ledger.averages import Line, value_from_outside
from trading.ledger.choices import EXTERNAL, TRANSFERS, EntryKind
from trading.ledger.fields import CENT, ZERO
from trading.ledger.models import AccountDay, AssetSnapshot, LedgerEntry, Position

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PositionValue:
    """One holding at its last price.

    ``price`` is the last live quote, or the broker's own where none is stored.
    """

    symbol: str
    quantity: int
    sellable: int
    price: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class Equity:
    """Cash (frozen included) and holdings of an account, CNY."""

    cash: Decimal
    market_value: Decimal

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.cash + self.market_value


@dataclass(frozen=True, slots=True)
class DayProfit:
    """What an account earned since its last closed trade date, CNY.

    Attributes
    ----------
    since
        The closed date that `opening_equity` was taken on.
    external
        Brought in since, less taken out: no profit.
    """

    since: date
    opening_equity: Decimal
    equity: Decimal
    external: Decimal

    @property
    def profit(self) -> Decimal:
        """Positive for a gain."""
        return self.equity - self.opening_equity - self.external


def positions_value(account: BrokerAccount) -> dict[str, PositionValue]:
    """Every holding of the account at its last price, by symbol. Two queries, one of them on `quotes`."""
    rows = list(Position.objects.filter(account=account, quantity__gt=0))
    quotes = _quotes(rows)
    values = {}
    for row in rows:
        quote = quotes.get(row.instrument_id) if row.instrument_id is not None else None
        live = _price(quote.last) if quote is not None else ZERO
        price = live or row.last_price
        values[row.symbol] = PositionValue(row.symbol, row.quantity, row.sellable, price, price * row.quantity)
    return values


def account_equity(account: BrokerAccount, values: Mapping[str, PositionValue] | None = None) -> Equity | None:
    """What the account is worth now; None before the broker's first word about its money.

    Parameters
    ----------
    values
        From `positions_value`, where the caller has it already.
    """
    asset = AssetSnapshot.objects.filter(pk=account.pk).first()
    if asset is None:
        return None
    held = positions_value(account) if values is None else values
    market_value = sum((value.value for value in held.values()), ZERO)
    return Equity(asset.cash + asset.frozen_cash, market_value.quantize(CENT))


def account_day_profit(account: BrokerAccount, equity: Equity | None = None) -> DayProfit | None:
    """What the account earned since its last closed trade date; None before the first one, or before any asset.

    Parameters
    ----------
    equity
        From `account_equity`, where the caller has it already.
    """
    before = AccountDay.objects.filter(account=account).order_by("-date").first()
    now = equity or account_equity(account)
    if before is None or now is None:
        return None
    return DayProfit(before.date, before.equity, now.total, external_value(account) - before.external)


def external_value(account: BrokerAccount) -> Decimal:
    """Money and shares brought in since the books were opened, less those taken out, CNY.

    Added up here and not by the database: SQLite would do it in floating point. These entries are few.
    """
    return _from_outside(LedgerEntry.objects.filter(account=account, kind__in=EXTERNAL))


def transfers_of_day(account: BrokerAccount, day: date) -> Decimal:
    """Money and shares that came from outside on one trade date, less those that went there, CNY.

    Adjustments are not among them: they correct our books, and what the broker holds is as it was.
    """
    return _from_outside(LedgerEntry.objects.filter(account=account, trade_date=day, kind__in=TRANSFERS))


def equity_before(account: BrokerAccount, day: date) -> Decimal | None:
    """What the account was worth at its last close before a date; None before the first."""
    row = AccountDay.objects.filter(account=account, date__lt=day).order_by("-date").first()
    return None if row is None else row.equity


def _from_outside(entries: QuerySet[LedgerEntry]) -> Decimal:
    columns = ("trade_date", "kind", "side", "quantity", "price", "cash")
    lines = (Line(row[0], EntryKind(row[1]), *row[2:]) for row in entries.order_by().values_list(*columns))
    return sum(map(value_from_outside, lines), ZERO)


def _quotes(rows: Sequence[Position]) -> Mapping[int, LatestQuote]:
    """The last live quotes; none while the quotes' database is away: the broker's own prices stand in."""
    try:
        return latest_quotes(row.instrument_id for row in rows if row.instrument_id is not None)
    except DatabaseError as error:
        logger.warning("holdings are valued at the broker's prices: %s", error)
        return {}


def _price(last: float) -> Decimal:
    return Decimal(str(round(last, 6)))
