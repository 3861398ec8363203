"""How the data worker reaches a host's terminal: the quote session, its address, what its history is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import QmtHost
from accounts.terminals import announced_address, announcement, userdata_folder
from marketdata.choices import Basis
from qmt.gateway import QuoteGateway
from qmt.sdk import PINNED_VERSION, Native, open_quote_gateway

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
        return announced_address(userdata)

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
