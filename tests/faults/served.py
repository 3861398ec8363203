"""The simulated terminal in this process behind its real link: sessions are the SDK's own Python layer (face A).

Everything between the platform and the exchange core is what a host runs: the gateway, xtquant's Python, the
stand-in natives, loopback TCP, the terminal's server. Only the process borders are missing, so that a
scenario takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qmt.gateway import TradeGateway, TradeSink
from qmt.sdk import open_trade_gateway
from qmt.terminal.inprocess import InProcessTerminal
from qmt.terminal.market import Market
from qmt.terminal.server import Server
from qmt.terminal.types import AccountConfig

SESSION_IDS = tuple(range(700, 716))


class ServedTerminal(InProcessTerminal):
    """An `InProcessTerminal` whose trade sessions come through its TCP server.

    Parameters
    ----------
    folder
        Holds the user-data folder and the pool of session ids.
    """

    def __init__(self, folder: Path, *, market: Market, accounts: Sequence[AccountConfig]) -> None:
        super().__init__(market=market, accounts=accounts)
        self._folder = folder
        self._userdata = folder / "userdata_mini"
        self._userdata.mkdir(parents=True)
        self._server = self._serve()

    def trade_gateway(self, sink: TradeSink) -> Any:
        """A trade session over the SDK, not opened yet."""
        gateway: TradeGateway = open_trade_gateway(
            native="simulated",
            userdata=self._userdata,
            session_ids=SESSION_IDS,
            pool_dir=self._folder / "sessions",
            sink=sink,
        )
        return gateway

    def drop_link(self, *, announce: bool = True) -> None:
        """Cut the trade links."""
        self._server.drop(announce=announce, role="trade")

    def stop(self) -> None:
        """Shut down: links end without a word, nobody listens."""
        if self.is_up:
            self.is_up = False
            self._server.stop()

    def start(self) -> None:
        """Start again, on the same state and clock."""
        super().start()
        self._server = self._serve()

    def _serve(self) -> Server:
        server = Server(self.terminal, self.clock, userdata=self._userdata)
        server.start()
        return server
