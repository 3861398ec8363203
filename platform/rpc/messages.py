"""Views into messages and words into enumerations.

Every door shows a thing by the same view: a dictionary of plain values, as the REST API answers it. A message takes the
view's values by name: a field `at_ms` is the view's time `at` in epoch milliseconds, an enumeration spells the view's word
after its prefix, a Struct is the view's object. What is None stays absent. `tests/rpc` proves that views and messages have
the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import orjson
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ops.errors import Code, Invalid

M = TypeVar("M", bound=Message)

TIME_SUFFIX = "_ms"
_STRUCT = "google.protobuf.Struct"
_fields: dict[type[Message], tuple[Field, ...]] = {}


@dataclass(frozen=True, slots=True)
class Field:
    """How one field of a message is filled: from which name of the view, and by what."""

    name: str
    source: str
    put: Callable[[Message, Any], None]


def message_of(kind: type[M], view: Mapping[str, Any]) -> M:
    """A message with the values of a view."""
    message = kind()
    for field in fields_of(kind):
        value = view.get(field.source)
        if value is not None:
            field.put(message, value)
    return message


def messages_of(kind: type[M], views: Iterable[Mapping[str, Any]]) -> list[M]:
    """One message per view."""
    return [message_of(kind, view) for view in views]


def fields_of(kind: type[Message]) -> tuple[Field, ...]:
    """What a message takes from its view."""
    fields = _fields.get(kind)
    if fields is None:
        described: Any = kind.DESCRIPTOR.fields
        fields = _fields[kind] = tuple(Field(field.name, source_of(field), _putter(field)) for field in described)
    return fields


def source_of(field: FieldDescriptor) -> str:
    """The view's name of a field."""
    return field.name.removesuffix(TIME_SUFFIX) if field.name.endswith(TIME_SUFFIX) else field.name


def _putter(field: FieldDescriptor) -> Callable[[Message, Any], None]:
    name = field.name
    if field.message_type is not None:
        return _message_putter(field, field.message_type)
    if field.is_repeated:
        return lambda message, value: getattr(message, name).extend(value)
    if field.enum_type is not None:
        words = words_of(field.enum_type)
        return lambda message, value: setattr(message, name, words.get(str(value), 0))
    if name.endswith(TIME_SUFFIX):
        return lambda message, value: setattr(message, name, epoch_ms(value))
    return lambda message, value: setattr(message, name, value)


def _message_putter(field: FieldDescriptor, described: Descriptor) -> Callable[[Message, Any], None]:
    name = field.name
    if described.GetOptions().map_entry:
        return lambda message, value: getattr(message, name).update(value)
    if described.full_name == _STRUCT:
        return lambda message, value: getattr(message, name).update(plain(value))
    kind = GetMessageClass(described)
    if field.is_repeated:
        return lambda message, value: getattr(message, name).extend(messages_of(kind, value))
    return lambda message, value: getattr(message, name).CopyFrom(message_of(kind, value))


def plain(value: Mapping[str, Any]) -> Any:
    """A view's object as JSON has it: what JSON does not know becomes text."""
    return orjson.loads(orjson.dumps(value, default=str))


def epoch_ms(value: datetime | str | int) -> int:
    """A time as epoch milliseconds; text is ISO 8601 with its zone."""
    if isinstance(value, int):
        return value
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return round(moment.timestamp() * 1000)


# ---------------------------------------------------------------------------- enumerations
@cache
def words_of(described: EnumDescriptor) -> dict[str, int]:
    """The platform's words of an enumeration: its names without their prefix. UNSPECIFIED is none."""
    prefix = described.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.name.removeprefix(prefix): value.number for value in described.values if value.number}


def word_of(kind: EnumTypeWrapper, number: int, *, field: str) -> str | None:
    """The platform's word of a number that somebody sent; None for UNSPECIFIED.

    Raises
    ------
    Invalid
        FIELD_INVALID: the enumeration has no such number.
    """
    if number == 0:
        return None
    words = words_of(kind.DESCRIPTOR)
    for word, known in words.items():
        if known == number:
            return word
    raise Invalid(Code.FIELD_INVALID, field=field, value=number, allowed=list(words))
