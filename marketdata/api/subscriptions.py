"""Who follows which quotes: everyone sees all of it, and changes their own."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from marketdata.api import parameters as given
from marketdata.models import QuoteSubscription
from marketdata.services.subscriptions import MAX_PER_PERSON, subscriptions_add, subscriptions_remove

# Following costs nothing but attention: who may read quotes, by token too, may say which.
MarketRead = require_scope(Scope.MARKET_READ, write=Scope.MARKET_READ)


class FollowSerializer(serializers.Serializer[Any]):
    """What to follow, and why."""

    symbols = serializers.ListField(child=serializers.CharField(max_length=20), min_length=1, max_length=MAX_PER_PERSON)
    reason = serializers.CharField(max_length=100, default="", allow_blank=True)


class QuoteSubscriptionSerializer(serializers.ModelSerializer[QuoteSubscription]):
    """One instrument that somebody follows; without an owner the platform does."""

    symbol = serializers.CharField(source="instrument.symbol")
    owner = serializers.CharField(source="owner.username", default=None)
    since = serializers.DateTimeField(source="created_at")

    class Meta:
        model = QuoteSubscription
        fields = ("symbol", "owner", "reason", "since")
        read_only_fields = fields


class QuoteSubscriptionListSerializer(serializers.Serializer[Any]):
    """Subscriptions, oldest first."""

    results = QuoteSubscriptionSerializer(many=True)


class QuoteSubscriptionsView(APIView):
    """Subscriptions to quotes."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="quote_subscriptions", responses=QuoteSubscriptionListSerializer)
    def get(self, request: Request) -> Response:
        """List who follows what."""
        rows = QuoteSubscription.objects.select_related("instrument", "owner")
        return Response(QuoteSubscriptionListSerializer({"results": rows}).data)

    @extend_schema(
        operation_id="quote_subscriptions_add",
        request=FollowSerializer,
        responses={201: QuoteSubscriptionListSerializer},
    )
    def post(self, request: Request) -> Response:
        """Follow instruments: their ticks are captured."""
        body = FollowSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rows = subscriptions_add(actor=actor_of(request), owner=cast(User, request.user), **body.validated_data)
        return Response(QuoteSubscriptionListSerializer({"results": rows}).data, status=201)

    @extend_schema(
        operation_id="quote_subscriptions_remove", parameters=[given.SYMBOLS], request=None, responses={204: None}
    )
    def delete(self, request: Request) -> Response:
        """Follow instruments no more."""
        subscriptions_remove(actor=actor_of(request), owner=cast(User, request.user), symbols=given.symbols_of(request))
        return Response(status=204)
