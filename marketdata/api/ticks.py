"""Addresses of ticks, and of what live bars got wrong."""

from __future__ import annotations

from typing import Any, cast

from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from marketdata.api import parameters as given
from marketdata.api.formats import ArrowRenderer, CsvRenderer, ParquetRenderer, streamed
from marketdata.api.serializers import PendingBarsSerializer
from marketdata.models import LiveDifference
from marketdata.selectors import instruments_by_symbol, job_get
from marketdata.services.ticks import TickRequest, TickService
from ops.api import DeskCursorPagination

MarketRead = require_scope(Scope.MARKET_READ)


class TicksSerializer(serializers.Serializer[Any]):
    """Ticks of some instruments; rows have the asked columns."""

    period = serializers.CharField()
    complete = serializers.BooleanField(help_text="Every closed day's ticks reach the volume of its daily bar.")
    missing_days = serializers.IntegerField()
    failures = serializers.DictField(child=serializers.CharField())
    open_day = serializers.DateField(allow_null=True, help_text="Of this day there is what was captured so far.")
    host = serializers.CharField()
    rows = serializers.ListField(child=serializers.DictField())


class TicksView(APIView):
    """Five-level snapshots, completed from the terminal when a closed day's are missing."""

    permission_classes = (MarketRead,)
    renderer_classes = (JSONRenderer, CsvRenderer, ArrowRenderer, ParquetRenderer)

    @extend_schema(
        operation_id="ticks",
        parameters=[
            given.SYMBOLS,
            given.START,
            given.END,
            OpenApiParameter("fields", str, description="Comma-separated columns; all when absent."),
            OpenApiParameter(
                "wait", float, description="Seconds to wait for missing ticks before answering 202; at most 60."
            ),
        ],
        responses={
            (200, "application/json"): TicksSerializer,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR),
            (200, ArrowRenderer.media_type): OpenApiResponse(OpenApiTypes.BINARY),
            (200, ParquetRenderer.media_type): OpenApiResponse(OpenApiTypes.BINARY),
            202: PendingBarsSerializer,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return ticks in the order of the symbols asked, then of time. Without `start`: of the last trading day."""
        service = TickService()
        query, readiness = service.prepare(
            TickRequest(
                symbols=given.symbols_of(request),
                start=request.query_params.get("start"),
                end=request.query_params.get("end"),
                fields=given.list_of(request, "fields"),
            ),
            wait_seconds=given.seconds_of(request, "wait"),
            owner=cast(User, request.user).pk,
        )
        if readiness.job_id is not None:
            job = job_get(cast(User, request.user), readiness.job_id)
            pending = {"complete": False, "job": job, "missing_days": readiness.missing_days}
            headers = {"Location": reverse("api-job", args=[job.pk]), "Retry-After": "1", "X-Data-Complete": "false"}
            return Response(PendingBarsSerializer(pending).data, status=202, headers=headers)
        form = str(request.accepted_renderer.format)
        media_type = "text/csv; charset=utf-8" if form == "csv" else str(request.accepted_renderer.media_type)
        pieces = service.pieces(query, service.head(query, readiness), form=form)
        response = streamed(request, pieces, media_type)
        response["X-Data-Complete"] = str(readiness.complete).lower()
        return response


class LiveDifferenceSerializer(serializers.ModelSerializer[LiveDifference]):
    """Live bars of one instrument and day against the terminal's, which are what is stored."""

    symbol = serializers.CharField(source="instrument.symbol")

    class Meta:
        model = LiveDifference
        fields = ("symbol", "period", "trade_date", "host", "compared", "differing", "examples", "found_at")
        read_only_fields = fields


class LiveDifferencesView(APIView):
    """What was wrong with live bars."""

    permission_classes = (MarketRead,)

    @extend_schema(
        operation_id="live_differences",
        parameters=[
            OpenApiParameter("symbols", str, description="Comma-separated; all when absent."),
            given.LIMIT,
            given.CURSOR,
        ],
        responses=LiveDifferenceSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the instrument-days whose live bars the terminal contradicted after the close, newest first."""
        rows = LiveDifference.objects.select_related("instrument")
        if symbols := given.list_of(request, "symbols"):
            rows = rows.filter(instrument__in=instruments_by_symbol(symbols).values())
        pages = DeskCursorPagination()
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(LiveDifferenceSerializer(page, many=True).data)
