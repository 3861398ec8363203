"""API of alerts: parse, call one function, render. Channels and subscriptions are each person's own."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from accounts.selectors import account_get
from alerts import services
from alerts.api import serializers as shapes
from alerts.models import Channel, QuietHours, Subscription
from alerts.selectors import alert_get, alerts_visible_to, channel_get, deliveries_of, subscription_get
from ops.api import DeskCursorPagination
from ops.models import AlertKind
from ops.openapi import page_of

_S = TypeVar("_S", bound="Serializer[Any]")


def _user(request: Request) -> User:
    return cast(User, request.user)


def _read(shape: type[_S], data: Any) -> dict[str, Any]:
    serializer = shape(data=data)
    serializer.is_valid(raise_exception=True)
    return cast(dict[str, Any], serializer.validated_data)


class AlertPages(DeskCursorPagination):
    ordering = "-id"


class DeliveryPages(DeskCursorPagination):
    page_size = 50
    ordering = "-created_at"


class AlertListView(APIView):
    """The caller's alerts."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="alerts_list",
        parameters=[
            shapes.AlertFilterSerializer,
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
        responses=page_of(shapes.AlertSerializer),
    )
    def get(self, request: Request) -> Response:
        """List the alerts the caller may see: open ones, newest first, unless asked otherwise."""
        wanted = _read(shapes.AlertFilterSerializer, request.query_params)
        rows = alerts_visible_to(_user(request))
        if wanted["state"] != "all":
            rows = rows.filter(closed_at__isnull=wanted["state"] == "open")
        if "account" in wanted:
            account_get(_user(request), wanted["account"])
            rows = rows.filter(account_id=wanted["account"])
        rows = rows.filter(**{name: wanted[name] for name in ("severity", "kind") if name in wanted})
        pages = AlertPages()
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(shapes.AlertSerializer(page, many=True).data)


class AlertDetailView(APIView):
    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="alerts_get", responses=shapes.AlertSerializer)
    def get(self, request: Request, alert_id: int) -> Response:
        """Show one alert."""
        return Response(shapes.AlertSerializer(alert_get(_user(request), alert_id)).data)


class AlertAcknowledgeView(APIView):
    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(operation_id="alerts_acknowledge", request=None, responses=shapes.AlertSerializer)
    def post(self, request: Request, alert_id: int) -> Response:
        """Close an alert for everybody; the first acknowledgement counts."""
        alert = services.alert_acknowledge(actor=actor_of(request), user=_user(request), alert_id=alert_id)
        return Response(shapes.AlertSerializer(alert).data)


class AlertKindsView(APIView):
    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="alert_kinds_list", responses=shapes.AlertKindListSerializer)
    def get(self, request: Request) -> Response:
        """List what alerts are raised about."""
        kinds = [{"kind": kind.value, "label": str(kind.label)} for kind in AlertKind]
        return Response({"results": kinds})


