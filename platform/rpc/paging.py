"""Pages of a list that stay right while rows are added: a token names the last row that was answered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeVar, cast

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet

from ops.errors import Code, Invalid
from rpc.v1 import common_pb2 as pb

R = TypeVar("R", bound=Model)

PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
_MAX_TOKEN = 400


def page_of(rows: QuerySet[R], request: pb.PageRequest, *, order: str) -> tuple[list[R], str]:
    """One page of `rows` and the token of the next one; blank at the end.

    Parameters
    ----------
    order
        A field, with ``-`` before it for descending; rows with the same value are put in order by their key.

    Raises
    ------
    Invalid
        FIELD_INVALID for a size beyond its bounds, CURSOR_INVALID for a token that this list did not give.
    """
    size = page_size(request)
    field, down = order.removeprefix("-"), order.startswith("-")
    rows = rows.order_by(order, "-pk" if down else "pk")
    if request.page_token:
        rows = rows.filter(_after(rows.model, field, down, request.page_token))
    found = list(rows[: size + 1])
    if len(found) <= size:
        return found, ""
    last = found[size - 1]
    return found[:size], _token([_text(getattr(last, field)), _text(last.pk)])


def page_size(request: pb.PageRequest) -> int:
    """How many rows were asked for."""
    if not 0 <= request.size <= MAX_PAGE_SIZE:
        raise Invalid(Code.FIELD_INVALID, f"size must be a whole number from 1 to {MAX_PAGE_SIZE}", field="page.size")
    return request.size or PAGE_SIZE


def _after(model: type[Model], field: str, down: bool, token: str) -> Q:  # noqa: FBT001
    place, key = _place(model, field, token)
    step = "lt" if down else "gt"
    if field in ("pk", model._meta.pk.name):
        return Q(**{f"pk__{step}": key})
    return Q(**{f"{field}__{step}": place}) | Q(**{field: place, f"pk__{step}": key})


def _place(model: type[Model], field: str, token: str) -> tuple[Any, Any]:
    read: Callable[[Any], Any] = cast("Field[Any, Any]", model._meta.get_field(field)).to_python
    try:
        if len(token) > _MAX_TOKEN:
            raise ValueError("too long")
        place, key = orjson.loads(base64.urlsafe_b64decode(token.encode("ascii")))
        if not (isinstance(place, str) and isinstance(key, str) and (place + key).isprintable()):
            raise ValueError("no text")
        return read(place), model._meta.pk.to_python(key)
    except (ValueError, TypeError, OverflowError, ValidationError, binascii.Error):
        raise Invalid(Code.CURSOR_INVALID, field="page.page_token") from None


def _token(place: list[str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode("ascii")


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
