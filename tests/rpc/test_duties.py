"""Executions started, limits, approvals and alerts: the same answers and refusals as over REST."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from accounts.models import Grant
from ops.clocks import wall_now
from ops.errors import Code, DeskError
from ops.models import Alert, AlertKind, Severity
from rpc import duties, trading
from rpc.calls import Call
from rpc.v1 import common_pb2 as common
from rpc.v1 import trading_pb2 as pb
from tests.orders import approvals
from tests.orders.approvals import set_rule
from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.rpc.direct import call_of
from trading.execution.models import Execution
from trading.orders.models import Order
from trading.risk.models import RiskLimit

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def alice(bench: Bench) -> Call:
    return call_of(bench.alice)


def basket(bench: Bench, *legs: dict[str, Any], **changes: Any) -> pb.StartExecutionRequest:
    wishes = legs or ({"symbol": MOUTAI, "side": common.SIDE_BUY, "quantity": 100, "price": "10.00"},)
    values: dict[str, Any] = {
        "account": bench.account.pk,
        "kind": common.EXECUTION_KIND_BASKET,
        "legs": [pb.LegWish(**leg) for leg in wishes],
    }
    return pb.StartExecutionRequest(**(values | changes))


def refusal(run: Any, call: Call, request: Any) -> DeskError:
    with pytest.raises(DeskError) as caught:
        run(call, request)
    return caught.value


def held(bench: Bench) -> Order:
    """An order of alice's that waits; bob may decide."""
    set_rule(bench, note="all")
    Grant.objects.filter(user=bench.team.bob).update(can_approve=True)
    return approvals.held(bench)


def test_basket_is_started_once_for_its_key(bench: Bench, alice: Call) -> None:
    first = trading.start_execution(alice, basket(bench, client_execution_id="k-1"))
    again = trading.start_execution(alice, basket(bench, client_execution_id="k-1"))

    assert (first.created, again.created, first.execution.id) == (True, False, again.execution.id)
    assert (first.execution.kind, Execution.objects.count()) == (common.EXECUTION_KIND_BASKET, 1)
    assert [(leg.symbol, leg.quantity) for leg in first.execution.legs] == [(MOUTAI, 100)]


def test_split_takes_the_fields_of_rest(bench: Bench, alice: Call) -> None:
    request = pb.StartExecutionRequest(
        account=bench.account.pk,
        kind=common.EXECUTION_KIND_SPLIT,
        symbol=MOUTAI,
        side=common.SIDE_BUY,
        quantity=300,
        price="9.90",
        child_quantity=100,
    )

    execution = trading.start_execution(alice, request).execution

    assert (execution.kind, execution.legs[0].quantity) == (common.EXECUTION_KIND_SPLIT, 300)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": 0}, "kind"),
        ({"kind": common.EXECUTION_KIND_REPLACE}, "kind"),
        ({"legs": []}, "legs"),
        ({"slices": 3}, "slices"),
        ({"account": 0}, "account"),
    ],
)
def test_malformed_execution_names_its_field(bench: Bench, alice: Call, changes: dict[str, Any], field: str) -> None:
    assert refusal(trading.start_execution, alice, basket(bench, **changes)).field == field
    assert Execution.objects.count() == 0


def test_execution_on_a_foreign_account_does_not_exist(bench: Bench, alice: Call) -> None:
    request = basket(bench, account=bench.team.beta.pk)

    assert refusal(trading.start_execution, alice, request).code == Code.ACCOUNT_NOT_FOUND


def test_limits_are_listed_to_whom_they_concern(bench: Bench, alice: Call) -> None:
    now = wall_now()
    common_values: dict[str, Any] = {"created_at": now, "updated_at": now, "updated_by": "tests"}
    mine = RiskLimit.objects.create(kind="ORDERS_PER_DAY", scope="USER", user=bench.alice, value=7, **common_values)
    RiskLimit.objects.create(kind="ORDERS_PER_DAY", scope="USER", user=bench.team.charlie, value=9, **common_values)

    found = duties.list_limits(alice, pb.ListLimitsRequest()).limits

    (limit,) = [one for one in found if one.user]
    assert (limit.id, limit.kind, limit.value, limit.user) == (mine.pk, "ORDERS_PER_DAY", "7", "alice")
    assert refusal(duties.list_limits, alice, pb.ListLimitsRequest(account=bench.team.beta.pk)).status == 404


