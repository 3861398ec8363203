"""The current request's id, for audit rows and log lines."""

from __future__ import annotations

from contextvars import ContextVar

request_id_var: ContextVar[str] = ContextVar("desk_request_id", default="")


def current_request_id() -> str:
    """Return the id of the HTTP request being served, or an empty string outside of one."""
    return request_id_var.get()
