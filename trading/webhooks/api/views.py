"""API of webhooks: parse, call one function, render. Each person's own; only in the portal, never by token."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_confirmed
from ops.api import DeskCursorPagination
from ops.errors import Code, Invalid
from trading.ledger.api import parameters
from trading.ledger.choices import EventKind
from trading.webhooks.choices import EventDeliveryStatus, WebhookState
from trading.webhooks.models import EventDelivery, Webhook
from trading.webhooks.selectors import delivery_get, delivery_view, webhook_get, webhook_view
from trading.webhooks.services import (
    delivery_repeat,
    webhook_add,
    webhook_change,
    webhook_remove,
    webhook_secret_renew,
    webhook_test,
)

_NEW = frozenset({"account", "name", "address", "kinds"})


class _WebhookFields(serializers.Serializer[Any]):
    """What of a webhook a person sets. Shapes for the document only: the service reads the fields."""

    name = serializers.CharField(max_length=80)
    address = serializers.CharField(help_text="https:// only, a public host (`DESK_ALERT_TARGETS` names exceptions).")
    kinds = serializers.ListField(
        child=serializers.ChoiceField(EventKind.choices), required=False, help_text="Empty: every kind."
    )


class WebhookRequestSerializer(_WebhookFields):
    """A new webhook."""

    account = serializers.IntegerField()


class WebhookChangeRequestSerializer(_WebhookFields):
    """What of a webhook may be changed; a new address gets a new secret."""

    name = serializers.CharField(max_length=80, required=False)
    address = serializers.CharField(required=False)
    enabled = serializers.BooleanField(required=False, help_text="True also ends a pause.")


class WebhookSerializer(_WebhookFields):
    """One webhook, without what opens it; `address` is shortened."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    state = serializers.ChoiceField(choices=WebhookState.choices)
    cursor = serializers.IntegerField(help_text="Version of the newest event in its log.")
    failures = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    secret = serializers.CharField(required=False, help_text="Only in the answer that made it.")


class WebhookListSerializer(serializers.Serializer[Any]):
    """The caller's webhooks."""

    results = WebhookSerializer(many=True)


class EventDeliverySerializer(serializers.Serializer[Any]):
    """One event on its way."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(choices=EventDeliveryStatus.choices)
    attempt = serializers.IntegerField()
    attempts = serializers.ListField(child=serializers.DictField())
    response_code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    latency_ms = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class EventDeliveryPageSerializer(serializers.Serializer[Any]):
    """One page of the log, newest first."""

    results = EventDeliverySerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class DeliveryPages(DeskCursorPagination):
    ordering = ("-created_at", "-version")  # type: ignore[assignment]


class WebhookListView(APIView):
    """The caller's own webhooks."""

    @extend_schema(operation_id="webhooks_list", responses=WebhookListSerializer)
    def get(self, request: Request) -> Response:
        """List the caller's webhooks."""
        rows = Webhook.objects.filter(owner=parameters.user_of(request))
        return Response({"results": [webhook_view(webhook) for webhook in rows]})

    @extend_schema(
        operation_id="webhooks_create",
        request=WebhookRequestSerializer,
        responses={201: OpenApiResponse(WebhookSerializer, "Made; its `secret` is shown this once.")},
    )
    def post(self, request: Request) -> Response:
        """Deliver an account's events to an address, from the next one on. Takes a confirmed password."""
        require_confirmed(request)
        body = parameters.body_of(request, _NEW)
        webhook, secret = webhook_add(
            actor=actor_of(request),
            owner=parameters.user_of(request),
            account_id=parameters.body_account_id(body.get("account")),
            name=body.get("name"),
            address=body.get("address"),
            kinds=body.get("kinds", []),
        )
        return Response(webhook_view(webhook) | {"secret": secret}, status=201)


class WebhookDetailView(APIView):
    """One of the caller's webhooks."""

    @extend_schema(operation_id="webhooks_get", responses=WebhookSerializer)
    def get(self, request: Request, webhook_id: int) -> Response:
        """Show one webhook."""
        return Response(webhook_view(webhook_get(parameters.user_of(request), webhook_id)))

    @extend_schema(operation_id="webhooks_change", request=WebhookChangeRequestSerializer, responses=WebhookSerializer)
    def patch(self, request: Request, webhook_id: int) -> Response:
        """Change a webhook, switch it on or off. A new address takes a confirmed password and gets a new secret."""
        webhook = webhook_get(parameters.user_of(request), webhook_id)
        changes = parameters.body_of(request)
        if not changes:
            raise Invalid(Code.FIELD_REQUIRED, field="name")
        if "address" in changes:
            require_confirmed(request)
        secret = webhook_change(actor=actor_of(request), webhook=webhook, changes=changes)
        return Response(webhook_view(webhook) | ({} if secret is None else {"secret": secret}))

    @extend_schema(operation_id="webhooks_remove", responses={204: None})
    def delete(self, request: Request, webhook_id: int) -> Response:
        """Remove a webhook with its log."""
        webhook_remove(actor=actor_of(request), webhook=webhook_get(parameters.user_of(request), webhook_id))
        return Response(status=204)


class WebhookSecretView(APIView):
    """A new secret for one webhook."""

    @extend_schema(operation_id="webhooks_renew_secret", request=None, responses=WebhookSerializer)
    def post(self, request: Request, webhook_id: int) -> Response:
        """Sign with a new secret from the next attempt on; it is shown this once. Takes a confirmed password."""
        webhook = webhook_get(parameters.user_of(request), webhook_id)
        require_confirmed(request)
        secret = webhook_secret_renew(actor=actor_of(request), webhook=webhook)
        return Response(webhook_view(webhook) | {"secret": secret})


class WebhookTestView(APIView):
    """A trial of one webhook."""

    @extend_schema(
        operation_id="webhooks_test",
        request=None,
        responses={
            202: EventDeliverySerializer,
            409: OpenApiResponse(description="`WEBHOOK_NOT_ACTIVE`: nothing is delivered now."),
        },
    )
    def post(self, request: Request, webhook_id: int) -> Response:
        """Send a made-up event of kind `test`, version 0, once, before anything newer; the log says what came of it."""
        webhook = webhook_get(parameters.user_of(request), webhook_id)
        return Response(delivery_view(webhook_test(actor=actor_of(request), webhook=webhook)), status=202)


class DeliveryListView(APIView):
    """The log of one webhook."""

    @extend_schema(
        operation_id="webhook_deliveries_list",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses=EventDeliveryPageSerializer,
    )
    def get(self, request: Request, webhook_id: int) -> Response:
        """List what was sent and what waits, newest first."""
        webhook = webhook_get(parameters.user_of(request), webhook_id)
        return DeliveryPages.answer(request, EventDelivery.objects.filter(webhook=webhook), delivery_view)


class DeliveryRepeatView(APIView):
    """Sending one event again."""

    @extend_schema(operation_id="webhook_deliveries_repeat", request=None, responses={202: EventDeliverySerializer})
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Send an event again under the same id, before anything newer."""
        delivery = delivery_get(parameters.user_of(request), delivery_id)
        return Response(delivery_view(delivery_repeat(actor=actor_of(request), delivery=delivery)), status=202)
