"""A reader process: takes calls on standard input, answers on standard output, ends with its parent.

``python -m qmt.reader SETUP`` where SETUP is `ReaderSetup.text`. Each call gets a thread; none has a deadline here: the
parent ends the whole process when one hangs, because nothing less frees what a native call holds.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import IO, Final

from qmt.errors import QmtError, SdkUnavailable, TerminalDown
from qmt.gateway import AccountRef
from qmt.reader import wire
from qmt.reader.money import MoneyUncertain
from qmt.reader.sessions import Sessions
from qmt.reader.setup import ReaderSetup
from qmt.reader.wire import Frame
from qmt.registry import functions
from qmt.terminal.native.strict import NotSimulated, uncovered_calls

log = logging.getLogger("qmt.reader")

MAX_ANSWER_BYTES: Final = 64 << 20
_WORDS: Final = 400


class Reader:
    """Serves calls until its input ends."""

    def __init__(self, setup: ReaderSetup, calls: IO[bytes], answers: IO[bytes]) -> None:
        self._sessions = Sessions(setup)
        self._calls = calls
        self._answers = answers
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Take calls; returns when the parent is gone."""
        threading.Thread(target=self._warm, name="warm", daemon=True).start()
        while (frame := wire.read(self._calls)) is not None:
            threading.Thread(target=self._answer, args=(frame,), name=str(frame["name"]), daemon=True).start()

    def _warm(self) -> None:
        try:
            self._sessions.warm()
        except QmtError as error:
            log.info("not connected yet: %s", error)
        self._tell({"ready": True})

    def _answer(self, frame: Frame) -> None:
        self._tell({"id": frame["id"], **self._outcome(frame)})

    def _outcome(self, frame: Frame) -> Frame:
        account = None if frame["account"] is None else AccountRef(*frame["account"])
        uncovered = uncovered_calls()
        try:
            body = self._sessions.call(functions()[frame["name"]], frame["arguments"], account)
        except (TerminalDown, SdkUnavailable) as error:
            return _failure("TERMINAL_DOWN", error)
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is the caller's answer
            if _was_not_simulated(error):
                return _failure("NOT_SIMULATED", error)
            if isinstance(error, MoneyUncertain):
                return _failure("MONEY_UNCERTAIN", error)
            return _failure("FUNCTION_FAILED", error)
        if uncovered_calls() != uncovered:
            # The SDK swallowed the terminal's refusal. A call beside this one may have caused it: then this answer was
            # true, and is lost; the other way round a made-up answer would pass for one.
            return {
                "code": "NOT_SIMULATED",
                "words": f"the simulated terminal does not answer all that {frame['name']} asks",
            }
        if len(body) > MAX_ANSWER_BYTES:
            return {"code": "ANSWER_TOO_LARGE", "words": f"bytes={len(body)} limit={MAX_ANSWER_BYTES}"}
        return {"body": body}

    def _tell(self, frame: Frame) -> None:
        with self._lock:
            try:
                wire.write(self._answers, frame)
            except OSError:
                os._exit(0)  # the parent is gone; a hung call must not keep this process


def _failure(code: str, error: BaseException) -> Frame:
    return {"code": code, "words": str(error)[:_WORDS] or type(error).__name__}


def _was_not_simulated(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NotSimulated):
            return True
        cause = cause.__cause__
    return False


def main() -> None:
    """Run until the parent goes."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Whatever the SDK prints must not get between the frames.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    Reader(ReaderSetup.parse(sys.argv[1]), sys.stdin.buffer, answers).serve()
    os._exit(0)  # hung calls hold threads that nothing else ends


if __name__ == "__main__":
    main()
