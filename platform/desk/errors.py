"""Errors that arise outside of any view: the API's shape below /api/, pages elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from ops.api import json_error, wants_json_error
from ops.errors import Code


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
    """500; Django has logged the traceback."""
    return _answer(
        request,
        500,
        Code.INTERNAL_ERROR,
        "The platform failed; this is logged.",
        lambda: defaults.server_error(request),
    )


def _answer(
    request: HttpRequest, status: int, code: Code, message: str, page: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    return json_error(status, code, message) if wants_json_error(request) else page()
