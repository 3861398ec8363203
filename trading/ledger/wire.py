"""How ledger rows look outside: the API, the socket and the event log show the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from trading.ledger.models import AccountBook, AssetSnapshot, Difference, LedgerEntry, Position, TradeDate


def plain(value: Decimal | None) -> str | None:
    """A decimal without trailing zeros and exponents: ``11.2``, ``100``, ``0``."""
    if value is None:
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal | None) -> str | None:
    """CNY with at least two decimals; more only where they are needed."""
    text = plain(value)
    if text is None:
        return None
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def moment(value: datetime | None) -> str | None:
    """A time as ISO 8601 in UTC with milliseconds."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(value: date | None) -> str | None:
    """A date as the API writes it, YYYY-MM-DD."""
    return None if value is None else value.isoformat()


def asset_view(asset: AssetSnapshot) -> dict[str, Any]:
    """The account's money as the broker stated it."""
    return {
        "account": asset.account_id,
        "cash": money(asset.cash),
        "frozen_cash": money(asset.frozen_cash),
        "market_value": money(asset.market_value),
        "total_asset": money(asset.total_asset),
        "at": moment(asset.at),
    }


def position_view(position: Position) -> dict[str, Any]:
    """One holding as the broker stated it."""
    return {
        "account": position.account_id,
        "symbol": position.symbol,
        "quantity": position.quantity,
        "sellable": position.sellable,
        "frozen": position.frozen,
        "on_road": position.on_road,
        "yesterday": position.yesterday,
        "avg_price": plain(position.avg_price),
        "open_price": plain(position.open_price),
        "last_price": plain(position.last_price),
        "market_value": money(position.market_value),
        "at": moment(position.updated_at),
    }


def entry_view(entry: LedgerEntry) -> dict[str, Any]:
    """One ledger entry. Load it with its `user` and `created_by`."""
    return {
        "id": entry.pk,
        "account": entry.account_id,
        "trade_date": day(entry.trade_date),
        "kind": str(entry.kind),
        "symbol": entry.symbol,
        "side": entry.side,
        "quantity": entry.quantity,
        "price": plain(entry.price),
        "cash": money(entry.cash),
        "realised": money(entry.realised),
        "user": None if entry.user is None else entry.user.username,
        "strategy": entry.strategy,
        "reference": entry.reference,
        "rule": entry.rule,
        "note": entry.note,
        "created_by": None if entry.created_by is None else entry.created_by.username,
        "at": moment(entry.at),
    }


def difference_view(row: Difference) -> dict[str, Any]:
    """One difference with both values. Load it with its `settled_by`."""
    return {
        "id": row.pk,
        "account": row.account_id,
        "kind": str(row.kind),
        "key": row.key,
        "ours": row.ours,
        "theirs": row.theirs,
        "trade_date": day(row.trade_date),
        "state": str(row.state),
        "first_seen_at": moment(row.first_seen_at),
        "last_seen_at": moment(row.last_seen_at),
        "settled_at": moment(row.settled_at),
        "settled_by": None if row.settled_by is None else row.settled_by.username,
        "entry": row.entry_id,
        "note": row.note,
    }


def trade_date_view(row: TradeDate) -> dict[str, Any]:
    """One trade date of an account."""
    return {
        "date": day(row.date),
        "state": str(row.state),
        "opened_at": moment(row.opened_at),
        "closed_at": moment(row.closed_at),
    }


#: The book's columns that `account_view` shows.
SHOWN_COLUMNS = frozenset(
    {
        "reserved_cash",
        "unconfirmed_cash",
        "open_trade_date",
        "closed_trade_date",
        "restricted",
    }
)


def account_view(book: AccountBook) -> dict[str, Any]:
    """What the platform itself says about the account's trading."""
    return {
        "account": book.pk,
        "reserved_cash": money(book.promised_cash),
        "trade_date": day(book.open_trade_date),
        "closed_trade_date": day(book.closed_trade_date),
        "restricted": dict(book.restricted),
    }
