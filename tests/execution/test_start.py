"""Accepting executions: judged whole, stored whole, or nothing at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from marketdata.quotes.models import LatestQuote
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, Forbidden, Invalid, NotFound
from ops.models import AuditEvent
from tests.execution.floor import Floor
from tests.orders.bench import MOUTAI
from trading.execution.facts import Lots
from trading.execution.models import Execution
from trading.execution.schedule import due_times
from trading.execution.services import execution_start, order_replace
from trading.execution.targets import Holding, step_towards
from trading.ledger.models import AssetSnapshot
from trading.orders.choices import Side
from trading.orders.models import Order

pytestmark = pytest.mark.django_db

BUY = {"symbol": MOUTAI, "side": "BUY", "quantity": 1000, "price": "10.00"}
SELL = {"symbol": "000001.SZ", "side": "SELL", "quantity": 1000, "price": "12.34"}


def refused(floor: Floor, body: dict[str, Any]) -> Invalid:
    with pytest.raises(Invalid) as caught:
        floor.start(body.pop("kind", "BASKET"), **body)
    assert Execution.objects.count() == 0
    return caught.value


def denied(floor: Floor, kind: str, **body: Any) -> list[dict[str, Any]]:
    with pytest.raises(Denied) as caught:
        floor.start(kind, **body)
    assert caught.value.code == Code.LEGS_DENIED
    assert Execution.objects.count() == Order.objects.count() == 0
    legs: list[dict[str, Any]] = caught.value.details["legs"]
    return legs


def test_start_stores_execution_legs_and_audit_and_sends_nothing(floor: Floor) -> None:
    execution = floor.basket(BUY, strategy="grid")
    assert (execution.created_by, execution.epoch, execution.strategy) == (
        floor.bench.alice,
        floor.bench.account.epoch,
        "grid",
    )
    (leg,) = floor.legs(execution)
    assert (leg.symbol, leg.side, leg.quantity, leg.price) == (MOUTAI, "BUY", 1000, Decimal(10))
    assert AuditEvent.objects.get(action="execution.accepted").actor_label == "alice"
    assert Order.objects.count() == 0


def test_basket_with_one_bad_leg_is_denied_whole_with_every_bad_leg_named(floor: Floor) -> None:
    legs = denied(
        floor,
        "BASKET",
        legs=[BUY, BUY | {"symbol": "000001.SZ", "price": "20.00"}, BUY | {"symbol": "300750.SZ", "quantity": 50}],
    )
    assert [(leg["leg"], leg["code"]) for leg in legs] == [
        (2, Code.PRICE_ABOVE_LIMIT_UP),
        (3, Code.PRICE_BELOW_LIMIT_DOWN),
    ]


def test_basket_is_judged_with_its_money_summed_up(floor: Floor) -> None:
    AssetSnapshot.objects.update(cash=Decimal("15000.00"))
    each = {"side": "BUY", "quantity": 1000}
    legs = denied(
        floor,
        "BASKET",
        legs=[each | {"symbol": MOUTAI, "price": "10.00"}, each | {"symbol": "000001.SZ", "price": "12.00"}],
    )
    assert [(leg["leg"], leg["code"]) for leg in legs] == [(2, Code.CASH_INSUFFICIENT)]


def test_basket_counts_what_its_sales_bring_in(floor: Floor) -> None:
    AssetSnapshot.objects.update(cash=Decimal("1000.00"))
    floor.bench.hold(1000, "000001.SZ")
    floor.basket(BUY, SELL)
    assert Execution.objects.count() == 1


def test_same_key_and_body_answer_the_same_execution_and_another_body_conflicts(floor: Floor) -> None:
    first = floor.basket(BUY, client_execution_id="k1")
    assert floor.basket(BUY, client_execution_id="k1").pk == first.pk
    with pytest.raises(Conflict) as caught:
        floor.basket(BUY | {"quantity": 900}, client_execution_id="k1")
    assert caught.value.code == Code.IDEMPOTENCY_CONFLICT
    assert Execution.objects.count() == 1


@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_start_by_somebody_who_may_not_trade_is_refused(floor: Floor, person: str) -> None:
    with pytest.raises((Forbidden, NotFound)):
        execution_start(
            user=getattr(floor.bench.team, person),
            account_id=floor.bench.account.pk,
            body={"account": floor.bench.account.pk, "kind": "BASKET", "legs": [BUY]},
        )
    assert Execution.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"kind": "VWAP"}, Code.FIELD_INVALID, "kind"),
        ({"legs": []}, Code.FIELD_INVALID, "legs"),
        ({"legs": [BUY, BUY]}, Code.FIELD_INVALID, "legs"),
        ({"legs": [BUY | {"side": "buy"}]}, Code.SIDE_UNKNOWN, "legs[1].side"),
        ({"legs": [BUY, SELL | {"price": "NaN"}]}, Code.PRICE_INVALID, "legs[2].price"),
        ({"legs": [BUY | {"volume": 1}]}, Code.FIELD_UNKNOWN, "legs[1].volume"),
        ({"legs": [BUY], "slices": 3}, Code.FIELD_UNKNOWN, "slices"),
        ({"legs": [BUY], "client_execution_id": "exec:1"}, Code.FIELD_INVALID, "client_execution_id"),
        ({"kind": "SPLIT", **BUY}, Code.FIELD_REQUIRED, "child_quantity"),
        ({"kind": "SPLIT", **BUY, "child_quantity": 150}, Code.FIELD_INVALID, "child_quantity"),
        ({"kind": "TWAP", **BUY, "slices": 3}, Code.FIELD_REQUIRED, "ends_at"),
        ({"kind": "TWAP", **BUY, "slices": 11, "ends_at": "10:30"}, Code.FIELD_INVALID, "slices"),
        ({"kind": "TWAP", **BUY, "slices": 3, "ends_at": "09:45"}, Code.FIELD_INVALID, "ends_at"),
        ({"kind": "TARGET", "legs": [{"symbol": MOUTAI}]}, Code.FIELD_INVALID, "legs[1]"),
        ({"kind": "TARGET", "legs": [{"symbol": MOUTAI, "weight": 1.5}]}, Code.FIELD_INVALID, "legs[1].weight"),
        ({"kind": "TARGET", "legs": [{"symbol": MOUTAI, "quantity": 1.0}]}, Code.QUANTITY_INVALID, "legs[1].quantity"),
    ],
)
def test_malformed_request_is_refused_at_its_field(floor: Floor, body: dict[str, Any], code: Code, field: str) -> None:
    refusal = refused(floor, dict(body))
    assert (refusal.code, refusal.field) == (code, field)


def test_split_and_twap_are_judged_as_a_whole_too(floor: Floor) -> None:
    AssetSnapshot.objects.update(cash=Decimal("5000.00"))
    legs = denied(floor, "SPLIT", **BUY, child_quantity=200)
    assert [leg["code"] for leg in legs] == [Code.CASH_INSUFFICIENT]


def test_split_may_be_larger_than_one_order_may_be(floor: Floor) -> None:
    AssetSnapshot.objects.update(cash=Decimal(100_000_000))
    execution = floor.split(2_000_000, 500_000)
    assert floor.legs(execution)[0].quantity == 2_000_000


# ------------------------------------------------------------------------------- targets
@pytest.mark.parametrize(
    ("wanted", "holding", "lots", "side", "quantity", "note"),
    [
        (1000, Holding(300, 300, 0, 0), Lots(100, 100), Side.BUY, 700, {}),
        (1050, Holding(300, 300, 0, 0), Lots(100, 100), Side.BUY, 700, {"short": 50}),
        (1000, Holding(300, 300, 700, 0), Lots(100, 100), Side.BUY, 0, {}),
        (100, Holding(900, 500, 0, 0), Lots(100, 100), Side.SELL, 500, {"short": 300}),  # bought today
        (0, Holding(350, 350, 0, 0), Lots(100, 100), Side.SELL, 350, {}),  # the odd rest goes with the whole
        (100, Holding(350, 350, 0, 0), Lots(100, 100), Side.SELL, 200, {"short": 50}),
        (150, Holding(0, 0, 0, 0), Lots(200, 1), Side.BUY, 0, {"short": 150}),
        (0, Holding(500, 0, 0, 500), Lots(100, 100), Side.BUY, 0, {}),  # being sold already
    ],
)
def test_step_towards_a_target(
    wanted: int, holding: Holding, lots: Lots, side: Side, quantity: int, note: dict[str, int]
) -> None:
    step = step_towards(wanted, holding, lots)
    assert (step.side, step.quantity) == (side, quantity)
    assert {name: value for name, value in step.note.items() if name == "short"} == note


def quoted(floor: Floor, symbol: str, last: float, *, age_seconds: int = 1) -> None:
    received = int((wall_now().timestamp() - age_seconds) * 1000)
    LatestQuote.objects.create(
        instrument_id=floor.bench.instruments[symbol].pk, ts=received, last=last, open=last, high=last, low=last,
        pre_close=last, volume=0, amount=0, received_at=received,
    )  # fmt: skip


def test_targets_by_weight_and_quantity_become_one_basket(floor: Floor) -> None:
    quoted(floor, MOUTAI, 10.0)
    floor.bench.hold(500, "000001.SZ")
    execution = floor.start(
        "TARGET", legs=[{"symbol": MOUTAI, "weight": "0.1234"}, {"symbol": "000001.SZ", "quantity": 0}]
    )
    assert [(leg.symbol, leg.side, leg.quantity, leg.price_type) for leg in floor.legs(execution)] == [
        (MOUTAI, "BUY", 12_300, "LATEST"),  # 12.34% of a million at 10.00
        ("000001.SZ", "SELL", 500, "LATEST"),
    ]


def test_target_by_value_without_a_fresh_quote_is_denied(floor: Floor) -> None:
    quoted(floor, MOUTAI, 10.0, age_seconds=120)
    with pytest.raises(Denied) as caught:
        floor.start("TARGET", legs=[{"symbol": MOUTAI, "value": "10000"}])
    assert (caught.value.code, caught.value.details["age_seconds"]) == (Code.QUOTE_UNKNOWN, 120)


def test_targets_that_are_reached_are_denied_as_nothing_to_trade(floor: Floor) -> None:
    floor.bench.hold(500)
    with pytest.raises(Denied) as caught:
        floor.start("TARGET", legs=[{"symbol": MOUTAI, "quantity": 500}])
    assert caught.value.code == Code.NOTHING_TO_TRADE


# ---------------------------------------------------------------------------------- TWAP
def test_slices_skip_lunch_and_the_auction() -> None:
    from tests.execution.test_planner import market

    times = due_times(market("11:00"), market("15:00"), 7)
    assert [f"{moment:%H:%M:%S}" for moment in times] == [
        "11:00:00", "11:21:00", "13:12:00", "13:33:00", "13:54:00", "14:15:00", "14:36:00",
    ]  # fmt: skip


def test_twap_for_later_today_is_accepted_at_lunch(floor: Floor) -> None:
    floor.market_time("11:45")
    execution = floor.twap(ends_at="14:00", starts_at="13:00")
    assert floor.turn(execution).state == "RUNNING"
    assert floor.orders(execution) == []


# -------------------------------------------------------------------------- replacements
def test_replace_of_a_finished_order_conflicts(floor: Floor) -> None:
    old = floor.fill(floor.bench.submit())
    with pytest.raises(Conflict) as caught:
        floor.replace(old, price="10.20")
    assert caught.value.code == Code.ORDER_FINAL


def test_replace_twice_conflicts_while_the_first_is_open(floor: Floor) -> None:
    old = floor.report(floor.bench.submit())
    floor.replace(old, price="10.20")
    with pytest.raises(Conflict):
        floor.replace(old, price="10.30")
    assert Execution.objects.count() == 1


def test_replace_with_a_price_that_could_not_be_ordered_cancels_nothing(floor: Floor) -> None:
    old = floor.report(floor.bench.submit())
    with pytest.raises(Denied) as caught:
        floor.replace(old, price="12.00")
    assert caught.value.code == Code.PRICE_ABOVE_LIMIT_UP
    assert floor.bench.order(old).cancel_requested_at is None


def test_replace_of_somebody_elses_order_is_refused(floor: Floor) -> None:
    old = floor.report(floor.bench.submit())
    with pytest.raises(Forbidden):
        order_replace(user=floor.bench.team.bob, order_id=old.pk, body={"price": "10.20"})
    with pytest.raises(NotFound):
        order_replace(user=floor.bench.team.charlie, order_id=old.pk, body={"price": "10.20"})
