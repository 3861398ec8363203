"""Frames between the simulated terminal and its clients: a four-byte big-endian length, then one msgpack map.

A client opens with ``{"role": "trade" | "quote" | "control", "version": 1, …}`` and gets ``{"result": 0, …}`` or a
refusal. Then both sides send frames with a ``kind``: ``call``/``reply`` (matched by ``id``) and, from the terminal
only, ``response`` (to a trade call, matched by ``seq``), ``push``, ``quote``, ``progress`` and ``bye``.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Final

import msgpack

VERSION: Final = 1
MAX_FRAME_BYTES: Final = 1 << 30
ANNOUNCEMENT: Final = "terminal.json"

Frame = dict[str, Any]

_HEADER: Final = struct.Struct(">I")


class ProtocolError(Exception):
    """The other side does not speak this protocol, or speaks another version of it."""


class LinkClosed(Exception):
    """The other side is gone."""


def encode(frame: Frame) -> bytes:
    """A frame as bytes, length included."""
    body: bytes = msgpack.packb(frame, use_bin_type=True)
    if len(body) > MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {len(body)} bytes is too large")
    return _HEADER.pack(len(body)) + body


def receive(connection: socket.socket) -> Frame:
    """Read one frame; blocks.

    Raises
    ------
    LinkClosed
        The connection ended or was reset.
    ProtocolError
        What came is not a frame.
    """
    (length,) = _HEADER.unpack(_exactly(connection, _HEADER.size))
    if length > MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {length} bytes is announced")
    try:
        frame = msgpack.unpackb(_exactly(connection, length), raw=False, strict_map_key=False)
    except ValueError as error:
        raise ProtocolError("not a msgpack frame") from error
    if not isinstance(frame, dict):
        raise ProtocolError("a frame must be a map")
    return frame


def send(connection: socket.socket, frame: Frame) -> None:
    """Write one frame; raises `LinkClosed` when the other side is gone."""
    try:
        connection.sendall(encode(frame))
    except OSError as error:
        raise LinkClosed(str(error)) from error


def _exactly(connection: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        try:
            got = connection.recv_into(view)
        except OSError as error:
            raise LinkClosed(str(error)) from error
        if not got:
            raise LinkClosed("the connection ended")
        view = view[got:]
    return data
