"""Views of the project itself."""

from __future__ import annotations

from typing import cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from ops import metrics
from ops.errors import Code, Forbidden


class MetricsView(APIView):
    """Series for a Prometheus server: an administrator, or one's token with the `admin` scope."""

    permission_classes = (require_scope(Scope.ADMIN),)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:  # noqa: FBT001, FBT002
        # A scraper asks for its own media types; only refusals are rendered, as JSON.
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Render every process's series."""
        if not cast(User, request.user).is_admin:
            raise Forbidden(Code.PERMISSION_DENIED, "Only administrators read the metrics.")
        return HttpResponse(metrics.render(), content_type=metrics.CONTENT_TYPE)
