"""What every HTTP request passes: an id of its own, a door that is closed while the database is away, and compression of the API's answers."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from accounts.middleware import HEALTH
from desk.errors import hindered
from ops.api import wants_json_error
from ops.compression import SMALLEST, is_compressible
from ops.database_watch import refuse_while_away
from ops.errors import Unavailable
from ops.logfacts import log_facts
from ops.requests import request_id_of, request_id_var

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestContextMiddleware:
    """Give the request an id (the caller's `X-Request-ID` if well formed) and echo it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.headers.get("X-Request-ID"))
        token = request_id_var.set(request_id)
        try:
            with log_facts():
                response = self.get_response(request)
        finally:
            request_id_var.reset(token)
        response["X-Request-ID"] = request_id
        return response


class DatabaseDoorMiddleware:
    """Answer at once while the database is known to be away; behind here every request asks it. Health tells by itself."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(HEALTH):
            try:
                refuse_while_away()
            except Unavailable as refusal:
                return hindered(request, refusal)
        return self.get_response(request)


class CompressionMiddleware(GZipMiddleware):
    """Compress whole answers of the API that gain by it; see `ops.compression` for which, and for streams."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        small = isinstance(response, HttpResponse) and len(response.content) < SMALLEST
        if response.streaming or small or not _may_compress(request, response):
            return response
        return super().process_response(request, response)


def _may_compress(request: HttpRequest, response: HttpResponseBase) -> bool:
    return wants_json_error(request) and is_compressible(response.headers.get("Content-Type", ""))
