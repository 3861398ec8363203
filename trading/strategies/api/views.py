"""API of strategies: parse, call one function, render."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from ops.api import DeskCursorPagination
from ops.errors import Code, Invalid
from ops.inputs import shown, whole_number
from trading.ledger.api import parameters
from trading.strategies.api.serializers import (
    StrategyLineListSerializer,
    StrategyListSerializer,
    StrategyRunDetailSerializer,
    StrategyRunOrderPageSerializer,
    StrategyRunPageSerializer,
    StrategyRunRequestSerializer,
    StrategyRunSerializer,
)
from trading.strategies.models import Run
from trading.strategies.selectors import (
    line_rows,
    line_view,
    order_rows,
    order_view,
    plugin_view,
    plugins,
    run_figures,
    run_get,
    run_view,
    runs_visible_to,
)
from trading.strategies.services.runs import FIELDS, run_add, run_start, run_stop

AFTER = OpenApiParameter(
    "after", OpenApiTypes.INT, description="Only lines after this number; the newest 200 without it."
)


class RunPagination(DeskCursorPagination):
    ordering = ("-id",)  # type: ignore[assignment]


class RunOrderPagination(DeskCursorPagination):
    ordering = ("-number",)  # type: ignore[assignment]


class StrategyListView(APIView):
    """The catalogue."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="strategies_list", responses=StrategyListSerializer)
    def get(self, request: Request) -> Response:
        """List the strategies that lie there now, with what they declare."""
        return Response({"results": [plugin_view(plugin) for plugin in plugins()]})


class RunListView(APIView):
    """Runs: list them, make one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="strategy_runs_list",
        parameters=[parameters.ACCOUNT, parameters.LIMIT, parameters.CURSOR],
        responses=StrategyRunPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List runs on the accounts the caller sees, newest first."""
        account = parameters.account_of(request)
        rows = runs_visible_to(parameters.user_of(request))
        if account is not None:
            rows = rows.filter(account=account)
        return RunPagination.answer(request, rows, run_view)

    @extend_schema(
        operation_id="strategy_runs_create",
        request=StrategyRunRequestSerializer,
        responses={201: OpenApiResponse(StrategyRunSerializer, "Made; it does not start yet.")},
    )
    def post(self, request: Request) -> Response:
        """Make a run of a strategy's present version on an account."""
        body = parameters.body_of(request, FIELDS)
        run = run_add(
            account_id=parameters.body_account_id(body.get("account")),
            body=body,
            **parameters.caller_of(request),
        )
        return Response(run_view(run), status=201)


class RunDetailView(APIView):
    """One run."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="strategy_runs_get", responses=StrategyRunDetailSerializer)
    def get(self, request: Request, strategy_run_id: int) -> Response:
        """Show one run with its virtual positions and its profit."""
        run = run_get(parameters.user_of(request), strategy_run_id)
        return Response(run_view(run) | {"figures": run_figures(run)})


class _ActView(APIView):
    """One act on one run."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)
    act: ClassVar[Callable[..., Run]]

    def answer(self, request: Request, run_id: int) -> Response:
        run = type(self).act(run_id=run_id, **parameters.caller_of(request))
        return Response(run_view(run))


class RunStartView(_ActView):
    """Starting."""

    act = staticmethod(run_start)

    @extend_schema(
        operation_id="strategy_runs_start",
        request=None,
        responses={200: StrategyRunSerializer, 422: OpenApiResponse(description="Denied: its code says why.")},
    )
    def post(self, request: Request, strategy_run_id: int) -> Response:
        """Want a run at work; it goes on where it stopped. Repeatable."""
        return self.answer(request, strategy_run_id)


class RunStopView(_ActView):
    """Stopping."""

    # Nothing of ours keeps a person from stopping a program.
    throttle_classes = ()
    act = staticmethod(run_stop)

    @extend_schema(operation_id="strategy_runs_stop", request=None, responses=StrategyRunSerializer)
    def post(self, request: Request, strategy_run_id: int) -> Response:
        """Want a run stopped; nothing it asked for is placed from now on. Repeatable."""
        return self.answer(request, strategy_run_id)


class RunOrderListView(APIView):
    """What a run asked for."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="strategy_run_orders_list",
        parameters=[parameters.LIMIT, parameters.CURSOR],
        responses=StrategyRunOrderPageSerializer,
    )
    def get(self, request: Request, strategy_run_id: int) -> Response:
        """List the orders a run asked for, newest first, with its reasons and what became of them."""
        run = run_get(parameters.user_of(request), strategy_run_id)
        return RunOrderPagination.answer(request, order_rows(run), order_view)


class RunLineListView(APIView):
    """A run's log."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="strategy_run_lines_list", parameters=[AFTER], responses=StrategyLineListSerializer)
    def get(self, request: Request, strategy_run_id: int) -> Response:
        """List lines of a run's log, oldest first: the newest 200, or those after a number."""
        run = run_get(parameters.user_of(request), strategy_run_id)
        return Response({"results": [line_view(line) for line in line_rows(run, after=_after(request))]})


def _after(request: Request) -> int | None:
    text: Any = request.query_params.get("after")
    if text is None:
        return None
    number = whole_number(text)
    if number is None or number < 0:
        raise Invalid(Code.FIELD_INVALID, field="after", after=shown(text))
    return number
