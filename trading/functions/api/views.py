"""API of the SDK's functions: parse, call one function, render."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import orjson
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import SignedIn
from accounts.models import ApiToken, User
from marketdata.api.jobserializers import JobSerializer
from marketdata.api.parameters import choice_of, search_of
from marketdata.selectors import job_get
from ops.errors import Code, Forbidden, Invalid
from qmt.registry import FunctionClass, callbacks, functions
from trading.functions.api.serializers import (
    CLASSES,
    FunctionAnswerSerializer,
    FunctionCallSerializer,
    FunctionDetailSerializer,
    FunctionJobSerializer,
    FunctionListSerializer,
)
from trading.functions.selectors import arguments_schema, callback_view, counts, function_view, functions_list
from trading.functions.services import Answer, answer_file, function_call
from trading.functions.services.calling import function_get
from trading.ledger.api import parameters

_FIELDS = frozenset({"arguments", "host"})
NAME = OpenApiParameter(
    "name",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    enum=list(functions()),
    description="`xtdata.get_full_tick`; the module may be left out where only one has the name.",
)
_EXAMPLES = ("xtdata.get_full_tick", "xtdata.get_market_data_ex", "xttrader.query_stock_positions")
_REFUSALS = {
    422: OpenApiResponse(
        description="`USE_ENDPOINT`: orders and subscriptions have addresses of their own (`details.endpoints`). "
        "`FUNCTION_FAILED`: the SDK's own words. `ANSWER_TOO_LARGE`."
    ),
    501: OpenApiResponse(
        description="`NOT_SIMULATED`: a broker's terminal would be asked, the simulated one has no such thing. "
        "`BROKEN_UPSTREAM`: the SDK's callable cannot work. `FUNCTION_NOT_BUILT`."
    ),
    503: OpenApiResponse(description="`TERMINAL_DOWN`, `HOST_DISABLED`, or the reads worker is away."),
    504: OpenApiResponse(description="`FUNCTION_TIMEOUT`: the SDK did not answer in time; its process was replaced."),
}


class AnyToken(SignedIn):
    """Signed in, with a token of any scope: the function decides which it takes. One without a scope opens nothing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, ApiToken) and not request.auth.scopes:
            raise Forbidden(Code.SCOPE_MISSING)
        return bool(request.user.is_authenticated)


class FunctionListView(APIView):
    """The registry."""

    permission_classes = (AnyToken,)

    @extend_schema(
        operation_id="functions_list",
        parameters=[
            OpenApiParameter("class", str, enum=CLASSES, description="Only of this class."),
            OpenApiParameter("module", str, enum=["xtdata", "xttrader"]),
            OpenApiParameter("q", str, description="Part of a name or purpose."),
        ],
        responses=FunctionListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the SDK's functions and callbacks, with the platform's own address where there is one."""
        found = functions_list(
            kind=choice_of(request, "class", ("", *(kind.value for kind in FunctionClass))),
            module=choice_of(request, "module", ("", "xtdata", "xttrader")),
            search=search_of(request),
        )
        return Response(
            {
                "results": [function_view(spec) for spec in found],
                "callbacks": [callback_view(spec) for spec in callbacks().values()],
                "counts": counts(),
            }
        )


class FunctionView(APIView):
    """One function."""

    permission_classes = (AnyToken,)

    @extend_schema(operation_id="functions_get", parameters=[NAME], responses=FunctionDetailSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Describe one function, with the JSON schema of its arguments."""
        spec = function_get(name)
        return Response(function_view(spec) | {"arguments_schema": arguments_schema(spec)})

    @extend_schema(
        operation_id="functions_call",
        parameters=[NAME],
        request=FunctionCallSerializer,
        responses={
            200: FunctionAnswerSerializer,
            202: OpenApiResponse(FunctionJobSerializer, "The answer is too large for a reply: it is a file."),
            **_REFUSALS,
        },
        examples=[
            OpenApiExample(name, value={"arguments": functions()[name].example()}, request_only=True)
            for name in _EXAMPLES
        ],
    )
    def post(self, request: Request, name: str) -> HttpResponseBase:
        """Call a function on a QMT host and wait for its answer; 120 calls a minute for each person."""
        body = parameters.body_of(request, _FIELDS)
        answer = function_call(
            user=cast(User, request.user),
            actor=actor_of(request),
            scopes=_scopes(request),
            name=name,
            arguments=_object(body.get("arguments", {})),
            host_name=_text(body.get("host")),
        )
        return _rendered(answer)


class AnswerFileView(APIView):
    """The file of an answer that was too large for a reply."""

    permission_classes = (AnyToken,)

    @extend_schema(
        operation_id="functions_file",
        responses={(200, "application/json"): OpenApiResponse(OpenApiTypes.BINARY, description="The result.")},
    )
    def get(self, request: Request, job_id: UUID) -> FileResponse:
        """Fetch an answer; it is kept for a day."""
        user = cast(User, request.user)
        path, name = answer_file(user=user, scopes=_scopes(request), job=job_get(user, job_id))
        return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/json")


def _scopes(request: Request) -> list[str] | None:
    return request.auth.scopes if isinstance(request.auth, ApiToken) else None


def _rendered(answer: Answer) -> HttpResponseBase:
    head = {"function": answer.function, "host": answer.host}
    if answer.job is not None:
        where = reverse("api-function-file", args=[answer.job.pk])
        return Response(head | {"job": JobSerializer(answer.job).data, "file": where}, status=202)
    # The result is JSON already: it is not read and written once more.
    body = orjson.dumps(head)[:-1] + b',"result":' + (answer.body or b"null") + b"}"
    return HttpResponse(body, content_type="application/json")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(Code.FIELD_INVALID, "arguments must be an object", field="arguments")
    return value


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Invalid(Code.FIELD_INVALID, "host must be text", field="host")
    return value
