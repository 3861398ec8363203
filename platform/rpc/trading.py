"""TradingService: read a request, call one function, answer a message."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from accounts.api.serializers import AccountSerializer
from accounts.choices import Scope
from accounts.selectors import account_get, account_view, account_views
from ops.errors import Code, Denied
from rpc.calls import Call, take_rate
from rpc.messages import message_of, messages_of, word_of
from rpc.methods import Methods
from rpc.paging import page_of
from rpc.requests import account_filter, account_of, date_of, given, uuid_of
from rpc.v1 import common_pb2 as common
from rpc.v1 import trading_pb2 as pb
from trading.execution.selectors import execution_detail, executions_list
from trading.execution.services import (
    Started,
    execution_cancel,
    execution_pause,
    execution_resume,
    execution_start,
    order_replace,
)
from trading.execution.wire import execution_view
from trading.ledger.selectors import asset_get, positions_list
from trading.ledger.wire import position_view
from trading.orders.api.checks import OrderCheckView
from trading.orders.choices import Source, Status
from trading.orders.selectors import ALL, order_detail, orders_list, trades_list
from trading.orders.services import order_cancel, order_submit, orders_cancel
from trading.orders.services.check import order_check
from trading.orders.wire import cancel_outcome_view, order_view, trade_view

SERVICE: Final = Methods(pb.DESCRIPTOR.services_by_name["TradingService"])

_EXECUTION_FIELDS: Final = (
    "symbol",
    "quantity",
    "price",
    "child_quantity",
    "slices",
    "starts_at",
    "ends_at",
    "strategy",
    "client_execution_id",
)


# ----------------------------------------------------------------------------- accounts
@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_accounts(call: Call, request: pb.ListAccountsRequest) -> pb.ListAccountsResponse:
    """See trading.proto."""
    views = (AccountSerializer(view).data for view in account_views(call.user))
    return pb.ListAccountsResponse(accounts=messages_of(common.Account, views))


@SERVICE.method(scope=Scope.ACCOUNT_READ)
def get_account(call: Call, request: pb.AccountRequest) -> common.Account:
    """See trading.proto."""
    view = account_view(call.user, account_of(request.account))
    return message_of(common.Account, AccountSerializer(view).data)


# ------------------------------------------------------------------------------- orders
@SERVICE.method(scope=Scope.ORDERS_WRITE)
def submit_order(call: Call, request: pb.OrderRequest) -> pb.SubmitOrderResponse:
    """See trading.proto."""
    submission = order_submit(
        user=call.user,
        account_id=account_of(request.account),
        source=Source.RPC,
        token=call.token,
        request_id=call.request_id,
        **_wish(request),
    )
    order = submission.order
    if order.status == Status.DENIED:
        raise Denied(Code(order.deny_code), order.message, **{**order.details, "order": str(order.pk)})
    return pb.SubmitOrderResponse(order=message_of(common.Order, order_view(order)), created=submission.created)


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def check_order(call: Call, request: pb.OrderRequest) -> pb.OrderCheck:
    """See trading.proto."""
    # One allowance with the same question over REST.
    take_rate(f"view:{OrderCheckView.__name__}:{call.user.pk}", OrderCheckView.person_rate_per_minute)
    verdict = order_check(user=call.user, account_id=account_of(request.account), **_wish(request))
    return message_of(pb.OrderCheck, verdict)


def _wish(request: pb.OrderRequest) -> dict[str, Any]:
    """What an order asks for, as the services read it; blank and unspecified are absent."""
    return {
        "symbol": request.symbol or None,
        "side": word_of(common.Side, request.side, field="side"),
        "quantity": request.quantity or None,
        "price_type": word_of(common.PriceType, request.price_type, field="price_type") or "LIMIT",
        "price": given(request, "price"),
        "client_order_id": given(request, "client_order_id"),
        "strategy": given(request, "strategy"),
    }


@SERVICE.method(scope=Scope.ORDERS_WRITE, rated=False)
def cancel_order(call: Call, request: pb.OrderId) -> common.Order:
    """See trading.proto."""
    order = order_cancel(
        user=call.user,
        order_id=_order_id(request.order),
        token=call.token,
        request_id=call.request_id,
    )
    return message_of(common.Order, order_view(order))


@SERVICE.method(scope=Scope.ORDERS_WRITE, rated=False)
def cancel_orders(call: Call, request: pb.CancelOrdersRequest) -> pb.CancelOrdersResponse:
    """See trading.proto."""
    outcomes = orders_cancel(
        user=call.user,
        account_id=account_of(request.account),
        symbol=given(request, "symbol"),
        side=word_of(common.Side, request.side, field="side"),
        strategy=given(request, "strategy"),
        token=call.token,
        request_id=call.request_id,
    )
    return pb.CancelOrdersResponse(outcomes=messages_of(pb.CancelOutcome, map(cancel_outcome_view, outcomes)))


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def replace_order(call: Call, request: pb.ReplaceOrderRequest) -> pb.StartedExecution:
    """See trading.proto."""
    terms = {
        "quantity": given(request, "quantity"),
        "price_type": word_of(common.PriceType, request.price_type, field="price_type"),
        "price": given(request, "price"),
        "client_execution_id": given(request, "client_execution_id"),
    }
    started = order_replace(
        user=call.user,
        order_id=_order_id(request.order),
        body={name: value for name, value in terms.items() if value is not None},
        token=call.token,
        request_id=call.request_id,
    )
    return _started(started)


@SERVICE.method(scope=Scope.ACCOUNT_READ)
def get_order(call: Call, request: pb.OrderId) -> pb.OrderDetail:
    """See trading.proto."""
    detail = order_detail(call.user, _order_id(request.order))
    return pb.OrderDetail(
        order=message_of(common.Order, detail),
        events=messages_of(common.OrderEvent, detail["events"]),
        trades=messages_of(common.Trade, detail["trades"]),
    )


@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_orders(call: Call, request: pb.ListOrdersRequest) -> pb.ListOrdersResponse:
    """See trading.proto."""
    rows = orders_list(
        call.user,
        account_id=account_filter(request.account),
        symbol=request.symbol or None,
        trade_date=date_of(request.date, field="date"),
        status=request.status or ALL,
        client_order_id=request.client_order_id or None,
    )
    page, token = page_of(rows, request.page, order="-submitted_at")
    return pb.ListOrdersResponse(orders=messages_of(common.Order, map(order_view, page)), next_page_token=token)


# ------------------------------------------------------------- fills, holdings and money
@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_trades(call: Call, request: pb.ListTradesRequest) -> pb.ListTradesResponse:
    """See trading.proto."""
    rows = trades_list(
        call.user,
        account_id=account_filter(request.account),
        symbol=request.symbol or None,
        trade_date=date_of(request.date, field="date"),
    )
    page, token = page_of(rows, request.page, order="-traded_at")
    return pb.ListTradesResponse(trades=messages_of(common.Trade, map(trade_view, page)), next_page_token=token)


@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_positions(call: Call, request: pb.ListPositionsRequest) -> pb.ListPositionsResponse:
    """See trading.proto."""
    version, rows = positions_list(call.user, account_id=account_filter(request.account), symbol=request.symbol or None)
    return pb.ListPositionsResponse(positions=messages_of(common.Position, map(position_view, rows)), version=version)


@SERVICE.method(scope=Scope.ACCOUNT_READ)
def get_asset(call: Call, request: pb.AccountRequest) -> common.Asset:
    """See trading.proto."""
    return message_of(common.Asset, asset_get(account_get(call.user, account_of(request.account))))


# --------------------------------------------------------------------------- executions
@SERVICE.method(scope=Scope.ORDERS_WRITE)
def start_execution(call: Call, request: pb.StartExecutionRequest) -> pb.StartedExecution:
    """See trading.proto."""
    started = execution_start(
        user=call.user,
        account_id=account_of(request.account),
        body=_execution_body(request),
        token=call.token,
        request_id=call.request_id,
    )
    return _started(started)


def _execution_body(request: pb.StartExecutionRequest) -> dict[str, Any]:
    """What was given, as REST has it: the services read and refuse it."""
    told = {
        "kind": word_of(common.ExecutionKind, request.kind, field="kind"),
        "side": word_of(common.Side, request.side, field="side"),
        "price_type": word_of(common.PriceType, request.price_type, field="price_type"),
        "legs": [_leg(leg, number) for number, leg in enumerate(request.legs, 1)] or None,
        **{name: given(request, name) for name in _EXECUTION_FIELDS},
    }
    return {name: value for name, value in told.items() if value is not None}


def _leg(leg: pb.LegWish, number: int) -> dict[str, Any]:
    told = {
        "symbol": leg.symbol or None,
        "side": word_of(common.Side, leg.side, field=f"legs[{number}].side"),
        "price_type": word_of(common.PriceType, leg.price_type, field=f"legs[{number}].price_type"),
        **{name: given(leg, name) for name in ("quantity", "value", "weight", "price")},
    }
    return {name: value for name, value in told.items() if value is not None}


@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_executions(call: Call, request: pb.ListExecutionsRequest) -> pb.ListExecutionsResponse:
    """See trading.proto."""
    rows = executions_list(
        call.user,
        account_id=account_filter(request.account),
        trade_date=date_of(request.date, field="date"),
        state=request.state or ALL,
        client_execution_id=request.client_execution_id or None,
    )
    page, token = page_of(rows, request.page, order="-created_at")
    return pb.ListExecutionsResponse(
        executions=messages_of(common.Execution, map(execution_view, page)), next_page_token=token
    )


@SERVICE.method(scope=Scope.ACCOUNT_READ)
def get_execution(call: Call, request: pb.ExecutionId) -> common.Execution:
    """See trading.proto."""
    return message_of(common.Execution, execution_detail(call.user, _execution_id(request.execution)))


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def pause_execution(call: Call, request: pb.ExecutionId) -> common.Execution:
    """See trading.proto."""
    return message_of(common.Execution, execution_view(execution_pause(**_act(call, request))))


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def resume_execution(call: Call, request: pb.ExecutionId) -> common.Execution:
    """See trading.proto."""
    return message_of(common.Execution, execution_view(execution_resume(**_act(call, request))))


@SERVICE.method(scope=Scope.ORDERS_WRITE, rated=False)
def cancel_execution(call: Call, request: pb.ExecutionId) -> common.Execution:
    """See trading.proto."""
    return message_of(common.Execution, execution_view(execution_cancel(**_act(call, request))))


def _act(call: Call, request: pb.ExecutionId) -> dict[str, Any]:
    return {
        "user": call.user,
        "execution_id": _execution_id(request.execution),
        "token": call.token,
        "request_id": call.request_id,
    }


def _started(started: Started) -> pb.StartedExecution:
    execution = message_of(common.Execution, execution_view(started.execution))
    return pb.StartedExecution(execution=execution, created=started.created)


def _order_id(text: str) -> UUID:
    return uuid_of(text, field="order", unknown=Code.ORDER_NOT_FOUND)


def _execution_id(text: str) -> UUID:
    return uuid_of(text, field="execution", unknown=Code.EXECUTION_NOT_FOUND)
