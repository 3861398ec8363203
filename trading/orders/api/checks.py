"""API of judging without placing: an order's checks, and the limits in force on an account."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.api.throttling import PersonThrottle, TokenThrottle
from accounts.choices import Scope
from trading.ledger.api import parameters
from trading.orders.api.serializers import OrderRequestSerializer
from trading.orders.api.views import ORDER_FIELDS
from trading.orders.limit_usage import limits_effective
from trading.orders.services.check import order_check


class LimitUseSerializer(serializers.Serializer[Any]):
    """A limit with what is used of it."""

    id = serializers.IntegerField()
    scope = serializers.CharField()
    value = serializers.CharField(allow_null=True)
    unit = serializers.CharField()
    used = serializers.CharField(allow_null=True)


class OrderVerdictSerializer(serializers.Serializer[Any]):
    """One check and its verdict."""

    check = serializers.CharField(help_text="The check's name, or the kind of the limit.")
    verdict = serializers.ChoiceField(choices=["PASSED", "DENIED"])
    code = serializers.CharField()
    facts = serializers.DictField()
    limit = LimitUseSerializer(allow_null=True)


class ApprovalDueSerializer(serializers.Serializer[Any]):
    """What would make the order wait."""

    rules = serializers.ListField(child=serializers.DictField(), help_text="Each with its id, version and note.")
    expires_seconds = serializers.IntegerField(help_text="How long it would wait before it expires.")


class OrderCheckSerializer(serializers.Serializer[Any]):
    """What would become of the order."""

    account = serializers.IntegerField()
    symbol = serializers.CharField()
    side = serializers.CharField()
    quantity = serializers.IntegerField()
    price_type = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    clamped_from = serializers.CharField(allow_null=True, help_text="The price asked for, where the cage changed it.")
    trade_date = serializers.DateField()
    accepted = serializers.BooleanField()
    approval = ApprovalDueSerializer(allow_null=True, help_text="Null when nobody else would have to approve it.")
    checks = OrderVerdictSerializer(many=True)
    reservation = serializers.DictField()
    cost = serializers.DictField(allow_null=True, help_text="Amount, commission, stamp duty, transfer fee, total.")


class EffectiveKindSerializer(serializers.Serializer[Any]):
    """One kind of limit on an account."""

    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.CharField()
    decides = serializers.IntegerField(allow_null=True, help_text="The limit that leaves least.")
    limits = serializers.ListField(child=serializers.DictField())


class EffectiveLimitsSerializer(serializers.Serializer[Any]):
    """The limits in force on an account."""

    results = EffectiveKindSerializer(many=True)


class OrderCheckView(APIView):
    """Judging an order."""

    #: Judging is dearer than placing and binds nobody.
    person_rate_per_minute = 300
    throttle_classes = (TokenThrottle, PersonThrottle)
    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="orders_check",
        request=OrderRequestSerializer,
        responses={200: OpenApiResponse(OrderCheckSerializer, "The verdicts; nothing was changed.")},
    )
    def post(self, request: Request) -> Response:
        """Say what would become of an order: every check, the reservation, the cost. Takes the body of an order."""
        body = dict(parameters.body_of(request, ORDER_FIELDS))
        account_id = parameters.body_account_id(body.pop("account", None))
        wish = {"symbol": None, "side": None, "quantity": None, **body}
        return Response(order_check(user=parameters.user_of(request), account_id=account_id, **wish))


class EffectiveLimitsView(APIView):
    """The limits in force on an account."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="limits_effective",
        parameters=[parameters.ACCOUNT_REQUIRED],
        responses=EffectiveLimitsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Show what bounds the caller's orders on an account, with what is used: of each kind the narrowest decides."""
        account = parameters.required_account_of(request)
        return Response({"results": limits_effective(parameters.user_of(request), account)})
