"""Money, shares and orders: sums against entries, orders against their fills and their timelines.

Each question is one statement, so that it sees one moment also while people trade.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, Concat

from accounts.models import BrokerAccount
from desk.verify.report import Report
from trading.ledger.choices import EntryKind
from trading.ledger.fields import ZERO
from trading.ledger.models import AccountBook, AccountEvent, LedgerEntry
from trading.ledger.verification import ledger_verify
from trading.orders.choices import Status
from trading.orders.models import Order, OrderEvent, Trade
from trading.orders.states import OPEN, RELEASING

SHOWN = 50
"""Most findings of one kind; more of the same say nothing new."""


def verify_ledger(report: Report) -> None:
    """Add every account up again from its first entry, and look for fills without an entry and entries without a fill."""
    for account in BrokerAccount.objects.order_by("pk"):
        verified = ledger_verify(account)
        report.checked["ledger entries"] += verified.entries
        for fault in verified.faults[:SHOWN]:
            report.find("ledger", f"account {account.pk}", str(fault))
    entered = LedgerEntry.objects.filter(kind=EntryKind.TRADE, account=OuterRef("account"), reference=OuterRef("key"))
    keyed = Trade.objects.annotate(key=Concat(Value("trade:"), Cast("pk", CharField())))
    booked = keyed.annotate(entry_shares=Subquery(entered.values("quantity")[:1]))
    report.checked["fills"] += booked.count()
    for trade in booked.filter(entry_shares=None).order_by("pk")[:SHOWN]:
        report.find("ledger", f"fill {trade.pk}", "no entry records it")
    for trade in booked.exclude(entry_shares=None).exclude(
        Q(entry_shares=F("quantity")) | Q(entry_shares=-F("quantity"))
    )[:SHOWN]:
        report.find("ledger", f"fill {trade.pk}", f"{trade.quantity} shares, its entry says {trade.entry_shares}")
    numbers = set(Trade.objects.values_list("pk", flat=True))
    for reference in LedgerEntry.objects.filter(kind=EntryKind.TRADE).values_list("reference", flat=True).iterator():
        number = reference.removeprefix("trade:")
        if reference.startswith("trade:") and number.isdigit() and int(number) not in numbers:
            report.find("ledger", f"entry {reference}", "there is no such fill")


def verify_orders(report: Report) -> None:
    """Hold orders against their fills, their timelines, their promises and the event numbers of their account."""
    report.checked["orders"] += Order.objects.count()
    for question in (_fills, _states, _timelines, _promises, _events):
        for number, (subject, problem) in enumerate(question()):
            if number == SHOWN:
                report.find("orders", subject, "and more of the same kind")
                break
            report.find("orders", subject, problem)


_Found = Iterator[tuple[str, str]]


def _per_order(rows: QuerySet[Any], value: Any) -> Subquery:
    """A figure of an order's rows, as a sub-select: joins of two kinds of rows would multiply each other."""
    return Subquery(
        rows.filter(order=OuterRef("pk")).order_by().values("order").annotate(figure=value).values("figure")
    )


def _fills() -> _Found:
    booked = Order.objects.annotate(
        shares=Coalesce(_per_order(Trade.objects.all(), Sum("quantity")), 0),
        money=_per_order(Trade.objects.all(), Sum("amount")),
    )
    for order in booked.exclude(shares=F("traded_quantity")).order_by("pk"):
        yield f"order {order.pk}", f"{order.traded_quantity} shares traded, its fills have {order.shares}"
    for order in booked.filter(shares__gt=F("quantity")).order_by("pk"):
        yield f"order {order.pk}", f"{order.shares} of {order.quantity} shares filled"
    for order in booked.filter(money__isnull=False).exclude(money=F("traded_amount")).order_by("pk"):
        # SQLite adds decimals up in binary: what it finds apart may be the same to a hundredth of a cent.
        if order.money == order.traded_amount:
            continue
        yield f"order {order.pk}", f"{order.traded_amount} traded, its fills have {order.money}"
    for trade in Trade.objects.filter(order__isnull=False).exclude(
        account=F("order__account"), symbol=F("order__symbol"), side=F("order__side")
    ):
        yield f"fill {trade.pk}", f"account, symbol or side differ from its order {trade.order_id}"


def _states() -> _Found:
    filled = Order.objects.filter(status=Status.FILLED).exclude(traded_quantity=F("quantity"))
    for order in filled.order_by("pk"):
        yield f"order {order.pk}", f"FILLED with {order.traded_quantity} of {order.quantity} shares"
    for order in Order.objects.filter(
        Q(status__in=OPEN, final_at__isnull=False) | Q(final_at=None) & ~Q(status__in=OPEN)
    ):
        yield f"order {order.pk}", f"{order.status} with final_at={order.final_at}"


def _timelines() -> _Found:
    last = OrderEvent.objects.filter(order=OuterRef("pk")).order_by("-seq")
    told = Order.objects.annotate(
        steps=Coalesce(_per_order(OrderEvent.objects.all(), Count("*")), 0),
        first=_per_order(OrderEvent.objects.all(), Min("seq")),
        latest=_per_order(OrderEvent.objects.all(), Max("seq")),
        stated=Subquery(last.values("to_status")[:1]),
    )
    wrong = ~Q(steps=F("version")) | ~Q(first=1) | ~Q(latest=F("version")) | Q(first=None)
    for order in told.filter(wrong).order_by("pk"):
        yield f"order {order.pk}", f"version {order.version}, its timeline has {order.steps} steps up to {order.latest}"
    for order in told.exclude(stated=F("status")).order_by("pk"):
        yield f"order {order.pk}", f"{order.status}, its timeline ends {order.stated}"


def _promises() -> _Found:
    kept = Q(reserved_cash__gt=0) | Q(reserved_quantity__gt=0)
    for order in Order.objects.filter(kept, status__in=RELEASING).order_by("pk"):
        yield f"order {order.pk}", f"{order.status} and still reserves {order.reserved_cash}, {order.reserved_quantity}"
    promised = (
        Order.objects.filter(account=OuterRef("pk")).order_by().values("account").annotate(all=Sum("reserved_cash"))
    )
    books = AccountBook.objects.annotate(promised=Subquery(promised.values("all")))
    for book in books.order_by("pk"):
        expected: Decimal = book.promised or ZERO
        if book.reserved_cash != expected:
            yield f"account {book.pk}", f"{book.reserved_cash} reserved, its orders promise {expected}"


def _events() -> _Found:
    numbered = (
        AccountEvent.objects.order_by()
        .values("account_id")
        .annotate(count=Count("*"), first=Min("version"), latest=Max("version"), stated=Max("account__book__version"))
    )
    for row in numbered:
        subject = f"account {row['account_id']}"
        if row["latest"] - row["first"] + 1 != row["count"]:
            yield subject, f"its events {row['first']} to {row['latest']} have gaps: there are {row['count']}"
        if row["latest"] != row["stated"]:
            yield subject, f"its book is at event {row['stated']}, the last one is {row['latest']}"
