"""How the runtime reaches a host's terminal: the order gateway, the market clock, the SDK's version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import QmtHost
from accounts.terminals import announced_address, userdata_folder
from desk.settings.schema import get_config
from qmt.errors import QmtError
from qmt.gateway import ClockReading, QuoteGateway, TradeGateway, TradeSink
from qmt.sdk import PINNED_VERSION, Native, open_quote_gateway, open_trade_gateway

#: Ids of order sessions where the host's row names none.
DEFAULT_SESSION_IDS = tuple(range(610_001, 610_009))


@dataclass(frozen=True, slots=True)
class Terminal:
    """One terminal, seen from the trade worker.

    Attributes
    ----------
    make_gateway
        Builds the order gateway around the sink; loads the SDK. Raises `QmtError`.
    read_clock
        The terminal's market clock, now. Raises `QmtError`.
    simulated
        Which natives its process has loaded, for good: the host's row may change afterwards.
    """

    make_gateway: Callable[[TradeSink], TradeGateway]
    read_clock: Callable[[], ClockReading]
    sdk_version: str
    simulated: bool
    close: Callable[[], None]


def terminal_of(host: QmtHost) -> Terminal:
    """The terminal of a host's row. A simulated host's process loads the stand-in natives and can load no other."""
    native: Native = "simulated" if host.is_simulated else "real"
    userdata = userdata_folder(host)
    pool_dir = get_config().state_dir / "sessions" / host.name
    session_ids = [int(number) for number in host.session_ids] or list(DEFAULT_SESSION_IDS)

    def make_gateway(sink: TradeSink) -> TradeGateway:
        return open_trade_gateway(
            native=native, userdata=userdata, session_ids=session_ids, pool_dir=pool_dir, sink=sink
        )

    clock = TerminalClock(
        open_gateway=lambda: open_quote_gateway(native=native),
        address=lambda: host.quote_address or announced_address(userdata),
    )
    return Terminal(
        make_gateway=make_gateway,
        read_clock=clock.read,
        sdk_version=PINNED_VERSION,
        simulated=native == "simulated",
        close=clock.close,
    )


class TerminalClock:
    """The market clock of a terminal, over a quote session of its own that follows nothing."""

    def __init__(self, *, open_gateway: Callable[[], QuoteGateway], address: Callable[[], str]) -> None:
        self._open_gateway = open_gateway
        self._address = address
        self._gateway: QuoteGateway | None = None
        self._connected = False

    def read(self) -> ClockReading:
        """Ask the terminal, connecting first where needed. Raises `QmtError`."""
        if self._gateway is None:
            self._gateway = self._open_gateway()
        try:
            if not self._connected:
                self._gateway.connect(self._address())
                self._connected = True
            return self._gateway.market_clock()
        except QmtError:
            self._connected = False
            raise

    def close(self) -> None:
        """End the quote session."""
        if self._gateway is not None:
            self._gateway.close()
        self._connected = False
