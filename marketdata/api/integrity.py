"""Findings of the integrity checker: everyone reads them, administrators and risk officers settle them."""

from __future__ import annotations

from typing import Any, cast

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_scope
from accounts.choices import Role, Scope
from accounts.models import User
from marketdata.api import parameters as given
from marketdata.api.jobserializers import JobSerializer
from marketdata.choices import FindingSeverity, FindingState, IntegrityCheck
from marketdata.models import IntegrityFinding
from marketdata.quotes.periods import Period
from marketdata.selectors import instruments_by_symbol
from marketdata.services.integrity import (
    CHECKED_PERIODS,
    finding_acknowledge,
    finding_repair,
    integrity_request,
)
from ops.api import DeskCursorPagination
from ops.errors import Code, Forbidden
from ops.models import Job
from ops.openapi import page_of

MarketRead = require_scope(Scope.MARKET_READ)
Settle = require_scope(Scope.ADMIN)


class FindingSerializer(serializers.ModelSerializer[IntegrityFinding]):
    """Something wrong or odd in a stored stretch; `facts` holds the numbers and up to five examples."""

    symbol = serializers.CharField(source="instrument.symbol")
    check = serializers.CharField(source="check_name")

    class Meta:
        model = IntegrityFinding
        fields = (
            "id",
            "symbol",
            "period",
            "check",
            "severity",
            "start_date",
            "end_date",
            "rows",
            "facts",
            "state",
            "found_at",
            "seen_at",
            "settled_at",
            "settled_by",
            "note",
            "repair_job",
        )
        read_only_fields = fields


class NoteSerializer(serializers.Serializer[Any]):
    """Why a finding may stay."""

    note = serializers.CharField(max_length=400)


class IntegrityRunSerializer(serializers.Serializer[Any]):
    """What to check; everything that changed when empty."""

    periods = serializers.ListField(
        child=serializers.ChoiceField([period.code for period in CHECKED_PERIODS]), required=False, min_length=1
    )
    symbols = serializers.ListField(child=serializers.CharField(max_length=20), required=False, max_length=5000)
    full = serializers.BooleanField(default=False)


class FindingListView(APIView):
    """Findings."""

    permission_classes = (MarketRead,)

    @extend_schema(
        operation_id="integrity_findings",
        parameters=[
            OpenApiParameter("state", str, enum=FindingState.values, description="OPEN when absent."),
            OpenApiParameter("severity", str, enum=FindingSeverity.values, description="All when absent."),
            OpenApiParameter("check", str, enum=IntegrityCheck.values, description="All when absent."),
            OpenApiParameter("symbols", str, description="Comma-separated; all when absent."),
            given.LIMIT,
            given.CURSOR,
        ],
        responses=page_of(FindingSerializer),
    )
    def get(self, request: Request) -> Response:
        """List findings, newest first."""
        rows = IntegrityFinding.objects.select_related("instrument").filter(
            state=given.choice_of(request, "state", (FindingState.OPEN, *FindingState.values))
        )
        if severity := given.choice_of(request, "severity", ("", *FindingSeverity.values)):
            rows = rows.filter(severity=severity)
        if check := given.choice_of(request, "check", ("", *IntegrityCheck.values)):
            rows = rows.filter(check_name=check)
        if "symbols" in request.query_params:
            named = instruments_by_symbol(given.symbols_of(request)).values()
            rows = rows.filter(instrument__in=[row.pk for row in named])
        paginator = DeskCursorPagination()
        page = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(FindingSerializer(page, many=True).data)


class FindingAcknowledgeView(APIView):
    """Letting a finding stay."""

    permission_classes = (Settle,)

    @extend_schema(operation_id="integrity_acknowledge", request=NoteSerializer, responses=FindingSerializer)
    def post(self, request: Request, finding_id: int) -> Response:
        """Acknowledge a finding with the reason why it may stay."""
        _may_settle(request)
        body = NoteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        row = finding_acknowledge(actor=actor_of(request), finding_id=finding_id, note=body.validated_data["note"])
        return Response(FindingSerializer(row).data)


class FindingRepairView(APIView):
    """Downloading anew."""

    permission_classes = (Settle,)

    @extend_schema(
        operation_id="integrity_repair",
        request=None,
        responses={202: JobSerializer, 422: OpenApiResponse(description="`FINDING_NOT_REPAIRABLE`.")},
    )
    def post(self, request: Request, finding_id: int) -> Response:
        """Have the days of a finding downloaded anew; the answer is the job."""
        user = _may_settle(request)
        return _job(finding_repair(actor=actor_of(request), owner=user.pk, finding_id=finding_id))


class IntegrityRunView(APIView):
    """Running the checker."""

    permission_classes = (Settle,)

    @extend_schema(operation_id="integrity_run", request=IntegrityRunSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        """Check stored bars; the answer is the job."""
        user = _may_settle(request)
        body = IntegrityRunSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = dict(body.validated_data)
        periods = [Period.parse(code) for code in wanted.pop("periods", None) or _every_period()]
        return _job(integrity_request(periods=periods, owner=user.pk, **wanted))


def _every_period() -> list[str]:
    return [period.code for period in CHECKED_PERIODS]


def _may_settle(request: Request) -> User:
    user = cast(User, request.user)
    if user.role not in (Role.ADMIN, Role.RISK):
        raise Forbidden(Code.PERMISSION_DENIED, "Administrators and risk officers settle findings.")
    return user


def _job(job: Job) -> Response:
    return Response(JobSerializer(job).data, status=202, headers={"Location": reverse("api-job", args=[job.pk])})
