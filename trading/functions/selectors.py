"""Reads of the registry, as the API shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from qmt.registry import CallbackSpec, FunctionClass, FunctionSpec, Kind, Parameter, callbacks, functions
from qmt.registry.model import JSON_TYPES


def functions_list(*, kind: str = "", module: str = "", search: str = "") -> list[FunctionSpec]:
    """Functions in the order of the registry, of one class or module, or with a word in name or purpose."""
    word = search.lower()
    return [
        spec
        for spec in functions().values()
        if (not kind or spec.kind == kind)
        and (not module or spec.module == module)
        and (word in spec.qualified.lower() or word in spec.purpose.lower())
    ]


def counts() -> dict[str, Any]:
    """How many functions and callbacks there are, by class, and how many the simulated terminal answers."""
    specs = functions().values()
    classes = Counter(spec.kind for spec in specs)
    return {
        "functions": len(specs),
        "classes": {kind.value: classes[kind] for kind in FunctionClass},
        "run": sum(spec.is_run for spec in specs),
        "simulated": sum(spec.simulated for spec in specs),
        "callbacks": len(callbacks()),
        "callbacks_simulated": sum(one.simulated for one in callbacks().values()),
    }


def function_view(spec: FunctionSpec) -> dict[str, Any]:
    """One function as JSON."""
    return {
        "name": spec.qualified,
        "group": spec.group,
        "class": spec.kind.value,
        "purpose": spec.purpose,
        "result": spec.result,
        "scope": spec.scope,
        "deadline_seconds": spec.deadline_seconds,
        "endpoints": list(spec.covered),
        "run": spec.is_run,
        "simulated": spec.simulated,
        "broken": spec.broken,
        "parameters": [_parameter_view(one) for one in spec.parameters if one.is_given],
        "example": spec.example(),
    }


def callback_view(spec: CallbackSpec) -> dict[str, Any]:
    """One hook as JSON."""
    return {"name": spec.name, "purpose": spec.purpose, "endpoints": spec.covered, "simulated": spec.simulated}


def arguments_schema(spec: FunctionSpec) -> dict[str, Any]:
    """The JSON schema of a function's arguments."""
    given = [one for one in spec.parameters if one.is_given]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [one.name for one in given if one.required],
        "properties": {one.name: _schema(one) for one in given},
    }


def _parameter_view(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind.value,
        "text": one.text,
        "required": one.required,
        "default": None if one.required else one.default,
        "schema": _schema(one),
    }


def _schema(one: Parameter) -> dict[str, Any]:
    single = _bounds(one)
    schema: dict[str, Any] = {"type": JSON_TYPES[one.kind], "description": one.text}
    if one.kind in (Kind.TEXTS, Kind.SYMBOLS):
        schema["items"] = {"type": "string", **single}
    elif one.kind is Kind.RECORDS:
        schema["items"] = {"type": "object"}
    else:
        schema |= single
    if not one.required and one.default is None:
        schema["type"] = [schema["type"], "null"]
    return schema


def _bounds(one: Parameter) -> dict[str, Any]:
    choices: Sequence[str] = one.choices
    facts = {
        "enum": list(choices) or None,
        "pattern": f"^{one.pattern}$" if one.pattern and not choices else None,
        "minimum": one.low,
        "maximum": one.high,
    }
    return {name: value for name, value in facts.items() if value is not None}
