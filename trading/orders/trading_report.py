"""The daily report on programmatic trading (程序化交易) of an account, from its rows.

What the exchanges watch (rules in force since 2025-07-07): the rate of orders and cancels, orders that are cancelled
within a second, the day's cancel ratio, and large trades in a short time. Public thresholds exist for
high-frequency trading only: 300 orders and cancels in one second, or 20,000 in a day, on one account.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Max, Sum

from accounts.models import BrokerAccount
from trading.ledger.wire import day, money, plain
from trading.orders.choices import OrderEventKind, Source, Status
from trading.orders.models import Order, OrderEvent, Trade

HIGH_FREQUENCY_PER_SECOND: Final = 300
HIGH_FREQUENCY_PER_DAY: Final = 20_000
#: An order cancelled this soon after it was placed is counted apart.
QUICK_CANCEL: Final = timedelta(seconds=1)
#: Fills of this much within a minute are listed as large: a suggestion, no public rule names a figure.
LARGE_TRADE_YUAN: Final = Decimal(1_000_000)

#: The report's columns, in the order of the CSV.
COLUMNS: Final = (
    "account",
    "account_no",
    "trade_date",
    "orders",
    "orders_sent",
    "external_orders",
    "denied_orders",
    "cancels",
    "cancel_ratio_percent",
    "messages",
    "most_messages_in_a_second",
    "cancelled_within_a_second",
    "trades",
    "traded_amount",
    "largest_trade",
    "large_minutes",
    "high_frequency_per_second",
    "high_frequency_per_day",
    "is_high_frequency",
)


def trading_report(account: BrokerAccount, trade_date: date) -> dict[str, Any]:
    """One account's day, `COLUMNS` as keys.

    Notes
    -----
    *orders* are those accepted here or placed in the terminal; *cancels* those that left for the broker, or that it
    showed without one of ours. The rate is the most of both in any 1,000 ms, by the times they left.
    """
    orders = list(
        Order.objects.filter(account=account, trade_date=trade_date)
        .exclude(status=Status.DENIED)
        .values_list("pk", "source", "status", "submitted_at", "sent_at", "cancel_sent_at", "final_at", "broker_status")
    )
    sent = [sent_at or placed for _, source, _, placed, sent_at, *_ in orders if sent_at or source == Source.EXTERNAL]
    cancelled = list(_cancels(account, trade_date))
    quick = sum(at - placed <= QUICK_CANCEL for at, placed in cancelled)
    moments = sorted([*sent, *(at for at, _ in cancelled)])
    most = most_within(moments, timedelta(seconds=1))
    trades = Trade.objects.filter(account=account, trade_date=trade_date)
    totals = trades.aggregate(total=Sum("amount"), largest=Max("amount"))
    count, cancels = len(orders), len(cancelled)
    ratio = Decimal(cancels * 100) / count if count else Decimal(0)
    messages = len(moments)
    return {
        "account": account.pk,
        "account_no": account.account_no,
        "trade_date": day(trade_date),
        "orders": count,
        "orders_sent": len(sent),
        "external_orders": sum(source == Source.EXTERNAL for _, source, *_ in orders),
        "denied_orders": Order.objects.filter(account=account, trade_date=trade_date, status=Status.DENIED).count(),
        "cancels": cancels,
        "cancel_ratio_percent": plain(ratio.quantize(Decimal("0.01"))),
        "messages": messages,
        "most_messages_in_a_second": most,
        "cancelled_within_a_second": quick,
        "trades": trades.count(),
        "traded_amount": money(totals["total"] or Decimal(0)),
        "largest_trade": money(totals["largest"] or Decimal(0)),
        "large_minutes": _large_minutes(trades.order_by("traded_at").values_list("traded_at", "amount")),
        "high_frequency_per_second": HIGH_FREQUENCY_PER_SECOND,
        "high_frequency_per_day": HIGH_FREQUENCY_PER_DAY,
        "is_high_frequency": most >= HIGH_FREQUENCY_PER_SECOND or messages >= HIGH_FREQUENCY_PER_DAY,
    }


def report_csv(reports: Iterable[dict[str, Any]]) -> str:
    """Reports as CSV with a header line."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(reports)
    return out.getvalue()


def most_within(moments: Sequence[datetime], window: timedelta) -> int:
    """The most of these ascending moments that lie within any half-open window of this length."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def _cancels(account: BrokerAccount, trade_date: date) -> Iterable[tuple[datetime, datetime]]:
    """Each cancel of the day: when it left or was shown, and when its order was placed."""
    events = OrderEvent.objects.filter(order__account=account, order__trade_date=trade_date)
    left = events.filter(kind=OrderEventKind.CANCEL_SENT)
    yield from left.values_list("at", "order__submitted_at")
    shown = events.filter(
        to_status__in=(Status.CANCELLED, Status.PARTIALLY_CANCELLED), order__cancel_sent_at__isnull=True
    ).exclude(kind__in=(OrderEventKind.CANCELLED, OrderEventKind.WITHHELD))
    yield from shown.exclude(from_status=Status.CANCELLED).values_list("at", "order__submitted_at")


def _large_minutes(trades: Iterable[tuple[datetime, Decimal]]) -> int:
    """Minutes in which fills came to `LARGE_TRADE_YUAN` or more."""
    minutes: dict[datetime, Decimal] = {}
    for at, amount in trades:
        minute = at.replace(second=0, microsecond=0)
        minutes[minute] = minutes.get(minute, Decimal(0)) + amount
    return sum(amount >= LARGE_TRADE_YUAN for amount in minutes.values())
