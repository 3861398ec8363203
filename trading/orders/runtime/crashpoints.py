"""Named places where a test may kill the process, to prove what a crash there leads to.

Inert unless `DESK_ENV` is ``test`` *and* `DESK_CRASH_POINT` names the place. With
`DESK_CRASH_FILE` set, a place fires only while that file exists and removes it first, so
that the restarted process survives. `DESK_CRASH_POINT` is read once, when the runtime
starts; production never has a point armed, and an unarmed point is one comparison.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: Woken, nothing claimed.
BEFORE_CLAIM: Final = "before-claim"
#: SUBMITTING is committed, the last look is not taken.
AFTER_CLAIM: Final = "after-claim"
#: The last look is passed, the SDK is not called.
BEFORE_SUBMIT: Final = "before-submit"
#: The SDK gave its number, nothing is noted.
AFTER_SUBMIT: Final = "after-submit"
#: The terminal's words are in memory, not stored.
BEFORE_STORE: Final = "before-store"
#: They are stored, nothing was done about them.
AFTER_STORE: Final = "after-store"
#: The cancel is claimed and not sent.
AFTER_CANCEL_CLAIM: Final = "after-cancel-claim"
#: The cancel is sent, its answer is not here.
AFTER_CANCEL: Final = "after-cancel"
#: The terminal's day is asked for, nothing of it is applied.
AFTER_QUERY: Final = "after-query"
POINTS: Final = frozenset(
    {
        BEFORE_CLAIM,
        AFTER_CLAIM,
        BEFORE_SUBMIT,
        AFTER_SUBMIT,
        BEFORE_STORE,
        AFTER_STORE,
        AFTER_CANCEL_CLAIM,
        AFTER_CANCEL,
        AFTER_QUERY,
    }
)

_armed: str = ""
_file: Path | None = None


def arm(environment: Mapping[str, str], *, env: str) -> str:
    """Arm the point that `environment` names, if this is a test installation.

    Parameters
    ----------
    environment
        Where to look for `DESK_CRASH_POINT` and `DESK_CRASH_FILE`.
    env
        The installation's kind; anything but ``test`` disarms.

    Returns
    -------
    str
        The armed point, empty for none.

    Raises
    ------
    ValueError
        The variable names no known point (a test that would otherwise prove nothing).
    """
    global _armed, _file
    _armed, _file = "", None
    name = environment.get("DESK_CRASH_POINT", "")
    if env != "test" or not name:
        return ""
    if name not in POINTS:
        raise ValueError(f"DESK_CRASH_POINT={name}: known points are {', '.join(sorted(POINTS))}")
    path = environment.get("DESK_CRASH_FILE", "")
    _armed, _file = name, Path(path) if path else None
    return _armed


def reach(point: str) -> None:
    """Die here, as by ``kill -9``, when `point` is the armed one."""
    if point != _armed:
        return
    if _file is not None:
        try:
            _file.unlink()
        except FileNotFoundError:
            return
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
