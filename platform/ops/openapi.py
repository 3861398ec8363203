"""Additions to the generated OpenAPI document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ops.conditional import IF_NONE_MATCH
from ops.errors import Code

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Every refusal has this shape.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "enum": [code.value for code in Code]},
        "message": {"type": "string", "description": "`CODE: key=value …`, or words."},
        "field": {"type": "string", "description": "The request's field at fault, if one is."},
        "details": {"type": "object", "additionalProperties": {}, "description": "The facts."},
    },
}

#: Refusals every operation may answer with. 422 and others of an operation's own
#: are documented where they belong.
_COMMON = {
    "400": "The request is malformed.",
    "404": "There is no such thing, or it is not yours: the answer is the same.",
    "405": "The address does not know this method.",
    "429": "Too many requests; see Retry-After.",
    "500": "The platform failed; the failure is logged.",
}
_SECURED = {
    "401": "No credentials, or none that are valid (unknown, expired and revoked look alike).",
    "403": "You may see it, but not do this to it; or the token lacks the scope.",
    "503": "Something that this needs is away for now, such as a terminal or its first figures: try again.",
}
_WRITING = {"409": "The present state of what it is about does not allow it."}
_WITH_BODY = {
    "413": "The body is too large.",
    "415": "The body's media type is not understood.",
}

_ERROR_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


def document_errors(
    result: dict[str, Any],
    generator: Any,
    request: Any,
    public: bool,  # noqa: FBT001
) -> dict[str, Any]:
    """Give every operation the error responses it can answer with (spectacular hook)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    schemas = result["components"]["schemas"]
    for path in result.get("paths", {}).values():
        for method, operation in path.items():
            if isinstance(operation, dict) and "responses" in operation:
                _document(operation, writes=method != "get")
                _document_parts(operation, schemas)
    for schema in schemas.values():
        _plain_anything(schema)
    return result


def page_of(item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The shape of one page of `item`, for the document."""
    return type(
        f"{item.__name__.removesuffix('Serializer')}PageSerializer",
        (serializers.Serializer,),
        {
            "__doc__": f"One page: {item.__doc__}",
            "results": item(many=True),
            "next": serializers.CharField(allow_null=True),
            "previous": serializers.CharField(allow_null=True),
        },
    )


def _document_parts(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """With `?fields=` only these are there: what the list holds has no field that must be."""
    if "fields" not in {parameter.get("name") for parameter in operation.get("parameters", ())}:
        return
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    whole = schemas[answer["$ref"].rsplit("/", 1)[1]]
    rows = whole["properties"].get("results") or whole["properties"].get("rows")
    if rows is None:
        whole.pop("required", None)
    elif "$ref" in rows["items"]:
        name = rows["items"]["$ref"].rsplit("/", 1)[1]
        part = {key: value for key, value in schemas[name].items() if key != "required"}
        schemas[f"{name}Part"] = part
        rows["items"] = {"$ref": f"#/components/schemas/{name}Part"}


def _plain_anything(schema: dict[str, Any]) -> None:
    """A nullable anything is anything: `oneOf` would refuse null for fitting twice."""
    for name, part in schema.get("properties", {}).items():
        if part.get("oneOf") == [{}, {"type": "null"}]:
            schema["properties"][name] = {key: value for key, value in part.items() if key != "oneOf"}


def _document(operation: dict[str, Any], *, writes: bool) -> None:
    refusals = dict(_COMMON)
    if operation.get("security", [{}]) != [{}]:
        refusals |= _SECURED
    if writes:
        refusals |= _WRITING
    if "requestBody" in operation:
        refusals |= _WITH_BODY
    responses = operation["responses"]
    if IF_NONE_MATCH.name in {parameter.get("name") for parameter in operation.get("parameters", ())}:
        responses["304"] = {"description": "Nothing changed since the answer that `If-None-Match` names."}
    for status, description in refusals.items():
        responses.setdefault(status, {"description": description})
    for status, response in responses.items():
        if status[0] in "45":
            response.setdefault("content", _ERROR_CONTENT)
