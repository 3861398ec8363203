"""Values from outside, read strictly: what is not exactly a number or a date is refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ops.errors import Code, Invalid

_DATE = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_SHOWN_CHARACTERS = 60


def whole_number(text: str) -> int | None:
    """The number that `text` spells in plain digits; None for anything else (``1_0``, ``１０``, ``1e3``)."""
    return int(text) if _NUMBER.fullmatch(text) else None


def calendar_date(text: str) -> date | None:
    """The date that YYYYMMDD or YYYY-MM-DD names; None when it is neither, or no such day exists."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None


def shown(value: object) -> str:
    """An offending value as a refusal repeats it: printable, and never a megabyte."""
    return ascii(value)[:_SHOWN_CHARACTERS]


def json_object(data: Any, known: Iterable[str] | None = None) -> dict[str, Any]:
    """A request's body as the object that it has to be.

    Parameters
    ----------
    known
        Its fields; one that is not among them is a mistake worth stopping for. None leaves that to the service.

    Raises
    ------
    Invalid
        INVALID for anything but an object, FIELD_UNKNOWN for the first field that nobody knows.
    """
    if not isinstance(data, Mapping):
        raise Invalid(Code.INVALID, "The body must be a JSON object.")
    if known is not None:
        refuse_unknown(data, known)
    return dict(data)


def refuse_unknown(given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise Invalid (FIELD_UNKNOWN) for the first field that is none of `known`."""
    allowed = sorted(known)
    unknown = sorted(set(given).difference(allowed))
    if unknown:
        raise Invalid(Code.FIELD_UNKNOWN, field=ascii(unknown[0]).strip("'")[:40], allowed=allowed)
