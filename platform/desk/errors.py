"""Errors that arise outside of any view: the API's shape below /api/, pages elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults

from ops.api import json_error, wants_json_error
from ops.errors import Code, DeskError
from ops.trouble import RETRY_AFTER_SECONDS, refusal_of

log = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, such as a Host header that is none of ours."""
    return _answer(
        request, 400, Code.INVALID, "The request is malformed.", lambda: defaults.bad_request(request, exception)
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403."""
    return _answer(
        request,
        403,
        Code.PERMISSION_DENIED,
        "You may not do this.",
        lambda: defaults.permission_denied(request, exception),
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404."""
    return _answer(
        request, 404, Code.NOT_FOUND, "There is nothing here.", lambda: defaults.page_not_found(request, exception)
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500; Django has logged the traceback. Where only the database is away or full: 503, and that."""
    raised = sys.exc_info()[1]
    if raised is not None and (refusal := refusal_of(raised)) is not None:
        log.warning("%s is hindered: %s", request.path, raised)
        return hindered(request, refusal)
    return _answer(
        request,
        500,
        Code.INTERNAL_ERROR,
        "The platform failed; this is logged.",
        lambda: defaults.server_error(request),
    )


def hindered(request: HttpRequest, refusal: DeskError) -> HttpResponse:
    """503 for what passes by itself: a page made without the database, which asks again, or the API's shape."""
    response: HttpResponse
    if wants_json_error(request):
        response = JsonResponse(refusal.as_dict(), status=refusal.status)
    else:
        # Without the request: its person and messages would be read from the database.
        page = render_to_string(
            "503.html",
            {
                "full": refusal.code == Code.DISK_FULL,
                # What was sent is not sent again by a page that reloads itself.
                "again": request.get_full_path() if request.method in ("GET", "HEAD") else "",
                "seconds": RETRY_AFTER_SECONDS,
            },
        )
        response = HttpResponse(page, status=refusal.status)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def _answer(
    request: HttpRequest, status: int, code: Code, message: str, page: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    return json_error(status, code, message) if wants_json_error(request) else page()
