"""How long HTTP requests take, by route: the pattern, never the path, so that there are only so many series."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

GetResponse = Callable[[HttpRequest], HttpResponse]

SECONDS = Histogram(
    "desk_http_request_seconds",
    "Duration of HTTP requests by route, until the answer (of a stream: its beginning) leaves the application",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "none"


class RequestMetricsMiddleware:
    """Measures everything behind it; stands in front of whatever may answer by itself."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        SECONDS.labels(
            route=match.route or "/" if match is not None else NO_ROUTE,
            method=request.method if request.method in _METHODS else "other",
            status=f"{response.status_code // 100}xx",
        ).observe(time.monotonic() - began)
        return response
