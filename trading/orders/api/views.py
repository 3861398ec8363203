"""API of orders and fills: parse, call one function, render."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from ops.api import DeskCursorPagination, error_body
from ops.errors import Code, Invalid
from ops.inputs import shown
from ops.selection import FIELDS, chosen, fields_of, names_of
from trading.ledger.api import parameters
from trading.orders.api.serializers import (
    OrderDetailSerializer,
    OrderPageSerializer,
    OrderRequestSerializer,
    OrdersCancelRequestSerializer,
    OrdersCancelSerializer,
    OrderSerializer,
    TradePageSerializer,
    TradeSerializer,
)
from trading.orders.choices import Source, Status
from trading.orders.selectors import ALL, order_detail, orders_list, trades_list
from trading.orders.services import (
    Submission,
    order_cancel,
    order_submit,
    orders_cancel,
    reservation_release,
)
from trading.orders.services.ticket import key_of
from trading.orders.wire import cancel_outcome_view, order_view, trade_view

IDEMPOTENCY_HEADER = "Idempotency-Key"
ORDER_FIELDS = frozenset(
    {"account", "symbol", "side", "quantity", "price_type", "price", "client_order_id", "strategy"}
)
_CANCEL_FIELDS = frozenset({"account", "symbol", "side", "strategy"})

STATUS = OpenApiParameter(
    "status",
    OpenApiTypes.STR,
    description="`open`, `all` (default), or one status.",
)
CLIENT_KEY = OpenApiParameter("client_order_id", OpenApiTypes.STR, description="Only the order that this key names.")
KEY = OpenApiParameter(
    IDEMPOTENCY_HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Alias of `client_order_id`.",
)


class OrderPagination(DeskCursorPagination):
    """Newest first; orders of one moment by their id."""

    ordering = ("-submitted_at", "-id")  # type: ignore[assignment]


class TradePagination(DeskCursorPagination):
    """Newest first; fills of one moment by their number."""

    ordering = ("-traded_at", "-id")  # type: ignore[assignment]


class OrderListView(APIView):
    """Orders: list them, place one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="orders_list",
        parameters=[
            parameters.ACCOUNT,
            STATUS,
            parameters.DATE,
            parameters.SYMBOL,
            CLIENT_KEY,
            FIELDS,
            parameters.LIMIT,
            parameters.CURSOR,
        ],
        responses=OrderPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List orders of the accounts the caller sees, newest first."""
        names = fields_of(request, names_of(OrderSerializer))
        orders = orders_list(
            parameters.user_of(request),
            account_id=parameters.account_id_of(request),
            symbol=request.query_params.get("symbol"),
            trade_date=parameters.date_of(request),
            status=request.query_params.get("status", ALL),
            client_order_id=key_of(request.query_params.get("client_order_id"), field="client_order_id", reserved=True),
        )
        pages = OrderPagination()
        page = pages.paginate_queryset(orders, request, view=self)
        return pages.get_paginated_response(chosen(map(order_view, page or ()), names))

    @extend_schema(
        operation_id="orders_submit",
        parameters=[KEY],
        request=OrderRequestSerializer,
        responses={
            201: OpenApiResponse(OrderSerializer, "Accepted: the order is queued."),
            200: OpenApiResponse(OrderSerializer, "The key named this order already."),
            409: OpenApiResponse(description="The key belongs to another request."),
            422: OpenApiResponse(description="Denied; the order is kept, its id is in `details.order`."),
        },
    )
    def post(self, request: Request) -> Response:
        """Place an order. The same key and body again answer the same order."""
        body = parameters.body_of(request, ORDER_FIELDS)
        submission = order_submit(
            account_id=parameters.body_account_id(body.get("account")),
            symbol=body.get("symbol"),
            side=body.get("side"),
            quantity=body.get("quantity"),
            price_type=body.get("price_type", "LIMIT"),
            price=body.get("price"),
            client_order_id=_key(request, body),
            strategy=body.get("strategy"),
            source=Source.API,
            **parameters.caller_of(request),
        )
        return _answer(submission)


class OrderDetailView(APIView):
    """One order."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="orders_get", responses=OrderDetailSerializer)
    def get(self, request: Request, order_id: UUID) -> Response:
        """Show one order with its timeline and its fills."""
        return Response(order_detail(parameters.user_of(request), order_id))


