"""What memory does not hold, on disk: first in, first out, bounded, and whole after a crash.

A file is a run of records, each with its length and CRC-32. A record is on the disk (fsync) before `append` returns. A torn
tail, from a crash in the middle of a write, ends its file; what stands before it is read. Files of an earlier run are read,
never written to.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

FILE_BYTES = 16_000_000

_MAGIC = b"QTS1"
_RECORD = struct.Struct("<4sII")
_SUFFIX = ".spill"
# In the middle of the range, so that files can be put before the oldest one too.
_FIRST = 500_000_000_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """The oldest file's records; hand it back to `discard` when they are dealt with."""

    path: Path
    records: tuple[bytes, ...]


class Spill:
    """A queue of byte records in a folder of its own. Safe to share between threads.

    Parameters
    ----------
    folder : Path
        Made when the first record comes.
    max_bytes : int
        Beyond it nothing is taken.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._sizes = {path: path.stat().st_size for path in self._found()}
        self.torn = 0

    @property
    def size(self) -> int:
        """Size on the disk."""
        return sum(self._sizes.values())

    def __bool__(self) -> bool:
        return bool(self._sizes)

    def append(self, record: bytes) -> bool:
        """Put a record behind all others; False when there is no room or the disk refuses."""
        with self._lock:
            try:
                if self.size + _RECORD.size + len(record) > self._max_bytes:
                    return False
                if self._file is None or self._file.tell() >= FILE_BYTES:
                    self._begin(max(self._numbers(), default=_FIRST - 1) + 1)
                self._write(record)
            except OSError as error:
                log.error("ticks could not be spilled to %s: %s", self._folder, error)
                self._end()
                return False
        return True

    def put_first(self, records: Sequence[bytes]) -> bool:
        """Put records before all others, in their order; False, and none of them, when that is not possible."""
        with self._lock:
            size = sum(_RECORD.size + len(record) for record in records)
            if self.size + size > self._max_bytes:
                return False
            self._end()
            try:
                self._begin(min(self._numbers(), default=_FIRST) - 1)
                for record in records:
                    self._write(record)
            except OSError as error:
                log.error("ticks could not be spilled to %s: %s", self._folder, error)
                return False
            finally:
                self._end()
        return True

    def oldest(self) -> Stored | None:
        """The oldest file's whole records, still on the disk; None when there is nothing."""
        with self._lock:
            if not self._sizes:
                return None
            path = min(self._sizes)
            if self._file is not None and self._file.name == str(path):
                self._end()
        return Stored(path, tuple(self._read(path)))

    def discard(self, stored: Stored) -> None:
        """Delete the file of records that are dealt with."""
        with self._lock:
            self._sizes.pop(stored.path, None)
            stored.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what is in it stays."""
        with self._lock:
            self._end()

    # --- files

    def _found(self) -> list[Path]:
        return [path for path in self._folder.glob(f"*{_SUFFIX}") if path.stem.isdigit()]

    def _numbers(self) -> list[int]:
        return [int(path.stem) for path in self._sizes]

    def _begin(self, number: int) -> None:
        self._end()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{number:012d}{_SUFFIX}"
        self._file = path.open("xb")
        self._sizes[path] = 0
        _sync_folder(self._folder)

    def _write(self, record: bytes) -> None:
        if self._file is None:
            raise OSError("no file is open")
        self._file.write(_RECORD.pack(_MAGIC, len(record), zlib.crc32(record)) + record)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._sizes[Path(self._file.name)] = self._file.tell()

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, path: Path) -> list[bytes]:
        records = []
        data = path.read_bytes()
        at = 0
        while at < len(data):
            try:
                magic, size, checksum = _RECORD.unpack_from(data, at)
            except struct.error:
                break
            record = data[at + _RECORD.size : at + _RECORD.size + size]
            if magic != _MAGIC or len(record) != size or zlib.crc32(record) != checksum:
                break
            records.append(record)
            at += _RECORD.size + size
        if at < len(data):
            self.torn += 1
            log.error("%s is torn after %d records: %d bytes are lost", path.name, len(records), len(data) - at)
        return records


def _sync_folder(folder: Path) -> None:
    """Have a new file's name survive a power cut; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
