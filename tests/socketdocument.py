"""The live socket's published document, and whether a frame is what it says."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import yaml
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from desk.settings.schema import ROOT

SOCKET_DOCUMENT = ROOT / "platform" / "desk" / "live" / "asyncapi.yaml"
HERE, REST = "urn:desk:socket", "/api/schema/"


@cache
def socket_document() -> dict[str, Any]:
    """The AsyncAPI document."""
    loaded: dict[str, Any] = yaml.safe_load(SOCKET_DOCUMENT.read_text(encoding="utf-8"))
    return loaded


@cache
def _registry() -> Registry[Any]:
    generator: Any = SchemaGenerator
    rest = json.loads(json.dumps(generator().get_schema(request=None, public=True), default=str))
    return Registry().with_resources(
        [
            (HERE, DRAFT202012.create_resource(socket_document())),
            (REST, DRAFT202012.create_resource(rest)),
        ]
    )


@cache
def validators() -> dict[str, Draft202012Validator]:
    """What each documented message is checked by: those of the server by their type, a client's by their op."""
    found = {}
    for name, message in socket_document()["components"]["messages"].items():
        schema = {"$ref": f"{HERE}#/components/messages/{name}/payload"}
        constants = message["payload"]["properties"]
        found[constants.get("type", constants.get("op"))["const"]] = Draft202012Validator(schema, registry=_registry())
    return found


def problems(frame: dict[str, Any]) -> list[str]:
    """How a message differs from its document; empty when it does not."""
    validator = validators().get(frame.get("type", frame.get("op", "")))
    if validator is None:
        return [f"no document of {frame!r:.80}"]
    return [f"{error.json_path}: {error.message:.200}" for error in validator.iter_errors(frame)]
