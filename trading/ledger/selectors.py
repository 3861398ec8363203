"""Reads of the ledger that other layers build on."""

from __future__ import annotations

from typing import Any

from accounts.models import BrokerAccount


def account_snapshot(account: BrokerAccount) -> dict[str, Any]:
    """Everything a client shows of an account, together with the version it is true for.

    Returns
    -------
    dict
        ``{"version": int, "data": {"asset", "positions", "orders", "trades",
        "market_clock"}}``. Applying the events after `version` gives the same as a
        fresh snapshot; `market_clock` is not versioned.
    """
    raise NotImplementedError


def events_since(
    account: BrokerAccount, version: int, limit: int = 1000
) -> list[dict[str, Any]] | None:
    """The account's events after `version`, oldest first, as the live socket sends them.

    Returns
    -------
    list of dict or None
        ``[{"version", "kind", "data"}]``; None when they are not all kept any more, are
        more than `limit`, or `version` is one this account never had: fetch a snapshot.
    """
    raise NotImplementedError
