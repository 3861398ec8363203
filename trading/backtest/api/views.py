"""API of back-tests: parse, call one function, render. Everybody's own; administrators see all."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_scope
from accounts.choices import Scope
from marketdata.api.formats import csv_streamed
from ops.api import DeskCursorPagination
from ops.errors import Code, NotFound
from ops.inputs import json_object
from trading.backtest.api import serializers as shapes
from trading.backtest.exports import table_csv
from trading.backtest.models import Backtest
from trading.backtest.plots import NAMES
from trading.backtest.selectors import (
    TABLES,
    backtest_get,
    backtest_line,
    backtest_plot,
    backtest_view,
    backtests_visible_to,
)
from trading.backtest.services import backtest_cancel, backtest_remove, backtest_start
from trading.ledger.api import parameters

# A back-test orders nothing at a broker: who may read bars, by token too, may have them run over.
READ = require_scope(Scope.MARKET_READ, write=Scope.MARKET_READ)


class BacktestPagination(DeskCursorPagination):
    ordering = ("-created_at", "-id")  # type: ignore[assignment]


class BacktestListView(APIView):
    """Back-tests: list them, start one."""

    permission_classes = (READ,)

    @extend_schema(
        operation_id="backtests_list",
        parameters=[parameters.LIMIT, parameters.CURSOR],
        responses=shapes.BacktestPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the caller's back-tests, newest first; an administrator's list has everybody's."""
        return BacktestPagination.answer(request, backtests_visible_to(request.user), backtest_line)

    @extend_schema(
        operation_id="backtests_start",
        request=shapes.BacktestRequestSerializer,
        responses={202: OpenApiResponse(shapes.BacktestSerializer, "Waiting; its `job` tells how far it is.")},
    )
    def post(self, request: Request) -> Response:
        """Run a strategy over stored bars; missing ones are downloaded first."""
        row = backtest_start(actor=actor_of(request), owner=parameters.user_of(request), body=json_object(request.data))
        headers = {"Location": reverse("api-backtest", args=[row.pk])}
        return Response(backtest_view(row), status=202, headers=headers)


class BacktestDetailView(APIView):
    """One back-test."""

    permission_classes = (READ,)

    @extend_schema(operation_id="backtests_get", responses=shapes.BacktestSerializer)
    def get(self, request: Request, backtest_id: UUID) -> Response:
        """Show a back-test with its report."""
        return Response(backtest_view(backtest_get(request.user, backtest_id)))

    @extend_schema(operation_id="backtests_remove", responses={204: None})
    def delete(self, request: Request, backtest_id: UUID) -> Response:
        """Remove a back-test that has ended, with all its rows."""
        backtest_remove(actor=actor_of(request), row=backtest_get(request.user, backtest_id))
        return Response(status=204)


class BacktestCancelView(APIView):
    """Giving a back-test up."""

    permission_classes = (READ,)

    @extend_schema(operation_id="backtests_cancel", request=None, responses=shapes.BacktestSerializer)
    def post(self, request: Request, backtest_id: UUID) -> Response:
        """Give up a back-test that waits or runs."""
        row = backtest_cancel(actor=actor_of(request), row=backtest_get(request.user, backtest_id))
        return Response(backtest_view(row))


class _TableView(APIView):
    """Rows of one back-test, in their order."""

    permission_classes = (READ,)
    table: ClassVar[str]

    def page(self, request: Request, backtest_id: UUID) -> Response:
        row = backtest_get(request.user, backtest_id)
        model, order, view = TABLES[self.table]
        pages = DeskCursorPagination()
        pages.ordering = order
        page = pages.paginate_queryset(model._default_manager.filter(backtest=row), request, view=self)
        return pages.get_paginated_response([view(entry) for entry in page or ()])


PAGED: list[Any] = [parameters.LIMIT, parameters.CURSOR]


class DayListView(_TableView):
    """Days."""

    table = "days"

    @extend_schema(operation_id="backtest_days", parameters=PAGED, responses=shapes.BacktestDayPageSerializer)
    def get(self, request: Request, backtest_id: UUID) -> Response:
        """List equity, drawdown, turnover and fees day by day."""
        return self.page(request, backtest_id)


class OrderListView(_TableView):
    """Orders."""

    table = "orders"

    @extend_schema(operation_id="backtest_orders", parameters=PAGED, responses=shapes.BacktestOrderPageSerializer)
    def get(self, request: Request, backtest_id: UUID) -> Response:
        """List what the strategy asked for and what became of it."""
        return self.page(request, backtest_id)


class TradeListView(_TableView):
    """Fills."""

    table = "trades"

    @extend_schema(operation_id="backtest_trades", parameters=PAGED, responses=shapes.BacktestTradePageSerializer)
    def get(self, request: Request, backtest_id: UUID) -> Response:
        """List fills."""
        return self.page(request, backtest_id)


class TripListView(_TableView):
    """Round trips."""

    table = "trips"

    @extend_schema(operation_id="backtest_trips", parameters=PAGED, responses=shapes.BacktestTripPageSerializer)
    def get(self, request: Request, backtest_id: UUID) -> Response:
        """List round trips with their profit and the rules of both ends."""
        return self.page(request, backtest_id)


class LineListView(APIView):
    """The strategy's log."""

    permission_classes = (READ,)

    @extend_schema(operation_id="backtest_lines", responses=shapes.LogLineListSerializer)
    def get(self, request: Request, backtest_id: UUID) -> Response:
        """Show what the strategy wrote."""
        return Response({"results": list(backtest_get(request.user, backtest_id).lines)})


class PlotView(APIView):
    """Pictures."""

    permission_classes = (READ,)

    @extend_schema(
        operation_id="backtest_plot",
        parameters=[OpenApiParameter("plot", str, OpenApiParameter.PATH, enum=NAMES)],
        responses={(200, "image/svg+xml"): OpenApiTypes.STR},
    )
    def get(self, request: Request, backtest_id: UUID, plot: str) -> HttpResponse:
        """Fetch one picture of the report."""
        svg = backtest_plot(backtest_get(request.user, backtest_id), plot)
        return HttpResponse(svg, content_type="image/svg+xml; charset=utf-8")


class TableCsvView(APIView):
    """Tables as files."""

    permission_classes = (READ,)

    @extend_schema(
        operation_id="backtest_csv",
        parameters=[OpenApiParameter("table", str, OpenApiParameter.PATH, enum=sorted(TABLES))],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, backtest_id: UUID, table: str) -> StreamingHttpResponse:
        """Download one table; no cell is taken for a formula."""
        row: Backtest = backtest_get(request.user, backtest_id)
        if table not in TABLES:
            raise NotFound(Code.FILE_NOT_FOUND, table=table[:40], allowed=sorted(TABLES))
        return csv_streamed(request, table_csv(row, table), f"backtest_{row.pk}_{table}.csv")
