"""Judging executions without starting them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.choices import TradeRight
from accounts.models import Grant
from marketdata.quotes.models import LatestQuote
from ops.errors import Code, Denied, Forbidden
from ops.models import AuditEvent
from qmt.calendar import SHANGHAI
from tests.execution.floor import Floor
from tests.orders.approvals import set_rule
from tests.orders.bench import MOUTAI
from trading.execution.models import Execution
from trading.execution.services import execution_check
from trading.ledger.models import AssetSnapshot
from trading.orders.models import Order

pytestmark = pytest.mark.django_db

BUY = {"symbol": MOUTAI, "side": "BUY", "quantity": 1000, "price": "10.00"}
SPLIT = {"kind": "SPLIT", "symbol": MOUTAI, "side": "BUY", "price": "10.00"}


def check(floor: Floor, body: dict[str, Any]) -> dict[str, Any]:
    return execution_check(user=floor.bench.alice, account_id=floor.bench.account.pk, body=body)


def at_market(stamp: str) -> str:
    return datetime.fromisoformat(stamp).astimezone(SHANGHAI).strftime("%H:%M")


def test_check_of_a_basket_judges_sales_first_and_changes_nothing(floor: Floor) -> None:
    floor.bench.hold(1000, "000001.SZ")
    AssetSnapshot.objects.update(cash=Decimal("100.00"))
    audits = AuditEvent.objects.count()
    sale = {"symbol": "000001.SZ", "side": "SELL", "quantity": 1000, "price": "12.34"}

    told = check(floor, {"kind": "BASKET", "legs": [BUY, sale]})

    assert [(leg["leg"], leg["verdict"]) for leg in told["legs"]] == [(2, "PASSED"), (1, "PASSED")]
    assert (told["accepted"], told["approval"], told["children"]) == (True, None, [])
    assert (told["cost"]["bought"], told["cost"]["sold"]) == ("10000.00", "12340.00")
    fees = Decimal(told["cost"]["fees"])
    assert fees == Decimal(told["cost"]["commission"]) + Decimal(told["cost"]["stamp_duty"]) + Decimal(
        told["cost"]["transfer_fee"]
    )
    assert Decimal(told["cost"]["net"]) == Decimal("10000.00") - Decimal("12340.00") + fees
    assert (Execution.objects.count(), Order.objects.count(), AuditEvent.objects.count()) == (0, 0, audits)


def test_check_names_each_denied_leg_with_its_facts(floor: Floor) -> None:
    told = check(floor, {"kind": "BASKET", "legs": [BUY, BUY | {"symbol": "000001.SZ", "price": "20.00"}]})

    assert told["accepted"] is False
    assert [(leg["leg"], leg["verdict"], leg["code"]) for leg in told["legs"]] == [
        (1, "PASSED", ""),
        (2, "DENIED", Code.PRICE_ABOVE_LIMIT_UP),
    ]
    assert told["legs"][1]["facts"]["limit_up"] == "13.57"


def test_check_of_a_split_lists_the_children_that_it_would_have(floor: Floor) -> None:
    told = check(floor, SPLIT | {"quantity": 500, "child_quantity": 200})

    assert [child["quantity"] for child in told["children"]] == [200, 200, 100]
    # Each child is an order of its own and pays the smallest commission.
    assert (told["cost"]["bought"], told["cost"]["commission"]) == ("5000.00", "15.00")
    execution = floor.turn(floor.split(500, 200))
    for _ in told["children"]:
        floor.settled(floor.fill(floor.orders(execution)[-1]))
        floor.turn(execution)
    assert [order.quantity for order in floor.orders(execution)] == [200, 200, 100]


def test_check_of_a_twap_says_when_each_child_is_due(floor: Floor) -> None:
    floor.market_time("10:00")

    body = SPLIT | {"kind": "TWAP", "quantity": 500, "slices": 4, "starts_at": "11:00", "ends_at": "13:30"}
    told = check(floor, body)

    # 500 in quarters are 125 each: whole lots go when they have come together.
    assert [(at_market(child["at"]), child["quantity"]) for child in told["children"]] == [
        ("11:00", 100), ("11:15", 100), ("13:00", 100), ("13:15", 200),
    ]  # fmt: skip


def test_check_of_targets_shows_the_difference_and_what_is_reached(floor: Floor) -> None:
    floor.bench.hold(1000, "000001.SZ")
    floor.bench.hold(500, MOUTAI)

    legs = [
        {"symbol": MOUTAI, "quantity": 500},
        {"symbol": "000001.SZ", "quantity": 300, "price_type": "LIMIT", "price": "12.34"},
    ]
    told = check(floor, {"kind": "TARGET", "legs": legs})

    rows = {leg["leg"]: leg for leg in told["legs"]}
    assert (rows[1]["verdict"], rows[1]["quantity"], rows[1]["note"]) == ("NOTHING", 0, {"target": 500, "held": 500})
    assert (rows[2]["side"], rows[2]["quantity"], rows[2]["note"]["held"]) == ("SELL", 700, 1000)
    assert told["accepted"] is True


def test_check_of_targets_that_are_reached_says_so(floor: Floor) -> None:
    told = check(floor, {"kind": "TARGET", "legs": [{"symbol": MOUTAI, "quantity": 0}]})

    assert (told["accepted"], told["code"], told["cost"]) == (False, Code.NOTHING_TO_TRADE, None)


def test_check_of_a_weight_without_a_quote_is_refused(floor: Floor) -> None:
    LatestQuote.objects.all().delete()

    with pytest.raises(Denied) as caught:
        check(floor, {"kind": "TARGET", "legs": [{"symbol": MOUTAI, "weight": "0.05"}]})

    assert caught.value.code == Code.QUOTE_UNKNOWN


def test_check_names_the_rules_that_would_hold_the_whole(floor: Floor) -> None:
    rule = set_rule(floor.bench, min_value="15000")

    small = check(floor, {"kind": "BASKET", "legs": [BUY]})
    large = check(floor, {"kind": "BASKET", "legs": [BUY, BUY | {"symbol": "000001.SZ", "price": "12.00"}]})

    assert small["approval"] is None
    assert [one["id"] for one in large["approval"]["rules"]] == [rule.pk]


def test_check_without_the_right_to_trade_is_refused(floor: Floor) -> None:
    Grant.objects.filter(user=floor.bench.alice).update(trade=TradeRight.NONE)

    with pytest.raises(Forbidden):
        check(floor, {"kind": "BASKET", "legs": [BUY]})
