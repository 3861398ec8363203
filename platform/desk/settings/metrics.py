"""Where this process counts, when several containers or units of one machine are shown together.

`prometheus_client` reads the variable when it is first imported: after the settings, before everything else.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

from .schema import get_config


def own_part(shared: Path) -> Path:
    """This container's part of the shared folder, made if need be, without what its ended processes had open.

    Containers number their processes by themselves: in one folder, those of two of them would write to one file.
    """
    part = shared / socket.gethostname()
    part.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in part.glob("*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if pid == os.getpid() or (file.name.startswith("gauge_live") and not psutil.pid_exists(pid)):
            file.unlink(missing_ok=True)
    return part


METRICS_DIR = get_config().metrics_dir
if METRICS_DIR is not None:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(own_part(METRICS_DIR))
