"""Reads of the ledger that other layers build on."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import BrokerAccount, User
from accounts.selectors import account_get
from ops.clocks import market_clock
from ops.errors import Code, DeskError, Unavailable
from trading.ledger.fields import ZERO
from trading.ledger.filters import stored_symbol
from trading.ledger.journal import DATABASE, event_view
from trading.ledger.models import AccountBook, AccountEvent, AssetSnapshot, Position
from trading.ledger.sections import read_sections
from trading.ledger.wire import account_view, asset_view, day, moment, money, position_view

_OPTIMISTIC_READS = 3


def account_snapshot(account: BrokerAccount) -> dict[str, Any]:
    """Everything a client shows of an account, together with the version it is true for.

    The version is read before and after; when it moved, everything is read again, and an
    account that never holds still is read once while its book is held.

    Returns
    -------
    dict
        ``{"version": int, "data": {"account", "asset", "positions", "orders", "trades",
        "market_clock"}}``. Applying the events after `version` gives the same as a
        fresh snapshot; `market_clock` is not versioned.
    """
    for _attempt in range(_OPTIMISTIC_READS):
        before = book_version(account)
        data = _read(account)
        if book_version(account) == before:
            return {"version": before, "data": data}
    with transaction.atomic(using=DATABASE):
        book = AccountBook.objects.using(DATABASE).select_for_update().get(pk=account.pk)
        return {"version": book.version, "data": _read(account)}


def book_version(account: BrokerAccount) -> int:
    """The number of the account's last event; 0 before the first."""
    versions = AccountBook.objects.using(DATABASE).filter(pk=account.pk)
    return versions.values_list("version", flat=True).first() or 0


def book_versions(user: User) -> dict[int, int]:
    """The number of the last event of every account that `user` sees, in order of account."""
    accounts = BrokerAccount.objects.visible_to(user).order_by("pk").values_list("pk", flat=True)
    versions = dict(AccountBook.objects.using(DATABASE).values_list("pk", "version"))
    return {account: versions.get(account, 0) for account in accounts}


def _read(account: BrokerAccount) -> dict[str, Any]:
    book = AccountBook.objects.using(DATABASE).filter(pk=account.pk).first()
    asset = AssetSnapshot.objects.using(DATABASE).filter(pk=account.pk).first()
    positions = Position.objects.using(DATABASE).filter(account=account, quantity__gt=0)
    return {
        "account": account_view(book or AccountBook(account=account)),
        "asset": None if asset is None else asset_view(asset),
        "positions": [position_view(position) for position in positions.order_by("symbol")],
        **read_sections(account),
        "market_clock": market_clock_view(account.host.name),
    }


def asset_get(account: BrokerAccount) -> dict[str, Any]:
    """The account's money with what is promised of it, and what is left to spend.

    Raises
    ------
    Unavailable
        ASSET_UNKNOWN: the broker has not stated it yet.
    """
    asset = AssetSnapshot.objects.using(DATABASE).filter(pk=account.pk).first()
    if asset is None:
        raise Unavailable(Code.ASSET_UNKNOWN, account=account.pk)
    book = AccountBook.objects.using(DATABASE).filter(pk=account.pk).first()
    promised = ZERO if book is None else book.promised_cash
    return asset_view(asset) | {
        "reserved_cash": money(promised),
        "available_cash": money(max(ZERO, asset.confirmed_cash - promised)),
    }


def positions_list(
    user: User, *, account_id: int | None = None, symbol: str | None = None
) -> tuple[int | None, QuerySet[Position]]:
    """Holdings that `user` may see, and the version of the account's event log (None without an account).

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Invalid
        SYMBOL_UNKNOWN.
    """
    account = None if account_id is None else account_get(user, account_id)
    # Read first: a client that polls may then see a change twice, never miss one.
    version = None if account is None else book_version(account)
    held = Position.objects.filter(quantity__gt=0)
    # Of an account that was just looked up the rule has been asked already.
    seen = held.visible_to(user) if account is None else held.filter(account=account)
    return version, seen if symbol is None else seen.filter(symbol=stored_symbol(symbol))


def market_clock_view(host_name: str) -> dict[str, Any] | None:
    """The host's market clock as clients see it; None while the host has not reported one."""
    try:
        clock = market_clock(host_name)
    except DeskError:
        return None
    return {
        "host": clock.host,
        "trade_date": day(clock.trade_date),
        "phase": str(clock.phase),
        "market_time": clock.market_time.isoformat(timespec="milliseconds"),
        "observed_at": moment(clock.observed_at),
        "simulated": clock.simulated,
        "stale": clock.stale,
    }


def events_since(account: BrokerAccount, version: int, limit: int = 1000) -> list[dict[str, Any]] | None:
    """The account's events after `version`, oldest first, as the live socket sends them.

    Returns
    -------
    list of dict or None
        ``[{"version", "kind", "data"}]``; None when they are not all kept any more, are
        more than `limit`, or `version` is one this account never had: fetch a snapshot.
    """
    current = book_version(account)
    if version == current:
        return []
    if version < 0 or version > current:
        return None
    events = AccountEvent.objects.using(DATABASE).filter(account=account, version__gt=version)
    rows = list(events.order_by("version")[: limit + 1])
    complete = bool(rows) and rows[0].version == version + 1 and len(rows) <= limit
    return [event_view(row) for row in rows] if complete else None
