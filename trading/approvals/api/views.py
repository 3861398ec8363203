"""API of the approval queue: parse, call one function, render."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from trading.approvals.api.serializers import ApprovalQueueSerializer
from trading.approvals.selectors import approvals_waiting
from trading.ledger.api import parameters


class ApprovalListView(APIView):
    """The queue."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="approvals_list", responses=ApprovalQueueSerializer)
    def get(self, request: Request) -> Response:
        """List what waits on accounts that the caller approves for or moves money of, and the caller's own."""
        return Response(approvals_waiting(parameters.user_of(request)))