class OrderCancelView(APIView):
    """Cancelling one order."""

    # No limit of ours ever refuses a cancel.
    throttle_classes = ()
    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="orders_cancel",
        request=None,
        responses={
            200: OpenApiResponse(OrderSerializer, "The cancel is wanted, or done."),
            409: OpenApiResponse(description="`ORDER_FINAL`: there is nothing left to cancel."),
        },
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        """Want an order cancelled: a queued one is cancelled at once. Repeatable."""
        order = order_cancel(order_id=order_id, **parameters.caller_of(request))
        return Response(order_view(order))


class OrdersCancelView(APIView):
    """Cancelling everything that is open, or what the filters name."""

    # No limit of ours ever refuses a cancel.
    throttle_classes = ()
    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="orders_cancel_all",
        request=OrdersCancelRequestSerializer,
        responses=OrdersCancelSerializer,
    )
    def post(self, request: Request) -> Response:
        """Want every open order of an account cancelled, or those of a symbol, side or strategy. Repeatable."""
        body = parameters.body_of(request, _CANCEL_FIELDS)
        outcomes = orders_cancel(
            account_id=parameters.body_account_id(body.get("account")),
            symbol=body.get("symbol"),
            side=body.get("side"),
            strategy=body.get("strategy"),
            **parameters.caller_of(request),
        )
        return Response({"results": [cancel_outcome_view(outcome) for outcome in outcomes]})


class OrderReleaseView(APIView):
    """Giving back what an order that was never found still holds."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="orders_release",
        request=None,
        responses={
            200: OpenApiResponse(OrderSerializer, "The reservation is given back."),
            409: OpenApiResponse(description="`NOTHING_RESERVED`."),
        },
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        """Release the reservation of a `NOT_FOUND` order before its trade date closes."""
        order = reservation_release(order_id=order_id, **parameters.caller_of(request))
        return Response(order_view(order))


class TradeListView(APIView):
    """Fills."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="trades_list",
        parameters=[
            parameters.ACCOUNT,
            parameters.DATE,
            parameters.SYMBOL,
            FIELDS,
            parameters.LIMIT,
            parameters.CURSOR,
        ],
        responses=TradePageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List fills of the accounts the caller sees, newest first."""
        names = fields_of(request, names_of(TradeSerializer))
        trades = trades_list(
            parameters.user_of(request),
            account_id=parameters.account_id_of(request),
            symbol=request.query_params.get("symbol"),
            trade_date=parameters.date_of(request),
        )
        pages = TradePagination()
        page = pages.paginate_queryset(trades, request, view=self)
        return pages.get_paginated_response(chosen(map(trade_view, page or ()), names))


def _key(request: Request, body: Mapping[str, Any]) -> Any:
    """The order's key from the body or the header; both may be given if they agree."""
    in_header = request.headers.get(IDEMPOTENCY_HEADER)
    in_body = body.get("client_order_id")
    if in_header is None:
        return in_body
    # An empty header is a client's mistake; to ignore it would place the order twice when it is repeated.
    if not in_header or (in_body is not None and in_header != in_body):
        raise Invalid(Code.FIELD_INVALID, field=IDEMPOTENCY_HEADER, client_order_id=shown(in_body))
    return in_header


def _answer(submission: Submission) -> Response:
    """201 accepted, 200 known, 422 denied; a repeated denial is the same denial."""
    order = submission.order
    if order.status == Status.DENIED:
        details = {**order.details, "order": str(order.pk)}
        return Response(error_body(order.deny_code, order.message, details=details), status=422)
    return Response(order_view(order), status=201 if submission.created else 200)
