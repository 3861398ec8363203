"""API of approval rules: parse, call one function, render."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_confirmed, require_scope
from accounts.choices import Scope
from ops.requests import current_request_id
from qmt.gateway import Side
from trading.ledger.api import parameters
from trading.risk.api.serializers import LimitHistorySerializer
from trading.risk.choices import HeldSource, LimitScope
from trading.risk.selectors import approval_rule_detail, approval_rules_visible
from trading.risk.services.approval_rules import approval_rule_create, approval_rule_update, approval_rule_view

_SIDES = [(str(side), str(side)) for side in Side]


class _Conditions(serializers.Serializer[Any]):
    """What a rule asks about, and on which terms. Shapes for the document only: the service reads the fields."""

    min_value = serializers.CharField(required=False, allow_null=True, help_text="CNY; null: any value.")
    symbols = serializers.ListField(child=serializers.CharField(), required=False, help_text="Empty: every symbol.")
    sides = serializers.ListField(child=serializers.ChoiceField(_SIDES), required=False, help_text="Empty: both.")
    sources = serializers.ListField(
        child=serializers.ChoiceField(HeldSource.choices), required=False, help_text="Empty: every source."
    )
    expires_seconds = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=28800)
    max_drift_percent = serializers.CharField(
        required=False, allow_null=True, help_text="How far the last price may have moved since the order was placed."
    )
    enabled = serializers.BooleanField(required=False, default=True)
    note = serializers.CharField(required=False, max_length=200, allow_blank=True)


class ApprovalRuleChangeRequestSerializer(_Conditions):
    """What of a rule may be changed."""

    version = serializers.IntegerField(help_text="The version that was looked at.")


class ApprovalRuleRequestSerializer(_Conditions):
    """A new rule."""

    scope = serializers.ChoiceField(choices=LimitScope.choices)
    account = serializers.IntegerField(required=False, allow_null=True)
    user = serializers.CharField(required=False, allow_null=True, help_text="User name of the maker.")
    strategy = serializers.CharField(required=False, max_length=64)


class ApprovalRuleSerializer(ApprovalRuleRequestSerializer):
    """One rule."""

    id = serializers.IntegerField()
    version = serializers.IntegerField()
    updated_at = serializers.DateTimeField()
    updated_by = serializers.CharField()


class ApprovalRuleDetailSerializer(ApprovalRuleSerializer):
    """One rule with its history."""

    history = LimitHistorySerializer(many=True)


class ApprovalRuleListSerializer(serializers.Serializer[Any]):
    """The rules the caller may see."""

    results = ApprovalRuleSerializer(many=True)


class ApprovalRuleListView(APIView):
    """Approval rules: list them, set one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ADMIN),)

    @extend_schema(operation_id="approval_rules_list", responses=ApprovalRuleListSerializer)
    def get(self, request: Request) -> Response:
        """List the rules the caller may see: all for administrators and risk officers, else those on themselves."""
        rules = approval_rules_visible(parameters.user_of(request))
        return Response({"results": [approval_rule_view(rule) for rule in rules.order_by("pk")]})

    @extend_schema(
        operation_id="approval_rules_create",
        request=ApprovalRuleRequestSerializer,
        responses={201: OpenApiResponse(ApprovalRuleSerializer, "Orders are held by it from now on.")},
    )
    def post(self, request: Request) -> Response:
        """Set a rule (administrators and risk officers; a browser's person has to have confirmed their password)."""
        require_confirmed(request)
        rule = approval_rule_create(
            actor=actor_of(request),
            user=parameters.user_of(request),
            wish=parameters.body_of(request),
            request_id=current_request_id(),
        )
        return Response(approval_rule_view(rule), status=201)


class ApprovalRuleDetailView(APIView):
    """One approval rule."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ADMIN),)

    @extend_schema(operation_id="approval_rules_get", responses=ApprovalRuleDetailSerializer)
    def get(self, request: Request, rule_id: int) -> Response:
        """Show one rule with its history."""
        return Response(approval_rule_detail(parameters.user_of(request), rule_id))

    @extend_schema(
        operation_id="approval_rules_change",
        request=ApprovalRuleChangeRequestSerializer,
        responses={
            200: ApprovalRuleSerializer,
            409: OpenApiResponse(description="`APPROVAL_RULE_CHANGED`: somebody else was first."),
        },
    )
    def patch(self, request: Request, rule_id: int) -> Response:
        """Change a rule, or switch it off (``enabled: false``). What waits already keeps waiting."""
        require_confirmed(request)
        body = parameters.body_of(request)
        rule = approval_rule_update(
            actor=actor_of(request),
            user=parameters.user_of(request),
            rule_id=rule_id,
            version=body.pop("version", None),
            changes=body,
            request_id=current_request_id(),
        )
        return Response(approval_rule_view(rule))
