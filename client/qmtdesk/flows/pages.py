"""Lists that come in pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from qmtdesk.errors import DeskError
from qmtdesk.models import typed
from qmtdesk.steps import Flow, Request, Settings, ask

T = TypeVar("T")

PAGE = 1000


def rows(
    settings: Settings, path: str, params: Mapping[str, str] | None = None, *, limit: int | None
) -> Flow[list[dict[str, Any]]]:
    """Rows of a paged list, over as many pages as it takes; `limit` None for all of them."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        size = PAGE if limit is None else min(PAGE, limit - len(found))
        query = {**(params or {}), "limit": str(size)}
        if cursor is not None:
            query["cursor"] = cursor
        body = json_of((yield from ask(settings, Request("GET", path, query))).content)
        found += body["results"]
        cursor = body.get("next")
        if cursor is None or (limit is not None and len(found) >= limit):
            return found


def pages(
    settings: Settings, path: str, kind: type[T], params: Mapping[str, str] | None = None, *, limit: int | None
) -> Flow[list[T]]:
    """As `rows`, typed."""
    return typed(list[kind], (yield from rows(settings, path, params, limit=limit)))  # type: ignore[valid-type]


def json_of(content: bytes) -> dict[str, Any]:
    """A JSON object."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise DeskError("NOT_UNDERSTOOD", "the answer is no JSON object")
    return body
