"""Subscription to new issues (新股申购): what a terminal says may be subscribed, and the exchanges' rules for it.

A subscription is sent as a limit buy of the subscription code (申购代码) at the issue price. It takes no money and
brings no shares: numbers are drawn, and who wins pays two days later (市值申购, since 2016).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from qmt.calendar import Phase
from qmt.codes import Market

Quotas = Mapping[str, int]
"""Shares that an account may subscribe, by the terminal's own key: SH, SZ, KCB."""


class IssueKind(StrEnum):
    """What is issued. Anything that the terminal calls neither STOCK nor BOND is OTHER."""

    STOCK = "STOCK"
    BOND = "BOND"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class IssueData:
    """One issue of ``query_ipo_data``.

    Attributes
    ----------
    symbol : str
        The subscription code with its market, for example ``732499.SH``.
    price : Decimal
        Issue price in CNY; 0 while it is not fixed.
    minimum, maximum : int
        Shares (bonds: the terminal's own unit) in one subscription; 0 where it does not say.
    subscribe_on : date or None
        The only day on which it can be subscribed.
    """

    symbol: str
    name: str
    kind: IssueKind
    price: Decimal
    minimum: int
    maximum: int
    subscribe_on: dt.date | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """Subscription unit (申购单位) of a quota, in shares."""

    quota: str
    step: int
    since: dt.date
    source: str


_REGISTRATION: Final = dt.date(2023, 2, 17)

STEPS: Final = (
    StepRow("SH", 1000, dt.date(2016, 1, 1), "上海市场首次公开发行股票网上发行实施细则 2016: 1,000 shares per 10,000 CNY held"),
    StepRow("SH", 500, _REGISTRATION, "上海市场首次公开发行股票网上发行实施细则 2023: 500 shares per 5,000 CNY held"),
    StepRow("KCB", 500, dt.date(2019, 6, 8), "科创板股票公开发行自律委员会 2019; 实施细则 2023: 500 shares per 5,000 CNY held"),
    StepRow("SZ", 500, dt.date(2016, 1, 1), "深圳市场首次公开发行股票网上发行实施细则 2016 and 2023: 500 shares per 5,000 CNY held"),
)  # fmt: skip

# 证券代码分配规则 of the SSE: 787 subscribes a share and 789 a depositary receipt of the STAR market.
_STAR_CODES: Final = ("787", "789")


def quota_key(symbol: str) -> str | None:
    """Which quota a share's subscription counts against; None on an exchange that has none (Beijing: paid in advance)."""
    code, _, market = symbol.partition(".")
    if market == Market.SH:
        return "KCB" if code.startswith(_STAR_CODES) else "SH"
    return "SZ" if market == Market.SZ else None


def subscription_step(symbol: str, kind: IssueKind, day: dt.date, *, minimum: int) -> int:
    """Shares that a subscription must be a multiple of.

    A bond's unit differs by exchange and terminal (手, 张): the terminal's smallest subscription is its unit.
    """
    key = quota_key(symbol)
    rows = [row for row in STEPS if row.quota == key and row.since <= day]
    if kind is not IssueKind.STOCK or not rows:
        return max(minimum, 1)
    return max(rows, key=lambda row: row.since).step


def takes_subscriptions(phase: Phase) -> bool:
    """Whether subscriptions are taken now: 9:30–11:30 and 13:00–15:00.

    Source: 网上发行实施细则 of both exchanges (2023). Shenzhen takes them from 9:15 already; the later start holds for
    both here, so that nothing is sent before the continuous session.
    """
    return phase in (Phase.CONTINUOUS, Phase.CLOSE_AUCTION)


def largest_subscription(*, minimum: int, maximum: int, step: int, quota: int | None) -> int:
    """The most that may be subscribed in one piece; 0 when even the smallest is too much.

    Parameters
    ----------
    quota
        Shares the account may subscribe; None for what needs no quota.
    """
    most = maximum if quota is None else min(maximum, quota) if maximum else quota
    whole = most // step * step
    return whole if whole >= max(minimum, step) else 0
