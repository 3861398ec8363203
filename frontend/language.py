"""The person's language, kept where the locale middleware reads it."""

from __future__ import annotations

from typing import TypeVar

from django.conf import settings
from django.http import HttpResponse

R = TypeVar("R", bound=HttpResponse)


def remember_language(response: R, language: str) -> R:
    """Set the language cookie of the response."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response
