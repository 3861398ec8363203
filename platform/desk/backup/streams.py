"""One part of a backup: compressed (zstd), hashed before and after, encrypted where a passphrase is given."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

import pyarrow as pa

from desk.backup.crypt import OpeningReader, SealBroken, SealingWriter
from desk.backup.errors import damaged

CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Seal:
    """What encrypts a backup."""

    passphrase: str
    salt: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A part as it lies there, and what it holds. Sizes in bytes."""

    size: int
    sha256: str
    content_size: int
    content_sha256: str


class _Sink(Protocol):
    def write(self, data: bytes) -> int: ...


class _Counting:
    """Hashes and counts what passes to a file."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._sink.write(data)


class _Raw(io.RawIOBase):
    """What pyarrow takes for a file."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._sink.write(bytes(data))  # type: ignore[call-overload]


def file_chunks(path: Path) -> Iterator[bytes]:
    """A file's content."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def gathered(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Small pieces put together into chunks."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def write_part(path: Path, chunks: Iterable[bytes], seal: Seal | None) -> Stored:
    """Store a part durably (fsync) and say what was stored."""
    content, size = hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        outer = _Counting(file)
        sealing = None if seal is None else SealingWriter(outer, seal.passphrase, seal.salt)  # type: ignore[arg-type]
        with pa.CompressedOutputStream(
            pa.PythonFile(_Raw(outer if sealing is None else sealing), mode="w"), "zstd"
        ) as out:
            for chunk in chunks:
                content.update(chunk)
                size += len(chunk)
                out.write(chunk)
        if sealing is not None:
            sealing.finish()
        file.flush()
        os.fsync(file.fileno())
    return Stored(outer.size, outer.digest.hexdigest(), size, content.hexdigest())


def check_stored(path: Path, stored: Stored) -> None:
    """Hold a part's file against its checksum.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise damaged(path, f"it cannot be read: {error.strerror}") from error
    if digest != stored.sha256:
        raise damaged(path, "its SHA-256 differs from the manifest's")


def read_part(path: Path, stored: Stored, passphrase: str | None, *, sealed: bool) -> Iterator[bytes]:
    """A part's content, proven to the last byte when the iterator has ended.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED: another passphrase, or not what was stored.
    """
    content, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            pieces = _opened(file, passphrase or "") if sealed else iter(lambda: file.read(CHUNK_BYTES), b"")
            source = pa.PythonFile(_Pieces(pieces), mode="r")
            with pa.CompressedInputStream(source, "zstd") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    content.update(chunk)
                    size += len(chunk)
                    yield chunk
            # What the decompressor did not ask for has to be authentic, too.
            for _piece in pieces:
                pass
    except SealBroken as error:
        raise damaged(path, str(error)) from error
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, f"it cannot be read: {error}") from error
    if (size, content.hexdigest()) != (stored.content_size, stored.content_sha256):
        raise damaged(path, "its content is not what was backed up")


def _opened(file: IO[bytes], passphrase: str) -> Iterator[bytes]:
    reader = OpeningReader(file, passphrase)
    return iter(reader.piece, b"")


class _Pieces(io.RawIOBase):
    """An iterator of pieces as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        part, self._rest = self._rest[:size], self._rest[size:]
        return part
