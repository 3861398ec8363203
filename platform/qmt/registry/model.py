"""The shape of what is said about a function of the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class FunctionClass(StrEnum):
    """What a call does, and so what becomes of it."""

    READ = "read"
    """Asks the terminal; run in the reads worker."""
    SUBSCRIPTION = "subscription"
    """Follows something: the platform's own subscriptions do that."""
    ORDER = "order"
    """Changes orders: only through the order service."""
    MONEY = "money"
    """Moves money or shares between places, or shows a secret to do so."""
    HOST_FILE = "host_file"
    """Changes what the terminal keeps on its disk, or reads and writes files there."""
    SESSION = "session"
    """Belongs to the SDK's session; never exposed."""


class Kind(StrEnum):
    """What a parameter takes, as JSON."""

    TEXT = "text"
    TEXTS = "texts"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    SYMBOL = "symbol"
    SYMBOLS = "symbols"
    TIME = "time"
    """Empty, ``YYYYMMDD`` or ``YYYYMMDDHHMMSS``, Shanghai time."""
    MAP = "map"
    RECORDS = "records"
    """A list of objects with the same keys; the SDK gets it as it is, or as a DataFrame where it wants one."""
    ACCOUNT = "account"
    """The platform's number of a broker account; the SDK gets its ``StockAccount``."""
    FILE = "file"
    """A bare file name, in a folder of ours on the QMT host."""
    SECRET = "secret"  # noqa: S105 - the kind's name
    """Text that is never stored and never logged."""
    OURS = "ours"
    """Callbacks and folders: set by the platform, never by a caller."""


#: JSON schema types, for the document.
JSON_TYPES: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "string",
    Kind.TEXTS: "array",
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.FLAG: "boolean",
    Kind.SYMBOL: "string",
    Kind.SYMBOLS: "array",
    Kind.TIME: "string",
    Kind.MAP: "object",
    Kind.RECORDS: "array",
    Kind.ACCOUNT: "integer",
    Kind.FILE: "string",
    Kind.SECRET: "string",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes
    ----------
    text
        Meaning and unit.
    required
        It has no default in the SDK.
    default
        The SDK's own default, as JSON; meaningless for a required one.
    example
        A value that the simulated terminal knows.
    choices
        The only values accepted; empty: any.
    pattern
        What a text, or each of several, must match as a whole.
    low, high
        Bounds of a number.
    """

    name: str
    kind: Kind
    text: str
    required: bool
    default: Any = None
    example: Any = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def is_given(self) -> bool:
        """Whether a caller may give it."""
        return self.kind is not Kind.OURS


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One public callable of the SDK.

    Attributes
    ----------
    module
        ``xtdata`` or ``xttrader``.
    scope
        What a token needs, in the platform's words.
    deadline_seconds
        A call that has not returned by then is given up, and with it the process it hangs in.
    covered
        The platform's own addresses that answer the same; empty when there is none.
    simulated
        The simulated terminal answers it. A test asks each.
    broken
        Why the callable cannot work in the pinned wheel; empty when it can.
    built
        The platform runs it.
    """

    module: str
    name: str
    group: str
    kind: FunctionClass
    purpose: str
    result: str
    parameters: tuple[Parameter, ...]
    scope: str
    deadline_seconds: float
    covered: tuple[str, ...] = ()
    simulated: bool = False
    broken: str = ""
    built: bool = True

    @property
    def qualified(self) -> str:
        """Module and name: the only ``connect`` that is meant."""
        return f"{self.module}.{self.name}"

    @property
    def account_parameter(self) -> Parameter | None:
        """The parameter that takes the account, for functions of one."""
        return next((one for one in self.parameters if one.kind is Kind.ACCOUNT), None)

    @property
    def is_run(self) -> bool:
        """Whether the reads worker runs it at all."""
        return self.built and not self.broken

    @property
    def calls_back(self) -> bool:
        """Whether its answer comes through a callback, so that what it returns means nothing."""
        return self.module == "xttrader" and self.name.endswith("_async")

    def example(self) -> dict[str, Any]:
        """Arguments that fit: of every required parameter, and of others that have an example of their own."""
        return {one.name: one.example for one in self.parameters if one.is_given and one.example is not None}


@dataclass(frozen=True, slots=True)
class CallbackSpec:
    """One hook of the SDK's callback class.

    Attributes
    ----------
    covered
        Where a client of the platform gets the same.
    simulated
        The simulated terminal brings it about.
    """

    name: str
    purpose: str
    covered: str
    simulated: bool = False
    parameters: tuple[str, ...] = field(default=())
