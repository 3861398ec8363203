"""Where the processes of one machine count together: in memory, where there is such a folder.

They count in mapped files. Where a page is written for the first time and the disk has no room for it, the kernel ends the process (SIGBUS),
whatever it was doing; a full disk would take one process after the other. What is counted is gone with the processes anyway.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, which nobody else may enter
_PREFIX: Final = "qmt-desk-"
#: Names the folder that this one belongs to.
_HOME: Final = "home"


def counters_folder(run_dir: Path) -> Path:
    """The folder for the processes that are started from `run_dir`, made if need be; the same one for all of them.

    Side effects: removes folders of installations that are gone.
    """
    if MEMORY.is_dir():
        folder = MEMORY / f"{_PREFIX}{hashlib.sha256(str(run_dir.resolve()).encode()).hexdigest()[:16]}"
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            # A stranger may have made it first, to read along, or as a link to where something else would be removed.
            if folder.lstat().st_uid == os.geteuid():
                (folder / _HOME).write_text(str(run_dir.resolve()), encoding="utf-8")
                _sweep()
                return folder
    folder = run_dir / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _sweep() -> None:
    for home in MEMORY.glob(f"{_PREFIX}*/{_HOME}"):
        with suppress(OSError):
            if not Path(home.read_text(encoding="utf-8")).exists():
                shutil.rmtree(home.parent, ignore_errors=True)
