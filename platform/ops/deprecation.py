"""How an address of the API says that it will go: the headers of RFC 9745 and RFC 8594, and the mark in the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar, cast

from django.utils.http import http_date
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

V = TypeVar("V", bound=type[APIView])

#: An address lives at least this long after it was deprecated.
NOTICE = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when an address is deprecated, when it ends at the earliest, and what takes its place."""

    since: date
    sunset: date
    successor: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < NOTICE:
            raise ValueError(f"An address ends no sooner than {NOTICE.days} days after it was deprecated.")

    def headers(self) -> dict[str, str]:
        """The response's header fields."""
        return {
            "Deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "Sunset": http_date(_midnight(self.sunset).timestamp()),
            "Link": f'<{self.successor}>; rel="successor-version"',
        }


def deprecated(*, since: date, sunset: date, successor: str) -> Callable[[V], V]:
    """Mark a view: every answer of it, refusals included, carries the headers; the document calls it deprecated.

    Parameters
    ----------
    since, sunset
        Days in UTC, at least `NOTICE` apart.
    successor
        Address of what takes its place.

    Raises
    ------
    ValueError
        The notice is too short.
    """
    headers = Deprecation(since, sunset, successor).headers()

    def mark(view: V) -> V:
        finish = view.finalize_response

        def finalize_response(
            self: APIView, request: Request, response: Response, *args: Any, **kwargs: Any
        ) -> Response:
            answer: Response = finish(self, request, response, *args, **kwargs)
            for name, value in headers.items():
                answer[name] = value
            return answer

        marked = type(view.__name__, (view,), {"finalize_response": finalize_response, "__doc__": view.__doc__})
        return cast(V, extend_schema(deprecated=True)(marked))

    return mark


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
