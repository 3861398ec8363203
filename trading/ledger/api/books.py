"""API of an account's books: statement, curve, profit, entries, differences. Parse, call one function, render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import SignedIn, require_scope
from accounts.choices import Scope
from accounts.models import BrokerAccount
from accounts.selectors import account_get, host_clock
from accounts.sudo import sudo_of
from marketdata.api.formats import csv_streamed
from ops.api import DeskCursorPagination
from ops.errors import Code, Invalid
from ops.inputs import shown
from ops.requests import current_request_id
from trading.ledger import exports
from trading.ledger.api import parameters, shapes
from trading.ledger.bookkeeping import EntryWish, difference_resolve, entry_add
from trading.ledger.choices import DifferenceState, EntryKind
from trading.ledger.models import Difference, LedgerEntry
from trading.ledger.owners import owner_holdings
from trading.ledger.statements import By, Profit, equity_curve, profit_report, statement
from trading.ledger.wire import difference_view, entry_view, money

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_READ = (require_scope(Scope.ACCOUNT_READ),)
DATE_REQUIRED = OpenApiParameter("date", OpenApiTypes.DATE, required=True, description="Trade date, YYYY-MM-DD.")
BY = OpenApiParameter("by", OpenApiTypes.STR, enum=[str(one) for one in By], description="Default `instrument`.")
KIND = OpenApiParameter("kind", OpenApiTypes.STR, enum=list(EntryKind.values))
STATE = OpenApiParameter("state", OpenApiTypes.STR, enum=list(DifferenceState.values))


class _AccountView(APIView):
    permission_classes = _READ

    def account(self, account_id: int) -> BrokerAccount:
        """The account, if the caller sees it."""
        return account_get(parameters.user_of(self.request), account_id)


class StatementView(_AccountView):
    """One trade date."""

    @extend_schema(operation_id="account_statement", parameters=[DATE_REQUIRED], responses=shapes.StatementSerializer)
    def get(self, request: Request, account_id: int) -> Response:
        """Show what happened on a trade date, and how the account ended it."""
        return Response(statement(self.account(account_id), _date(request)))


class StatementExcelView(_AccountView):
    """One trade date as a workbook."""

    @extend_schema(
        operation_id="account_statement_xlsx", parameters=[DATE_REQUIRED], responses={(200, EXCEL): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, account_id: int) -> HttpResponse:
        """Download a statement: totals, holdings and entries on three sheets."""
        account, day = self.account(account_id), _date(request)
        content = exports.statement_xlsx(statement(account, day), _entries(account).filter(trade_date=day))
        return _file(content, EXCEL, exports.file_name(account.pk, "statement", day, None, "xlsx"))


class EquityCurveView(_AccountView):
    """Equity at each close."""

    @extend_schema(
        operation_id="account_equity_curve",
        parameters=[parameters.FROM, parameters.TO],
        responses=shapes.EquityCurveSerializer,
    )
    def get(self, request: Request, account_id: int) -> Response:
        """Show equity, profit and drawdown per closed trade date."""
        start, end = parameters.range_of(request)
        return Response({"results": equity_curve(self.account(account_id), start=start, end=end)})


class OwnerHoldingsView(_AccountView):
    """Each person's and each strategy's own part of the account."""

    @extend_schema(operation_id="account_owner_positions", responses=shapes.OwnerHoldingListSerializer)
    def get(self, request: Request, account_id: int) -> Response:
        """List who holds what: virtual positions, which add up to the account's."""
        account = self.account(account_id)
        clock = host_clock(account.host)
        return Response({"results": owner_holdings(account, None if clock is None else clock.trade_date)})


class ProfitView(_AccountView):
    """Profit and itemised fees."""

    @extend_schema(
        operation_id="account_profit",
        parameters=[BY, parameters.FROM, parameters.TO],
        responses=shapes.ProfitListSerializer,
    )
    def get(self, request: Request, account_id: int) -> Response:
        """Add up profit and fees by user, strategy or instrument."""
        account = self.account(account_id)
        text = request.query_params.get("by", By.INSTRUMENT)
        if text not in list(By):
            raise Invalid(Code.FIELD_INVALID, field="by", by=shown(text), allowed=[str(one) for one in By])
        start, end = parameters.range_of(request)
        return Response(
            {"results": [_profit(line) for line in profit_report(account, by=By(text), start=start, end=end)]}
        )


