"""Where a host's terminal is: its user-data folder, and what a running simulated one says about itself."""

from __future__ import annotations

from pathlib import Path

from accounts.models import QmtHost
from desk.settings.schema import get_config
from qmt.terminal.announced import announced_address, announcement
from qmt.terminal.cli import FeedSource

__all__ = ["announced_address", "announcement", "feed_source", "userdata_folder"]


def userdata_folder(host: QmtHost) -> Path:
    """The terminal's user-data folder; a simulated host without one has it in the state folder."""
    if host.userdata_path:
        return Path(host.userdata_path)
    return get_config().state_dir / "terminal" / host.name / "userdata_mini"


def feed_source(source: QmtHost | None) -> FeedSource | None:
    """Where a fed terminal reads the quotes of the host it is fed from; None for a market of its own."""
    if source is None:
        return None
    if source.is_simulated:
        return FeedSource(source.name, "simulated", str(userdata_folder(source)))
    return FeedSource(source.name, "real", source.quote_address)
