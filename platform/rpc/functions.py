"""FunctionService: read a request, call one function, answer a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from django.urls import reverse
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value

from accounts.actors import actor_for_token
from marketdata.api.jobserializers import JobSerializer
from ops.errors import Code, Forbidden, Invalid
from qmt.registry import FunctionClass
from rpc.calls import Call
from rpc.messages import message_of, messages_of
from rpc.methods import Methods
from rpc.requests import choice_of, text_of
from rpc.v1 import common_pb2 as common
from rpc.v1 import functions_pb2 as pb
from trading.functions.selectors import function_view, functions_list
from trading.functions.services import function_call

SERVICE: Final = Methods(pb.DESCRIPTOR.services_by_name["FunctionService"])


@SERVICE.method(scope=None)
def list_functions(call: Call, request: pb.ListFunctionsRequest) -> pb.ListFunctionsResponse:
    """See functions.proto."""
    _require_some_scope(call)
    found = functions_list(
        kind=choice_of(getattr(request, "class"), ("", *(kind.value for kind in FunctionClass)), field="class"),
        module=choice_of(request.module, ("", "xtdata", "xttrader"), field="module"),
        search=text_of(request.text, field="text"),
    )
    return pb.ListFunctionsResponse(functions=[_function(function_view(spec)) for spec in found])


@SERVICE.method(scope=None)
def call_function(call: Call, request: pb.CallFunctionRequest) -> pb.CallFunctionResponse:
    """See functions.proto."""
    _require_some_scope(call)
    answer = function_call(
        user=call.user,
        actor=actor_for_token(call.token),
        scopes=call.token.scopes,
        name=request.name,
        arguments=_arguments(request.arguments),
        host_name=request.host or None,
    )
    told = pb.CallFunctionResponse(function=answer.function, host=answer.host)
    if answer.job is None:
        told.json = answer.body or b"null"
        return told
    told.file.job.CopyFrom(message_of(common.Job, JobSerializer(answer.job).data))
    told.file.address = reverse("api-function-file", args=[answer.job.pk])
    return told


def _require_some_scope(call: Call) -> None:
    """The function decides which scope it takes; a token without any opens nothing."""
    if not call.token.scopes:
        raise Forbidden(Code.SCOPE_MISSING)


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        given = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        raise Invalid(Code.FIELD_INVALID, "arguments must be JSON", field="arguments") from None
    if not isinstance(given, dict):
        raise Invalid(Code.FIELD_INVALID, "arguments must be an object", field="arguments")
    return given


def _function(view: Mapping[str, Any]) -> pb.Function:
    """A function's message; a default may be anything that JSON can say."""
    made = message_of(pb.Function, {name: value for name, value in view.items() if name != "parameters"})
    for one, parameter in zip(view["parameters"], messages_of(pb.FunctionParameter, _plain(view)), strict=True):
        if one["default"] is not None:
            parameter.default.CopyFrom(ParseDict(one["default"], Value()))
        made.parameters.append(parameter)
    return made


def _plain(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name != "default"} for one in view["parameters"]]
