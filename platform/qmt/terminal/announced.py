"""What a running simulated terminal says about itself, read from its user-data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qmt.errors import TerminalDown
from qmt.terminal.protocol import ANNOUNCEMENT


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
