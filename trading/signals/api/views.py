"""API of signals: parse, call one function, render."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from ops.api import DeskCursorPagination
from ops.errors import Code, Invalid
from ops.inputs import shown
from trading.ledger.api import parameters
from trading.signals.api.serializers import (
    ExitPlanListSerializer,
    ExitPlanRequestSerializer,
    ExitPlanSerializer,
    ExitPlanVersionListSerializer,
    SignalPageSerializer,
    SignalSerializer,
    TriggersListSerializer,
)
from trading.signals.choices import SignalKind, SignalState
from trading.signals.models import ExitPlan, Signal
from trading.signals.selectors import exit_plan_get, signal_get, triggers_of
from trading.signals.services import exit_plan_set
from trading.signals.wire import plan_version_view, plan_view, signal_view

STATE = OpenApiParameter("state", OpenApiTypes.STR, enum=SignalState.values, description="Only in this state.")
KIND = OpenApiParameter("kind", OpenApiTypes.STR, enum=SignalKind.values, description="Only of this kind.")


class SignalPagination(DeskCursorPagination):
    """Newest first."""

    ordering = ("-id",)  # type: ignore[assignment]


class ExitPlanListView(APIView):
    """Exit plans: list them, set one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="exit_plans_list",
        parameters=[parameters.ACCOUNT, parameters.SYMBOL],
        responses=ExitPlanListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the exit plans of the accounts the caller sees."""
        rows = parameters.scoped(request, ExitPlan.objects.all()).select_related("user")
        return Response({"results": [plan_view(plan) for plan in rows]})

    @extend_schema(
        operation_id="exit_plans_set",
        request=ExitPlanRequestSerializer,
        responses={
            200: ExitPlanSerializer,
            400: OpenApiResponse(description="A malformed field, named, with its range."),
            409: OpenApiResponse(description="`EXIT_PLAN_CHANGED`: somebody else set it meanwhile."),
        },
    )
    def put(self, request: Request) -> Response:
        """Say how positions are left, in the caller's name. Setting what stands changes nothing."""
        body = parameters.body_of(request, frozenset({"account", "strategy", "symbol", "enabled", "terms", "version"}))
        plan = exit_plan_set(
            account_id=parameters.body_account_id(body.get("account")),
            enabled=body.get("enabled"),
            terms=body.get("terms"),
            strategy=body.get("strategy"),
            symbol=body.get("symbol"),
            version=body.get("version"),
            **parameters.caller_of(request),
        )
        return Response(plan_view(plan))


class ExitPlanVersionsView(APIView):
    """The history of one plan."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="exit_plans_versions", responses=ExitPlanVersionListSerializer)
    def get(self, request: Request, plan_id: int) -> Response:
        """List every state of a plan, newest first."""
        plan = exit_plan_get(parameters.user_of(request), plan_id)
        return Response({"results": [plan_version_view(row) for row in plan.versions.select_related("user")]})


class TriggersView(APIView):
    """Prices at which positions are left."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="exit_plans_triggers",
        parameters=[parameters.ACCOUNT_REQUIRED, parameters.SYMBOL],
        responses=TriggersListSerializer,
    )
    def get(self, request: Request) -> Response:
        """Show the trigger prices of an account's positions as things stand, for the chart."""
        account = parameters.required_account_of(request)
        return Response({"results": triggers_of(account, parameters.symbol_of(request))})


class SignalListView(APIView):
    """Signals."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="signals_list",
        parameters=[
            parameters.ACCOUNT,
            parameters.SYMBOL,
            parameters.DATE,
            STATE,
            KIND,
            parameters.LIMIT,
            parameters.CURSOR,
        ],
        responses=SignalPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the signals of the accounts the caller sees, newest first."""
        rows = parameters.scoped(request, Signal.objects.all())
        trade_date = parameters.date_of(request)
        if trade_date is not None:
            rows = rows.filter(trade_date=trade_date)
        for name, allowed in (("state", SignalState.values), ("kind", SignalKind.values)):
            value = request.query_params.get(name)
            if value is None:
                continue
            if value not in allowed:
                raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=allowed)
            rows = rows.filter(**{name: value})
        return SignalPagination.answer(request, rows, signal_view)


class SignalDetailView(APIView):
    """One signal."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="signals_get", responses=SignalSerializer)
    def get(self, request: Request, signal_id: int) -> Response:
        """Show one signal."""
        return Response(signal_view(signal_get(parameters.user_of(request), signal_id)))
