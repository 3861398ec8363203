"""Calls that may never return, bounded by a thread that is thrown away.

The SDK waits without a timeout in many places, and its native calls cannot be interrupted. So such a call gets a
thread of its own; when the deadline passes the caller goes on and the thread is abandoned with whatever it holds. A
hung call is a sign of a sick session: rebuild it, do not repeat.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class CallTimeout(Exception):
    """The call did not return in time. It may still be running."""


class DisposableCall(Generic[T]):
    """One call running in a thread of its own."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function = function
        self._name = name
        self._done = threading.Event()
        self._result: T
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name=f"qmt-{name}", daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - handed to the caller as it is
            self._error = error
        finally:
            self._done.set()

    @property
    def is_done(self) -> bool:
        """Whether the call has returned or raised."""
        return self._done.is_set()

    def result(self, timeout_seconds: float) -> T:
        """Wait for the call; its own exception is raised here.

        Raises
        ------
        CallTimeout
        """
        if not self._done.wait(timeout_seconds):
            raise CallTimeout(f"{self._name} did not return within {timeout_seconds:g} s")
        if self._error is not None:
            raise self._error
        return self._result


def bounded(function: Callable[[], T], timeout_seconds: float, name: str) -> T:
    """Run a call in a disposable thread and wait for it until a deadline.

    Raises
    ------
    CallTimeout
    """
    return DisposableCall(function, name).result(timeout_seconds)