class EntryListView(_AccountView):
    """Ledger entries: list them, add one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ADMIN),)

    @extend_schema(
        operation_id="ledger_list",
        parameters=[
            KIND,
            parameters.SYMBOL,
            parameters.FROM,
            parameters.TO,
            parameters.LIMIT,
            parameters.CURSOR,
        ],
        responses=shapes.EntryPageSerializer,
    )
    def get(self, request: Request, account_id: int) -> Response:
        """List the account's entries, newest first."""
        return DeskCursorPagination.answer(request, _filtered(request, self.account(account_id)), entry_view)

    @extend_schema(
        operation_id="ledger_add", request=shapes.EntryWishSerializer, responses={201: shapes.EntrySerializer}
    )
    def post(self, request: Request, account_id: int) -> Response:
        """Enter what happened outside trading (administrators and risk officers, re-authenticated)."""
        self.account(account_id)
        values = _validated(shapes.EntryWishSerializer(data=request.data))
        entry = entry_add(
            user=parameters.user_of(request),
            account_id=account_id,
            sudo=sudo_of(request._request),
            wish=EntryWish(
                kind=EntryKind(values["kind"]),
                key=values["key"],
                note=values["note"],
                symbol=values["symbol"],
                quantity=values["quantity"],
                price=values["price"],
                cash=values["cash"],
                trade_date=values["trade_date"],
            ),
            request_id=current_request_id(),
        )
        return Response(entry_view(entry), status=201)


class EntryCsvView(_AccountView):
    """Entries as CSV."""

    @extend_schema(
        operation_id="ledger_csv",
        parameters=[KIND, parameters.SYMBOL, parameters.FROM, parameters.TO],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, account_id: int) -> StreamingHttpResponse:
        """Download the account's entries; no cell is taken for a formula."""
        account = self.account(account_id)
        rows = _filtered(request, account).order_by("id").iterator(chunk_size=2_000)
        name = exports.file_name(account.pk, "ledger", *parameters.range_of(request), "csv")
        return csv_streamed(request, exports.entries_csv(rows), name)


class EntryExcelView(_AccountView):
    """Entries as a sheet."""

    @extend_schema(
        operation_id="ledger_xlsx",
        parameters=[KIND, parameters.SYMBOL, parameters.FROM, parameters.TO],
        responses={(200, EXCEL): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, account_id: int) -> HttpResponse:
        """Download the account's entries for a spreadsheet."""
        account = self.account(account_id)
        rows = _filtered(request, account).order_by("id").iterator(chunk_size=2_000)
        name = exports.file_name(account.pk, "ledger", *parameters.range_of(request), "xlsx")
        return _file(exports.entries_xlsx(rows), EXCEL, name)


class DifferenceListView(_AccountView):
    """Where our books and the broker disagree."""

    @extend_schema(
        operation_id="differences_list",
        parameters=[STATE, parameters.LIMIT, parameters.CURSOR],
        responses=shapes.DifferencePageSerializer,
    )
    def get(self, request: Request, account_id: int) -> Response:
        """List differences with both values, newest first."""
        rows = Difference.objects.filter(account=self.account(account_id)).select_related("settled_by")
        state = request.query_params.get("state")
        if state is not None:
            if state not in DifferenceState.values:
                raise Invalid(Code.FIELD_INVALID, field="state", state=shown(state), allowed=DifferenceState.values)
            rows = rows.filter(state=state)
        return DeskCursorPagination.answer(request, rows, difference_view)


class DifferenceResolveView(_AccountView):
    """Settling a difference."""

    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="differences_resolve", request=shapes.ResolutionSerializer, responses=shapes.DifferenceSerializer
    )
    def post(self, request: Request, account_id: int, difference_id: int) -> Response:
        """Take the broker's value into our books, with a reason (administrators and risk officers, re-authenticated)."""
        self.account(account_id)
        values = _validated(shapes.ResolutionSerializer(data=request.data))
        row = difference_resolve(
            user=parameters.user_of(request),
            account_id=account_id,
            difference_id=difference_id,
            sudo=sudo_of(request._request),
            note=values["note"],
            kind=EntryKind(values["kind"]),
            price=values["price"],
            request_id=current_request_id(),
        )
        return Response(difference_view(row))


def _validated(serializer: Any) -> Mapping[str, Any]:
    serializer.is_valid(raise_exception=True)
    return cast(Mapping[str, Any], serializer.validated_data)


def _date(request: Request) -> date:
    day = parameters.date_of(request)
    if day is None:
        raise Invalid(Code.FIELD_REQUIRED, field="date")
    return day


def _entries(account: BrokerAccount) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(account=account).select_related("user", "created_by")


def _filtered(request: Request, account: BrokerAccount) -> QuerySet[LedgerEntry]:
    rows = _entries(account)
    kind = request.query_params.get("kind")
    if kind is not None:
        if kind not in EntryKind.values:
            raise Invalid(Code.FIELD_INVALID, field="kind", kind=shown(kind), allowed=EntryKind.values)
        rows = rows.filter(kind=kind)
    symbol = parameters.symbol_of(request)
    if symbol is not None:
        rows = rows.filter(symbol=symbol)
    start, end = parameters.range_of(request)
    if start is not None:
        rows = rows.filter(trade_date__gte=start)
    return rows if end is None else rows.filter(trade_date__lte=end)


def _profit(line: Profit) -> dict[str, Any]:
    shown_line = {name: money(value) if isinstance(value, Decimal) else value for name, value in asdict(line).items()}
    return shown_line | {
        "total": money(line.total),
        "fees": {kind: money(amount) for kind, amount in line.fees.items()},
        "fees_total": money(sum(line.fees.values(), Decimal(0))),
    }


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=content_type, headers=_attachment(name))


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