class ChannelListView(APIView):
    """The caller's own channels; only in the portal, never by token."""

    @extend_schema(operation_id="alert_channels_list", responses=shapes.ChannelListSerializer)
    def get(self, request: Request) -> Response:
        """List the caller's channels."""
        rows = Channel.objects.filter(owner=_user(request))
        return Response({"results": shapes.ChannelSerializer(rows, many=True).data})

    @extend_schema(
        operation_id="alert_channels_add",
        request=shapes.ChannelInSerializer,
        responses={201: shapes.ChannelSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add a channel."""
        values = _read(shapes.ChannelInSerializer, request.data)
        channel = services.channel_add(actor=actor_of(request), owner=_user(request), **values)
        return Response(shapes.ChannelSerializer(channel).data, status=201)


class ChannelDetailView(APIView):
    @extend_schema(
        operation_id="alert_channels_change",
        request=shapes.ChannelChangeSerializer,
        responses=shapes.ChannelSerializer,
    )
    def patch(self, request: Request, channel_id: int) -> Response:
        """Change a channel."""
        channel = channel_get(_user(request), channel_id)
        values = _read(shapes.ChannelChangeSerializer, request.data)
        services.channel_change(actor=actor_of(request), channel=channel, **values)
        return Response(shapes.ChannelSerializer(channel).data)

    @extend_schema(operation_id="alert_channels_remove", request=None, responses={204: None})
    def delete(self, request: Request, channel_id: int) -> Response:
        """Remove a channel and its subscriptions."""
        services.channel_remove(actor=actor_of(request), channel=channel_get(_user(request), channel_id))
        return Response(status=204)


class ChannelTestView(APIView):
    @extend_schema(operation_id="alert_channels_test", request=None, responses={202: shapes.DeliverySerializer})
    def post(self, request: Request, channel_id: int) -> Response:
        """Send a test; its delivery tells how it went."""
        channel = channel_get(_user(request), channel_id)
        delivery = services.channel_test(actor=actor_of(request), channel=channel)
        return Response(shapes.DeliverySerializer(delivery).data, status=202)


class DeliveryListView(APIView):
    @extend_schema(
        operation_id="alert_deliveries_list",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses=page_of(shapes.DeliverySerializer),
    )
    def get(self, request: Request) -> Response:
        """List what was sent to the caller's channels, newest first."""
        user = _user(request)
        pages = DeliveryPages()
        page = pages.paginate_queryset(deliveries_of(user), request, view=self) or []
        ids = {row.alert_id for row in page if row.alert_id is not None}
        visible = frozenset(alerts_visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
        data = shapes.DeliverySerializer(page, many=True, context={"visible_alerts": visible}).data
        return pages.get_paginated_response(data)


class SubscriptionListView(APIView):
    @extend_schema(operation_id="alert_subscriptions_list", responses=shapes.SubscriptionListSerializer)
    def get(self, request: Request) -> Response:
        """List what is sent where."""
        rows = Subscription.objects.filter(owner=_user(request))
        return Response({"results": shapes.SubscriptionSerializer(rows, many=True).data})

    @extend_schema(
        operation_id="alert_subscriptions_add",
        request=shapes.SubscriptionInSerializer,
        responses={201: shapes.SubscriptionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Have alerts sent to one of the caller's channels."""
        user = _user(request)
        values = _read(shapes.SubscriptionInSerializer, request.data)
        account = None if values["account"] is None else account_get(user, values["account"])
        row = services.subscription_add(
            actor=actor_of(request),
            owner=user,
            channel=channel_get(user, values["channel"]),
            min_severity=values["min_severity"],
            kinds=values["kinds"],
            account=account,
        )
        return Response(shapes.SubscriptionSerializer(row).data, status=201)


class SubscriptionDetailView(APIView):
    @extend_schema(
        operation_id="alert_subscriptions_change",
        request=shapes.SubscriptionChangeSerializer,
        responses=shapes.SubscriptionSerializer,
    )
    def patch(self, request: Request, subscription_id: int) -> Response:
        """Change a subscription."""
        row = subscription_get(_user(request), subscription_id)
        values = _read(shapes.SubscriptionChangeSerializer, request.data)
        services.subscription_change(actor=actor_of(request), subscription=row, **values)
        return Response(shapes.SubscriptionSerializer(row).data)

    @extend_schema(operation_id="alert_subscriptions_remove", request=None, responses={204: None})
    def delete(self, request: Request, subscription_id: int) -> Response:
        """Remove a subscription."""
        row = subscription_get(_user(request), subscription_id)
        services.subscription_remove(actor=actor_of(request), subscription=row)
        return Response(status=204)


class QuietHoursView(APIView):
    @extend_schema(operation_id="alert_quiet_hours_get", responses=shapes.QuietHoursAnswerSerializer)
    def get(self, request: Request) -> Response:
        """Show the caller's quiet hours."""
        return Response(_quiet_answer(_user(request)))

    @extend_schema(
        operation_id="alert_quiet_hours_set",
        request=shapes.QuietHoursSerializer,
        responses=shapes.QuietHoursAnswerSerializer,
    )
    def put(self, request: Request) -> Response:
        """Set the caller's quiet hours."""
        values = _read(shapes.QuietHoursSerializer, request.data)
        services.quiet_hours_set(actor=actor_of(request), owner=_user(request), **values)
        return Response(_quiet_answer(_user(request)))

    @extend_schema(operation_id="alert_quiet_hours_remove", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Have no quiet hours."""
        services.quiet_hours_remove(actor=actor_of(request), owner=_user(request))
        return Response(status=204)


def _quiet_answer(user: User) -> dict[str, Any]:
    row = QuietHours.objects.filter(owner=user).first()
    return {
        "quiet_hours": None if row is None else shapes.QuietHoursSerializer(row).data,
        "timezone": user.display_timezone,
    }
