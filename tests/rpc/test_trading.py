"""TradingService: the same orders, denials and rights as everywhere, read from and written to messages."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from uuid import UUID

import grpc
import pytest

from ops.errors import Code, Denied, DeskError, Forbidden, Invalid, NotFound
from ops.models import AuditEvent
from rpc import trading
from rpc.calls import Call
from rpc.server import THREADS_EACH
from rpc.statuses import status_code
from rpc.v1 import common_pb2 as common
from rpc.v1 import trading_pb2 as pb
from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.rpc.conftest import Server, ThreadServer
from tests.rpc.direct import call_of
from trading.orders.models import Order

BOTH = pytest.mark.django_db(databases=["default", "quotes"])
pytestmark = [BOTH, pytest.mark.postgres]


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def alice(bench: Bench) -> Call:
    return call_of(bench.alice)


def wish(bench: Bench, **changes: Any) -> pb.OrderRequest:
    """Buy 100 Moutai at 10.00, unless told otherwise."""
    values: dict[str, Any] = {
        "account": bench.account.pk,
        "symbol": MOUTAI,
        "side": common.SIDE_BUY,
        "quantity": 100,
        "price": "10.00",
    }
    return pb.OrderRequest(**(values | changes))


# ------------------------------------------------------------------------------- orders
def test_order_is_placed_once_for_its_key(bench: Bench, alice: Call) -> None:
    first = trading.submit_order(alice, wish(bench, client_order_id="k1"))
    again = trading.submit_order(alice, wish(bench, client_order_id="k1"))
    assert (first.created, again.created) == (True, False)
    assert first.order.id == again.order.id
    assert (first.order.status, first.order.price, first.order.source) == (common.ORDER_STATUS_QUEUED, "10", "RPC")
    assert Order.objects.count() == 1


def test_order_with_the_key_of_another_is_refused(bench: Bench, alice: Call) -> None:
    trading.submit_order(alice, wish(bench, client_order_id="k1"))
    with pytest.raises(DeskError) as refusal:
        trading.submit_order(alice, wish(bench, client_order_id="k1", quantity=200))
    assert refusal.value.code == Code.IDEMPOTENCY_CONFLICT
    assert status_code(refusal.value) == grpc.StatusCode.FAILED_PRECONDITION


def test_order_is_on_the_audit_trail_with_token_and_request(bench: Bench, alice: Call) -> None:
    placed = trading.submit_order(alice, wish(bench))
    event = AuditEvent.objects.filter(target=f"order:{placed.order.id}").latest("pk")
    assert (event.actor_kind, event.actor_id, event.request_id) == ("token", str(alice.token.pk), "test-request")


def test_denied_order_names_its_reason_its_facts_and_its_row(bench: Bench, alice: Call) -> None:
    with pytest.raises(Denied) as denial:
        trading.submit_order(alice, wish(bench, price="12.00"))
    order = Order.objects.get()
    assert denial.value.code == Code.PRICE_ABOVE_LIMIT_UP
    assert (order.status, denial.value.details["order"]) == ("DENIED", str(order.pk))
    assert denial.value.details["limit_up"] == "11"
    assert status_code(denial.value) == grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"symbol": ""}, Code.FIELD_REQUIRED, "symbol"),
        ({"side": 0}, Code.FIELD_REQUIRED, "side"),
        ({"side": 7}, Code.FIELD_INVALID, "side"),
        ({"quantity": 0}, Code.FIELD_REQUIRED, "quantity"),
        ({"quantity": -100}, Code.QUANTITY_INVALID, "quantity"),
        ({"price_type": 99}, Code.FIELD_INVALID, "price_type"),
        ({"price": "ten"}, Code.PRICE_INVALID, "price"),
        ({"price": "NaN"}, Code.PRICE_INVALID, "price"),
        ({"price": None}, Code.PRICE_REQUIRED, "price"),
        ({"client_order_id": "with a blank"}, Code.FIELD_INVALID, "client_order_id"),
        ({"account": 0}, Code.FIELD_REQUIRED, "account"),
        ({"account": -1}, Code.FIELD_INVALID, "account"),
    ],
)
def test_malformed_order_is_refused_and_leaves_nothing(
    bench: Bench, alice: Call, changes: dict[str, Any], code: Code, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        trading.submit_order(alice, wish(bench, **changes))
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert Order.objects.count() == 0


def test_order_of_who_may_only_look_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(Forbidden) as refusal:
        trading.submit_order(call_of(bench.team.bob), wish(bench))
    assert refusal.value.code == Code.TRADE_NOT_GRANTED
    assert Order.objects.count() == 0


def test_check_says_what_would_become_of_an_order_and_places_none(bench: Bench, alice: Call) -> None:
    verdict = trading.check_order(alice, wish(bench))
    assert (verdict.accepted, verdict.price, verdict.reservation.quantity) == (True, "10", 0)
    assert {check.verdict for check in verdict.checks} == {"PASSED"}
    assert verdict.cost.amount == "1000.00"
    assert Order.objects.count() == 0


def test_queued_order_is_cancelled_at_once(bench: Bench, alice: Call) -> None:
    placed = trading.submit_order(alice, wish(bench)).order
    assert trading.cancel_order(alice, pb.OrderId(order=placed.id)).status == common.ORDER_STATUS_CANCELLED


def test_open_orders_of_an_account_are_cancelled_with_an_outcome_each(bench: Bench, alice: Call) -> None:
    placed = [trading.submit_order(alice, wish(bench, quantity=size)).order.id for size in (100, 200)]
    outcomes = trading.cancel_orders(alice, pb.CancelOrdersRequest(account=bench.account.pk)).outcomes
    assert [(row.order, row.outcome) for row in outcomes] == [(key, "CANCELLED") for key in placed]


def test_order_is_replaced_by_an_execution(bench: Bench, alice: Call) -> None:
    order = bench.reported()
    started = trading.replace_order(alice, pb.ReplaceOrderRequest(order=str(order.pk), price="9.90"))
    assert (started.created, started.execution.kind) == (True, common.EXECUTION_KIND_REPLACE)
    assert (started.execution.replaces, started.execution.legs[0].price) == (str(order.pk), "9.9")
    stopped = trading.cancel_execution(alice, pb.ExecutionId(execution=started.execution.id))
    assert stopped.state in (common.EXECUTION_STATE_STOPPING, common.EXECUTION_STATE_CANCELLED)


@pytest.mark.parametrize("text", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_order_that_does_not_exist_is_not_found(alice: Call, text: str) -> None:
    with pytest.raises(NotFound) as refusal:
        trading.get_order(alice, pb.OrderId(order=text))
    assert refusal.value.code == Code.ORDER_NOT_FOUND


# -------------------------------------------------------------------------------- lists
def test_orders_come_in_pages_newest_first_without_a_gap(bench: Bench, alice: Call) -> None:
    placed = [trading.submit_order(alice, wish(bench, quantity=100 * size)).order.id for size in range(1, 6)]
    seen, token = [], ""
    for _page in range(3):
        page = common.PageRequest(size=2, page_token=token)
        answer = trading.list_orders(alice, pb.ListOrdersRequest(account=bench.account.pk, page=page))
        seen += [order.id for order in answer.orders]
        token = answer.next_page_token
    assert seen == placed[::-1]
    assert token == ""


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (common.PageRequest(size=-1), Code.FIELD_INVALID),
        (common.PageRequest(size=1001), Code.FIELD_INVALID),
        (common.PageRequest(page_token="nonsense"), Code.CURSOR_INVALID),
        (common.PageRequest(page_token="WyIxIl0="), Code.CURSOR_INVALID),
        (common.PageRequest(page_token="WyJ4IiwgIngiXQ=="), Code.CURSOR_INVALID),
    ],
)
def test_page_that_was_never_given_is_refused(alice: Call, page: common.PageRequest, code: Code) -> None:
    with pytest.raises(Invalid) as refusal:
        trading.list_orders(alice, pb.ListOrdersRequest(page=page))
    assert refusal.value.code == code


def test_lists_are_narrowed_by_their_filters(bench: Bench, alice: Call) -> None:
    order = bench.reported(client_order_id="mine")
    bench.apply(bench.fill(order, 100))
    bench.submit(symbol="000001.SZ", price="12.00")

    def symbols(**filters: Any) -> list[str]:
        return [row.symbol for row in trading.list_orders(alice, pb.ListOrdersRequest(**filters)).orders]

    assert symbols(symbol="600519") == [MOUTAI]
    assert symbols(status="open") == ["000001.SZ"]
    assert symbols(client_order_id="mine") == [MOUTAI]
    assert symbols(date="2020-01-02") == []
    trades = trading.list_trades(alice, pb.ListTradesRequest(account=bench.account.pk)).trades
    assert [(trade.order, trade.quantity, trade.price) for trade in trades] == [(str(order.pk), 100, "10")]
    with pytest.raises(Invalid):
        symbols(status="SLEEPING")


def test_order_is_shown_with_its_timeline_and_its_fills(bench: Bench, alice: Call) -> None:
    order = bench.reported()
    bench.apply(bench.fill(order, 100))
    detail = trading.get_order(alice, pb.OrderId(order=str(order.pk)))
    assert [event.kind for event in detail.events][:2] == ["ACCEPTED", "CLAIMED"]
    assert [trade.quantity for trade in detail.trades] == [100]
    assert detail.order.traded_quantity == 100


def test_money_and_holdings_are_decimal_text_and_whole_numbers(bench: Bench, alice: Call) -> None:
    bench.apply(bench.position(300))
    positions = trading.list_positions(alice, pb.ListPositionsRequest(account=bench.account.pk))
    assert [(row.symbol, row.quantity) for row in positions.positions] == [(MOUTAI, 300)]
    assert positions.HasField("version")
    assert not trading.list_positions(alice, pb.ListPositionsRequest()).HasField("version")
    asset = trading.get_asset(alice, pb.AccountRequest(account=bench.account.pk))
    assert asset.available_cash == asset.cash


# ------------------------------------------------------------------------- over a server
@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
def test_denied_order_over_the_wire_tells_code_facts_and_row(server: Server) -> None:
    bench = make_bench()
    client = server.person(bench.alice)
    placed = client.ask(client.trading.SubmitOrder, wish(bench, client_order_id="k1"))
    refusal = client.refused(client.trading.SubmitOrder, wish(bench, price="12.00"))
    assert placed.order.status == common.ORDER_STATUS_QUEUED
    assert (refusal.status, refusal.code) == (grpc.StatusCode.FAILED_PRECONDITION, "PRICE_ABOVE_LIMIT_UP")
    assert refusal.facts["order"] == str(Order.objects.get(status="DENIED").pk)
    assert refusal.facts["limit_up"] == "11"


@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
def test_order_that_waits_for_a_thread_when_its_deadline_passes_is_not_placed(
    server: Server, running: ThreadServer
) -> None:
    bench, busy = make_bench(), threading.Event()
    client = server.person(bench.alice)
    assert running.server is not None
    threads = running.server.threads_of("desk.v1.TradingService")
    blocked = [
        asyncio.run_coroutine_threadsafe(threads.run(busy.wait, 10.0), running.loop) for _ in range(THREADS_EACH)
    ]
    try:
        refusal = client.refused(client.trading.SubmitOrder, wish(bench), seconds=0.5)
        # The server counts from when it heard of the call, so its deadline comes a little after the caller's.
        time.sleep(1.0)
    finally:
        busy.set()
        assert all(future.result(10) for future in blocked)
    after = client.ask(client.trading.SubmitOrder, wish(bench, quantity=200))
    assert refusal.status == grpc.StatusCode.DEADLINE_EXCEEDED
    assert [order.pk for order in Order.objects.all()] == [UUID(after.order.id)]
