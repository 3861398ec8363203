"""Fields of requests, read strictly: what is not what it should be is refused, never guessed."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from ops.errors import Code, Invalid, NotFound
from ops.inputs import calendar_date, shown

MAX_TEXT = 64


def given(request: Message, field: str) -> Any:
    """The value of an ``optional`` field; None when it is absent."""
    return getattr(request, field) if request.HasField(field) else None


def account_of(number: int) -> int:
    """The account that must be named.

    Raises
    ------
    Invalid
        FIELD_REQUIRED, FIELD_INVALID.
    """
    account = account_filter(number)
    if account is None:
        raise Invalid(Code.FIELD_REQUIRED, field="account")
    return account


def account_filter(number: int) -> int | None:
    """The account that a list is narrowed to; None for 0."""
    if number < 0:
        raise Invalid(Code.FIELD_INVALID, field="account", account=number)
    return number or None


def uuid_of(text: str, *, field: str, unknown: Code) -> UUID:
    """An identifier.

    Raises
    ------
    Invalid
        FIELD_REQUIRED for none.
    NotFound
        `unknown` for text that is no UUID: such a thing does not exist.
    """
    if not text:
        raise Invalid(Code.FIELD_REQUIRED, field=field)
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(unknown, id=shown(text)) from None


def date_of(text: str, *, field: str, code: Code = Code.FIELD_INVALID) -> date | None:
    """YYYYMMDD or YYYY-MM-DD; None when blank."""
    if not text:
        return None
    named = calendar_date(text)
    if named is None:
        raise Invalid(code, f"{field}={shown(text)} is not a date: use YYYYMMDD or YYYY-MM-DD", field=field)
    return named


def text_of(text: str, *, field: str) -> str:
    """What a person typed into a search."""
    if len(text) > MAX_TEXT or not text.isprintable():
        raise Invalid(Code.FIELD_INVALID, f"{field} is printable text of at most {MAX_TEXT} characters", field=field)
    return text


def choice_of(text: str, choices: tuple[str, ...], *, field: str) -> str:
    """One of the choices; the first one when blank."""
    if text and text not in choices:
        raise Invalid(Code.FIELD_INVALID, f"{field} must be one of {', '.join(choices)}", field=field)
    return text or choices[0]


def bounded(number: int, *, field: str, default: int, high: int) -> int:
    """A whole number from 1 to `high`; `default` for 0."""
    if not 0 <= number <= high:
        raise Invalid(Code.FIELD_INVALID, f"{field} must be a whole number from 1 to {high}", field=field)
    return number or default
