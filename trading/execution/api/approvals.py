"""API of the approval queue and of executions that wait in it: parse, call one function, render."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from trading.execution.api.serializers import ExecutionSerializer
from trading.execution.services import execution_approve, execution_refuse
from trading.execution.wire import execution_view
from trading.ledger.api import parameters
from trading.orders.api.approvals import (
    CONFLICT,
    FORBIDDEN,
    ApprovalReasonSerializer,
    RefusalSerializer,
)


class ExecutionApprovalSerializer(serializers.Serializer[Any]):
    """Why an execution waits, on which terms, and who decided."""

    rules = ApprovalReasonSerializer(many=True)
    value = serializers.CharField(allow_null=True, help_text="CNY of all legs; null: nothing bounds it.")
    last_prices = serializers.DictField(help_text="Symbol to the price that the leg met.")
    max_drift_percent = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField()
    approved = serializers.BooleanField()
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class WaitingExecutionSerializer(ExecutionSerializer):
    """An execution that waits for approval."""

    account_name = serializers.CharField()
    approval = ExecutionApprovalSerializer()
    decidable = serializers.BooleanField(help_text="Whether the caller may decide about it.")


class ExecutionApproveRequestSerializer(serializers.Serializer[Any]):
    """What of it is approved."""

    legs = serializers.ListField(
        child=serializers.IntegerField(), required=False, allow_null=True, help_text="Leg numbers; absent: all."
    )


class ExecutionApproveView(APIView):
    """Approving an execution."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="approvals_approve_execution",
        request=ExecutionApproveRequestSerializer,
        responses={
            200: OpenApiResponse(
                ExecutionSerializer, "What goes on: the execution, or the approved part as a new one."
            ),
            403: FORBIDDEN,
            409: CONFLICT,
            422: OpenApiResponse(description="`LEGS_DENIED` with every leg that is denied now: it goes on waiting."),
        },
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        """Approve somebody else's execution, or some legs of a basket; the rest of it is refused then."""
        body = parameters.body_of(request, frozenset({"legs"})) if request.data else {}
        execution = execution_approve(execution_id=execution_id, legs=body.get("legs"), **parameters.caller_of(request))
        return Response(execution_view(execution))


class ExecutionRefuseView(APIView):
    """Refusing an execution."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="approvals_refuse_execution",
        request=RefusalSerializer,
        responses={200: ExecutionSerializer, 403: FORBIDDEN, 409: CONFLICT},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        """Refuse somebody else's execution, with a reason: STOPPED with `APPROVAL_REFUSED`."""
        body = parameters.body_of(request, frozenset({"reason"}))
        execution = execution_refuse(
            execution_id=execution_id,
            reason=body.get("reason"),
            **parameters.caller_of(request),
        )
        return Response(execution_view(execution))
