"""Declared parameters of a strategy: typed, with ranges, checked before anything runs. No Django.

A parameter is a class attribute and reads as its value on the object::

    class Crossover(Strategy):
        fast = Integer(5, minimum=1, maximum=250, help="Bars of the fast average")

    Crossover({"fast": 10}).fast  # 10

Values arrive as JSON has them (numbers, text, booleans; amounts also as text) and are never converted silently: `5.5` is
no integer, `true` no number, NaN and infinity are refused.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class ParameterError(ValueError):
    """A parameter that is unknown, of another type, or out of its range.

    Attributes
    ----------
    name : str
        The parameter.
    reason : str
        In words, with the values that would be taken.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Parameter(ABC, Generic[T]):
    """One declared parameter; see the kinds below.

    Parameters
    ----------
    default
        Its value when none is given. It has to be in range itself.
    help
        One line for the people who set it.
    """

    kind: str

    def __init__(self, default: T, *, help: str = "") -> None:  # noqa: A002 - argparse's word, and everybody's
        self.name = ""
        self.help = help
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        value: T = vars(instance).get(f"_{self.name}", self.default)
        return value

    def __set__(self, instance: object, value: object) -> None:
        raise AttributeError(f"{self.name} is a parameter: it is set when the strategy starts, never by itself")

    def assign(self, instance: object, value: object) -> None:
        """Check a value and keep it in an object; only `Strategy.__init__` calls this."""
        vars(instance)[f"_{self.name}"] = self.parse(value)

    @abstractmethod
    def parse(self, value: object) -> T:
        """The value as the strategy sees it.

        Raises
        ------
        ParameterError
            Of another type or out of range.
        """

    def plain(self, value: T) -> Any:
        """The value as JSON has it."""
        return value

    def bounds(self) -> dict[str, Any]:
        """What limits the value, as JSON has it."""
        return {}

    def declaration(self) -> dict[str, Any]:
        """The parameter as REST and the portal's form show it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "default": self.plain(self.default),
            "help": self.help,
            **self.bounds(),
        }

    def refuse(self, reason: str) -> ParameterError:
        return ParameterError(self.name, reason)


class _Ranged(Parameter[T]):
    """A parameter with a smallest and a largest value, both allowed."""

    def __init__(self, default: T, *, minimum: T, maximum: T, help: str = "") -> None:  # noqa: A002
        super().__init__(default, help=help)
        self.minimum = minimum
        self.maximum = maximum

    def bounds(self) -> dict[str, Any]:
        return {"minimum": self.plain(self.minimum), "maximum": self.plain(self.maximum)}

    def within(self, value: Any) -> Any:
        if not self.minimum <= value <= self.maximum:
            raise self.refuse(f"{value} is not between {self.minimum} and {self.maximum}")
        return value


class Integer(_Ranged[int]):
    """A whole number."""

    kind = "integer"

    def parse(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(f"{value!r} is not a whole number")
        return int(self.within(value))


class Number(_Ranged[float]):
    """A floating-point number, for calculations; never for money (`Amount`)."""

    kind = "number"

    def parse(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.refuse(f"{value!r} is not a finite number")
        return float(self.within(value))


class Amount(_Ranged[Decimal]):
    """An exact decimal: money or a price in CNY. JSON has it as text, or as a whole number."""

    kind = "amount"

    def __init__(
        self,
        default: Decimal | int | str,
        *,
        minimum: Decimal | int | str,
        maximum: Decimal | int | str,
        help: str = "",  # noqa: A002
    ) -> None:
        super().__init__(Decimal(default), minimum=Decimal(minimum), maximum=Decimal(maximum), help=help)

    def parse(self, value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
            raise self.refuse(f"{value!r} is not an exact amount; write it as text")
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise self.refuse(f"{value!r} is not an amount") from None
        if not amount.is_finite():
            raise self.refuse(f"{value!r} is not a finite amount")
        return Decimal(self.within(amount))

    def plain(self, value: Decimal) -> str:
        return format(value, "f")


class Choice(Parameter[str]):
    """One of several words."""

    kind = "choice"

    def __init__(self, default: str, *, options: Sequence[str], help: str = "") -> None:  # noqa: A002
        super().__init__(default, help=help)
        self.options = tuple(options)

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise self.refuse(f"{value!r} is none of {', '.join(self.options)}")
        return value

    def bounds(self) -> dict[str, Any]:
        return {"options": list(self.options)}


class Flag(Parameter[bool]):
    """Yes or no."""

    kind = "flag"

    def parse(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise self.refuse(f"{value!r} is neither true nor false")
        return value


def parameters_of(owner: type) -> dict[str, Parameter[Any]]:
    """The parameters a class declares and inherits, in order of declaration, the base classes' first."""
    return {
        name: value
        for base in reversed(owner.__mro__)
        for name, value in vars(base).items()
        if isinstance(value, Parameter)
    }


def parameter_from(declaration: dict[str, Any]) -> Parameter[Any]:
    """The parameter that a declaration describes: values can be checked without the strategy's code.

    Raises
    ------
    KeyError, ParameterError
        Not what `Parameter.declaration` wrote.
    """
    made: Parameter[Any] = _KINDS[declaration["kind"]](
        declaration["default"],
        help=declaration["help"],
        **{name: declaration[name] for name in ("minimum", "maximum", "options") if name in declaration},
    )
    made.name = declaration["name"]
    return made


_KINDS: dict[str, Any] = {kind.kind: kind for kind in (Integer, Number, Amount, Choice, Flag)}
