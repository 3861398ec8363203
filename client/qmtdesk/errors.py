"""What can go wrong, by kind and by the platform's code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DeskError(Exception):
    """A refusal of the platform, or a failure on the way to it.

    Attributes
    ----------
    code
        The platform's word, such as ``PRICE_ABOVE_LIMIT_UP``; the list is in docs/codes.md. Of failures on this side:
        ``UNREACHABLE``, ``OUTCOME_UNKNOWN``, ``NOT_UNDERSTOOD``, ``NOT_CONNECTED``, ``STILL_DOWNLOADING``, ``JOB_ENDED``.
    message
        The same in words.
    field
        The parameter at fault, where one is.
    facts
        Numbers and names behind it, such as ``{"price": "11.20", "limit_up": "11.00"}``.
    status
        The HTTP status; 0 without one.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        field: str | None = None,
        facts: Mapping[str, Any] | None = None,
        status: int = 0,
    ) -> None:
        super().__init__(message if message.startswith(code) else f"{code}: {message}".rstrip(": "))
        self.code = code
        self.message = message
        self.field = field
        self.facts: dict[str, Any] = dict(facts or {})
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.__dict__.copy(), self.args)


class InvalidRequest(DeskError):
    """What was asked is malformed (400)."""


class NotAuthenticated(DeskError):
    """The token is missing, wrong, expired or withdrawn (401)."""


class NotAllowed(DeskError):
    """The token or its person may not do this (403)."""


class NotFound(DeskError):
    """It does not exist, or it is not yours: the platform does not say which (404)."""


class Conflict(DeskError):
    """It contradicts what is there already (409)."""


class Denied(DeskError):
    """The platform denied it; of an order, `facts` has the numbers and the kept order's id (422)."""


class RateLimited(DeskError):
    """Too many requests; `retry_after` seconds from now one would be let in (429)."""

    @property
    def retry_after(self) -> float:
        return float(self.facts.get("retry_after_seconds", 1))


class Unavailable(DeskError):
    """The platform cannot answer now (503)."""


class ServerFailed(DeskError):
    """The platform failed, or something before it did (other 5xx)."""


class Unreachable(DeskError):
    """No answer came: no connection, a cut one, or none in time. Whether the request arrived is not known."""

    def __init__(self, message: str) -> None:
        super().__init__("UNREACHABLE", message)


class OutcomeUnknown(DeskError):
    """Whether an order or an execution was placed could not be found out in time.

    It is under `key` if it is anywhere: `Desk.order_by_key` looks, and submitting again with the same key and the
    same terms answers what is there or places it once. Another key would be another order.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__("OUTCOME_UNKNOWN", message, facts={"key": key})

    @property
    def key(self) -> str:
        return str(self.facts["key"])


class StillDownloading(DeskError):
    """The history is not complete yet; `facts["job"]` is the job that fetches it."""


class JobEnded(DeskError):
    """A job ended without having done what it was for."""


class IncompleteData(UserWarning):
    """An answer lacks bars that the calendar expects; ``frame.attrs["desk"]`` says which and why."""


_BY_STATUS: dict[int, type[DeskError]] = {
    400: InvalidRequest,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: Denied,
    429: RateLimited,
    503: Unavailable,
}


def refusal(status: int, body: Mapping[str, Any]) -> DeskError:
    """The error for a refusal in the platform's shape."""
    kind = _BY_STATUS.get(status, ServerFailed if status >= 500 else InvalidRequest)
    return kind(
        str(body["code"]),
        str(body.get("message", "")),
        field=body.get("field"),
        facts=body.get("details"),
        status=status,
    )


def _rebuilt(kind: type[DeskError], state: dict[str, Any], words: tuple[Any, ...]) -> DeskError:
    """Unpickle: constructors differ, the attributes do not."""
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = words
    return error
