"""Frames between a reader process and its parent: a four-byte big-endian length, then one msgpack map."""

from __future__ import annotations

import struct
from typing import IO, Any, Final

import msgpack

Frame = dict[str, Any]

_HEADER: Final = struct.Struct(">I")


def write(stream: IO[bytes], frame: Frame) -> None:
    """Write one frame and flush; OSError when the other side is gone."""
    body: bytes = msgpack.packb(frame, use_bin_type=True)
    stream.write(_HEADER.pack(len(body)) + body)
    stream.flush()


def read(stream: IO[bytes]) -> Frame | None:
    """The next frame; None when the other side is gone."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    (length,) = _HEADER.unpack(header)
    body = stream.read(length)
    if len(body) < length:
        return None
    frame: Frame = msgpack.unpackb(body, raw=False, strict_map_key=False)
    return frame
