"""Positions, money, entries, differences and the daily history of each account."""

from __future__ import annotations

from trading.ledger.models.book import AccountBook, AccountEvent, AssetSnapshot, Position, TradeDate
from trading.ledger.models.differences import Difference
from trading.ledger.models.entries import CorporateAction, LedgerEntry, LedgerPosition, OwnerPosition
from trading.ledger.models.history import AccountDay, PositionDay
from trading.ledger.models.newissues import IssueRound, SubscribableIssue, SubscriptionQuota

__all__ = [
    "AccountBook",
    "AccountDay",
    "AccountEvent",
    "AssetSnapshot",
    "CorporateAction",
    "Difference",
    "IssueRound",
    "LedgerEntry",
    "LedgerPosition",
    "OwnerPosition",
    "Position",
    "PositionDay",
    "SubscribableIssue",
    "SubscriptionQuota",
    "TradeDate",
]
