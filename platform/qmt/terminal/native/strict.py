"""The type strictness of pybind11, driven by the manifests that were read from the wheel's own native modules.

A struct accepts only its own attributes (AttributeError), only values its C++ members accept (TypeError), and cannot
be pickled. A call accepts only argument lists that one of its signatures accepts. This is what makes a mistake in our
own gateway fail here as it would on Windows.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

CLIENT_MODULE: Final = "xtquant.xtpythonclient"
_INT64: Final = 1 << 63


class NotSimulated(NotImplementedError):
    """The SDK called something that the simulated terminal does not answer. Never silence it: a silent answer would be a lie."""


_uncovered: Counter[str] = Counter()
_uncovered_lock = threading.Lock()


def uncovered(name: str) -> NoReturn:
    """Record a call that is not simulated and refuse it."""
    with _uncovered_lock:
        _uncovered[name] += 1
    logger.warning("not simulated: %s", name)
    raise NotSimulated(f"the simulated terminal does not answer {name}")


def uncovered_calls() -> dict[str, int]:
    """What was called in this process and is not simulated, with counts."""
    with _uncovered_lock:
        return dict(_uncovered)


@cache
def manifest(name: str) -> dict[str, Any]:
    """Load a committed manifest ("xtpythonclient" or "datacenter")."""
    text = resources.files("qmt.terminal.native").joinpath("manifests", f"{name}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


# --- values ---------------------------------------------------------------------------------------


def _to_int(value: object) -> int:
    index = getattr(type(value), "__index__", None)
    if index is None:
        raise TypeError
    number = int(index(value))
    if not -_INT64 <= number < _INT64:
        raise TypeError
    return number


def _to_float(value: object) -> float:
    if isinstance(value, str) or not (hasattr(type(value), "__float__") or hasattr(type(value), "__index__")):
        raise TypeError
    return float(value)  # type: ignore[arg-type]


def _to_str(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise TypeError
    return str(value)


def _to_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_CONVERTERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "int": _to_int,
    "float": _to_float,
    "str": _to_str,
    "bool": _to_bool,
}
_ZERO: Final[Mapping[str, Any]] = {"int": 0, "float": 0.0, "str": "", "bool": False}


def _incompatible(where: str, supported: Iterable[str], given: object) -> TypeError:
    lines = "\n".join(f"    {number}. {signature}" for number, signature in enumerate(supported, 1))
    return TypeError(
        f"{where}: incompatible function arguments. The following argument types are supported:\n{lines}\n\nInvoked with: {given!r}"
    )


# --- structs --------------------------------------------------------------------------------------

# Names that are another spelling of one C++ member although their stems differ.
_SPELLINGS: Final = {
    "orderremark1": "orderremarknew",
    "market1": "strmarket",
    "loginstatus": "status",
}


def _member(attribute: str) -> str:
    if attribute == "m_strMarket":  # its stem is that of m_nMarket, which is another member
        return "strmarket"
    stem = re.sub(r"^m_(?:str|n|e|d|b)(?=[A-Z])", "", attribute).replace("_", "").lower()
    return _SPELLINGS.get(stem, stem)


def _accessor(struct: str, attribute: str, kind: str) -> property:
    slot = f"_{_member(attribute)}"
    convert = _CONVERTERS[kind]

    def read(self: Any) -> Any:
        return getattr(self, slot)

    def write(self: Any, value: object) -> None:
        try:
            converted = convert(value)
        except TypeError:
            raise _incompatible(f"{struct}.{attribute}", [f"({kind}) -> None"], value) from None
        setattr(self, slot, converted)

    return property(read, write)


def _struct(name: str, fields: Mapping[str, str]) -> type:
    zeros = {f"_{_member(attribute)}": _ZERO[kind] for attribute, kind in fields.items()}

    def __init__(self: Any) -> None:  # noqa: N807 - it becomes the struct's own
        for slot, zero in zeros.items():
            setattr(self, slot, zero)

    def __reduce_ex__(self: Any, protocol: object) -> NoReturn:  # noqa: N807 - it becomes the struct's own
        raise TypeError(f"cannot pickle '{CLIENT_MODULE}.{name}' object")

    def __dir__(self: Any) -> list[str]:  # noqa: N807 - it becomes the struct's own
        return list(fields)

    body: dict[str, Any] = {attribute: _accessor(name, attribute, kind) for attribute, kind in fields.items()}
    body |= {
        "__slots__": tuple(zeros),
        "__init__": __init__,
        "__reduce_ex__": __reduce_ex__,
        "__dir__": __dir__,
        "__module__": CLIENT_MODULE,
    }
    return type(name, (), body)


@cache
def structs() -> dict[str, type]:
    """Every native struct by name."""
    return {name: _struct(name, fields) for name, fields in manifest("xtpythonclient")["classes"].items()}


def build(name: str, values: Mapping[str, Any]) -> Any:
    """Make a native struct and set the given attributes."""
    made = structs()[name]()
    for attribute, value in values.items():
        setattr(made, attribute, value)
    return made


def read_struct(struct: Any) -> dict[str, Any]:
    """The snake_case attributes of a struct, for the wire. Structs that have only native spellings are read by those."""
    names = manifest("xtpythonclient")["classes"][type(struct).__name__]
    plain = [name for name in names if not name.startswith("m_")] or list(names)
    return {name: getattr(struct, name) for name in plain}


# --- calls ----------------------------------------------------------------------------------------


def _fits_str(value: object) -> bool:
    return isinstance(value, str | bytes)


_FITS: Final[Mapping[str, Callable[[object], bool]]] = {
    "str": _fits_str,
    "int": lambda value: hasattr(type(value), "__index__"),
    "bool": lambda value: isinstance(value, bool),
    "list[str]": lambda value: isinstance(value, list | tuple) and all(_fits_str(item) for item in value),
    "Callable": callable,
}


@cache
def _parameters(signature: str) -> tuple[str, ...]:
    """Parameter types of a signature template such as ``({%}, {str}) -> int``, without the object itself."""
    inner = signature[1 : signature.index(") ->")]
    kinds = re.findall(r"\{([^}]*)\}", inner)
    return tuple(kinds[1:] if kinds and kinds[0] == "%" else kinds)


def check_call(name: str, signatures: Iterable[str], arguments: tuple[object, ...]) -> None:
    """Raise TypeError unless one overload accepts the arguments, as pybind11 dispatches."""
    listed = list(signatures)
    for signature in listed:
        kinds = _parameters(signature)
        if len(kinds) == len(arguments) and all(
            _FITS.get(kind, _anything)(value) for kind, value in zip(kinds, arguments, strict=True)
        ):
            return
    raise _incompatible(f"{name}()", listed, arguments)


def _anything(_: object) -> bool:
    return True


def native_call(module: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check a method's arguments as the native signature of that module's manifest does, before the method."""

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(method)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if kwargs:
                raise TypeError(f"{method.__name__}(): incompatible function arguments: keywords are not accepted")
            check_call(method.__name__, manifest(module)["client"][method.__name__], args[1:])
            return method(*args, **kwargs)

        return checked

    return decorate
