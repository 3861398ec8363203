"""Views of the project itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import cast

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from desk import live
from ops import metrics
from ops.errors import Code, Forbidden


@method_decorator(conditional_page, name="dispatch")
class RestDocumentView(SpectacularAPIView):
    """The OpenAPI document, made once per process, language and form: making it takes a second."""

    def _get_schema_response(self, request: Request) -> HttpResponse:
        key = (request.accepted_renderer.media_type, get_language())
        if key not in _documents:
            made = super()._get_schema_response(request)  # type: ignore[no-untyped-call]
            _documents[key] = request.accepted_renderer.render(made.data, renderer_context={})
        return HttpResponse(_documents[key], content_type=request.accepted_renderer.media_type)


_documents: dict[tuple[str, str | None], str | bytes] = {}


class SocketDocumentView(APIView):
    """The live socket's AsyncAPI document, as open as that of the REST API."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Answer the document."""
        return HttpResponse(socket_document(), content_type="application/yaml")


@cache
def socket_document() -> bytes:
    """The document's text; it refers to shapes of the OpenAPI document at `/api/schema/`."""
    return (Path(live.__file__).parent / "asyncapi.yaml").read_bytes()


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
