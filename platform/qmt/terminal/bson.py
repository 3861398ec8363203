"""The part of BSON that the SDK's quote channel uses, so that the terminal can speak it without importing the SDK.

Source of the format: https://bsonspec.org/spec.html, version 1.1.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

_INT32_MIN: Final = -(1 << 31)
_INT32_MAX: Final = (1 << 31) - 1
_LENGTH: Final = struct.Struct("<i")
_INT64: Final = struct.Struct("<q")
_DOUBLE: Final = struct.Struct("<d")
_INDEX_KEYS: Final = tuple(str(number).encode() + b"\x00" for number in range(1024))


def encode(document: Mapping[str, Any]) -> bytes:
    """Encode a document of None, bool, int, float, str, bytes, mappings and sequences."""
    parts: list[bytes] = []
    for key, value in document.items():
        _element(parts, key.encode() + b"\x00", value)
    return _enclose(parts)


def _enclose(parts: list[bytes]) -> bytes:
    body = b"".join(parts)
    return _LENGTH.pack(len(body) + 5) + body + b"\x00"


def _element(parts: list[bytes], key: bytes, value: Any) -> None:
    if isinstance(value, bool):
        parts += (b"\x08", key, b"\x01" if value else b"\x00")
    elif isinstance(value, float):
        parts += (b"\x01", key, _DOUBLE.pack(value))
    elif isinstance(value, int):
        if _INT32_MIN <= value <= _INT32_MAX:
            parts += (b"\x10", key, _LENGTH.pack(value))
        else:
            parts += (b"\x12", key, _INT64.pack(value))
    elif isinstance(value, str):
        text = value.encode() + b"\x00"
        parts += (b"\x02", key, _LENGTH.pack(len(text)), text)
    elif isinstance(value, list | tuple):
        inner: list[bytes] = []
        for number, item in enumerate(value):
            _element(
                inner,
                _INDEX_KEYS[number] if number < len(_INDEX_KEYS) else str(number).encode() + b"\x00",
                item,
            )
        parts += (b"\x04", key, _enclose(inner))
    elif isinstance(value, Mapping):
        parts += (b"\x03", key, encode(value))
    elif isinstance(value, bytes | bytearray):
        parts += (b"\x05", key, _LENGTH.pack(len(value)), b"\x00", bytes(value))
    elif value is None:
        parts += (b"\x0a", key)
    else:
        raise TypeError(f"{type(value).__name__} has no place in a BSON document here")


def decode(data: bytes) -> dict[str, Any]:
    """Decode a document written by `encode` or by the SDK's own encoder.

    Raises
    ------
    ValueError
        For damaged data, and for types that do not occur here.
    """
    try:
        document, end = _document(data, 0)
    except (struct.error, IndexError) as error:
        raise ValueError("a BSON document that was cut short") from error
    if end != len(data):
        raise ValueError("trailing bytes after a BSON document")
    return document


def _document(data: bytes, at: int) -> tuple[dict[str, Any], int]:
    (length,) = _LENGTH.unpack_from(data, at)
    end = at + length
    if length < 5 or end > len(data) or data[end - 1]:
        raise ValueError("a damaged BSON document")
    found: dict[str, Any] = {}
    at += 4
    while at < end - 1:
        kind = data[at]
        stop = data.index(0, at + 1)
        key = data[at + 1 : stop].decode()
        found[key], at = _value(kind, data, stop + 1)
    return found, end


def _value(kind: int, data: bytes, at: int) -> tuple[Any, int]:
    match kind:
        case 0x01:
            return _DOUBLE.unpack_from(data, at)[0], at + 8
        case 0x02:
            (length,) = _LENGTH.unpack_from(data, at)
            return data[at + 4 : at + 3 + length].decode(), at + 4 + length
        case 0x03:
            return _document(data, at)
        case 0x04:
            inner, end = _document(data, at)
            return list(inner.values()), end
        case 0x05:
            (length,) = _LENGTH.unpack_from(data, at)
            return data[at + 5 : at + 5 + length], at + 5 + length
        case 0x08:
            return data[at] == 1, at + 1
        case 0x0A:
            return None, at
        case 0x10:
            return _LENGTH.unpack_from(data, at)[0], at + 4
        case 0x12:
            return _INT64.unpack_from(data, at)[0], at + 8
    raise ValueError(f"BSON type {kind:#x} is not used here")
