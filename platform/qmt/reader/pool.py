"""The parent's side: a reader process that is replaced when a call hangs in it.

One process takes the calls. When one of them is not answered in time, the process is *condemned*: new calls go to a
fresh one, and it is killed as soon as its other calls are answered or their own time is over. So a hung call costs
whoever made it, and nobody else.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from qmt.gateway import AccountRef
from qmt.reader import wire
from qmt.reader.setup import ReaderSetup
from qmt.reader.wire import Frame
from qmt.registry import FunctionSpec

logger = logging.getLogger(__name__)

START_SECONDS: Final = 30.0
RESTART_PAUSE_SECONDS: Final = 0.5
_PLATFORM: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ReadFailure(Exception):
    """A call that was not answered with data: a code of the platform, and words."""

    code: str
    words: str

    def __str__(self) -> str:
        return f"{self.code}: {self.words}"


class _Process:
    """One reader process and the calls that wait for it."""

    def __init__(self, command: Sequence[str]) -> None:
        # It needs none of the platform's secrets.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")} | {
            "PYTHONPATH": os.pathsep.join((str(_PLATFORM), str(_PLATFORM.parent))),
            "TZ": "Asia/Shanghai",
        }
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[bytes]] = {}
        self.condemned = False
        self.ended = False
        self._ready = threading.Event()
        threading.Thread(target=self._listen, name="reader-answers", daemon=True).start()
        threading.Thread(target=self._log, name="reader-log", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, seconds: float) -> bool:
        """Whether it has loaded the SDK and tried to connect."""
        return self._ready.wait(seconds)

    def send(self, frame: Frame) -> tuple[int, Future[bytes]]:
        """Hand a call over; its answer comes in the future."""
        answer: Future[bytes] = Future()
        with self._lock:
            number = next(self._numbers)
            if self.ended:
                raise ReadFailure("UNAVAILABLE", "the reader process ended")
            self._waiting[number] = answer
            try:
                wire.write(_pipe(self._process.stdin), {"id": number, **frame})
            except OSError as error:
                del self._waiting[number]
                raise ReadFailure("UNAVAILABLE", "the reader process ended") from error
        return number, answer

    def give_up(self, number: int) -> None:
        """Nobody waits for this call any more; a condemned process ends with its last one."""
        with self._lock:
            self._waiting.pop(number, None)
            idle = self.condemned and not self._waiting
        if idle:
            self.kill()

    def condemn(self) -> None:
        """Let it finish what it has, then kill it."""
        with self._lock:
            self.condemned = True
            idle = not self._waiting
        if idle:
            self.kill()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def _listen(self) -> None:
        stream = _pipe(self._process.stdout)
        while (frame := wire.read(stream)) is not None:
            if "ready" in frame:
                self._ready.set()
                continue
            with self._lock:
                answer = self._waiting.pop(frame["id"], None)
                idle = self.condemned and not self._waiting
            if answer is not None:
                if "body" in frame:
                    answer.set_result(frame["body"])
                else:
                    answer.set_exception(ReadFailure(frame["code"], frame["words"]))
            if idle:
                self._process.kill()
        with self._lock:
            self.ended = True
            left, self._waiting = list(self._waiting.values()), {}
        self._ready.set()
        for one in left:
            one.set_exception(ReadFailure("UNAVAILABLE", "the reader process ended"))
        for pipe in (self._process.stdin, stream):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        self._process.wait()

    def _log(self) -> None:
        with _pipe(self._process.stderr) as stream:
            for line in stream:
                logger.info("reader: %s", line.decode(errors="replace").rstrip())


class ReaderPool:
    """Calls of one host's SDK by name, with deadlines that hold.

    Parameters
    ----------
    command
        Replaces the command line of a reader, for tests of this class.
    """

    def __init__(self, setup: ReaderSetup, *, command: Sequence[str] | None = None) -> None:
        self._command = list(command or (sys.executable, "-m", "qmt.reader", setup.text()))
        self._lock = threading.Lock()
        self._processes: list[_Process] = []
        self._started_at = 0.0
        self._closed = False
        self.replaced = 0
        """How many processes were given up because a call hung."""

    @property
    def pid(self) -> int:
        """Process id of the reader that takes calls now; 0 when none runs."""
        with self._lock:
            current = self._usable()
        return 0 if current is None else current.pid

    def start(self) -> None:
        """Start a reader, so that the first call need not wait for it."""
        self._current()

    def wait_ready(self, seconds: float) -> bool:
        """Whether a reader has loaded the SDK and tried to connect; starts one where none runs."""
        return self._current().wait_ready(seconds)

    def call(
        self,
        spec: FunctionSpec,
        arguments: Mapping[str, Any],
        *,
        account: AccountRef | None = None,
        seconds: float,
    ) -> bytes:
        """Call a function; its answer as JSON.

        Raises
        ------
        ReadFailure
            ``FUNCTION_TIMEOUT`` when it was not answered in time (its process is given up), ``NOT_SIMULATED``,
            ``TERMINAL_DOWN``, ``FUNCTION_FAILED`` with the SDK's words, ``ANSWER_TOO_LARGE``, ``UNAVAILABLE``.
        """
        end = time.monotonic() + seconds
        process = self._current()
        # A reader that is still loading the SDK is not one that hangs.
        if not process.wait_ready(min(seconds, START_SECONDS)):
            raise ReadFailure("UNAVAILABLE", "the reader process is still starting")
        ref = None if account is None else (account.account_no, account.account_type)
        number, answer = process.send({"name": spec.qualified, "arguments": dict(arguments), "account": ref})
        try:
            return answer.result(max(end - time.monotonic(), 0.001))
        except FutureTimeout:
            self._condemn(process, spec)
            raise ReadFailure("FUNCTION_TIMEOUT", f"function={spec.qualified} seconds={seconds:.0f}") from None
        finally:
            process.give_up(number)

    def close(self) -> None:
        """End every reader now."""
        with self._lock:
            self._closed = True
            processes, self._processes = self._processes, []
        for one in processes:
            one.kill()

    def _condemn(self, process: _Process, spec: FunctionSpec) -> None:
        logger.warning("%s hangs in reader %d: it is replaced", spec.qualified, process.pid)
        with self._lock:
            self.replaced += not process.condemned
        process.condemn()

    def _usable(self) -> _Process | None:
        self._processes = [one for one in self._processes if not one.ended]
        return next((one for one in self._processes if not one.condemned), None)

    def _current(self) -> _Process:
        with self._lock:
            if self._closed:
                raise ReadFailure("UNAVAILABLE", "the reads worker is stopping")
            found = self._usable()
            if found is None:
                # A reader that dies at once must not be started in a loop.
                time.sleep(max(0.0, self._started_at + RESTART_PAUSE_SECONDS - time.monotonic()))
                self._started_at = time.monotonic()
                found = _Process(self._command)
                self._processes.append(found)
            return found


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the reader process was started without its pipes")
    return stream
