"""Where an order's time went: the stamps of one, the percentiles of a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from tests.orders.bench import TODAY, Bench
from trading.orders.latency import Hop, hops_of_day, timeline
from trading.orders.models import Approval, Order

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def stamped(bench: Bench, *, claim: float, call: float, answer: float | None, report: float | None) -> Order:
    """A sent order with its stamps so many milliseconds after its acceptance."""

    def after(milliseconds: float | None) -> datetime | None:
        return None if milliseconds is None else START + timedelta(milliseconds=milliseconds)

    order = bench.sent()
    Order.objects.filter(pk=order.pk).update(
        submitted_at=START,
        claimed_at=after(claim),
        sent_at=after(call),
        answered_at=after(answer),
        reported_at=after(report),
    )
    return bench.order(order)


def test_answer_of_the_terminal_is_stamped_once_with_its_arrival(bench: Bench) -> None:
    order = bench.sent()
    arrived = 1_763_604_000_123_456_789
    bench.apply(bench.response(order, received_at_ns=arrived))
    bench.apply(bench.response(order, received_at_ns=arrived + 5_000_000_000))
    assert bench.order(order).answered_at == datetime.fromtimestamp(arrived / 1e9, UTC)


def test_reject_of_the_terminal_is_an_answer_too(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.response(order, order_id=None, error="no money", received_at_ns=1_763_604_000_000_000_000))
    row = bench.order(order)
    assert (row.status, row.answered_at) == ("REJECTED", datetime.fromtimestamp(1_763_604_000, UTC))


def test_timeline_has_each_step_with_what_it_took(bench: Bench) -> None:
    order = stamped(bench, claim=3, call=5.5, answer=9, report=14)
    told = [(row["step"], row["ms"], row["total_ms"]) for row in timeline(order)]
    assert told == [
        ("accepted", 0.0, 0.0),
        ("claimed", 3.0, 3.0),
        ("called", 2.5, 5.5),
        ("answered", 3.5, 9.0),
        ("reported", 5.0, 14.0),
    ]


def test_timeline_of_a_report_before_the_answer_never_goes_backwards(bench: Bench) -> None:
    order = stamped(bench, claim=-0.4, call=5, answer=12, report=8)
    told = [(row["step"], row["ms"]) for row in timeline(order)]
    assert told == [("accepted", 0.0), ("claimed", 0.0), ("called", 5.4), ("reported", 3.0), ("answered", 4.0)]


def test_timeline_names_the_approval(bench: Bench) -> None:
    order = stamped(bench, claim=5_003, call=5_004, answer=None, report=None)
    Approval.objects.create(order=order, rules=[], decided_at=START + timedelta(seconds=5))
    assert [row["step"] for row in timeline(bench.order(order))] == ["accepted", "approved", "claimed", "called"]


def test_hops_are_percentiles_of_the_day_s_orders(bench: Bench) -> None:
    for number in range(1, 11):
        stamped(bench, claim=number, call=number + 2, answer=number + 12, report=None)
    hops = {hop.name: hop for hop in hops_of_day(TODAY)}
    assert hops["accept_to_claim"] == Hop("accept_to_claim", 10, 5.5, 9.1, 9.91, 10.0)
    assert hops["claim_to_call"] == Hop("claim_to_call", 10, 2.0, 2.0, 2.0, 2.0)
    assert hops["call_to_answer"].p99 == 10.0
    assert hops["call_to_report"] == Hop("call_to_report", 0, None, None, None, None)
    assert hops["accept_to_answer"].max == 22.0


def test_hops_count_from_the_approval(bench: Bench) -> None:
    order = stamped(bench, claim=5_003, call=5_004, answer=None, report=None)
    Approval.objects.create(order=order, rules=[], decided_at=START + timedelta(seconds=5))
    assert hops_of_day(TODAY)[0].p50 == 3.0


def test_hops_of_another_host_or_day_are_apart(bench: Bench) -> None:
    stamped(bench, claim=1, call=2, answer=3, report=4)
    assert hops_of_day(TODAY, host=bench.account.host.name)[0].count == 1
    assert hops_of_day(TODAY, host="other")[0].count == 0
    assert hops_of_day(TODAY - timedelta(days=1))[0].count == 0


def test_detail_of_an_order_shows_its_timeline(bench: Bench, client: Client) -> None:
    order = stamped(bench, claim=3, call=5.5, answer=9, report=14)
    client.force_login(bench.alice)
    rows = client.get(f"/api/v1/orders/{order.pk}").json()["timeline"]
    assert rows[1] == {"step": "claimed", "at": "2026-11-20T02:00:00.003Z", "ms": 3.0, "total_ms": 3.0}
