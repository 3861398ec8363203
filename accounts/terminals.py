"""Where a host's terminal is: its user-data folder, and what a running simulated one says about itself."""

from __future__ import annotations

from pathlib import Path

from accounts.models import QmtHost
from desk.settings.schema import get_config
from qmt.terminal.announced import announced_address, announcement

__all__ = ["announced_address", "announcement", "userdata_folder"]


def userdata_folder(host: QmtHost) -> Path:
    """The terminal's user-data folder; a simulated host without one has it in the state folder."""
    if host.userdata_path:
        return Path(host.userdata_path)
    return get_config().state_dir / "terminal" / host.name / "userdata_mini"
