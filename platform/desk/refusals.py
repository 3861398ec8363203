"""What was refused to whom, in the log: a wrong token, a missing right or CSRF token, a host name that is not ours, a flood.

Django's own lines for these are switched off: they would show whole addresses, one traceback or more each. A line names the
route (never what stood in its places: links carry keys) and the code; repeats are counted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from ops.repeats import Repeats

TELL_SECONDS = 10.0
STATUSES = frozenset({401, 403, 408, 413, 429})

log = logging.getLogger(__name__)

_repeats = Repeats(TELL_SECONDS)


class RefusalLogMiddleware:
    """Write a line for each request that was refused for who asked, or how."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in STATUSES or (response.status_code == 400 and request.resolver_match is None):
            _tell(request, response)
        return response


def _tell(request: HttpRequest, response: HttpResponseBase) -> None:
    route = request.resolver_match.route if request.resolver_match else "(no route)"
    address = request.META.get("REMOTE_ADDR", "")
    told = (request.method, route, response.status_code, _code(response), address)
    if count := _repeats.note(told):
        method, route, status, code, address = told
        log.warning("refused: %s /%s from %s: %s %s (%s)", method, route, address, status, code, count)


def _code(response: HttpResponseBase) -> str:
    """The refusal's code, where the answer is the API's."""
    if not isinstance(response, HttpResponse) or not response.get("Content-Type", "").startswith("application/json"):
        return ""
    try:
        code = json.loads(response.content).get("code", "")
    except (ValueError, AttributeError):
        return ""
    return str(code)
