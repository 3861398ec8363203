"""Where a host's terminal is: its user-data folder, and what a running simulated one says about itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from accounts.models import QmtHost
from desk.settings.schema import get_config
from qmt.errors import TerminalDown
from qmt.terminal.protocol import ANNOUNCEMENT


def userdata_folder(host: QmtHost) -> Path:
    """The terminal's user-data folder; a simulated host without one has it in the state folder."""
    if host.userdata_path:
        return Path(host.userdata_path)
    return get_config().state_dir / "terminal" / host.name / "userdata_mini"


def announcement(userdata: Path) -> dict[str, Any]:
    """What a running simulated terminal says about itself.

    Raises
    ------
    TerminalDown
        It says nothing: it is not running.
    """
    try:
        content = json.loads((userdata / ANNOUNCEMENT).read_text("utf-8"))
        int(content["port"])
        str(content["host"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TerminalDown(f"no terminal has announced itself in {userdata}") from error
    return dict(content)


def announced_address(userdata: Path) -> str:
    """Where a running simulated terminal says that it listens. Raises `TerminalDown`."""
    content = announcement(userdata)
    return f"{content['host']}:{int(content['port'])}"
