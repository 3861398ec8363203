"""API of the daily programmatic-trading report."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import BrokerAccount
from trading.ledger.api import parameters
from trading.orders.services.context import account_clock
from trading.orders.trading_report import report_csv, trading_report


class TradingReportSerializer(serializers.Serializer[Any]):
    """One account's day."""

    account = serializers.IntegerField()
    account_no = serializers.CharField()
    trade_date = serializers.DateField()
    orders = serializers.IntegerField(help_text="Accepted here, or placed in the terminal.")
    orders_sent = serializers.IntegerField()
    external_orders = serializers.IntegerField()
    denied_orders = serializers.IntegerField()
    cancels = serializers.IntegerField(help_text="Left for the broker, or shown by it without one of ours.")
    cancel_ratio_percent = serializers.CharField()
    messages = serializers.IntegerField(help_text="Orders sent and cancels.")
    most_messages_in_a_second = serializers.IntegerField()
    cancelled_within_a_second = serializers.IntegerField()
    trades = serializers.IntegerField()
    traded_amount = serializers.CharField()
    largest_trade = serializers.CharField()
    large_minutes = serializers.IntegerField(help_text="Minutes with fills of 1,000,000 CNY or more.")
    high_frequency_per_second = serializers.IntegerField()
    high_frequency_per_day = serializers.IntegerField()
    is_high_frequency = serializers.BooleanField()


def report_of(request: Request) -> dict[str, Any]:
    """The report that the parameters name; the date is the account's present trade date by default."""
    account: BrokerAccount = parameters.required_account_of(request)
    wanted: date = parameters.date_of(request) or account_clock(account).trade_date
    return trading_report(account, wanted)


class TradingReportView(APIView):
    """The report of an account."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="trading_report",
        parameters=[parameters.ACCOUNT_REQUIRED, parameters.DATE],
        responses=TradingReportSerializer,
    )
    def get(self, request: Request) -> Response:
        """Report on an account's programmatic trading of one trade date."""
        return Response(report_of(request))


class TradingReportCsvView(APIView):
    """The same as a file."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="trading_report_csv",
        parameters=[parameters.ACCOUNT_REQUIRED, parameters.DATE],
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The report, with a header line.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """Report on an account's programmatic trading of one trade date, as CSV."""
        report = report_of(request)
        name = f"trading-{report['account_no']}-{report['trade_date']}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(report_csv([report]), content_type="text/csv; charset=utf-8", headers=headers)
