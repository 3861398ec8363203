"""How log lines look: for people one line, for machines one JSON object; neither ever shows a secret."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from ops.logfacts import current_facts
from ops.redaction import redact, redact_value

HOST = socket.gethostname()
#: C0 and C1 without tab and newline, the line separators of Unicode, and what turns the reading direction round.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_UNSAFE = re.compile(r"[^A-Za-z0-9._@-]+")


class _Name:
    """This process's name; the first word of its command until somebody knows better."""

    value = sys.argv[1] if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "python"


def name_process(name: str) -> None:
    """Say what this process is, as its heartbeat row is called."""
    _Name.value = name


def process_name() -> str:
    """What this process is called in lines and files: letters, digits, ``. _ @ -``."""
    return _UNSAFE.sub("-", _Name.value) or "python"


def utc(moment: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC with microseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class AboutWhat(logging.Filter):
    """Adds to each record what it is about; on the handler, so that no logger is passed by."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in current_facts().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class LineFormatter(logging.Formatter):
    """One line for people, secrets masked, tracebacks included.

    What a message brings along starts no line of its own: further lines are indented, other control characters are
    spelled out. So nobody's text can pass for a line of the log, or move a terminal's cursor over one.
    """

    def format(self, record: logging.LogRecord) -> str:
        text = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), super().format(record))
        return redact(text).replace("\n", "\n    ")


class JsonFormatter(OrjsonFormatter):
    """One JSON object a line: time, level, logger, process, host, message, then what it is about, then `extra`."""

    def __init__(self) -> None:
        super().__init__(fmt=["message"], rename_fields={"exc_info": "exception", "stack_info": "stack"})

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data |= {
            "time": utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "process": process_name(),
            "host": HOST,
            "pid": record.process,
            "thread": record.threadName,
        }
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: redact_value(name, value) for name, value in log_data.items()}

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        try:
            return super().jsonify_log_record(log_data)
        except TypeError:
            # Numbers beyond 64 bits, halves of surrogate pairs: rare, and no reason to lose the line.
            return json.dumps(log_data, default=str)
