"""Addresses of market data. Everyone who is signed in may read it; jobs belong to whoever asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pyarrow as pa
from django.db.models import QuerySet
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
from marketdata.api.listing import StaticView
from marketdata.api.quoteshapes import QUOTE_COLUMNS, QUOTE_FIELDS, levels_apart, quote_row
from marketdata.api.serializers import (
    BarsSerializer,
    CalendarSerializer,
    InstrumentListSerializer,
    InstrumentSerializer,
    PendingBarsSerializer,
    QuoteListSerializer,
)
from marketdata.api.series import series_response
from marketdata.api.tabular import TABLE_RENDERERS, columns_of, forms_of, is_table, table_response
from marketdata.choices import Kind, Market
from marketdata.models import Instrument
from marketdata.selectors import (
    calendar_view,
    instrument_find,
    instrument_rows,
    instrument_search,
    instruments_by_symbol,
    instruments_named,
    latest_quotes,
)
from ops.conditional import IF_NONE_MATCH
from ops.errors import Code, Invalid
from ops.selection import FIELDS, chosen, fields_of, names_of

#: `?market=` for every market.
ALL = "ALL"
#: More instruments than the exchanges list.
MAX_INSTRUMENTS = 10_000
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
            422: OpenApiResponse(description="`FACTORS_UNAVAILABLE`: the source's prices are adjusted already."),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return bars of one or more instruments (or ticks, with period `tick`, as `/ticks` does), in the order asked.

        What is missing is downloaded, verified and stored first. When that takes longer than `wait`, the answer is
        202 with the job, whose address is in `Location`; ask for the bars again when it has ended.
        """
        return series_response(request, request.query_params.get("period", "1d"))


class InstrumentListView(StaticView):
    """Instruments by symbol, code, name or pinyin initials."""

    renderer_classes = TABLE_RENDERERS

    @extend_schema(
        operation_id="instruments_search",
        parameters=[
            OpenApiParameter("q", str, description="Start of a code or of pinyin initials, or part of a name."),
            OpenApiParameter(
                "symbols", str, description=f"Comma-separated, in place of a search; at most {MAX_INSTRUMENTS}."
            ),
            OpenApiParameter("kind", str, enum=Kind.values, description="All when absent."),
            OpenApiParameter(
                "limit", int, description=f"At most so many results: 50 when absent, up to {MAX_INSTRUMENTS}."
            ),
            FIELDS,
            IF_NONE_MATCH,
        ],
        responses=forms_of(InstrumentListSerializer),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Search instruments; without `q`, list them by symbol; with `symbols`, those in the order asked."""
        found = self._found(request)
        names = fields_of(request, names_of(InstrumentSerializer))
        rows = InstrumentSerializer(found, many=True).data
        if is_table(request):
            return table_response(request, columns_of(InstrumentSerializer), rows, names)
        return Response({"results": chosen(rows, names)})

    def _found(self, request: Request) -> Sequence[Instrument] | QuerySet[Instrument]:
        limit = given.int_of(request, "limit", 50, low=1, high=MAX_INSTRUMENTS)
        kind = given.choice_of(request, "kind", ("", *Kind.values))
        text = given.search_of(request)
        if "symbols" not in request.query_params:
            return instrument_search(cast(User, request.user), text=text, kind=kind)[:limit]
        if text or kind:
            raise Invalid(Code.FIELD_INVALID, "symbols stands in place of a search", field="symbols")
        return instruments_named(given.symbols_of(request, at_most=MAX_INSTRUMENTS))


class InstrumentView(StaticView):
    """One instrument."""

    @extend_schema(operation_id="instruments_get", parameters=[IF_NONE_MATCH], responses=InstrumentSerializer)
    def get(self, request: Request, symbol: str) -> Response:
        """Show an instrument and the facts of its latest trade date: limits, previous close, suspension."""
        return Response(InstrumentSerializer(instrument_find(symbol)).data)


class QuotesView(APIView):
    """Latest snapshots."""

    permission_classes = (MarketRead,)
    renderer_classes = TABLE_RENDERERS

    @extend_schema(
        operation_id="quotes",
        parameters=[
            OpenApiParameter(
                "symbols", str, description="Comma-separated: 600519.SH, or bare codes. This or `market`."
            ),
            OpenApiParameter(
                "market", str, enum=[*Market.values, ALL], description="Every instrument of a market that has a quote."
            ),
            FIELDS,
        ],
        responses=forms_of(QuoteListSerializer),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return the newest stored snapshot of each symbol, or of a whole market; symbols without one are left out.

        As a table the five levels are columns: bid1, bid_volume1, ask1, ask_volume1 and so on.
        """
        symbols = _quoted(request)
        quotes = latest_quotes(symbols)
        rows = [quote_row(quotes[key], symbols[key]) for key in symbols if key in quotes]
        if is_table(request):
            names = fields_of(request, QUOTE_COLUMNS)
            return table_response(request, QUOTE_COLUMNS, map(levels_apart, rows), names)
        return Response({"results": chosen(rows, fields_of(request, QUOTE_FIELDS))})


def _quoted(request: Request) -> dict[int, str]:
    """Symbols by id: the named ones in the order asked, or a market's."""
    if "market" not in request.query_params:
        named = instruments_by_symbol(given.symbols_of(request))
        return {row.pk: symbol for symbol, row in named.items()}
    market = given.choice_of(request, "market", (ALL, *Market.values))
    if "symbols" in request.query_params:
        raise Invalid(Code.FIELD_INVALID, "name symbols or a market, not both", field="market")
    return {row.pk: row.symbol for row in instrument_rows(market="" if market == ALL else market)}


class CalendarView(StaticView):
    """Trading days and the market clock."""

    renderer_classes = TABLE_RENDERERS

    @extend_schema(
        operation_id="calendar",
        parameters=[
            OpenApiParameter("market", str, enum=Market.values, description="SH when absent."),
            OpenApiParameter("start", str, description="YYYYMMDD; the year's first day when absent."),
            OpenApiParameter("end", str, description="YYYYMMDD; the year's last day when absent."),
            OpenApiParameter(
                "fields",
                str,
                description="Comma-separated: only these. Without `market_time` and `phase` the answer keeps its ETag for days.",
            ),
            IF_NONE_MATCH,
        ],
        responses=forms_of(CalendarSerializer),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List trading days between two dates, with the market's present date and phase; as a table the days only."""
        market = given.choice_of(request, "market", (Market.SH, Market.SZ, Market.BJ))
        body = calendar_view(market=market, start=given.date_of(request, "start"), end=given.date_of(request, "end"))
        if is_table(request):
            columns = {"market": pa.string(), "date": pa.date32()}
            lines = ({"market": market, "date": day} for day in body["trading_days"])
            return table_response(request, columns, lines, fields_of(request, columns))
        names = fields_of(request, names_of(CalendarSerializer))
        return Response(chosen([CalendarSerializer(body).data], names)[0])
