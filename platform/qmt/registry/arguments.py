"""Arguments of a call, checked against the registry before anything leaves this process."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from qmt.registry.model import FunctionSpec, Kind, Parameter

MAX_ITEMS: Final = 10_000
MAX_DEPTH: Final = 6
MAX_TEXT: Final = 100_000


class ArgumentProblem(Exception):
    """An argument does not fit.

    Attributes
    ----------
    field
        The parameter, with an index where one of several is meant: ``stock_list[3]``.
    reason
        ``unknown``, ``missing``, ``ours`` or ``unfit``.
    """

    def __init__(self, field: str, reason: str, words: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(words)


def check_arguments(spec: FunctionSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller gave, as the function takes it; parameters that were not given stay away.

    Raises
    ------
    ArgumentProblem
        At the first argument that does not fit.
    """
    known = {one.name: one for one in spec.parameters}
    for name in given:
        if name not in known:
            takes = ", ".join(one.name for one in spec.parameters if one.is_given) or "nothing"
            raise ArgumentProblem(str(name)[:80], "unknown", f"{spec.qualified} takes {takes}")
        if not known[name].is_given:
            raise ArgumentProblem(name, "ours", f"{name} is set by the platform, not by a caller")
    for one in spec.parameters:
        if one.required and one.is_given and one.name not in given:
            raise ArgumentProblem(one.name, "missing", f"{spec.qualified} needs {one.name}: {one.text}")
    return {name: _checked(known[name], value) for name, value in given.items()}


def _checked(parameter: Parameter, value: Any) -> Any:
    if value is None:
        if not parameter.required and parameter.default is None:
            return None
        raise ArgumentProblem(parameter.name, "unfit", f"{parameter.name} cannot be null")
    return _CHECKS[parameter.kind](parameter, parameter.name, value)


def _unfit(field: str, wanted: str) -> ArgumentProblem:
    return ArgumentProblem(field, "unfit", f"{field} must be {wanted}")


def _text(parameter: Parameter, field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _unfit(field, "text")
    if parameter.choices and value not in parameter.choices:
        raise _unfit(field, f"one of {', '.join(repr(one) for one in parameter.choices)}")
    if len(value) > MAX_TEXT or (not parameter.choices and not re.fullmatch(parameter.pattern, value)):
        raise _unfit(field, f"text like {parameter.pattern}")
    return value


def _texts(parameter: Parameter, field: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise _unfit(field, f"a list of at most {MAX_ITEMS} texts")
    return [_text(parameter, f"{field}[{place}]", one) for place, one in enumerate(value)]


def _integer(parameter: Parameter, field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _unfit(field, "a whole number")
    return int(_bounded(parameter, field, value))


def _number(parameter: Parameter, field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _unfit(field, "a finite number")
    return float(_bounded(parameter, field, value))


def _bounded(parameter: Parameter, field: str, value: float) -> float:
    low = -(1 << 53) if parameter.low is None else parameter.low
    high = 1 << 53 if parameter.high is None else parameter.high
    if not low <= value <= high:
        raise _unfit(field, f"from {low:g} to {high:g}")
    return value


def _flag(_: Parameter, field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _unfit(field, "true or false")
    return value


def _account(_: Parameter, field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 31:
        raise _unfit(field, "the number of an account on this platform")
    return value


def _map(_: Parameter, field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unfit(field, "an object")
    _require_plain(field, value, MAX_DEPTH)
    return value


def _records(_: Parameter, field: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS or not all(isinstance(one, dict) for one in value):
        raise _unfit(field, f"a list of at most {MAX_ITEMS} objects")
    _require_plain(field, value, MAX_DEPTH)
    return value


def _require_plain(field: str, value: Any, depth: int) -> None:
    """Nothing endless, nothing that is not a number although it is called one, no key that bson refuses."""
    if depth == 0:
        raise _unfit(field, f"nested at most {MAX_DEPTH} deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise _unfit(field, "without numbers that are none")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        raise _unfit(field, "without numbers of more than 64 bits")
    if isinstance(value, dict):
        if any("\0" in key or key.startswith("$") for key in value):
            raise _unfit(field, "without keys that begin with $")
        for one in value.values():
            _require_plain(field, one, depth - 1)
    elif isinstance(value, list):
        for one in value:
            _require_plain(field, one, depth - 1)


_CHECKS: Final[Mapping[Kind, Callable[[Parameter, str, Any], Any]]] = {
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.SYMBOL: _text,
    Kind.SYMBOLS: _texts,
    Kind.TIME: _text,
    Kind.MAP: _map,
    Kind.RECORDS: _records,
    Kind.ACCOUNT: _account,
    Kind.FILE: _text,
    Kind.SECRET: _text,
}
