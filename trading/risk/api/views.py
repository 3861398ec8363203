"""API of limits and trading states: parse, call one function, render."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_confirmed, require_scope
from accounts.choices import Scope, TradingState
from ops.requests import current_request_id
from trading.ledger.api import parameters
from trading.risk.api.serializers import (
    LimitChangeRequestSerializer,
    LimitDetailSerializer,
    LimitListSerializer,
    LimitRequestSerializer,
    LimitSerializer,
    StateRequestSerializer,
    StatesSerializer,
)
from trading.risk.selectors import limit_detail, limits_visible
from trading.risk.services.limits import limit_create, limit_update, limit_view
from trading.risk.services.overrides import states_set, states_view


class LimitListView(APIView):
    """Limits: list them, set one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ADMIN),)

    @extend_schema(operation_id="limits_list", parameters=[parameters.ACCOUNT], responses=LimitListSerializer)
    def get(self, request: Request) -> Response:
        """List the limits the caller may see: all for administrators and risk officers, else those on themselves."""
        limits = limits_visible(parameters.user_of(request))
        account = parameters.account_of(request)
        if account is not None:
            limits = limits.filter(account=account) | limits.filter(account__isnull=True)
        return Response({"results": [limit_view(limit) for limit in limits.order_by("pk")]})

    @extend_schema(
        operation_id="limits_create",
        request=LimitRequestSerializer,
        responses={201: OpenApiResponse(LimitSerializer, "The limit holds from now on.")},
    )
    def post(self, request: Request) -> Response:
        """Set a limit (administrators and risk officers; a browser's person has to have confirmed their password)."""
        require_confirmed(request)
        limit = limit_create(
            actor=actor_of(request),
            user=parameters.user_of(request),
            wish=parameters.body_of(request),
            request_id=current_request_id(),
        )
        return Response(limit_view(limit), status=201)


class LimitDetailView(APIView):
    """One limit."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ADMIN),)

    @extend_schema(operation_id="limits_get", responses=LimitDetailSerializer)
    def get(self, request: Request, limit_id: int) -> Response:
        """Show one limit with its history."""
        return Response(limit_detail(parameters.user_of(request), limit_id))

    @extend_schema(
        operation_id="limits_change",
        request=LimitChangeRequestSerializer,
        responses={
            200: LimitSerializer,
            409: OpenApiResponse(description="`LIMIT_CHANGED`: somebody else was first."),
        },
    )
    def patch(self, request: Request, limit_id: int) -> Response:
        """Change a limit, or switch it off (``enabled: false``). Nothing is ever deleted."""
        require_confirmed(request)
        body = parameters.body_of(request)
        limit = limit_update(
            actor=actor_of(request),
            user=parameters.user_of(request),
            limit_id=limit_id,
            version=body.pop("version", None),
            changes=body,
            request_id=current_request_id(),
        )
        return Response(limit_view(limit))


class StatesView(APIView):
    """Trading states of the platform and of persons."""

    permission_classes = (require_scope(Scope.ADMIN),)

    @extend_schema(operation_id="trading_states_get", responses=StatesSerializer)
    def get(self, request: Request) -> Response:
        """Show the platform's trading state and every person's that is not ACTIVE (administrators, risk officers)."""
        return Response(states_view(parameters.user_of(request)))

    @extend_schema(operation_id="trading_states_set", request=StateRequestSerializer, responses=StatesSerializer)
    def post(self, request: Request) -> Response:
        """Set a trading state. To loosen one takes a typed confirmation and, in a browser, a confirmed password."""
        form = StateRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = cast(dict[str, Any], form.validated_data)
        user = parameters.user_of(request)
        states_set(
            actor=actor_of(request),
            user=user,
            state=TradingState(data["state"]),
            person=data.get("user"),
            reason=data["reason"],
            confirm=data["confirm"],
            proven=lambda: require_confirmed(request),
            request_id=current_request_id(),
        )
        return Response(states_view(user))
