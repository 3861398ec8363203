"""What every request of a person passes."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.api.throttling import ATTRIBUTE
from accounts.models import User
from accounts.services.sessions import session_note_seen
from ops.api import API_PREFIX
from ops.logfacts import note_facts

HEALTH = "/api/v1/health/"

GetResponse = Callable[[HttpRequest], HttpResponse]


class PersonMiddleware:
    """Note when a session was last seen, show pages in the person's time zone, tell a token what is left of its rate."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # What tells that the database is away must not depend on the sessions that it keeps.
        user = AnonymousUser() if request.path.startswith(HEALTH) else request.user
        if isinstance(user, User):
            note_facts(user_id=user.pk)
            session_note_seen(request)
        # The API speaks UTC to everybody.
        zone = None if request.path.startswith(API_PREFIX) else _zone(user)
        with timezone.override(zone):
            response = self.get_response(request)
        decision = getattr(request, ATTRIBUTE, None)
        if decision is not None:
            for name, value in decision.headers().items():
                response[name] = value
        return response


def _zone(user: User | AnonymousUser) -> ZoneInfo | None:
    """The person's zone; None (the installation's) for strangers and for names this machine does not know."""
    if not isinstance(user, User):
        return None
    try:
        return ZoneInfo(user.display_timezone)
    except (ValueError, OSError, LookupError):
        return None
