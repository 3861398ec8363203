"""API of rules on bars: parse, call one function, render."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from trading.barrules.api.serializers import MacdRuleListSerializer, MacdRuleRequestSerializer, MacdRuleSerializer
from trading.barrules.models import MacdRule
from trading.barrules.services import FIELDS, macd_rule_set
from trading.barrules.wire import rule_view
from trading.ledger.api import parameters


class MacdRuleView(APIView):
    """MACD rules: list them, set one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="macd_rules_list",
        parameters=[parameters.ACCOUNT, parameters.SYMBOL],
        responses=MacdRuleListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the MACD rules of the accounts the caller sees."""
        rows = parameters.scoped(request, MacdRule.objects.all()).select_related("user")
        return Response({"results": [rule_view(rule) for rule in rows]})

    @extend_schema(
        operation_id="macd_rules_set",
        request=MacdRuleRequestSerializer,
        responses={200: MacdRuleSerializer, 400: OpenApiResponse(description="A malformed field, named.")},
    )
    def put(self, request: Request) -> Response:
        """Have an instrument entered and left by the MACD rule in the caller's name, or not any more."""
        body = parameters.body_of(request, FIELDS)
        rule = macd_rule_set(
            account_id=parameters.body_account_id(body.get("account")),
            symbol=body.get("symbol"),
            period=body.get("period"),
            amount=body.get("amount"),
            enabled=body.get("enabled", True),
            **parameters.caller_of(request),
        )
        return Response(rule_view(rule))
