"""Addresses of static data. Answers carry an ETag; what nobody recorded for a day is refused, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, cast

import pyarrow as pa
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from marketdata import reference_selectors as read
from marketdata.api import parameters as given
from marketdata.api import reference_serializers as shapes
from marketdata.api.jobserializers import JobSerializer
from marketdata.api.listing import PagedView, StaticView
from marketdata.api.tabular import TABLE_RENDERERS, UNRECORDED, Columns, Row, forms_of, is_table, table_response
from marketdata.selectors import data_host, holidays, instrument_get, instruments_by_symbol
from marketdata.services.refresh import StaticPart, refresh_request
from ops.clocks import market_clock
from ops.conditional import IF_NONE_MATCH
from ops.errors import Code, Forbidden, Invalid
from ops.openapi import page_of
from ops.selection import FIELDS
from qmt.reference import FinancialTable

ON = OpenApiParameter("on", str, description="YYYYMMDD or YYYY-MM-DD; the market's today when absent.")
START = OpenApiParameter("start", str, description="First day, YYYYMMDD or YYYY-MM-DD.")
END = OpenApiParameter("end", str, description="Last day, YYYYMMDD or YYYY-MM-DD.")


class SectorListView(PagedView):
    """Sectors."""

    ordering = "name"
    shape = shapes.SectorSerializer

    @extend_schema(
        operation_id="sectors",
        parameters=[ON, FIELDS, given.LIMIT, given.CURSOR, IF_NONE_MATCH],
        responses=forms_of(page_of(shapes.SectorSerializer)),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the sectors of a day, by name."""
        return self.page(request, read.sectors(given.date_of(request, "on")))


class SectorMembersView(PagedView):
    """Members of a sector."""

    ordering = "instrument_id"
    shape = shapes.MemberSerializer

    @extend_schema(
        operation_id="sector_members",
        parameters=[ON, FIELDS, given.LIMIT, given.CURSOR, IF_NONE_MATCH],
        responses=forms_of(page_of(shapes.MemberSerializer), {422: UNRECORDED}),
    )
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """List who belonged to a sector on a day, those included that left later."""
        return self.page(request, read.memberships(name, given.date_of(request, "on") or _today()))


