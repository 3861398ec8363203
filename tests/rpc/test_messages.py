"""Views and messages have the same names; words and enumerations the same values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from accounts import choices as accounts
from accounts.api import serializers as people
from alerts.api.serializers import AlertSerializer
from marketdata.api import reference_serializers as reference
from marketdata.api.jobserializers import JobSerializer
from marketdata.api.serializers import CalendarSerializer, InstrumentSerializer
from marketdata.services.coverage import COLUMNS
from ops.clocks import wall_now
from ops.errors import Invalid
from ops.models import Job
from qmt.registry import functions
from rpc.calls import address_of
from rpc.encoding import PROTOBUF, quote_of
from rpc.messages import epoch_ms, fields_of, message_of, word_of, words_of
from rpc.v1 import common_pb2 as common
from rpc.v1 import data_pb2, functions_pb2, live_pb2, trading_pb2
from tests.orders.bench import Bench, make_bench
from trading.execution import choices as executions
from trading.execution.models import Child
from trading.execution.services import execution_start
from trading.execution.wire import child_view, execution_view, leg_view
from trading.functions.selectors import function_view
from trading.ledger import choices as ledger
from trading.ledger.models import Position
from trading.ledger.selectors import account_snapshot, asset_get, market_clock_view
from trading.ledger.wire import account_view, asset_view, position_view
from trading.orders import choices as orders
from trading.orders.models import Order, OrderEvent, Trade
from trading.orders.services.check import order_check
from trading.orders.wire import order_event_view, order_view, trade_view
from trading.risk.api.serializers import LimitSerializer


def sources(kind: type[Message]) -> set[str]:
    """The names that a message reads from its view."""
    return {field.source for field in fields_of(kind)}


@pytest.mark.parametrize(
    ("kind", "serializer"),
    [
        (common.Account, people.AccountSerializer),
        (common.Host, people.HostSerializer),
        (common.AccountSession, people.AccountSessionSerializer),
        (common.Rights, people.RightsSerializer),
        (common.Job, JobSerializer),
        (trading_pb2.Alert, AlertSerializer),
        (trading_pb2.Limit, LimitSerializer),
        (data_pb2.Instrument, InstrumentSerializer),
        (data_pb2.Calendar, CalendarSerializer),
        (data_pb2.Sector, reference.SectorSerializer),
        (data_pb2.SectorMember, reference.MemberSerializer),
    ],
)
def test_message_has_the_fields_of_the_rest_answer(kind: type[Message], serializer: Any) -> None:
    assert sources(kind) == set(serializer().fields)


def test_message_of_a_function_has_the_names_of_the_view() -> None:
    view = function_view(functions()["xtdata.get_full_tick"])
    assert sources(functions_pb2.Function) == set(view)
    assert sources(functions_pb2.FunctionParameter) == set(view["parameters"][0])


def test_message_of_coverage_has_the_columns_of_the_table() -> None:
    assert sources(data_pb2.Coverage) == set(COLUMNS)


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.mark.django_db(databases=["default", "quotes"])
def test_messages_of_trading_have_the_names_of_the_views(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(bench.fill(order, 100))
    order = Order.objects.select_related("created_by").get(pk=order.pk)
    execution = execution_start(
        user=bench.alice,
        account_id=bench.account.pk,
        body={"kind": "BASKET", "legs": [{"symbol": "000001.SZ", "side": "BUY", "quantity": 100, "price": "12.00"}]},
    ).execution
    leg = execution.legs.get()
    child = Child(leg=leg, number=1, quantity=100, created_at=wall_now())
    assert sources(common.Order) == set(order_view(order))
    assert sources(common.OrderEvent) == set(order_event_view(OrderEvent.objects.filter(order=order)[0]))
    assert sources(common.Trade) == set(trade_view(Trade.objects.get()))
    assert sources(common.Execution) == {*execution_view(execution), "children"}
    assert sources(common.ExecutionLeg) == set(leg_view(leg))
    assert sources(common.ExecutionChild) == set(child_view(child))


@pytest.mark.django_db(databases=["default", "quotes"])
def test_messages_of_an_account_have_the_names_of_the_views(bench: Bench) -> None:
    position = Position(account=bench.account, updated_at=wall_now())
    snapshot = account_snapshot(bench.account)["data"]
    assert sources(common.Position) == set(position_view(position))
    assert sources(common.Asset) == set(asset_get(bench.account))
    assert set(asset_view(bench.account.asset)) < sources(common.Asset)
    assert sources(common.Book) == set(account_view(bench.book))
    assert sources(common.MarketClock) == set(market_clock_view("sim") or ())
    assert {"account", "asset", "positions", "orders", "trades", "executions", "market_clock"} <= set(snapshot)


@pytest.mark.django_db(databases=["default", "quotes"])
def test_message_of_a_check_has_the_names_of_the_verdict(bench: Bench) -> None:
    verdict = order_check(
        user=bench.alice, account_id=bench.account.pk, symbol="600519.SH", side="BUY", quantity=100, price="10.00"
    )
    assert sources(trading_pb2.OrderCheck) == set(verdict)
    assert sources(trading_pb2.OrderVerdict) == {"check", "verdict", "code", "facts", "limit"}
    assert sources(trading_pb2.Reservation) == set(verdict["reservation"])
    assert sources(trading_pb2.Cost) == set(verdict["cost"])


@pytest.mark.parametrize("kind", [*ledger.EventKind.values, "a kind of tomorrow"])
def test_event_of_every_kind_arrives_with_its_data(kind: str) -> None:
    parts = {"channel": "account:3", "version": 8, "events": [{"version": 8, "kind": kind, "data": {"account": 3}}]}
    told = live_pb2.LiveMessage.FromString(bytes(PROTOBUF.frame("delta", **parts))).account_events  # type: ignore[arg-type]
    field = told.events[0].WhichOneof("data")
    assert (told.account_id, told.version, told.events[0].kind) == (3, 8, kind)
    assert field == (kind if kind in sources(live_pb2.AccountEvent) else "other")
    data = getattr(told.events[0], field)
    assert (data["account"] if field == "other" else data.account) == 3


def test_snapshot_keeps_sections_that_have_no_message() -> None:
    parts = {"channel": "account:3", "version": 1, "data": {"positions": [], "grids": [{"id": 5}]}}
    told = live_pb2.LiveMessage.FromString(bytes(PROTOBUF.frame("snapshot", **parts))).account_snapshot  # type: ignore[arg-type]
    assert MessageToDict(told.others) == {"grids": [{"id": 5.0}]}


# --------------------------------------------------------------------- words and values
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (common.Side, orders.Side.values),
        (common.PriceType, orders.PriceType.values),
        (common.OrderStatus, orders.Status.values),
        (common.ExecutionKind, executions.Kind.values),
        (common.ExecutionState, executions.State.values),
        (common.TradingState, accounts.TradingState.values),
        (common.AccountMode, accounts.AccountMode.values),
        (common.SessionState, accounts.SessionState.values),
        (common.HostKind, accounts.HostKind.values),
        (common.JobStatus, Job.Status.values),
    ],
)
def test_enumeration_has_every_word(kind: Any, words: list[str]) -> None:
    assert sorted(words_of(kind.DESCRIPTOR)) == sorted(words)


def test_word_of_a_number_that_is_none_is_refused() -> None:
    assert word_of(common.Side, common.SIDE_SELL, field="side") == "SELL"
    assert word_of(common.Side, 0, field="side") is None
    with pytest.raises(Invalid) as refusal:
        word_of(common.Side, 9, field="side")
    assert (refusal.value.field, refusal.value.details["value"]) == ("side", 9)


def test_message_leaves_absent_what_the_view_does_not_know() -> None:
    view = {"id": "x", "account": 1, "price": None, "status": "FILLED", "submitted_at": "2026-11-20T02:00:00.500Z"}
    order = message_of(common.Order, view)
    assert (order.id, order.status, order.submitted_at_ms) == ("x", common.ORDER_STATUS_FILLED, 1795140000500)
    assert not order.HasField("price")
    assert not order.HasField("final_at_ms")


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 20, 2, 0, 0, 500_000, UTC),
        datetime(2026, 11, 20, 10, 0, 0, 500_000, timezone(timedelta(hours=8))),
        "2026-11-20T10:00:00.500+08:00",
        1795140000500,
    ],
)
def test_times_become_epoch_milliseconds(moment: Any) -> None:
    assert epoch_ms(moment) == 1795140000500


def test_quote_keeps_four_decimals_exactly() -> None:
    view = {"ts": 7, "last": 1700.0101, "open": None, "amount": 4.2e9, "volume": 300, "bid": [0.1 + 0.2], "bidv": [100]}
    quote = quote_of("600519.SH", view)
    assert (quote.last_e4, quote.amount_e4, quote.volume, list(quote.bid_e4)) == (17000101, 42 * 10**12, 300, [3000])
    assert not quote.HasField("open_e4")


def test_quote_without_a_number_has_no_value() -> None:
    assert not quote_of("600519.SH", {"ts": 7, "last": float("nan")}).HasField("last_e4")


@pytest.mark.parametrize("count", [1, 3, 400])
def test_parts_put_together_are_the_message_built_at_once(count: int) -> None:
    views = {f"{600000 + number}.SH": {"ts": number, "last": 10.5} for number in range(count)}
    joined = PROTOBUF.joined("quotes", [PROTOBUF.part("quotes", name, view) for name, view in views.items()])
    assert isinstance(joined, bytes)
    message = live_pb2.LiveMessage.FromString(joined)
    assert message == live_pb2.LiveMessage(
        quotes=live_pb2.Quotes(quotes=[quote_of(name, view) for name, view in views.items()])
    )


def test_bars_put_together_say_their_period() -> None:
    part = PROTOBUF.part("bars:5m", "600519.SH", {"ts": 5, "open": 1, "close": 2.5, "volume": 100, "complete": True})
    joined = PROTOBUF.joined("bars:5m", [part])
    assert isinstance(joined, bytes)
    bars = live_pb2.LiveMessage.FromString(joined).bars
    assert (bars.period, bars.bars[0].close_e4, bars.bars[0].complete) == ("5m", 25000, True)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.7:51324", "10.0.0.7"),
        ("ipv6:%5B::1%5D:51324", "::1"),
        ("ipv6:[fe80::2]:1", "fe80::2"),
        ("unix:/run/desk.sock", ""),
        ("", ""),
    ],
)
def test_peer_is_read_to_its_address(peer: str, address: str) -> None:
    assert address_of(peer) == address
