"""API of reconciliation: ask for one, see how the account stands, settle what a person has to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import SignedIn, require_scope
from accounts.choices import Scope
from accounts.selectors import account_get
from accounts.sudo import sudo_require
from ops.errors import Code, Invalid
from ops.inputs import calendar_date, shown
from ops.requests import current_request_id
from trading.ledger.api import parameters
from trading.ledger.choices import TradeDateState
from trading.ledger.models import TradeDate
from trading.ledger.wire import trade_date_view
from trading.orders.api.serializers import OrderSerializer
from trading.orders.services.parked import parked_decide, parked_views
from trading.orders.services.reconcile import reconcile_request, reconciliation_view
from trading.orders.services.settle import trade_date_settle
from trading.orders.wire import order_view

_SHOWN_DATES = 250


class ReconciliationSerializer(serializers.Serializer[Any]):
    """How an account stands with its broker's figures."""

    account = serializers.IntegerField()
    session_state = serializers.CharField()
    message = serializers.CharField(help_text="Why the account alone cannot be reached, if it cannot.")
    last_probe_at = serializers.DateTimeField(allow_null=True)
    wanted_at = serializers.DateTimeField(allow_null=True)
    reconciled_at = serializers.DateTimeField(allow_null=True)
    books_since = serializers.DateField(allow_null=True)
    differences = serializers.IntegerField(help_text="Open differences.")
    restricted = serializers.DictField(child=serializers.CharField())


class TradeDateSerializer(serializers.Serializer[Any]):
    """One trade date."""

    date = serializers.DateField()
    state = serializers.ChoiceField(choices=TradeDateState.choices)
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class TradeDateListSerializer(serializers.Serializer[Any]):
    """Newest first."""

    results = TradeDateSerializer(many=True)


class SettledSerializer(serializers.Serializer[Any]):
    """A settled trade date and the orders that ended with it."""

    date = serializers.DateField()
    state = serializers.CharField()
    orders = serializers.ListField(child=serializers.UUIDField())


class ParkedSerializer(serializers.Serializer[Any]):
    """A broker event that found no order."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    received_at = serializers.DateTimeField()
    tag = serializers.CharField()
    order_id = serializers.CharField()
    order_sysid = serializers.CharField()
    payload = serializers.DictField()
    candidates = OrderSerializer(many=True)


class ParkedListSerializer(serializers.Serializer[Any]):
    """Oldest first."""

    results = ParkedSerializer(many=True)


class DecisionSerializer(serializers.Serializer[Any]):
    """Which order it is."""

    order = serializers.UUIDField(allow_null=True, help_text="A candidate; null: placed outside the platform.")


class ReconciliationView(APIView):
    """Reconciliation of one account."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(operation_id="reconciliation_get", responses=ReconciliationSerializer)
    def get(self, request: Request, account_id: int) -> Response:
        """Show when the account was compared with its broker, and what is open."""
        return Response(reconciliation_view(account_get(parameters.user_of(request), account_id)))

    @extend_schema(operation_id="reconciliation_start", request=None, responses={202: ReconciliationSerializer})
    def post(self, request: Request, account_id: int) -> Response:
        """Ask for a comparison now; it is done once `reconciled_at` is younger than `wanted_at`."""
        shown_state = reconcile_request(account_id=account_id, **parameters.caller_of(request))
        return Response(shown_state, status=202)


class TradeDateListView(APIView):
    """Trade dates of one account."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="trade_dates_list", responses=TradeDateListSerializer)
    def get(self, request: Request, account_id: int) -> Response:
        """List the account's latest trade dates; one that is MISSED blocks new orders."""
        account = account_get(parameters.user_of(request), account_id)
        rows = TradeDate.objects.filter(account=account).order_by("-date")[:_SHOWN_DATES]
        return Response({"results": [trade_date_view(row) for row in rows]})


class TradeDateSettleView(APIView):
    """Settling a trade date that ended unseen."""

    permission_classes = (SignedIn,)

    @extend_schema(operation_id="trade_dates_settle", request=None, responses=SettledSerializer)
    def post(self, request: Request, account_id: int, date: str) -> Response:
        """Take the broker's figures as they are, as entries of that date, and close it (re-authenticated)."""
        user = parameters.user_of(request)
        account_get(user, account_id)
        day = calendar_date(date)
        if day is None:
            raise Invalid(Code.FIELD_INVALID, field="date", date=shown(date), allowed="YYYY-MM-DD")
        sudo_require(request._request)
        ended = trade_date_settle(user=user, account_id=account_id, trade_date=day, request_id=current_request_id())
        return Response({"date": day, "state": str(TradeDateState.CLOSED), "orders": [str(pk) for pk in ended]})


class ParkedListView(APIView):
    """Events that wait for an order."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="parked_list", responses=ParkedListSerializer)
    def get(self, request: Request, account_id: int) -> Response:
        """List what the terminal said about orders nobody here knows, with the orders it may mean."""
        return Response({"results": parked_views(account_get(parameters.user_of(request), account_id))})


class ParkedDecideView(APIView):
    """A person's decision about one of them."""

    permission_classes = (SignedIn,)

    @extend_schema(operation_id="parked_decide", request=DecisionSerializer, responses=OrderSerializer)
    def post(self, request: Request, account_id: int, parked_id: int) -> Response:
        """Say which order it is (administrators and risk officers, re-authenticated)."""
        user = parameters.user_of(request)
        account_get(user, account_id)
        sudo = sudo_require(request._request)
        serializer = DecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        named: UUID | None = serializer.validated_data["order"]
        order = parked_decide(
            user=user,
            account_id=account_id,
            parked_id=parked_id,
            order_id=named,
            sudo=sudo,
            request_id=current_request_id(),
        )
        return Response(order_view(order))