class IndexWeightsView(PagedView):
    """Index weights."""

    ordering = "instrument_id"
    shape = shapes.WeightSerializer

    @extend_schema(
        operation_id="index_weights",
        parameters=[
            OpenApiParameter("index", str, required=True, description="000300.SH"),
            ON,
            FIELDS,
            given.LIMIT,
            given.CURSOR,
            IF_NONE_MATCH,
        ],
        responses=forms_of(page_of(shapes.WeightSerializer), {422: UNRECORDED}),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the constituents of an index on a day with their weights in per cent."""
        index = request.query_params.get("index", "")
        if not index:
            raise Invalid(Code.FIELD_REQUIRED, "name an index", field="index")
        return self.page(request, read.index_weights(instrument_get(index), given.date_of(request, "on") or _today()))


class FinancialsView(PagedView):
    """Financial tables."""

    shape = shapes.FinancialSerializer

    def columns(self) -> Columns:
        """One line per figure: the tables have a hundred columns, and not the same ones."""
        columns = dict(super().columns())
        del columns["values"], columns["observed_at"]
        return {**columns, "item": pa.string(), "value": pa.float64()}

    def lines(self, rows: Iterable[Any]) -> Iterator[Row]:
        """The figures of each row under the terminal's names."""
        for line in super().lines(rows):
            for item, value in line["values"].items():
                yield {**line, "item": item, "value": value}

    @extend_schema(
        operation_id="financials",
        parameters=[
            given.SYMBOLS,
            OpenApiParameter(
                "tables", str, description="Comma-separated: " + ", ".join(FinancialTable) + "; all when absent."
            ),
            OpenApiParameter(
                "as_of",
                str,
                description="Point-in-time: only what was announced up to this day, the latest announcement of each period.",
            ),
            START,
            END,
            FIELDS,
            given.LIMIT,
            given.CURSOR,
            IF_NONE_MATCH,
        ],
        responses=forms_of(page_of(shapes.FinancialSerializer)),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List rows whose period ends between two days; without `as_of`, restatements beside the originals."""
        rows = read.financials(
            instruments=list(instruments_by_symbol(given.symbols_of(request)).values()),
            tables=_tables(request),
            as_of=given.date_of(request, "as_of"),
            **_span(request),
        )
        return self.page(request, rows)


class ConvertiblesView(PagedView):
    """Convertible bonds."""

    ordering = "instrument_id"
    shape = shapes.BondSerializer

    @extend_schema(
        operation_id="convertibles",
        parameters=[ON, FIELDS, given.LIMIT, given.CURSOR, IF_NONE_MATCH],
        responses=forms_of(page_of(shapes.BondSerializer)),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the terms of convertible bonds on a day."""
        return self.page(request, read.bond_terms(given.date_of(request, "on")))


class EtfListView(PagedView):
    """Fund baskets."""

    ordering = "instrument_id"
    shape = shapes.BasketSerializer

    @extend_schema(
        operation_id="etfs",
        parameters=[ON, FIELDS, given.LIMIT, given.CURSOR, IF_NONE_MATCH],
        responses=forms_of(page_of(shapes.BasketSerializer)),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the newest creation basket of each fund up to a day, without its components."""
        return self.page(request, read.fund_baskets(given.date_of(request, "on")))


class EtfView(StaticView):
    """One fund's basket."""

    @extend_schema(operation_id="etf_basket", parameters=[ON, IF_NONE_MATCH], responses=shapes.BasketDetailSerializer)
    def get(self, request: Request, symbol: str) -> Response:
        """Show what one creation unit of a fund consists of."""
        return Response(
            shapes.BasketDetailSerializer(read.fund_basket(instrument_get(symbol), given.date_of(request, "on"))).data
        )


class IposView(PagedView):
    """New issues."""

    ordering = "symbol"
    shape = shapes.NewIssueSerializer

    @extend_schema(
        operation_id="ipos",
        parameters=[START, END, FIELDS, given.LIMIT, given.CURSOR, IF_NONE_MATCH],
        responses=forms_of(page_of(shapes.NewIssueSerializer)),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List new issues whose subscription lies between two days."""
        return self.page(request, read.new_issues(**_span(request)))


class FactorsView(PagedView):
    """Ex-rights factors."""

    shape = shapes.FactorSerializer

    @extend_schema(
        operation_id="factors",
        parameters=[given.SYMBOLS, START, END, FIELDS, given.LIMIT, given.CURSOR, IF_NONE_MATCH],
        responses=forms_of(page_of(shapes.FactorSerializer)),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the ex-dates of instruments."""
        instruments = list(instruments_by_symbol(given.symbols_of(request)).values())
        return self.page(request, read.factors(instruments, **_span(request)))


class HolidaysView(StaticView):
    """Holidays."""

    renderer_classes = TABLE_RENDERERS

    @extend_schema(
        operation_id="holidays",
        parameters=[START, END, IF_NONE_MATCH],
        responses=forms_of(shapes.HolidaySerializer),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the published holidays between two days, those of the market's year when absent."""
        today = _today()
        span = _span(request)
        found = holidays(span["start"] or date(today.year, 1, 1), span["end"] or date(today.year, 12, 31))
        if is_table(request):
            return table_response(request, {"date": pa.date32()}, ({"date": day} for day in found))
        return Response({"holidays": found})


class InstrumentHistoryView(StaticView):
    """What an instrument was."""

    @extend_schema(
        operation_id="instruments_history", parameters=[IF_NONE_MATCH], responses=shapes.InstrumentHistorySerializer
    )
    def get(self, request: Request, symbol: str) -> Response:
        """Show former codes and names, and every fact that changed."""
        instrument = instrument_get(symbol)
        aliases, changes = read.instrument_history(instrument)
        body = {"symbol": instrument.symbol, "name": instrument.name, "aliases": aliases, "changes": changes}
        return Response(shapes.InstrumentHistorySerializer(body).data)


class StaticRefreshView(APIView):
    """Refreshing static data."""

    permission_classes = (require_scope(Scope.ADMIN),)

    @extend_schema(operation_id="static_refresh", request=shapes.RefreshSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        """Have the data worker read static data from the terminal again; the answer is the job."""
        user = cast(User, request.user)
        if not user.is_admin:
            raise Forbidden(Code.PERMISSION_DENIED, "Only administrators refresh static data.")
        body = shapes.RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = dict(body.validated_data)
        job = refresh_request(
            host=data_host(), owner=user.pk, parts=[StaticPart(part) for part in wanted.pop("parts")], **wanted
        )
        return Response(JobSerializer(job).data, status=202, headers={"Location": reverse("api-job", args=[job.pk])})


def _today() -> date:
    return market_clock(data_host()).trade_date


def _span(request: Request) -> dict[str, date | None]:
    start, end = given.date_of(request, "start"), given.date_of(request, "end")
    if start is not None and end is not None and start > end:
        raise Invalid(Code.RANGE_REVERSED, f"start={start} is after end={end}", field="start")
    return {"start": start, "end": end}


def _tables(request: Request) -> list[FinancialTable]:
    names = given.list_of(request, "tables")
    if names is None:
        return list(FinancialTable)
    known = {table.value.lower(): table for table in FinancialTable}
    if unknown := [name for name in names if name.lower() not in known]:
        raise Invalid(
            Code.FIELD_INVALID,
            f"unknown table {unknown[0][:20]!r}; there are {', '.join(FinancialTable)}",
            field="tables",
        )
    return [known[name.lower()] for name in names]
