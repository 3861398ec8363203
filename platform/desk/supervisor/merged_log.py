"""One readable log of all processes, on the screen and in `var/log/desk.log`."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import IO, TextIO

MAX_BYTES = 20_000_000
KEEP_FILES = 3
NAME_WIDTH = 12
_COLORS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


class MergedLog:
    """Lines of many processes, each behind the process's name; one line is never torn."""

    def __init__(self, path: Path, *, stream: TextIO | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._stream = sys.stdout if stream is None else stream
        self._lock = threading.Lock()
        self._colors: dict[str, int] = {}
        self._colored = self._stream.isatty()
        self._file: IO[str] = path.open("a", encoding="utf-8", errors="replace")

    def line(self, name: str, text: str) -> None:
        """Write one line of process `name`."""
        with self._lock:
            self._write_screen(name, text)
            self._write_file(f"{name:<{NAME_WIDTH}} | {text}\n")

    def say(self, text: str) -> None:
        """Write a line of the supervisor itself, with the time the other lines carry."""
        stamp = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        self.line("up", f"{stamp} INFO    {text}")

    def headline(self, text: str) -> None:
        """Write a line for the person at the screen: no name, no time in front."""
        with self._lock:
            self._print(f"\n{text}\n\n")
            self._write_file(f"{'up':<{NAME_WIDTH}} | {text}\n")

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def _write_screen(self, name: str, text: str) -> None:
        label = f"{name:<{NAME_WIDTH}} |"
        if self._colored:
            color = self._colors.setdefault(name, _COLORS[len(self._colors) % len(_COLORS)])
            label = f"\x1b[{color}m{label}\x1b[0m"
        self._print(f"{label} {text}\n")

    def _print(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # The terminal window is gone (or its pipe closed): the file still has every line.
            pass

    def _write_file(self, text: str) -> None:
        if self._file.closed:
            return
        try:
            self._file.write(text)
            self._file.flush()
            if self._file.tell() > MAX_BYTES:
                self._rotate()
        except OSError:
            # A full disk must not stop the processes; the screen still has the line.
            pass

    def _rotate(self) -> None:
        self._file.close()
        for number in range(KEEP_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = self._path.open("a", encoding="utf-8", errors="replace")
