"""What a log line is about: who asked, which account, order or job. Set where it is known, carried by the context.

Threads and tasks that copy the context (requests, gRPC calls) carry the facts along; everything else sets its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

from ops.requests import current_request_id

FACTS: Final = ("request_id", "user_id", "account_id", "order_id", "job_id", "task")
"""Every fact there is, in the order in which lines show them."""

_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_facts: ContextVar[Mapping[str, object]] = ContextVar("desk_log_facts", default=_NONE)


@contextmanager
def log_facts(**facts: object) -> Iterator[None]:
    """Lines of this block are about `facts` too; what is noted within ends with it."""
    token = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def note_facts(**facts: object) -> None:
    """From here to the end of the surrounding block, task or request, lines are about `facts` too; None takes one back."""
    _facts.set({**_facts.get(), **facts})


def forget_facts() -> None:
    """What follows on this thread is about nothing yet."""
    _facts.set(_NONE)


def current_facts() -> dict[str, object]:
    """What a line written now is about."""
    known = {"request_id": current_request_id(), **_facts.get()}
    return {name: known[name] for name in FACTS if known.get(name) not in (None, "")}
