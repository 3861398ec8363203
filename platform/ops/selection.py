"""Answers that hold only what was asked for: `?fields=` on lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from ops.errors import Code, Invalid

FIELDS = OpenApiParameter(
    "fields", str, description="Comma-separated: only these fields of each result; all when absent."
)


def fields_of(request: Request, known: Iterable[str]) -> tuple[str, ...] | None:
    """The fields that `?fields=` names, in the order asked; None when it is absent.

    Raises
    ------
    Invalid
        FIELD_INVALID: it names none, or one that is not `known`.
    """
    text = request.query_params.get("fields")
    if text is None:
        return None
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    allowed = list(known)
    if not names or not set(names) <= set(allowed):
        raise Invalid(Code.FIELD_INVALID, field="fields", allowed=allowed)
    return names


@cache
def names_of(shape: type[Serializer[Any]]) -> tuple[str, ...]:
    """The fields of a shape, in its order."""
    return tuple(shape().fields)


def chosen(rows: Iterable[Mapping[str, Any]], names: tuple[str, ...] | None) -> list[Mapping[str, Any]]:
    """Rows with only these fields; `names` None keeps all."""
    if names is None:
        return list(rows)
    return [{name: row[name] for name in names} for row in rows]
