"""API of money and holdings: parse, read, render."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from trading.ledger.api import parameters
from trading.ledger.api.serializers import AssetSerializer, PositionListSerializer
from trading.ledger.models import Position
from trading.ledger.selectors import asset_get, book_version
from trading.ledger.wire import position_view


class AssetView(APIView):
    """The account's money."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="asset_get",
        parameters=[parameters.ACCOUNT_REQUIRED],
        responses=AssetSerializer,
    )
    def get(self, request: Request) -> Response:
        """Show the money of one account; 503 `ASSET_UNKNOWN` before the broker's first word."""
        return Response(asset_get(parameters.required_account_of(request)))


class PositionListView(APIView):
    """Holdings."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="positions_list",
        parameters=[parameters.ACCOUNT, parameters.SYMBOL],
        responses=PositionListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the holdings of one account, or of every account the caller sees."""
        account = parameters.account_of(request)
        # Read first: a client that polls may then see a change twice, never miss one.
        version = None if account is None else book_version(account)
        rows = parameters.scoped(request, Position.objects.filter(quantity__gt=0))
        return Response({"version": version, "results": [position_view(row) for row in rows]})
