"""What of TradingService is not trading itself: limits, approvals, alerts. Read a request, call one function, answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.actors import actor_for_token
from accounts.choices import Scope
from accounts.selectors import account_get
from alerts.api.serializers import AlertSerializer
from alerts.selectors import alerts_visible_to
from alerts.services import alert_acknowledge
from ops.errors import Code, Invalid
from ops.models import AlertKind
from rpc.calls import Call
from rpc.messages import message_of, messages_of, plain
from rpc.paging import page_of
from rpc.requests import account_filter, choice_of, uuid_of
from rpc.trading import SERVICE
from rpc.v1 import common_pb2 as common
from rpc.v1 import trading_pb2 as pb
from trading.approvals.selectors import approvals_waiting
from trading.execution.services import execution_approve, execution_refuse
from trading.execution.wire import execution_view
from trading.orders.services import order_approve, order_refuse
from trading.orders.wire import order_view
from trading.risk.selectors import limits_visible
from trading.risk.services.limits import limit_view

__all__ = ["SERVICE"]


# -------------------------------------------------------------------------------- limits
@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_limits(call: Call, request: pb.ListLimitsRequest) -> pb.ListLimitsResponse:
    """See trading.proto."""
    limits = limits_visible(call.user)
    number = account_filter(request.account)
    if number is not None:
        limits = limits.filter(account=account_get(call.user, number)) | limits.filter(account__isnull=True)
    return pb.ListLimitsResponse(limits=messages_of(pb.Limit, map(limit_view, limits.order_by("pk"))))


# ----------------------------------------------------------------------------- approvals
@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_approvals(call: Call, request: pb.ListApprovalsRequest) -> pb.ListApprovalsResponse:
    """See trading.proto."""
    waiting = approvals_waiting(call.user)
    return pb.ListApprovalsResponse(
        orders=[pb.WaitingOrder(order=message_of(common.Order, view), **_waits(view)) for view in waiting["orders"]],
        executions=[
            pb.WaitingExecution(execution=message_of(common.Execution, view), **_waits(view))
            for view in waiting["executions"]
        ],
    )


def _waits(view: Mapping[str, Any]) -> dict[str, Any]:
    return {name: view[name] for name in ("account_name", "decidable")} | {"approval": plain(view["approval"])}


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def approve_order(call: Call, request: pb.OrderId) -> common.Order:
    """See trading.proto."""
    return message_of(common.Order, order_view(order_approve(**_order_act(call, request.order))))


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def refuse_order(call: Call, request: pb.RefuseOrderRequest) -> common.Order:
    """See trading.proto."""
    order = order_refuse(**_order_act(call, request.order), reason=request.reason)
    return message_of(common.Order, order_view(order))


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def approve_execution(call: Call, request: pb.ApproveExecutionRequest) -> common.Execution:
    """See trading.proto."""
    execution = execution_approve(**_execution_act(call, request.execution), legs=list(request.legs) or None)
    return message_of(common.Execution, execution_view(execution))


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def refuse_execution(call: Call, request: pb.RefuseExecutionRequest) -> common.Execution:
    """See trading.proto."""
    execution = execution_refuse(**_execution_act(call, request.execution), reason=request.reason)
    return message_of(common.Execution, execution_view(execution))


def _order_act(call: Call, text: str) -> dict[str, Any]:
    return _act(call) | {"order_id": uuid_of(text, field="order", unknown=Code.ORDER_NOT_FOUND)}


def _execution_act(call: Call, text: str) -> dict[str, Any]:
    return _act(call) | {"execution_id": uuid_of(text, field="execution", unknown=Code.EXECUTION_NOT_FOUND)}


def _act(call: Call) -> dict[str, Any]:
    return {"user": call.user, "token": call.token, "request_id": call.request_id}


# -------------------------------------------------------------------------------- alerts
@SERVICE.method(scope=Scope.ACCOUNT_READ)
def list_alerts(call: Call, request: pb.ListAlertsRequest) -> pb.ListAlertsResponse:
    """See trading.proto."""
    rows = alerts_visible_to(call.user)
    state = choice_of(request.state, ("open", "closed", "all"), field="state")
    if state != "all":
        rows = rows.filter(closed_at__isnull=state == "open")
    number = account_filter(request.account)
    if number is not None:
        rows = rows.filter(account_id=account_get(call.user, number).pk)
    if kind := choice_of(request.kind, ("", *AlertKind.values), field="kind"):
        rows = rows.filter(kind=kind)
    page, token = page_of(rows, request.page, order="-id")
    alerts = (AlertSerializer(alert).data for alert in page)
    return pb.ListAlertsResponse(alerts=messages_of(pb.Alert, alerts), next_page_token=token)


@SERVICE.method(scope=Scope.ORDERS_WRITE)
def acknowledge_alert(call: Call, request: pb.AlertId) -> pb.Alert:
    """See trading.proto."""
    if request.alert < 1:
        raise Invalid(Code.FIELD_REQUIRED, field="alert")
    alert = alert_acknowledge(actor=actor_for_token(call.token), user=call.user, alert_id=request.alert)
    return message_of(pb.Alert, AlertSerializer(alert).data)
