"""API of grids: parse, call one function, render."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from ops.api import DeskCursorPagination
from trading.grids.api.serializers import (
    GridDetailSerializer,
    GridFillPageSerializer,
    GridPageSerializer,
    GridRequestSerializer,
    GridSerializer,
    GridTemplatesSerializer,
)
from trading.grids.models import GridSession
from trading.grids.selectors import ALL, grid_detail, grid_fills, grids_list
from trading.grids.services import grid_pause, grid_preview, grid_resume, grid_start, grid_stop
from trading.grids.services.start import FIELDS
from trading.grids.terms import RANGES, TEMPLATES
from trading.grids.wire import fill_view, grid_view
from trading.ledger.api import parameters
from trading.ledger.wire import plain

STATE = OpenApiParameter("state", OpenApiTypes.STR, description="`open`, `all` (default), or one state.")
_REFUSALS = {
    400: OpenApiResponse(description="A malformed field, named, with its range."),
    409: OpenApiResponse(description="`GRID_EXISTS`: one that has not ended stands on this holding."),
    422: OpenApiResponse(description="`GRID_NO_POSITION`: the account holds nothing of it."),
}


class GridPagination(DeskCursorPagination):
    """Newest first."""

    ordering = ("-id",)  # type: ignore[assignment]


class GridListView(APIView):
    """Grids: list them, start one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="grids_list",
        parameters=[parameters.ACCOUNT, parameters.SYMBOL, STATE, parameters.LIMIT, parameters.CURSOR],
        responses=GridPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List grids of the accounts the caller sees, newest first."""
        rows = grids_list(
            parameters.user_of(request),
            account_id=parameters.account_id_of(request),
            symbol=request.query_params.get("symbol"),
            state=request.query_params.get("state", ALL),
        )
        return GridPagination.answer(request, rows, grid_view)

    @extend_schema(
        operation_id="grids_start", request=GridRequestSerializer, responses={201: GridSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        """Start a grid on a holding, in the caller's name."""
        body = parameters.body_of(request, FIELDS)
        grid = grid_start(
            account_id=parameters.body_account_id(body.get("account")),
            body=body,
            **parameters.caller_of(request),
        )
        return Response(grid_view(grid), status=201)


class GridPreviewView(APIView):
    """What a grid would be."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(operation_id="grids_preview", request=GridRequestSerializer, responses={200: GridSerializer})
    def post(self, request: Request) -> Response:
        """Show terms, levels and largest investment of a grid without starting it; refuses what starting would."""
        body = parameters.body_of(request, FIELDS)
        grid = grid_preview(
            user=parameters.user_of(request),
            account_id=parameters.body_account_id(body.get("account")),
            body=body,
        )
        return Response(grid_view(grid))


class GridTemplatesView(APIView):
    """Templates and ranges."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="grids_templates", responses=GridTemplatesSerializer)
    def get(self, request: Request) -> Response:
        """List the templates, and the ranges that every number has to keep."""
        return Response(
            {
                "results": [{"name": name, "terms": terms.view()} for name, terms in TEMPLATES.items()],
                "ranges": [
                    {"name": name, "least": plain(low), "most": plain(high)} for name, (low, high) in RANGES.items()
                ],
            }
        )


class GridView(APIView):
    """One grid."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="grids_get", responses=GridDetailSerializer)
    def get(self, request: Request, grid_id: int) -> Response:
        """Show one grid with its levels, figures, newest signals and open lots."""
        return Response(grid_detail(parameters.user_of(request), grid_id))


class GridFillsView(APIView):
    """A grid's ledger."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="grids_fills",
        parameters=[parameters.LIMIT, parameters.CURSOR],
        responses=GridFillPageSerializer,
    )
    def get(self, request: Request, grid_id: int) -> Response:
        """List every fill of a grid, newest first, with the profit of the lots that it closed."""
        return GridPagination.answer(request, grid_fills(parameters.user_of(request), grid_id), fill_view)


class _ActView(APIView):
    """One act on one grid."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)
    act: ClassVar[Callable[..., GridSession]]

    def answer(self, request: Request, grid_id: int) -> Response:
        grid = type(self).act(grid_id=grid_id, **parameters.caller_of(request))
        return Response(grid_view(grid))


class GridPauseView(_ActView):
    """Pausing a grid."""

    act = staticmethod(grid_pause)

    @extend_schema(operation_id="grids_pause", request=None, responses=GridSerializer)
    def post(self, request: Request, grid_id: int) -> Response:
        """Detect nothing for now; orders that are out work on. Repeatable."""
        return self.answer(request, grid_id)


class GridResumeView(_ActView):
    """Resuming a grid."""

    act = staticmethod(grid_resume)

    @extend_schema(operation_id="grids_resume", request=None, responses=GridSerializer)
    def post(self, request: Request, grid_id: int) -> Response:
        """Go on with a paused grid, from the price as it is now."""
        return self.answer(request, grid_id)


class GridStopView(_ActView):
    """Stopping a grid."""

    # No limit of ours ever refuses an end.
    throttle_classes = ()
    act = staticmethod(grid_stop)

    @extend_schema(operation_id="grids_stop", request=None, responses=GridSerializer)
    def post(self, request: Request, grid_id: int) -> Response:
        """End a grid: cancel what is out, book what it traded, leave the holding. Repeatable until it has ended."""
        return self.answer(request, grid_id)
