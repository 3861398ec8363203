"""What the SDK answers, as JSON: tables, arrays, native structs, and numbers that are none."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd

MAX_DEPTH: Final = 20
_SAFE_INTEGER: Final = 1 << 63


def encode(answer: Any) -> bytes:
    """An answer as JSON.

    A table becomes ``{"index": [...], "columns": {name: [...]}}``, a structured array the same without an index, a
    native struct an object of its readable names, NaN and infinity null, bytes text or ``{"base64": ...}``.

    Raises
    ------
    TypeError
        Something in it cannot be told in JSON.
    """
    return orjson.dumps(_plain(answer, MAX_DEPTH), option=orjson.OPT_SERIALIZE_NUMPY)


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise TypeError(f"nested more than {MAX_DEPTH} deep")
    match value:
        case None | bool() | str() | float():
            return value
        case int():
            return value if -_SAFE_INTEGER <= value < _SAFE_INTEGER else str(value)
        case bytes() | bytearray() | memoryview():
            return _text(bytes(value))
        case dt.datetime() | dt.date():
            return value.isoformat()
        case pd.DataFrame():
            columns = {str(name): _column(value.iloc[:, place], depth) for place, name in enumerate(value.columns)}
            return {"index": [_plain(one, depth - 1) for one in value.index.tolist()], "columns": columns}
        case pd.Series():
            return _column(value, depth)
        case np.ndarray():
            return _array(value, depth)
        case np.generic():
            return _plain(value.item(), depth - 1)
        case Mapping():
            return {str(name): _plain(one, depth - 1) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(one, depth - 1) for one in value]
        case _:
            return _attributes(value, depth)


def _column(column: pd.Series, depth: int) -> Any:
    return _array(column.to_numpy(), depth)


def _array(array: Any, depth: int) -> Any:
    if array.dtype.names is not None:
        return {"columns": {name: _array(array[name], depth) for name in array.dtype.names}}
    if array.dtype.kind in "biuf":
        return np.ascontiguousarray(array)
    return [_plain(one, depth - 1) for one in array.tolist()]


def _text(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _attributes(value: Any, depth: int) -> dict[str, Any]:
    """A struct by its readable names; those in the native spelling are the same members, unless there are no others."""
    if callable(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} is not data")
    names = [name for name in dir(value) if not name.startswith("_") and not callable(getattr(value, name))]
    readable = [name for name in names if not name.startswith("m_")] or names
    return {name: _plain(getattr(value, name), depth - 1) for name in readable}
