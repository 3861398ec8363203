"""API of money and holdings: parse, read, render."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from ops.conditional import IF_NONE_MATCH, not_modified, version_tag
from ops.selection import FIELDS, chosen, fields_of, names_of
from trading.ledger.api import parameters
from trading.ledger.api.serializers import AssetSerializer, PositionListSerializer, PositionSerializer
from trading.ledger.selectors import asset_get, book_versions, positions_list
from trading.ledger.wire import position_view


class AssetView(APIView):
    """The account's money."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="asset_get",
        parameters=[parameters.ACCOUNT_REQUIRED],
        responses={200: AssetSerializer, 503: OpenApiResponse(description="`ASSET_UNKNOWN`.")},
    )
    def get(self, request: Request) -> Response:
        """Show the money of one account; 503 `ASSET_UNKNOWN` before the broker's first word."""
        return Response(asset_get(parameters.required_account_of(request)))


class PositionListView(APIView):
    """Holdings."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="positions_list",
        parameters=[parameters.ACCOUNT, parameters.SYMBOL, FIELDS, IF_NONE_MATCH],
        responses=PositionListSerializer,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the holdings of one account, or of every account the caller sees.

        The `ETag` follows the accounts' events: while nobody traded, a caller who sends it back as `If-None-Match`
        gets 304. Prices move without an event; value holdings by quotes.
        """
        names = fields_of(request, names_of(PositionSerializer))
        user, account_id = parameters.user_of(request), parameters.account_id_of(request)
        version, rows = positions_list(user, account_id=account_id, symbol=request.query_params.get("symbol"))
        versions = book_versions(user) if version is None else {account_id: version}
        tag = version_tag(f"{account}-{number}" for account, number in versions.items())
        if (unchanged := not_modified(request, tag)) is not None:
            return unchanged
        results = chosen(map(position_view, rows), names)
        return Response({"version": version, "results": results}, headers={"ETag": tag})
