"""New issues of the simulated market: today's offer, an account's quotas, what the counter refuses.

What happens after the subscription (numbers, lottery, payment) is not simulated: an accepted one stays reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from qmt.calendar import Phase
from qmt.codes import Market
from qmt.gateway import PriceType, Side
from qmt.money import milli_of
from qmt.newissues import IssueKind, largest_subscription, quota_key, subscription_step, takes_subscriptions
from qmt.pricetypes import price_type_of_number
from qmt.terminal.checks import Refusal, Reject
from qmt.terminal.types import OrderTicket

QUOTA_KEYS: Final = ("SH", "SZ", "KCB")
BASE_QUOTA: Final = 10_000
"""Shares that every account may subscribe on each market before it holds anything: its holdings of the days before the
simulation began are not known."""
_VALUE_PER_UNIT: Final = 5_000_000  # thousandths of a yuan
_SHARES_PER_UNIT: Final = 500


@dataclass(frozen=True, slots=True)
class OfferedIssue:
    """One issue that can be subscribed on one trade date. The price is in thousandths of a yuan."""

    symbol: str
    name: str
    price_milli: int
    minimum: int
    maximum: int
    subscribe_on: dt.date

    def native(self) -> dict[str, Any]:
        """Attributes of a native IPOData."""
        return {
            "ipo_code": self.symbol,
            "ipo_name": self.name,
            "ipo_type": str(IssueKind.STOCK),
            "max_purchase_num": self.maximum,
            "min_purchase_num": self.minimum,
            "purchase_date": self.subscribe_on.strftime("%Y%m%d"),
            "issue_price": self.price_milli / 1000,
        }


def offered_on(rows: Iterable[Mapping[str, Any]], day: dt.date) -> dict[str, OfferedIssue]:
    """The issues of a day by their subscription symbol, from the market's ``get_ipo_info`` rows."""
    text = day.strftime("%Y%m%d")
    issues = (
        OfferedIssue(
            symbol=f"{row['onlineSubCode']}.{row['market']}",
            name=str(row["codeName"]),
            price_milli=milli_of(Decimal(repr(row["publishPrice"]))),
            minimum=int(row["onlineSubMinQty"]),
            maximum=int(row["onlineSubMaxQty"]),
            subscribe_on=day,
        )
        for row in rows
        if row["startDate"] == text
    )
    return {issue.symbol: issue for issue in issues}


def quotas_of(values_milli: Mapping[str, int]) -> dict[str, int]:
    """Quotas of an account from the value of its holdings per market at the previous close: 500 shares per 5,000 CNY."""

    def earned(market: str) -> int:
        return BASE_QUOTA + values_milli.get(market, 0) // _VALUE_PER_UNIT * _SHARES_PER_UNIT

    # The STAR market's quota comes from the same holdings as Shanghai's, and is used up by itself.
    return {"SH": earned("SH"), "SZ": earned("SZ"), "KCB": earned("SH")}


def subscription_refusal(
    ticket: OrderTicket, issue: OfferedIssue, *, quotas: Mapping[str, int], phase: Phase, repeated: bool
) -> Refusal | None:
    """Why the counter does not take a subscription; None when it does."""
    key = quota_key(issue.symbol)
    if ticket.side is not Side.BUY or key is None:
        return Refusal(Reject.NOT_TRADABLE, ticket.symbol)
    if price_type_of_number(ticket.price_type, Market(issue.symbol[-2:])) is not PriceType.LIMIT:
        return Refusal(Reject.PRICE_TYPE, str(ticket.price_type))
    if ticket.price * 1000 != issue.price_milli:
        return Refusal(Reject.PRICE, str(ticket.price))
    if not takes_subscriptions(phase):
        return Refusal(Reject.SESSION)
    if repeated:
        return Refusal(Reject.SUBSCRIBED, ticket.symbol)
    step = subscription_step(issue.symbol, IssueKind.STOCK, issue.subscribe_on, minimum=issue.minimum)
    if ticket.quantity % step or ticket.quantity < issue.minimum:
        return Refusal(Reject.LOT, str(ticket.quantity))
    most = largest_subscription(minimum=issue.minimum, maximum=issue.maximum, step=step, quota=quotas[key])
    if ticket.quantity > most:
        return Refusal(Reject.QUOTA, f"委托{ticket.quantity} 可申购{most}")
    return None
