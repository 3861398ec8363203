"""API of executions: parse, call one function, render."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.api.throttling import PersonThrottle, TokenThrottle
from accounts.choices import Scope
from ops.api import DeskCursorPagination
from trading.execution.api.serializers import (
    ExecutionCheckSerializer,
    ExecutionDetailSerializer,
    ExecutionPageSerializer,
    ExecutionRequestSerializer,
    ExecutionsCancelRequestSerializer,
    ExecutionsCancelSerializer,
    ExecutionSerializer,
    ReplaceRequestSerializer,
)
from trading.execution.models import Execution
from trading.execution.selectors import execution_detail, executions_list
from trading.execution.services import (
    Started,
    execution_cancel,
    execution_check,
    execution_pause,
    execution_resume,
    execution_start,
    executions_cancel,
    order_replace,
)
from trading.execution.wire import ending_view, execution_view
from trading.ledger.api import parameters
from trading.orders.selectors import ALL
from trading.orders.services.ticket import key_of

CLIENT_KEY = OpenApiParameter(
    "client_execution_id", OpenApiTypes.STR, description="Only the execution that this key names."
)
STATE = OpenApiParameter("state", OpenApiTypes.STR, description="`open`, `all` (default), or one state.")
_ACCEPTED = {
    201: OpenApiResponse(ExecutionSerializer, "Accepted; the platform goes on by itself."),
    200: OpenApiResponse(ExecutionSerializer, "The key named this execution already."),
    409: OpenApiResponse(description="The key belongs to another request, or the order has ended."),
    422: OpenApiResponse(description="Denied, with every denied leg in `details.legs`; nothing was stored."),
}


class ExecutionPagination(DeskCursorPagination):
    """Newest first; executions of one moment by their id."""

    ordering = ("-created_at", "-id")  # type: ignore[assignment]


class ExecutionListView(APIView):
    """Executions: list them, start one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="executions_list",
        parameters=[
            parameters.ACCOUNT,
            STATE,
            parameters.DATE,
            CLIENT_KEY,
            parameters.LIMIT,
            parameters.CURSOR,
        ],
        responses=ExecutionPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List executions of the accounts the caller sees, newest first."""
        rows = executions_list(
            parameters.user_of(request),
            account_id=parameters.account_id_of(request),
            trade_date=parameters.date_of(request),
            state=request.query_params.get("state", ALL),
            client_execution_id=key_of(request.query_params.get("client_execution_id"), field="client_execution_id"),
        )
        return ExecutionPagination.answer(request, rows, execution_view)

    @extend_schema(operation_id="executions_start", request=ExecutionRequestSerializer, responses=_ACCEPTED)
    def post(self, request: Request) -> Response:
        """Start a basket, target positions, a split or a TWAP. The same key and body again answer the same one."""
        body = parameters.body_of(request)
        started = execution_start(
            account_id=parameters.body_account_id(body.get("account")),
            body=body,
            **parameters.caller_of(request),
        )
        return _answer(started)


class ExecutionCheckView(APIView):
    """Judging an execution."""

    #: A basket is judged leg by leg, and judging binds nobody.
    person_rate_per_minute = 60
    throttle_classes = (TokenThrottle, PersonThrottle)
    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="executions_check",
        request=ExecutionRequestSerializer,
        responses={
            200: OpenApiResponse(ExecutionCheckSerializer, "The verdicts; nothing was changed."),
            422: OpenApiResponse(description="A target's value cannot be turned into shares now."),
        },
    )
    def post(self, request: Request) -> Response:
        """Say what would become of an execution: every leg, the cost, the children's times. Takes the body of one."""
        body = parameters.body_of(request)
        account_id = parameters.body_account_id(body.get("account"))
        return Response(execution_check(user=parameters.user_of(request), account_id=account_id, body=body))


class ExecutionsCancelView(APIView):
    """Cancelling everything that runs, or what belongs to a strategy."""

    # No limit of ours ever refuses a cancel.
    throttle_classes = ()
    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="executions_cancel_all",
        request=ExecutionsCancelRequestSerializer,
        responses=ExecutionsCancelSerializer,
    )
    def post(self, request: Request) -> Response:
        """Cancel every open execution of an account, or those of a strategy, with their children. Repeatable."""
        body = parameters.body_of(request, frozenset({"account", "strategy"}))
        endings = executions_cancel(
            account_id=parameters.body_account_id(body.get("account")),
            strategy=body.get("strategy"),
            **parameters.caller_of(request),
        )
        return Response({"results": [ending_view(ending) for ending in endings]})


class ExecutionDetailView(APIView):
    """One execution."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="executions_get", responses=ExecutionDetailSerializer)
    def get(self, request: Request, execution_id: UUID) -> Response:
        """Show one execution with its legs and children."""
        return Response(execution_detail(parameters.user_of(request), execution_id))


class _ActView(APIView):
    """One act on one execution."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)
    act: ClassVar[Callable[..., Execution]]

    def answer(self, request: Request, execution_id: UUID) -> Response:
        execution = type(self).act(execution_id=execution_id, **parameters.caller_of(request))
        return Response(execution_view(execution))


class ExecutionPauseView(_ActView):
    """Pausing."""

    act = staticmethod(execution_pause)

    @extend_schema(operation_id="executions_pause", request=None, responses=ExecutionSerializer)
    def post(self, request: Request, execution_id: UUID) -> Response:
        """Place nothing more for now; orders that are out work on. Repeatable."""
        return self.answer(request, execution_id)


class ExecutionResumeView(_ActView):
    """Resuming."""

    act = staticmethod(execution_resume)

    @extend_schema(operation_id="executions_resume", request=None, responses=ExecutionSerializer)
    def post(self, request: Request, execution_id: UUID) -> Response:
        """Go on with a paused execution."""
        return self.answer(request, execution_id)


class ExecutionCancelView(_ActView):
    """Cancelling."""

    # No limit of ours ever refuses a cancel.
    throttle_classes = ()
    act = staticmethod(execution_cancel)

    @extend_schema(operation_id="executions_cancel", request=None, responses=ExecutionSerializer)
    def post(self, request: Request, execution_id: UUID) -> Response:
        """Place nothing more, cancel what is out, end when all of it is final. Repeatable."""
        return self.answer(request, execution_id)


class OrderReplaceView(APIView):
    """Replacing one order."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(operation_id="orders_replace", request=ReplaceRequestSerializer, responses=_ACCEPTED)
    def post(self, request: Request, order_id: UUID) -> Response:
        """Cancel an order, wait for its final state, then order what it left over on the new terms, never more."""
        started = order_replace(order_id=order_id, body=parameters.body_of(request), **parameters.caller_of(request))
        return _answer(started)


def _answer(started: Started) -> Response:
    return Response(execution_view(started.execution), status=201 if started.created else 200)
