"""Addresses of ticks, and of what live bars got wrong."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from marketdata.api import parameters as given
from marketdata.api.formats import ArrowRenderer, CsvRenderer, ParquetRenderer
from marketdata.api.serializers import PendingBarsSerializer
from marketdata.api.series import series_response
from marketdata.models import LiveDifference
from marketdata.quotes.periods import Period
from marketdata.selectors import instruments_by_symbol
from ops.api import DeskCursorPagination
from ops.openapi import page_of

MarketRead = require_scope(Scope.MARKET_READ)


class TicksSerializer(serializers.Serializer[Any]):
    """Ticks of some instruments; rows have the asked columns."""

    complete = serializers.BooleanField(help_text="Every closed day's ticks reach the volume of its daily bar.")
    period = serializers.CharField()
    adjust = serializers.CharField(help_text="none: ticks are answered as they came.")
    source = serializers.DictField(  # type: ignore[assignment]  # shadows Field.source, which a serializer has no use for
        help_text="Host and SDK version; `archive`: days read from archived files; `open_day`: of this day there is "
        "what was captured so far."
    )
    evidence = serializers.DictField(
        child=serializers.IntegerField(), help_text="Instrument-days without ticks, by proven reason."
    )
    missing_days = serializers.IntegerField()
    failures = serializers.DictField(child=serializers.CharField())
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
            given.COUNT,
            OpenApiParameter("fields", str, description="Comma-separated columns; all when absent."),
            given.WAIT,
            given.TIME,
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
        """Return ticks in the order of the symbols asked, then of time. Without `start`: of the last trading day.

        Archived days are answered from their files.
        """
        return series_response(request, Period.TICK.code)


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
        responses=page_of(LiveDifferenceSerializer),
    )
    def get(self, request: Request) -> Response:
        """List the instrument-days whose live bars the terminal contradicted after the close, newest first."""
        rows = LiveDifference.objects.select_related("instrument")
        if symbols := given.list_of(request, "symbols"):
            rows = rows.filter(instrument__in=instruments_by_symbol(symbols).values())
        pages = DeskCursorPagination()
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(LiveDifferenceSerializer(page, many=True).data)
