"""Why a backup or a restore does not go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ops.errors import Code, Conflict, DeskError


def damaged(path: Path, reason: str) -> DeskError:
    """A part, or the manifest, is not what was written."""
    return DeskError(Code.BACKUP_DAMAGED, file=path.name, reason=reason)


def unfit(reason: str, **facts: Any) -> Conflict:
    """The backup is sound and does not belong here."""
    return Conflict(Code.BACKUP_UNFIT, reason=reason, **facts)


def refused(reason: str, **facts: Any) -> Conflict:
    """The target must not be replaced now."""
    return Conflict(Code.RESTORE_REFUSED, reason=reason, **facts)
