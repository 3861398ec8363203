"""API of the kill switch: parse, call one function, render."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_confirmed, require_scope
from accounts.choices import Scope
from ops.requests import current_request_id
from trading.ledger.api import parameters
from trading.orders.choices import KillPhase, KillScope
from trading.orders.selectors import kill_get, kill_view, kills_recent
from trading.orders.services.halts import kill


class KillRequestSerializer(serializers.Serializer[Any]):
    """What is to be stopped, and whether what is there is to be sold."""

    scope = serializers.ChoiceField(choices=KillScope.choices)
    account = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)
    user = serializers.CharField(required=False, allow_null=True, default=None, help_text="User name.")
    flatten = serializers.BooleanField(default=False)
    max_below_percent = serializers.CharField(
        required=False, allow_null=True, default=None, help_text="Sell at most so far below the last price."
    )
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    confirm = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="With flatten: the account's number, or PLATFORM."
    )


class KilledOrderSerializer(serializers.Serializer[Any]):
    """An order that the run wanted gone, or a sale of it."""

    id = serializers.UUIDField()
    symbol = serializers.CharField()
    side = serializers.CharField()
    quantity = serializers.IntegerField()
    traded_quantity = serializers.IntegerField()
    status = serializers.CharField()
    ended = serializers.BooleanField()


class KillSaleSerializer(serializers.Serializer[Any]):
    """One holding: its sales, or what stands against them."""

    symbol = serializers.CharField()
    orders = KilledOrderSerializer(many=True)
    refused = serializers.CharField()


class KillTargetSerializer(serializers.Serializer[Any]):
    """One account of a run."""

    account = serializers.IntegerField()
    name = serializers.CharField()
    phase = serializers.ChoiceField(choices=KillPhase.choices)
    finished_at = serializers.DateTimeField(allow_null=True)
    orders = KilledOrderSerializer(many=True)
    sales = KillSaleSerializer(many=True)


class KillRunSerializer(serializers.Serializer[Any]):
    """One pull of the kill switch as it stands."""

    id = serializers.UUIDField()
    scope = serializers.ChoiceField(choices=KillScope.choices)
    person = serializers.CharField(allow_null=True)
    flatten = serializers.BooleanField()
    max_below_percent = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    started_by = serializers.CharField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    targets = KillTargetSerializer(many=True)


class KillRunListSerializer(serializers.Serializer[Any]):
    """Runs, newest first."""

    results = KillRunSerializer(many=True)


class KillListView(APIView):
    """The kill switch: pull it, and what became of earlier pulls."""

    # No limit of ours keeps anybody from stopping.
    throttle_classes = ()
    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(operation_id="kill_switch_list", responses=KillRunListSerializer)
    def get(self, request: Request) -> Response:
        """List the last runs on accounts the caller sees."""
        user = parameters.user_of(request)
        return Response({"results": [kill_view(user, run) for run in kills_recent(user)]})

    @extend_schema(
        operation_id="kill_switch_pull",
        request=KillRequestSerializer,
        responses={202: OpenApiResponse(KillRunSerializer, "Stopped; the cancels are under way. Ask again by id.")},
    )
    def post(self, request: Request) -> Response:
        """Stop an account, a person or the platform, cancel everything that works, and sell what is there if asked to."""
        form = KillRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = cast(dict[str, Any], form.validated_data)
        user = parameters.user_of(request)
        run = kill(
            actor=actor_of(request),
            user=user,
            scope=KillScope(data["scope"]),
            account_id=data["account"],
            person=data["user"],
            flatten=data["flatten"],
            max_below_percent=data["max_below_percent"],
            confirm=data["confirm"],
            reason=data["reason"],
            proven=lambda: require_confirmed(request),
            request_id=current_request_id(),
        )
        return Response(kill_view(user, run), status=202)


class KillDetailView(APIView):
    """One pull of the kill switch."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="kill_switch_get", responses=KillRunSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Show how far a run has got, order by order."""
        user = parameters.user_of(request)
        return Response(kill_view(user, kill_get(user, run_id)))
