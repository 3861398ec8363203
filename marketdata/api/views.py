"""Addresses of market data. Everyone who is signed in may read it; jobs belong to whoever asked."""

from __future__ import annotations

from typing import cast

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from marketdata.api import parameters as given
from marketdata.api.formats import ArrowRenderer, CsvRenderer, ParquetRenderer
from marketdata.api.serializers import (
    BarsSerializer,
    CalendarSerializer,
    InstrumentListSerializer,
    InstrumentSerializer,
    PendingBarsSerializer,
    QuoteListSerializer,
)
from marketdata.api.series import series_response
from marketdata.choices import Kind, Market
from marketdata.selectors import (
    data_host,
    holidays,
    instrument_find,
    instrument_search,
    instruments_by_symbol,
    latest_quotes,
    trading_days,
)
from ops.clocks import market_clock
from ops.errors import Code, Invalid

MarketRead = require_scope(Scope.MARKET_READ)


class BarsView(APIView):
    """Daily and minute bars, completed from the terminal when something is missing."""

    permission_classes = (MarketRead,)
    renderer_classes = (JSONRenderer, CsvRenderer, ArrowRenderer, ParquetRenderer)

    @extend_schema(
        operation_id="bars",
        parameters=given.BAR_PARAMETERS,
        responses={
            (200, "application/json"): BarsSerializer,
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR,
                description="The same rows with a header line. X-Data-Complete says whether all is there.",
            ),
            (200, ArrowRenderer.media_type): OpenApiResponse(
                OpenApiTypes.BINARY, description="An Arrow IPC stream; the rest of the JSON form is in its metadata."
            ),
            (200, ParquetRenderer.media_type): OpenApiResponse(
                OpenApiTypes.BINARY, description="A Parquet file; the rest of the JSON form is in its metadata."
            ),
            202: PendingBarsSerializer,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return bars of one or more instruments (or ticks, with period `tick`, as `/ticks` does), in the order asked.

        What is missing is downloaded, verified and stored first. When that takes longer than `wait`, the answer is
        202 with the job, whose address is in `Location`; ask for the bars again when it has ended.
        """
        return series_response(request, request.query_params.get("period", "1d"))


class InstrumentListView(APIView):
    """Instruments by code, name or pinyin initials."""

    permission_classes = (MarketRead,)

    @extend_schema(
        operation_id="instruments_search",
        parameters=[
            OpenApiParameter("q", str, description="Start of a code or of pinyin initials, or part of a name."),
            OpenApiParameter("kind", str, enum=Kind.values, description="All when absent."),
            given.LIMIT,
        ],
        responses=InstrumentListSerializer,
    )
    def get(self, request: Request) -> Response:
        """Search instruments; without `q`, list them by symbol."""
        limit = given.int_of(request, "limit", 50, low=1, high=10_000)
        found = instrument_search(
            cast(User, request.user),
            text=given.search_of(request),
            kind=given.choice_of(request, "kind", ("", *Kind.values)),
        )
        return Response(InstrumentListSerializer({"results": found[:limit]}).data)


class InstrumentView(APIView):
    """One instrument."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="instruments_get", responses=InstrumentSerializer)
    def get(self, request: Request, symbol: str) -> Response:
        """Show an instrument and the facts of its latest trade date: limits, previous close, suspension."""
        return Response(InstrumentSerializer(instrument_find(symbol)).data)


class QuotesView(APIView):
    """Latest snapshots."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="quotes", parameters=[given.SYMBOLS], responses=QuoteListSerializer)
    def get(self, request: Request) -> Response:
        """Return the newest stored snapshot of each symbol."""
        instruments = instruments_by_symbol(given.symbols_of(request))
        symbols = {row.pk: symbol for symbol, row in instruments.items()}
        quotes = latest_quotes(symbols)
        rows = [quotes[key] for key in symbols if key in quotes]
        return Response(QuoteListSerializer({"results": rows}, context={"symbols": symbols}).data)


class CalendarView(APIView):
    """Trading days and the market clock."""

    permission_classes = (MarketRead,)

    @extend_schema(
        operation_id="calendar",
        parameters=[
            OpenApiParameter("market", str, enum=Market.values, description="SH when absent."),
            OpenApiParameter("start", str, description="YYYYMMDD; the year's first day when absent."),
            OpenApiParameter("end", str, description="YYYYMMDD; the year's last day when absent."),
        ],
        responses=CalendarSerializer,
    )
    def get(self, request: Request) -> Response:
        """List trading days between two dates, with the market's present date and phase."""
        # Beijing trades on the days of the other two; the terminal lists only theirs.
        market = given.choice_of(request, "market", (Market.SH, Market.SZ, Market.BJ))
        clock = market_clock(data_host())
        year = clock.trade_date.year
        start = given.date_of(request, "start", clock.trade_date.replace(year, 1, 1))
        end = given.date_of(request, "end", clock.trade_date.replace(year, 12, 31))
        if start > end:
            raise Invalid(Code.RANGE_REVERSED, f"start={start} is after end={end}", field="start")
        listed = Market.SH if market == Market.BJ else market
        body = {
            "market": market,
            "trading_days": trading_days(listed, start, end),
            "holidays": holidays(start, end),
            "trade_date": clock.trade_date,
            "phase": str(clock.phase),
            "market_time": clock.market_time,
            "simulated": clock.simulated,
        }
        return Response(CalendarSerializer(body).data)
