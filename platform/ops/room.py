"""Room on the state folder's disk: watched, and kept for what the broker says.

A full disk must not be met by a fill that cannot be stored. So orders end first: below the last threshold none is accepted, while
fills, cancels and the audit trail still find room.
"""

from __future__ import annotations

import shutil

from django.conf import settings

from ops.errors import Code, Unavailable
from ops.trouble import RETRY_AFTER_SECONDS


def free_bytes() -> int:
    """What is left on the disk of the state folder."""
    return shutil.disk_usage(settings.STATE_DIR).free


def refuse_without_room() -> None:
    """Refuse what would make new rows while there is hardly any room: one system call, a few microseconds.

    Raises
    ------
    Unavailable
        DISK_FULL.
    """
    if settings.DISK_STOP_BYTES and (free := free_bytes()) < settings.DISK_STOP_BYTES:
        raise Unavailable(Code.DISK_FULL, free_bytes=free, retry_after_seconds=RETRY_AFTER_SECONDS)
