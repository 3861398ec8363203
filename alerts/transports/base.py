"""What goes out, where to, and what came back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One notice, in the reader's language.

    Attributes
    ----------
    delivery_id
        Unique per notice and channel; the same when an attempt is repeated.
    text
        The whole notice as plain text of several lines.
    payload
        The same as data, for programs.
    """

    delivery_id: str
    subject: str
    text: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to: an address, and the secret that proves us. Never printed."""

    address: str
    secret: str = ""

    def __repr__(self) -> str:
        return "Destination(…)"


@dataclass(frozen=True, slots=True)
class Answer:
    """The receiver took it. `code` is the HTTP status; None for mail."""

    code: int | None = None


class SendFailed(Exception):
    """The receiver did not take it.

    Parameters
    ----------
    reason
        In words, without the address or the secret.
    code
        HTTP status, if there was an answer.
    retry
        Whether another attempt may help.
    """

    def __init__(self, reason: str, *, code: int | None = None, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.retry = retry


Send = Callable[[Message, Destination], Answer]
