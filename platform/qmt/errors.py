"""Failures of a QMT terminal, in the words the rest of the platform decides on.

The tree answers one question before all others: *may the terminal have received the order?* `NotSent` and its
subclasses prove that it has not; every other failure of a submission leaves the order UNKNOWN until evidence resolves
it.
"""

from __future__ import annotations


class QmtError(Exception):
    """Base of everything the gateway raises on purpose."""


class SdkUnavailable(QmtError):
    """The SDK is missing, of another version, from another place, or the process is unfit to load it (time zone, other backend)."""


class TerminalDown(QmtError):
    """No terminal answers: it is not running, refuses the connection, or the link was lost."""


class WrongTerminal(TerminalDown):
    """A terminal answers, but it is not the configured one (peer address or data directory differ)."""


class SessionRefused(TerminalDown):
    """Every session id of the pool was refused by the terminal, or is in use by another process."""


class SubscribeFailed(QmtError):
    """The terminal is up but does not let us follow an account (not logged in, unknown account number)."""


class NotSent(QmtError):
    """Proof that nothing left this process: the request may be refused or tried again without a doubt."""


class RequestInvalid(NotSent):
    """An argument that the native modules would refuse or misread; found before the SDK was called."""


class SessionClosed(NotSent):
    """There is no open session to send through."""


class SubmitUncertain(QmtError):
    """The SDK call was begun and gave no sequence number in time: the terminal may or may not have the request."""


class QueryFailed(QmtError):
    """A query was answered with None or an error. This is not an empty answer."""


class SubscriptionLimit(QueryFailed):
    """More single subscriptions than the SDK advises; nothing was subscribed."""


class QueryTimeout(QueryFailed):
    """A query was not answered within its deadline."""


class DownloadFailed(QmtError):
    """The terminal reported that a download failed. What landed before is on disk and must be read back."""


class DownloadTimeout(DownloadFailed):
    """A download did not finish within its deadline and was told to stop."""


class DownloadThrottled(DownloadFailed):
    """The terminal says that it is asked too much: it wants to be left alone for a while."""


#: Words of a refusal that mean "too often". No document lists them; a refusal without them is a plain failure.
_THROTTLE_WORDS = ("频繁", "限流", "流控", "超过限制", "too many", "too frequent", "rate limit")


def download_failure(message: str) -> DownloadFailed:
    """The failure that the terminal's words about a download mean."""
    lowered = message.lower()
    kind = DownloadThrottled if any(word in lowered for word in _THROTTLE_WORDS) else DownloadFailed
    return kind(message)
