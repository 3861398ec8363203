"""API of orders that wait for approval: parse, call one function, render."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.api.throttling import PersonThrottle, TokenThrottle
from accounts.choices import Scope
from trading.ledger.api import parameters
from trading.orders.api.checks import OrderVerdictSerializer
from trading.orders.api.serializers import OrderEventSerializer, OrderRequestSerializer, OrderSerializer
from trading.orders.api.views import ORDER_FIELDS
from trading.orders.selectors import order_to_approve
from trading.orders.services import order_approve, order_refuse
from trading.orders.services.approval_trial import approval_trial
from trading.orders.wire import order_view
from trading.risk.choices import HeldSource

CONFLICT = OpenApiResponse(description="`APPROVAL_DECIDED` or `APPROVAL_EXPIRED`: it does not wait any more.")
FORBIDDEN = OpenApiResponse(description="`SELF_APPROVAL` or `APPROVE_NOT_GRANTED`.")


class ApprovalReasonSerializer(serializers.Serializer[Any]):
    """A rule that asked for approval, as it was then."""

    id = serializers.IntegerField()
    version = serializers.IntegerField()
    note = serializers.CharField()


class ApprovalSerializer(serializers.Serializer[Any]):
    """Why an order waits, on which terms, and who decided."""

    rules = ApprovalReasonSerializer(many=True)
    value = serializers.CharField(allow_null=True, help_text="CNY; null: nothing bounds it.")
    last_price = serializers.CharField(allow_null=True, help_text="The price the order met.")
    max_drift_percent = serializers.CharField(allow_null=True)
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class WaitingOrderSerializer(OrderSerializer):
    """An order that waits for approval; `expires_at` is the end of the time to decide."""

    account_name = serializers.CharField()
    approval = ApprovalSerializer()
    decidable = serializers.BooleanField(help_text="Whether the caller may decide about it.")


class ApprovalFactsSerializer(serializers.Serializer[Any]):
    """How the order would be judged now."""

    last_price = serializers.CharField(allow_null=True)
    drift_percent = serializers.CharField(allow_null=True, help_text="Signed, since the order was placed.")
    drift_code = serializers.CharField()
    checks = OrderVerdictSerializer(many=True)


class WaitingOrderDetailSerializer(WaitingOrderSerializer):
    """One order that waits, with its timeline and the facts."""

    events = OrderEventSerializer(many=True)
    now = ApprovalFactsSerializer()


class RefusalSerializer(serializers.Serializer[Any]):
    """Why it is refused."""

    reason = serializers.CharField(max_length=200)


class ApprovalDetailView(APIView):
    """One order that waits."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="approvals_get", responses={200: WaitingOrderDetailSerializer, 403: FORBIDDEN, 409: CONFLICT}
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        """Show one order with what every check would say now."""
        return Response(order_to_approve(parameters.user_of(request), order_id))


class ApproveView(APIView):
    """Approving."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="approvals_approve",
        request=None,
        responses={
            200: OpenApiResponse(OrderSerializer, "QUEUED, or DENIED with the code of what changed meanwhile."),
            403: FORBIDDEN,
            409: CONFLICT,
            422: OpenApiResponse(description="A verdict about the moment (`TERMINAL_DOWN`, …): it goes on waiting."),
        },
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        """Approve somebody else's order. It is judged again; its time to live begins now."""
        order = order_approve(order_id=order_id, **parameters.caller_of(request))
        return Response(order_view(order))


class RefuseView(APIView):
    """Refusing."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="approvals_refuse",
        request=RefusalSerializer,
        responses={200: OrderSerializer, 403: FORBIDDEN, 409: CONFLICT},
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        """Refuse somebody else's order, with a reason: DENIED with `APPROVAL_REFUSED`."""
        body = parameters.body_of(request, frozenset({"reason"}))
        order = order_refuse(order_id=order_id, reason=body.get("reason"), **parameters.caller_of(request))
        return Response(order_view(order))


class ApprovalTrialRequestSerializer(OrderRequestSerializer):
    """An order, and whose it would be."""

    maker = serializers.CharField(required=False, allow_null=True, help_text="User name; the caller when absent.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=HeldSource.choices, required=False, help_text="PORTAL when absent."
    )


class ApprovalTrialSerializer(serializers.Serializer[Any]):
    """Whether the order would wait."""

    account = serializers.IntegerField()
    maker = serializers.CharField()
    waits = serializers.BooleanField()
    value = serializers.CharField(allow_null=True, help_text="CNY that the rules compare; null: nothing bounds it.")
    rules = ApprovalReasonSerializer(many=True)
    expires_seconds = serializers.IntegerField(allow_null=True)
    max_drift_percent = serializers.CharField(allow_null=True)
    approvers = serializers.ListField(child=serializers.CharField(), help_text="Who could decide about it.")


class ApprovalTrialView(APIView):
    """What the approval rules would do."""

    person_rate_per_minute = 300
    throttle_classes = (TokenThrottle, PersonThrottle)
    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="approval_rules_trial",
        request=ApprovalTrialRequestSerializer,
        responses={200: OpenApiResponse(ApprovalTrialSerializer, "Nothing was changed.")},
    )
    def post(self, request: Request) -> Response:
        """Say whether an order would wait for somebody else. Officers may ask about anybody's."""
        body = dict(parameters.body_of(request, ORDER_FIELDS | {"maker", "source"}))
        account_id = parameters.body_account_id(body.pop("account", None))
        wish = {"symbol": None, "side": None, "quantity": None, **body}
        return Response(approval_trial(user=parameters.user_of(request), account_id=account_id, **wish))
