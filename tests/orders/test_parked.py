"""The terminal's order with a cut remark: candidates are listed, a person says which it is, nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from ops.models import AuditEvent
from tests.orders.bench import Bench
from tests.people import confirmed, signed_in
from trading.ledger.models import LedgerEntry
from trading.orders import lifecycle
from trading.orders.models import Order, ParkedEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def unclear(bench: Bench) -> Order:
    """An order nobody answered for, and the terminal's filled one without a remark that may be it."""
    order = bench.sent(quantity=100)
    lifecycle.mark_unknown([order.pk], reason="test")
    order = bench.order(order)
    shown = bench.update(order, 56, tag="", order_id=77, order_sysid="SIM77", traded_quantity=100)
    fill = bench.fill(order, 100, tag="", order_id=77, order_sysid="SIM77")
    bench.query(orders=(shown,), trades=(fill,))
    return bench.order(order)


def listed(bench: Bench) -> list[dict[str, Any]]:
    response = signed_in(bench.alice).get(f"/api/v1/accounts/{bench.account.pk}/parked")
    rows: list[dict[str, Any]] = response.json()["results"]
    return rows


def decide(bench: Bench, parked: int, order: str | None) -> tuple[int, dict[str, Any]]:
    response = confirmed(bench.team.risk).post(
        f"/api/v1/accounts/{bench.account.pk}/parked/{parked}", {"order": order}, content_type="application/json"
    )
    return response.status_code, response.json()


def test_order_that_may_be_ours_is_neither_taken_nor_adopted(bench: Bench, unclear: Order) -> None:
    assert (unclear.status, Order.objects.count(), LedgerEntry.objects.count()) == ("UNKNOWN", 1, 0)
    kinds = {row["kind"]: [one["id"] for one in row["candidates"]] for row in listed(bench)}
    assert kinds == {"OrderUpdate": [str(unclear.pk)], "TradeUpdate": []}


def test_decided_ours_takes_the_number_the_state_and_the_fill(bench: Bench, unclear: Order) -> None:
    parked = next(row for row in listed(bench) if row["kind"] == "OrderUpdate")
    status, body = decide(bench, parked["id"], str(unclear.pk))
    assert (status, body["status"], body["order_sysid"], body["traded_quantity"]) == (200, "FILLED", "SIM77", 100)
    assert listed(bench) == []
    assert LedgerEntry.objects.filter(kind="TRADE").count() == 1
    assert AuditEvent.objects.filter(action="order.parked_decided").count() == 1


def test_decided_outside_is_adopted_and_ours_stays_unknown(bench: Bench, unclear: Order) -> None:
    parked = next(row for row in listed(bench) if row["kind"] == "OrderUpdate")
    status, body = decide(bench, parked["id"], None)
    assert (status, body["source"], body["status"]) == (200, "EXTERNAL", "FILLED")
    assert bench.order(unclear).status == "UNKNOWN"


def test_order_that_is_no_candidate_is_refused(bench: Bench, unclear: Order) -> None:
    other = bench.sent(quantity=200)
    parked = next(row for row in listed(bench) if row["kind"] == "OrderUpdate")
    assert decide(bench, parked["id"], str(other.pk))[0] == 400
    assert ParkedEvent.objects.filter(state="PARKED").count() == 2


def test_decision_is_taken_once(bench: Bench, unclear: Order) -> None:
    parked = next(row for row in listed(bench) if row["kind"] == "OrderUpdate")
    decide(bench, parked["id"], str(unclear.pk))
    assert decide(bench, parked["id"], str(unclear.pk))[0] == 404
    assert LedgerEntry.objects.filter(kind="TRADE").count() == 1
