"""What every request of a person passes."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.api.throttling import ATTRIBUTE
from accounts.services.sessions import session_note_seen

GetResponse = Callable[[HttpRequest], HttpResponse]


class PersonMiddleware:
    """Note when a session was last seen, and tell a token what is left of its rate."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            session_note_seen(request)
        response = self.get_response(request)
        decision = getattr(request, ATTRIBUTE, None)
        if decision is not None:
            for name, value in decision.headers().items():
                response[name] = value
        return response
