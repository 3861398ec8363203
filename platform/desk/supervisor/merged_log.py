"""One log of all processes, on the screen and in `var/log/desk.log`: readable lines, or JSON objects.

One writer only, so turning the file over concerns nobody else.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import IO, TextIO

import orjson

from desk.settings.schema import DeskConfig
from ops.logs import HOST, utc
from ops.redaction import redact

MAX_BYTES = 20_000_000
KEEP_FILES = 3
_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:.]+ (?P<level>[A-Z]+) +(?:(?P<logger>[\w.]+): )?(?P<message>.*)")
"""How lines of programs look that know no JSON: the simulated terminal's and the supervisor's own."""
NAME_WIDTH = 12
_COLORS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


def merged_log(config: DeskConfig, file: str) -> MergedLog:
    """The log of this installation's supervisor, as its settings say."""
    return MergedLog(
        config.log_dir / file,
        as_json=config.log_format == "json",
        max_bytes=config.log_file_mb * 1_000_000,
        keep=config.log_files,
    )


class MergedLog:
    """Lines of many processes, each behind the process's name; one line is never torn."""

    def __init__(
        self,
        path: Path,
        *,
        stream: TextIO | None = None,
        as_json: bool = False,
        max_bytes: int = MAX_BYTES,
        keep: int = KEEP_FILES,
    ) -> None:
        self._as_json = as_json
        self._max_bytes = max_bytes
        self._keep = keep
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._stream = sys.stdout if stream is None else stream
        self._lock = threading.Lock()
        self._colors: dict[str, int] = {}
        self._colored = self._stream.isatty()
        self._file: IO[str] = path.open("a", encoding="utf-8", errors="replace")

    def line(self, name: str, text: str) -> None:
        """Write one line of process `name`."""
        text = redact(text)
        with self._lock:
            if self._as_json:
                self._write_object(name, text)
                return
            self._write_screen(name, text)
            self._write_file(f"{name:<{NAME_WIDTH}} | {text}\n")

    def say(self, text: str) -> None:
        """Write a line of the supervisor itself, with the time the other lines carry."""
        stamp = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        self.line("up", f"{stamp} INFO    {text}")

    def headline(self, text: str) -> None:
        """Write a line for the person at the screen: no name, no time in front."""
        with self._lock:
            if self._as_json:
                self._write_object("up", text)
                return
            self._print(f"\n{text}\n\n")
            self._write_file(f"{'up':<{NAME_WIDTH}} | {text}\n")

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def _write_object(self, name: str, text: str) -> None:
        """Pass on what is JSON already; what is not becomes the message of an object."""
        if not text.startswith('{"time":'):
            found = _LINE.fullmatch(text)
            level, logger, message = found.group("level", "logger", "message") if found else ("INFO", None, text)
            fields = {"time": utc(time.time()), "level": level, "logger": logger or "output"}
            text = orjson.dumps({**fields, "process": name, "host": HOST, "message": message}).decode()
        self._print(f"{text}\n")
        self._write_file(f"{text}\n")

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
            if self._file.tell() > self._max_bytes:
                self._rotate()
        except OSError:
            # A full disk must not stop the processes; the screen still has the line.
            pass

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = self._path.open("a", encoding="utf-8", errors="replace")
