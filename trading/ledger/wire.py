"""How ledger rows look outside: the API, the socket and the event log show the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from trading.ledger.models import AccountBook, AssetSnapshot, Position


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
