"""Addresses of indicators."""

from __future__ import annotations

from typing import Any, cast

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
from accounts.models import User
from marketdata.api import parameters as given
from marketdata.api.formats import ArrowRenderer, CsvRenderer, ParquetRenderer, streamed
from marketdata.api.serializers import PendingBarsSerializer
from marketdata.api.series import CONTENT_TYPES, pending_response
from marketdata.indicators import CATALOGUE, Indicator
from marketdata.services.indicators import IndicatorRequest, IndicatorService

MarketRead = require_scope(Scope.MARKET_READ)

INDICATORS = OpenApiParameter(
    "indicators",
    str,
    required=True,
    description="As `MA(5,10,20),MACD,KDJ(9,3,3),BOLL(20,2.5)`; without brackets, defaults.",
)


class IndicatorsSerializer(serializers.Serializer[Any]):
    """Indicators of some instruments; rows have symbol, time and the columns named."""

    complete = serializers.BooleanField(help_text="Every bar that is needed is stored, or proven not to exist.")
    period = serializers.CharField()
    adjust = serializers.CharField()
    source = serializers.DictField(help_text="Where the bars come from, as of bars.")  # type: ignore[assignment]  # shadows Field.source
    evidence = serializers.DictField(child=serializers.IntegerField())
    missing_days = serializers.IntegerField()
    failures = serializers.DictField(child=serializers.CharField())
    look_back = serializers.IntegerField(help_text="Bars read before the first one answered.")
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(
        child=serializers.DictField(), help_text="Values are null where an instrument has too few bars."
    )


class IndicatorParameterSerializer(serializers.Serializer[Any]):
    """One parameter with its range, both ends included."""

    name = serializers.CharField()
    default = serializers.DecimalField(max_digits=6, decimal_places=2)
    low = serializers.DecimalField(max_digits=6, decimal_places=2)
    high = serializers.DecimalField(max_digits=6, decimal_places=2)
    whole = serializers.BooleanField()


class IndicatorKindSerializer(serializers.Serializer[Any]):
    """One indicator."""

    name = serializers.CharField()
    formula = serializers.CharField(help_text="In the terminals' formula language.")
    parameters = IndicatorParameterSerializer(many=True)
    repeated = serializers.BooleanField(help_text="Takes its parameter several times, a column for each.")
    columns = serializers.ListField(child=serializers.CharField(), help_text="With the defaults.")


class IndicatorKindListSerializer(serializers.Serializer[Any]):
    """Every indicator there is."""

    results = IndicatorKindSerializer(many=True)


class IndicatorsView(APIView):
    """Indicators of closed bars."""

    permission_classes = (MarketRead,)
    renderer_classes = (JSONRenderer, CsvRenderer, ArrowRenderer, ParquetRenderer)

    @extend_schema(
        operation_id="indicators",
        parameters=[
            given.SYMBOLS,
            INDICATORS,
            given.PERIOD,
            given.START,
            given.END,
            given.COUNT,
            OpenApiParameter("adjust", str, description="As of bars; none when absent."),
            given.WAIT,
            given.TIME,
        ],
        responses={
            (200, "application/json"): IndicatorsSerializer,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="The same rows with a header line."),
            (200, ArrowRenderer.media_type): OpenApiResponse(OpenApiTypes.BINARY),
            (200, ParquetRenderer.media_type): OpenApiResponse(OpenApiTypes.BINARY),
            202: PendingBarsSerializer,
            422: OpenApiResponse(description="`FACTORS_UNAVAILABLE`: the source's prices are adjusted already."),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return indicators of one or more instruments, in the order asked, then of time.

        Of closed bars only, suspended days left out. Enough bars before `start` are read that the values do not depend
        on it. Missing bars are downloaded first, as by `/bars`; 202 while that takes longer than `wait`.
        """
        time_format = given.choice_of(request, "time", ("ms", "iso"))
        user = cast(User, request.user)
        service = IndicatorService()
        query, readiness = service.prepare(
            IndicatorRequest(
                symbols=given.symbols_of(request),
                indicators=request.query_params.get("indicators", ""),
                period=request.query_params.get("period", "1d"),
                start=request.query_params.get("start"),
                end=request.query_params.get("end"),
                count=given.count_of(request),
                adjust=request.query_params.get("adjust", "none"),
            ),
            wait_seconds=given.seconds_of(request, "wait"),
            owner=user.pk,
        )
        if readiness.job_id is not None:
            return pending_response(user, readiness)
        form = str(request.accepted_renderer.format)
        response = streamed(
            request,
            service.pieces(query, service.head(query, readiness), form=form, time_format=time_format),
            CONTENT_TYPES.get(form, str(request.accepted_renderer.media_type)),
        )
        response["X-Data-Complete"] = str(readiness.complete).lower()
        return response


class IndicatorKindsView(APIView):
    """Which indicators there are."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="indicator_kinds", responses=IndicatorKindListSerializer)
    def get(self, request: Request) -> Response:
        """List the indicators with their formulas, parameters, ranges and defaults."""
        return Response({"results": [_kind_view(indicator) for indicator in CATALOGUE.values()]})


def _kind_view(indicator: Indicator) -> dict[str, Any]:
    defaults = tuple(parameter.default for parameter in indicator.parameters)
    return {
        "name": indicator.name,
        "formula": indicator.formula,
        "parameters": [
            {
                "name": parameter.name,
                "default": str(parameter.default),
                "low": str(parameter.low),
                "high": str(parameter.high),
                "whole": parameter.whole,
            }
            for parameter in indicator.parameters
        ],
        "repeated": indicator.repeated,
        "columns": list(indicator.columns(defaults)),
    }
