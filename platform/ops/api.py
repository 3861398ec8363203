"""The REST API's common ground: one error shape and cursor pages.

Every refusal of the API, whether ours, the framework's or a bug's, leaves as::

    {"code": "...", "message": "...", "field": "...", "details": {...}}

`field` and `details` are absent when there is nothing to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, JsonResponse
from django.utils import timezone
from rest_framework import exceptions as drf
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from ops import trouble
from ops.errors import Code, DeskError, Invalid
from ops.inputs import whole_number

logger = logging.getLogger(__name__)

API_PREFIX = "/api/"
M = TypeVar("M", bound=Model)


def error_body(
    code: str, message: str, *, field: str | None = None, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The one error shape; empty parts are left out."""
    body: dict[str, Any] = {"code": str(code), "message": message}
    if field:
        body["field"] = field
    if details:
        body["details"] = dict(details)
    return body


# --------------------------------------------------------------- exception handler
def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn whatever a view raised into the one error shape (DRF's EXCEPTION_HANDLER).

    A bug is logged with its traceback and answered as INTERNAL_ERROR without details.
    """
    set_rollback()
    headers: dict[str, str] = {}
    if isinstance(exc, DeskError):
        status, body = exc.status, exc.as_dict()
        if "retry_after_seconds" in exc.details:
            headers["Retry-After"] = str(exc.details["retry_after_seconds"])
    elif isinstance(exc, Http404):
        status, body = 404, error_body(Code.NOT_FOUND, "There is nothing here.")
    elif isinstance(exc, DjangoPermissionDenied):
        status, body = 403, error_body(Code.PERMISSION_DENIED, "You may not do this.")
    elif isinstance(exc, RequestDataTooBig):
        status, body = 413, error_body(Code.BODY_TOO_LARGE, "The request body is too large.")
    elif isinstance(exc, drf.APIException):
        status, body, headers = _framework_error(exc)
    elif (refusal := trouble.refusal_of(exc)) is not None:
        logger.warning("The API is hindered on %s: %s", _where(context), exc)
        status, body = refusal.status, refusal.as_dict()
        headers["Retry-After"] = str(trouble.RETRY_AFTER_SECONDS)
    else:
        logger.error("The API failed on %s", _where(context), exc_info=exc)
        status, body = 500, error_body(Code.INTERNAL_ERROR, "The platform failed; this is logged.")
    return Response(body, status=status, headers=headers)


def _framework_error(exc: drf.APIException) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    challenge = getattr(exc, "auth_header", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    if isinstance(exc, drf.ValidationError):
        return exc.status_code, _validation_body(exc.detail), headers
    details: dict[str, Any] = {}
    wait = getattr(exc, "wait", None)
    if wait is not None:
        seconds = max(1, round(wait))
        headers["Retry-After"] = str(seconds)
        details["retry_after_seconds"] = seconds
    code = _FRAMEWORK_CODES.get(type(exc), Code.INVALID)
    if isinstance(exc, drf.PermissionDenied) and str(exc.detail).startswith("CSRF Failed"):
        code = Code.CSRF_FAILED
    message = _FRAMEWORK_WORDS.get(type(exc)) or str(exc.detail)
    return exc.status_code, error_body(code, message, details=details), headers


_FRAMEWORK_CODES: dict[type[drf.APIException], Code] = {
    drf.ParseError: Code.INVALID_JSON,
    drf.AuthenticationFailed: Code.TOKEN_INVALID,
    drf.NotAuthenticated: Code.NOT_AUTHENTICATED,
    drf.PermissionDenied: Code.PERMISSION_DENIED,
    drf.NotFound: Code.NOT_FOUND,
    drf.MethodNotAllowed: Code.METHOD_NOT_ALLOWED,
    drf.NotAcceptable: Code.NOT_ACCEPTABLE,
    drf.UnsupportedMediaType: Code.MEDIA_TYPE_UNSUPPORTED,
    drf.Throttled: Code.RATE_LIMITED,
}
#: The API speaks one language; the framework would say these in the portal's.
_FRAMEWORK_WORDS: dict[type[drf.APIException], str] = {
    drf.NotAuthenticated: "Sign in, or send a bearer token.",
    drf.MethodNotAllowed: "This address does not know the method.",
    drf.NotAcceptable: "None of the accepted media types can be answered.",
    drf.UnsupportedMediaType: "Send the body as application/json.",
    drf.Throttled: "Too many requests.",
}


def _validation_body(detail: Any) -> dict[str, Any]:
    """The first problem as `field` and `message`, all of them in `details.fields`."""
    problems = list(_walk(detail, ()))
    field, message, code = problems[0] if problems else ("", "The input is not valid.", "")
    known = Code(code) if code in Code._value2member_map_ else Code.INVALID
    fields: dict[str, list[str]] = {}
    for name, text, _code in problems:
        fields.setdefault(name or "body", []).append(text)
    return error_body(known, message, field=field or None, details={"fields": fields})


def _walk(detail: Any, path: tuple[str, ...]) -> Any:
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            inner = path if key == "non_field_errors" else (*path, str(key))
            yield from _walk(value, inner)
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, value in enumerate(detail):
            nested = isinstance(value, (Mapping, list))
            yield from _walk(value, (*path, str(index)) if nested else path)
    else:
        yield ".".join(path), str(detail), str(getattr(detail, "code", ""))


def _where(context: Mapping[str, Any]) -> str:
    request = context.get("request")
    return f"{request.method} {request.path}" if request is not None else "an unknown request"


# ------------------------------------------------------- errors outside of any view
class UnknownRoute(APIView):
    """Every path under /api/ that names nothing; open, so that it reveals nothing."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        raise drf.NotFound("There is no such address in the API.")


def wants_json_error(request: HttpRequest) -> bool:
    """Whether Django's own error pages must answer this request as JSON."""
    return request.path.startswith(API_PREFIX)


def json_error(status: int, code: Code, message: str) -> JsonResponse:
    """An error response for code that runs outside of a DRF view (middleware, handlers)."""
    return JsonResponse(error_body(code, message), status=status)


# ----------------------------------------------------------------------- pagination
class DeskCursorPagination(CursorPagination):
    """Pages that stay right while rows are added: `?limit=&cursor=`.

    The answer is ``{"results": [...], "next": cursor or null, "previous": ...}``.
    """

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "limit"
    ordering = "-id"

    @classmethod
    def answer(cls, request: Request, rows: QuerySet[M], render: Callable[[M], Any]) -> Response:
        """Answer with the page of `rows` that the request asks for, each row rendered."""
        pages = cls()
        page = pages.paginate_queryset(rows, request) or []
        return pages.get_paginated_response([render(row) for row in page])

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> tuple[str, ...]:
        ordering = super().get_ordering(request, queryset, view)
        self._ordered_by: Any = queryset.model._meta.get_field(ordering[0].removeprefix("-"))
        return ordering

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param)
        size = self.page_size if text is None else whole_number(text)
        if size is None or not 1 <= size <= self.max_page_size:
            raise Invalid(
                Code.FIELD_INVALID, f"limit must be a whole number from 1 to {self.max_page_size}", field="limit"
            )
        return size

    def decode_cursor(self, request: Request) -> Any:
        try:
            cursor = super().decode_cursor(request)
        except drf.NotFound:
            raise Invalid(Code.CURSOR_INVALID, field="cursor") from None
        if cursor is None:
            return None
        # The framework reads what it cannot understand as the first page; a script would go round for ever.
        given = request.query_params[self.cursor_query_param]
        if given != self._cursor_of(self.encode_cursor(cursor)) or not self._is_position(cursor.position):
            raise Invalid(Code.CURSOR_INVALID, field="cursor")
        return cursor

    def _is_position(self, position: Any) -> bool:
        """Whether the ordering field could hold this; what we write has its time zone."""
        if position is None:
            return True
        try:
            value = self._ordered_by.to_python(position)
            return not isinstance(value, datetime) or (timezone.is_aware(value) and bool(value.astimezone(UTC)))
        except (ValidationError, OverflowError):
            return False

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "results": data,
                "next": self._cursor_of(self.get_next_link()),
                "previous": self._cursor_of(self.get_previous_link()),
            }
        )

    def _cursor_of(self, link: str | None) -> str | None:
        if not link:
            return None
        return parse_qs(urlsplit(link).query, keep_blank_values=True)[self.cursor_query_param][0]
