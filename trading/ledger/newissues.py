"""What may be subscribed today: storing what the terminal says, and reading it as one account's terms."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db import transaction

from accounts.models import BrokerAccount
from qmt.newissues import IssueData, IssueKind, Quotas, largest_subscription, quota_key, subscription_step
from trading.ledger.journal import DATABASE
from trading.ledger.models import IssueRound, SubscribableIssue, SubscriptionQuota

logger = logging.getLogger(__name__)

_SYMBOL: Final = re.compile(r"[0-9]{6}\.(?:SH|SZ|BJ)")


@dataclass(frozen=True, slots=True)
class IssueTerms:
    """One issue as one account may subscribe it. Quantities in shares, the price in CNY.

    Attributes
    ----------
    price
        0 while it is not fixed.
    quota_key
        Which of the account's quotas a share counts against; None where none applies.
    quota
        The account's figure of this date; None: the terminal has not told it, or none applies.
    """

    symbol: str
    name: str
    kind: IssueKind
    price: Decimal
    minimum: int
    maximum: int
    trade_date: date
    quota_key: str | None
    quota: int | None

    @property
    def step(self) -> int:
        """The unit of the subscription."""
        return subscription_step(self.symbol, self.kind, self.trade_date, minimum=self.minimum)

    @property
    def largest(self) -> int:
        """The most the account may subscribe; 0 for nothing."""
        quota = None if self.quota_key is None else self.quota or 0
        return largest_subscription(minimum=self.minimum, maximum=self.maximum, step=self.step, quota=quota)


def issues_store(*, host_id: int, trade_date: date, issues: Iterable[IssueData], at: datetime) -> int:
    """Keep the issues of a trade date; those of other days, and symbols of other markets, are left out.

    Returns
    -------
    int
        How many are offered on the date. One that a later answer lacks stays: an empty answer may be a failure.
    """
    offered = [one for one in issues if one.subscribe_on == trade_date]
    for strange in [one for one in offered if not _SYMBOL.fullmatch(one.symbol)]:
        logger.warning("the terminal offers an issue under %r: left out", strange.symbol)
        offered.remove(strange)
    with transaction.atomic(using=DATABASE):
        for one in offered:
            SubscribableIssue.objects.update_or_create(
                host_id=host_id,
                trade_date=trade_date,
                symbol=one.symbol,
                defaults={
                    "name": one.name[:64],
                    "kind": str(one.kind),
                    "price": one.price,
                    "minimum": one.minimum,
                    "maximum": one.maximum,
                    "asked_at": at,
                },
            )
        IssueRound.objects.update_or_create(host_id=host_id, defaults={"trade_date": trade_date, "asked_at": at})
    return len(offered)


def quotas_store(*, account_id: int, trade_date: date, quotas: Quotas, at: datetime) -> None:
    """Keep an account's quotas of a trade date."""
    SubscriptionQuota.objects.update_or_create(
        account_id=account_id, defaults={"trade_date": trade_date, "quotas": dict(quotas), "asked_at": at}
    )


def issues_asked_at(account: BrokerAccount, trade_date: date) -> datetime | None:
    """When the account's terminal told the issues of the date; None when it has not."""
    rounds = IssueRound.objects.filter(host_id=account.host_id, trade_date=trade_date)
    return rounds.values_list("asked_at", flat=True).first()


def issue_terms(account: BrokerAccount, trade_date: date) -> list[IssueTerms]:
    """Everything that may be subscribed on a trade date, by symbol."""
    quotas = _quotas(account, trade_date)
    rows = SubscribableIssue.objects.filter(host_id=account.host_id, trade_date=trade_date).order_by("symbol")
    return [_terms(row, quotas) for row in rows]


def issue_terms_of(account: BrokerAccount, symbol: str, trade_date: date) -> IssueTerms | None:
    """One issue; None when the account's terminal does not offer it on the date."""
    rows = SubscribableIssue.objects.filter(host_id=account.host_id, trade_date=trade_date, symbol=symbol)
    row = rows.first()
    return None if row is None else _terms(row, _quotas(account, trade_date))


def is_offered(account: BrokerAccount, symbol: str, trade_date: date) -> bool:
    """Whether a symbol is a subscription code of the date."""
    return SubscribableIssue.objects.filter(host_id=account.host_id, trade_date=trade_date, symbol=symbol).exists()


def _quotas(account: BrokerAccount, trade_date: date) -> dict[str, int]:
    quotas = SubscriptionQuota.objects.filter(pk=account.pk, trade_date=trade_date).values_list("quotas", flat=True)
    return quotas.first() or {}


def _terms(row: SubscribableIssue, quotas: dict[str, int]) -> IssueTerms:
    kind = IssueKind(row.kind)
    # A bond's subscription (信用申购) takes no holdings and counts against nothing.
    key = quota_key(row.symbol) if kind is IssueKind.STOCK else None
    return IssueTerms(
        symbol=row.symbol,
        name=row.name,
        kind=kind,
        price=row.price,
        minimum=row.minimum,
        maximum=row.maximum,
        trade_date=row.trade_date,
        quota_key=key,
        quota=None if key is None else quotas.get(key),
    )
