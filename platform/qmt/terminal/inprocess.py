"""Face B: the simulated terminal without SDK, link or process, for fast tests.

The same terminal, the same faults and the same copying of fields as over the SDK; only the way
between is missing. Market time stands still until a test moves it::

    terminal = InProcessTerminal()
    gateway = terminal.trade_gateway(events.append)
    gateway.open([AccountRef("8000000001")])
    gateway.submit(request)
    terminal.advance(3)
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from qmt.calendar import TradingCalendar, load_sse_calendar, to_ms
from qmt.gateway import TradeSink
from qmt.terminal.clock import Clock, ManualClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.faults import Fault, FaultAction, FaultPlan
from qmt.terminal.fed import open_exchange
from qmt.terminal.inprocess_quotes import InProcessQuotes
from qmt.terminal.inprocess_trade import Delivery, InProcessTrade
from qmt.terminal.market import Market
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.state import StateStore
from qmt.terminal.terminal import Terminal
from qmt.terminal.types import AccountConfig

DEFAULT_ACCOUNTS: Final = (AccountConfig("8000000001"), AccountConfig("8000000002"))
DEFAULT_SEED: Final = 7
DEFAULT_DAY: Final = dt.date(2026, 3, 3)
"""An ordinary Tuesday: tests do not depend on the day they run."""
_MORNING: Final = dt.time(9, 35)


@lru_cache(maxsize=1)
def default_calendar() -> TradingCalendar:
    """The published calendar; building it costs half a second, so one per process."""
    return load_sse_calendar()


class InProcessTerminal:
    """A terminal in this process, and the switches a test needs.

    Parameters
    ----------
    market : Market, optional
        The seeded market by default.
    clock : Clock, optional
        By default a `ManualClock` at 09:35 of the market's first session.
    state_path : Path or str
        File of the exchange's memory; in memory by default.
    data_dir : Path, optional
        Folder of the downloaded history; in memory by default.
    deliver : "thread" or "inline"
        On which thread a trade session's sink is called: a thread of the session's own, as the SDK
        does, or before the causing call returns.
    """

    def __init__(
        self,
        *,
        market: Market | None = None,
        clock: Clock | None = None,
        accounts: Sequence[AccountConfig] = DEFAULT_ACCOUNTS,
        state_path: Path | str = ":memory:",
        data_dir: Path | None = None,
        deliver: Delivery = "thread",
    ) -> None:
        self.market = market or SeededMarket(seed=DEFAULT_SEED, calendar=default_calendar())
        self.clock = clock or ManualClock(self._first_morning())
        self._accounts = tuple(accounts)
        self._deliver = deliver
        self._store = StateStore(state_path, identity=self.market.identity)
        self.terminal = Terminal(
            exchange=self._exchange(), market=self.market, data_dir=data_dir, download_pace_seconds=0.0
        )
        self._sessions: list[InProcessTrade] = []
        self._quotes: list[InProcessQuotes] = []
        self._running = threading.Event()
        self.is_up = True
        self.step()

    @property
    def faults(self) -> FaultPlan:
        """The fault switches."""
        return self.terminal.faults

    @property
    def exchange(self) -> Exchange:
        """The exchange core; hold ``terminal.lock`` when other threads are about."""
        return self.terminal.exchange

    def arm(
        self, action: FaultAction | str, target: str = "*", *, count: int = 1, seconds: float = 1.0, message: str = ""
    ) -> None:
        """Arm a fault, see `qmt.terminal.faults`."""
        self.faults.arm(Fault(FaultAction(action), target, count=count, seconds=seconds, message=message))

    def trade_gateway(self, sink: TradeSink) -> InProcessTrade:
        """A trade session of this terminal, not opened yet."""
        session = InProcessTrade(self, sink, self._deliver)
        self._sessions.append(session)
        return session

    def quote_gateway(self) -> InProcessQuotes:
        """A quote session of this terminal, not connected yet."""
        session = InProcessQuotes(self)
        self._quotes.append(session)
        return session

    def step(self) -> None:
        """Bring the market to its clock's time."""
        self.terminal.step()

    def advance(self, seconds: float, *, stride_seconds: float = 1.0) -> None:
        """Move a manual clock forward, stepping as it goes."""
        if not isinstance(self.clock, ManualClock):
            raise TypeError("only a ManualClock is moved by hand")
        left = seconds
        while left > 0:
            self.clock.advance(min(stride_seconds, left))
            left -= stride_seconds
            self.step()

    def drop_link(self, *, announce: bool = True) -> None:
        """Cut every link; sessions hear of it only when it is announced."""
        for session in self._sessions:
            session.cut(announce=announce)
        for quotes in self._quotes:
            quotes.cut()

    def stop(self) -> None:
        """The terminal is shut down: links are cut without a word and nothing can connect."""
        self.is_up = False
        self.drop_link(announce=False)

    def start(self) -> None:
        """Start again, on the same state and clock."""
        with self.terminal.lock:
            self.terminal.exchange = self.terminal.trade.exchange = self.terminal.quotes.exchange = self._exchange()
        self.is_up = True
        self.step()

    def restart(self) -> None:
        """Shut down and start again."""
        self.stop()
        self.start()

    def run(self) -> None:
        """Step in a background thread until `close` (for clocks that run by themselves)."""
        threading.Thread(target=self._run, name="terminal-steps", daemon=True).start()

    def close(self) -> None:
        """End everything."""
        self._running.set()
        self.stop()
        self.terminal.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        self.terminal.run(self._running)

    def _exchange(self) -> Exchange:
        return open_exchange(market=self.market, clock=self.clock, store=self._store, accounts=self._accounts)

    def _first_morning(self) -> int:
        return to_ms(self.market.first_session(DEFAULT_DAY), _MORNING)
