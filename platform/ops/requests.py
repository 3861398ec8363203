"""The current request's id, for audit rows and log lines."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

request_id_var: ContextVar[str] = ContextVar("desk_request_id", default="")

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")


def current_request_id() -> str:
    """Return the id of the HTTP request being served, or an empty string outside of one."""
    return request_id_var.get()


def request_id_of(given: object) -> str:
    """The id that a caller sent along if it is well formed, else a new one."""
    return given if isinstance(given, str) and _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