def test_waiting_order_is_listed_and_approved_by_somebody_else(bench: Bench, alice: Call) -> None:
    order = held(bench)
    bob = call_of(bench.team.bob)

    (waiting,) = duties.list_approvals(bob, pb.ListApprovalsRequest()).orders
    assert (waiting.order.id, waiting.decidable, waiting.account_name) == (str(order.pk), True, "Alpha")
    assert MessageToDict(waiting.approval)["rules"][0]["note"] == "all"
    named = pb.OrderId(order=str(order.pk))
    assert refusal(duties.approve_order, alice, named).code == Code.SELF_APPROVAL

    assert duties.approve_order(bob, named).status == common.ORDER_STATUS_QUEUED
    assert refusal(duties.approve_order, bob, named).code == Code.APPROVAL_DECIDED


def test_waiting_order_is_refused_with_a_reason(bench: Bench) -> None:
    order = held(bench)
    bob = call_of(bench.team.bob)

    assert refusal(duties.refuse_order, bob, pb.RefuseOrderRequest(order=str(order.pk))).field == "reason"
    told = duties.refuse_order(bob, pb.RefuseOrderRequest(order=str(order.pk), reason="no"))

    assert (told.status, told.code) == (common.ORDER_STATUS_DENIED, "APPROVAL_REFUSED")


def test_waiting_execution_is_approved_and_another_refused(bench: Bench, alice: Call) -> None:
    held(bench)
    bob = call_of(bench.team.bob)
    leg = {"symbol": MOUTAI, "side": common.SIDE_BUY, "quantity": 1000, "price": "10.00"}
    ids = [trading.start_execution(alice, basket(bench, leg)).execution.id for _ in range(2)]

    assert {one.execution.id for one in duties.list_approvals(bob, pb.ListApprovalsRequest()).executions} == set(ids)
    approved = duties.approve_execution(bob, pb.ApproveExecutionRequest(execution=ids[0]))
    refused = duties.refuse_execution(bob, pb.RefuseExecutionRequest(execution=ids[1], reason="no"))

    assert (approved.state, refused.state) == (common.EXECUTION_STATE_RUNNING, common.EXECUTION_STATE_STOPPED)


def test_alerts_are_listed_and_closed_by_who_may_act(bench: Bench, alice: Call) -> None:
    now = wall_now()
    alert = Alert.objects.create(
        kind=AlertKind.ORDER_UNKNOWN,
        severity=Severity.CRITICAL,
        title="look",
        dedup_key="k",
        account_id=bench.account.pk,
        first_at=now,
        last_at=now,
        notified_at=now,
        facts={"order": "o-1"},
    )
    charlie = call_of(bench.team.charlie)

    (told,) = duties.list_alerts(alice, pb.ListAlertsRequest()).alerts
    assert (told.id, told.severity, told.open, told.facts["order"]) == (alert.pk, "CRITICAL", True, "o-1")
    assert list(duties.list_alerts(charlie, pb.ListAlertsRequest()).alerts) == []
    assert refusal(duties.acknowledge_alert, charlie, pb.AlertId(alert=alert.pk)).code == Code.ALERT_NOT_FOUND

    assert duties.acknowledge_alert(alice, pb.AlertId(alert=alert.pk)).acknowledged_by.startswith("alice")
    assert list(duties.list_alerts(alice, pb.ListAlertsRequest()).alerts) == []
    assert len(duties.list_alerts(alice, pb.ListAlertsRequest(state="closed")).alerts) == 1
    assert refusal(duties.list_alerts, alice, pb.ListAlertsRequest(kind="nothing")).field == "kind"
