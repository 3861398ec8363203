"""Addresses of coverage: the table, page by page or whole as CSV, and its months."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pandas as pd
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope as TokenScope
from marketdata.api import parameters as given
from marketdata.api.formats import CsvRenderer, streamed
from marketdata.api.serializers import (
    CoverageMissingSerializer,
    CoverageMonthsSerializer,
    CoveragePageSerializer,
)
from marketdata.choices import Kind, Market
from marketdata.services import MarketDataService
from marketdata.services.coverage import (
    COLUMNS,
    STATES,
    CoverageRequest,
    Scope,
    coverage_missing,
    coverage_months,
    coverage_page,
    coverage_pieces,
)
from marketdata.services.evidence import evidence_rows
from marketdata.services.tables import csv_pieces
from ops.errors import Code, Invalid

MAX_PAGE = 1_000
MAX_CURSOR = 16
#: Instruments whose missing days are listed at once.
MAX_LISTED = 100

_FILTERS = [
    OpenApiParameter("symbols", str, description="Comma-separated; the whole market when absent."),
    given.STORED_PERIOD,
    OpenApiParameter("start", str, description="As of bars; the last `sync.history_days` trading days when absent."),
    OpenApiParameter("end", str, description="As of bars; until now when absent."),
    OpenApiParameter("q", str, description="Start of a code or of pinyin initials, or part of a name."),
    OpenApiParameter("kind", str, enum=Kind.values, description="All when absent."),
    OpenApiParameter("market", str, enum=Market.values, description="All when absent."),
]


def _scope(request: Request, *, state: str = "any") -> Scope:
    return MarketDataService().coverage_scope(
        CoverageRequest(
            period=request.query_params.get("period", "1d"),
            symbols=given.list_of(request, "symbols"),
            text=given.search_of(request),
            kind=given.choice_of(request, "kind", ("", *Kind.values)),
            market=given.choice_of(request, "market", ("", *Market.values)),
            state=state,
            start=request.query_params.get("start"),
            end=request.query_params.get("end"),
        )
    )


class CoverageView(APIView):
    """What is stored, what is proven not to exist, what is missing."""

    permission_classes = (require_scope(TokenScope.MARKET_READ),)
    renderer_classes = (JSONRenderer, CsvRenderer)

    @extend_schema(
        operation_id="coverage",
        parameters=[
            *_FILTERS,
            OpenApiParameter("state", str, enum=STATES, description="any when absent."),
            OpenApiParameter("limit", int, description=f"Rows of a page, at most {MAX_PAGE}; 100 when absent."),
            given.CURSOR,
        ],
        responses={
            (200, "application/json"): CoveragePageSerializer,
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR, description="The whole table with a header line; limit and cursor do not apply."
            ),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List instruments by symbol with first and last bar, days expected, present, proven and missing."""
        scope = _scope(request, state=given.choice_of(request, "state", STATES))
        if request.accepted_renderer.format == CsvRenderer.format:
            return streamed(request, csv_pieces(COLUMNS, _csv_frames(scope), quoted=True), "text/csv; charset=utf-8")
        limit = given.int_of(request, "limit", 100, low=1, high=MAX_PAGE)
        page, after = coverage_page(scope, limit=limit, after=_cursor(request))
        ids = {row.symbol: row.pk for row in scope.rows}
        proofs = evidence_rows([ids[symbol] for symbol in page["symbol"]], scope.period)
        results = [{**_plain(row), "evidence": proofs.get(ids[row["symbol"]], [])} for row in page.to_dict("records")]
        body = {"instruments": len(scope.rows), "results": results, "next": after}
        return Response(CoveragePageSerializer(body).data)


class CoverageMonthsView(APIView):
    """How complete each instrument is, month by month: a heat map of the market."""

    permission_classes = (require_scope(TokenScope.MARKET_READ),)

    @extend_schema(operation_id="coverage_months", parameters=_FILTERS, responses=CoverageMonthsSerializer)
    def get(self, request: Request) -> HttpResponse:
        """Return one small whole number per instrument and month."""
        scope = _scope(request)
        found = coverage_months(scope)
        body = {
            "period": scope.period.code,
            "months": found.months,
            "symbols": found.symbols,
            "names": found.names,
            "ratios": found.ratios,
        }
        return HttpResponse(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), content_type="application/json")


class CoverageMissingView(APIView):
    """The missing days of some instruments."""

    permission_classes = (require_scope(TokenScope.MARKET_READ),)

    @extend_schema(
        operation_id="coverage_missing",
        parameters=[given.SYMBOLS, given.STORED_PERIOD, given.START, given.END],
        responses=CoverageMissingSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the stretches of trading days that are neither stored nor proven not to exist; at most 100 instruments."""
        symbols = given.symbols_of(request)
        if len(symbols) > MAX_LISTED:
            raise Invalid(Code.FIELD_INVALID, f"name at most {MAX_LISTED} symbols", field="symbols")
        scope = _scope(request)
        body = {"period": scope.period.code, "results": coverage_missing(scope)}
        return Response(CoverageMissingSerializer(body).data)


def _cursor(request: Request) -> str:
    text = request.query_params.get("cursor", "")
    if len(text) > MAX_CURSOR or not text.isprintable():
        raise Invalid(Code.FIELD_INVALID, "cursor is the `next` of the page before", field="cursor")
    return text


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """A row without pandas' own kinds of nothing."""
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _csv_frames(scope: Scope) -> Iterator[pd.DataFrame]:
    for table in coverage_pieces(scope):
        texts = table["last_sync_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        yield table.assign(last_sync_at=texts.where(table["last_sync_at"].notna(), None))
