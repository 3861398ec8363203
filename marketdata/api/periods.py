"""Which periods bars can be asked for in."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.listing import StaticView
from marketdata.quotes.periods import Period
from marketdata.services.folding import FOLDS
from marketdata.services.requests import STORED_PERIODS
from ops.conditional import IF_NONE_MATCH


class PeriodSerializer(serializers.Serializer[Any]):
    """A period of bars."""

    code = serializers.CharField(help_text="As `period` of an address names it.")
    folded_from = serializers.CharField(
        allow_null=True, help_text="The stored period it is made of; null when stored itself."
    )


class PeriodListSerializer(serializers.Serializer[Any]):
    """Every period, stored ones first."""

    results = PeriodSerializer(many=True)


class PeriodListView(StaticView):
    """Periods."""

    @extend_schema(operation_id="periods", parameters=[IF_NONE_MATCH], responses=PeriodListSerializer)
    def get(self, request: Request) -> Response:
        """List the periods that bars and ticks can be asked for in."""
        stored = [{"code": period.code, "folded_from": None} for period in (Period.TICK, *STORED_PERIODS)]
        folded = [{"code": code, "folded_from": fold.stored.code} for code, fold in FOLDS.items()]
        return Response({"results": stored + folded})
