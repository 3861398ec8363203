"""Moving money through a reader: one call, and what is known of it afterwards.

The SDK's synchronous bank transfers never return: the callback they wait for is bound over by the asynchronous twins'.
So these are used, with an answer that is waited for here. Whatever goes wrong once the call has begun says nothing about
the money: it is uncertain, and its words repeat no argument, because some of them are passwords.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from qmt.deadlines import bounded
from qmt.errors import QmtError
from qmt.gateway import TradeSink
from qmt.hooks import Hooks
from qmt.reader.encoding import encode
from qmt.registry import FunctionSpec


class MoneyUncertain(QmtError):
    """The call began and was not answered: the money may have moved."""


class MoneyHooks(Hooks):
    """Keeps the answers to bank transfers for whoever waits; they may come before the call returns its number."""

    def __init__(self, sink: TradeSink) -> None:
        super().__init__(sink)
        self._answers: dict[int, tuple[bool, str]] = {}
        self._told = threading.Condition()

    def on_bank_transfer_async_response(self, response: Any) -> None:
        """A bank transfer was answered; of two answers the first counts."""
        with self._told:
            self._answers.setdefault(int(response.seq), (bool(response.success), str(response.msg)))
            self._told.notify_all()

    def wait(self, seq: int, seconds: float) -> tuple[bool, str]:
        """The answer to a call: whether the money moved, and the broker's words. Raises `MoneyUncertain`."""
        with self._told:
            if not self._told.wait_for(lambda: seq in self._answers, seconds):
                raise MoneyUncertain(f"call {seq} was not answered")
            return self._answers[seq]


def move(trader: Any, hooks: MoneyHooks, spec: FunctionSpec, arguments: Mapping[str, Any], seconds: float) -> bytes:
    """Make the call, once; ``{"moved": ..., "words": ...}`` as JSON.

    Raises
    ------
    MoneyUncertain
        Anything but an answer. Its cause is what the SDK raised.
    """
    call = getattr(trader, spec.name)
    try:
        told = bounded(lambda: call(**arguments), seconds, spec.name)
        moved, words = hooks.wait(int(told), seconds) if spec.calls_back else (bool(told[0]), str(told[1]))
    except MoneyUncertain:
        raise
    except Exception as error:
        raise MoneyUncertain(f"{spec.name} ended with {type(error).__name__}") from error
    return encode({"moved": moved, "words": words})
