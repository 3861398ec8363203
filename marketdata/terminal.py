"""How the data worker reaches a host's terminal: the quote session, its address, what its history is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts.models import QmtHost
from desk.settings.schema import get_config
from marketdata.choices import Basis
from qmt.errors import TerminalDown
from qmt.gateway import QuoteGateway
from qmt.sdk import PINNED_VERSION, Native, open_quote_gateway
from qmt.terminal.protocol import ANNOUNCEMENT

_BASES = {"raw": Basis.RAW, "front_adjusted": Basis.FRONT_ADJUSTED}


@dataclass(frozen=True, slots=True)
class DataTerminal:
    """One terminal, seen from the data worker.

    Attributes
    ----------
    open_gateway
        Builds the quote session, not connected yet; loads the SDK. Raises `QmtError`.
    address
        Where the terminal listens now; a simulated one may have another port after a restart. Raises `TerminalDown`.
    basis
        What its history is. Raises `TerminalDown`.
    """

    open_gateway: Callable[[], QuoteGateway]
    address: Callable[[], str]
    basis: Callable[[], Basis]
    sdk_version: str


def data_terminal_of(host: QmtHost) -> DataTerminal:
    """The terminal of a host's row. A simulated host's process loads the stand-in natives and can load no other."""
    native: Native = "simulated" if host.is_simulated else "real"
    userdata = userdata_folder(host)

    def address() -> str:
        if host.quote_address:
            return host.quote_address
        content = announcement(userdata)
        return f"{content['host']}:{int(content['port'])}"

    def basis() -> Basis:
        # A real terminal stores raw bars; a simulated one says what the file it replays holds.
        if not host.is_simulated:
            return Basis.RAW
        return _BASES.get(str(announcement(userdata).get("basis", "raw")), Basis.RAW)

    return DataTerminal(
        open_gateway=lambda: open_quote_gateway(native=native),
        address=address,
        basis=basis,
        sdk_version=PINNED_VERSION,
    )


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
