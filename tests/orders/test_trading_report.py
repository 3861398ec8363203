"""The daily programmatic-trading report: every figure from rows."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.orders.bench import TODAY, Bench
from tests.orders.claiming import claim_cancel
from tests.people import signed_in
from trading.orders.models import Order, Trade
from trading.orders.services import order_cancel
from trading.orders.trading_report import COLUMNS, most_within, trading_report

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def cancelled(bench: Bench, order: Order) -> None:
    order_cancel(user=bench.alice, order_id=order.pk)
    assert claim_cancel(order.pk, host_name="sim") is not None
    bench.apply(bench.update(bench.order(order), 54))


def test_report_counts_orders_cancels_and_trades_of_the_day(bench: Bench) -> None:
    first, second, third = bench.reported(), bench.reported(price="9.99"), bench.reported(price="9.98")
    bench.submit(quantity=50)
    bench.apply(bench.fill(first, 100))
    cancelled(bench, second)
    bench.apply(bench.update(third, 54))
    report = trading_report(bench.account, TODAY)
    shown = ("orders", "orders_sent", "denied_orders", "cancels", "cancel_ratio_percent", "messages", "trades")
    assert [report[name] for name in shown] == [3, 3, 1, 2, "66.67", 5, 1]
    assert (report["traded_amount"], report["largest_trade"], report["large_minutes"]) == ("1000.00", "1000.00", 0)
    assert (report["most_messages_in_a_second"], report["is_high_frequency"]) == (5, False)


def test_report_of_another_date_is_empty(bench: Bench) -> None:
    bench.reported()
    report = trading_report(bench.account, TODAY - timedelta(days=1))
    assert (report["orders"], report["messages"], report["cancel_ratio_percent"]) == (0, 0, "0")


def test_report_counts_orders_that_were_cancelled_within_a_second(bench: Bench) -> None:
    quick, slow = bench.reported(), bench.reported(price="9.99")
    Order.objects.filter(pk=slow.pk).update(submitted_at=slow.submitted_at - timedelta(seconds=5))
    cancelled(bench, quick)
    cancelled(bench, slow)
    assert trading_report(bench.account, TODAY)["cancelled_within_a_second"] == 1


def test_report_lists_minutes_of_large_trades(bench: Bench) -> None:
    bench.apply(bench.fill(bench.reported(), 100))
    Trade.objects.update(amount=Decimal(1_000_000))
    assert trading_report(bench.account, TODAY)["large_minutes"] == 1


@pytest.mark.parametrize(
    ("gaps_ms", "most"), [([], 0), ([0], 1), ([0, 999], 2), ([0, 1000], 1), ([0, 400, 999, 1001], 3)]
)
def test_rate_is_the_most_in_any_second(gaps_ms: list[int], most: int) -> None:
    moments = [START + timedelta(milliseconds=gap) for gap in gaps_ms]
    assert most_within(moments, timedelta(seconds=1)) == most


def test_report_over_rest_and_as_csv_say_the_same(bench: Bench) -> None:
    bench.reported()
    client = signed_in(bench.alice)
    wish: dict[str, Any] = {"account": bench.account.pk, "date": TODAY.isoformat()}
    answer = client.get("/api/v1/reports/trading", wish).json()
    assert tuple(answer) == COLUMNS
    response = client.get("/api/v1/reports/trading.csv", wish)
    assert response["Content-Disposition"] == 'attachment; filename="trading-8000000001-2026-11-20.csv"'
    (row,) = csv.DictReader(io.StringIO(response.content.decode()))
    assert row == {name: str(value) for name, value in answer.items()}


def test_report_command_prints_every_account_of_its_present_date(bench: Bench) -> None:
    bench.reported()
    out = io.StringIO()
    call_command("trading_report", stdout=out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [(row["account_no"], row["trade_date"], row["orders"]) for row in rows] == [
        ("8000000001", "2026-11-20", "1"),
        ("8000000002", "2026-11-20", "0"),
    ]


def test_report_command_refuses_what_it_does_not_know(db: None) -> None:
    with pytest.raises(CommandError, match="not a date: tomorrow"):
        call_command("trading_report", "--date", "tomorrow")
    with pytest.raises(CommandError, match="no such account: 1"):
        call_command("trading_report", "--account", "1")
