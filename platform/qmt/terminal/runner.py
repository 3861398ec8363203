"""Puts a terminal's process together from its command line, and runs it."""

from __future__ import annotations

import datetime as dt
import logging
import threading

from qmt.calendar import SHANGHAI, load_sse_calendar
from qmt.sessionpool import FileLock, LockHeld
from qmt.terminal.cli import TerminalOptions
from qmt.terminal.clock import SimClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.market import Basis, Market, MarketError, state_file_name
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.server import Server
from qmt.terminal.state import StateError, StateStore
from qmt.terminal.terminal import Terminal
from qmt.terminal.types import AccountConfig

logger = logging.getLogger(__name__)


class TerminalProblem(Exception):
    """The terminal cannot run; the text is one sentence for a person."""


class TerminalMisconfigured(TerminalProblem):
    """It cannot run, however often it is started: its market's file or its own state is not usable."""


def run(options: TerminalOptions, stopped: threading.Event) -> None:
    """Run a terminal until ``stopped`` is set or it is told to stop.

    Raises
    ------
    TerminalProblem
    """
    options.userdata.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(options.home / "terminal.lock"):
            options.announcement.unlink(missing_ok=True)  # of one that was killed: nobody may take it for ours
            _run(options, stopped)
    except LockHeld as error:
        raise TerminalProblem(f"another terminal already runs in {options.home}") from error
    except (MarketError, StateError) as error:
        raise TerminalMisconfigured(str(error)) from error


def _run(options: TerminalOptions, stopped: threading.Event) -> None:
    market = _market(options)
    store = StateStore(options.home / state_file_name(market), identity=market.identity)
    clock = SimClock(
        store=store,
        calendar=market.calendar,
        first_session=market.first_session(dt.datetime.now(SHANGHAI).date()),
        speed=options.speed,
    )
    accounts = [AccountConfig(seed.account_no, opening_cash=seed.cash) for seed in options.accounts]
    exchange = Exchange(market=market, clock=clock, store=store, accounts=accounts)
    terminal = Terminal(exchange=exchange, market=market, data_dir=options.userdata / "datadir")
    terminal.step()
    try:
        server = Server(terminal, clock, userdata=options.userdata, port=options.port)
    except OSError as error:
        raise TerminalProblem(f"port {options.port} is in use by another program") from error
    server.start()
    while not stopped.is_set() and not server.stopped.wait(0.2):
        pass  # in short stretches: on Windows a signal is only noticed between them
    server.stop()
    with terminal.lock:
        clock.close()
        terminal.close()
        store.close()
    logger.info("stopped")


def _market(options: TerminalOptions) -> Market:
    calendar = load_sse_calendar(options.state_dir / "calendar.json")
    if options.data is None:
        return SeededMarket(seed=options.seed, calendar=calendar)
    from qmt.terminal.replayed import ReplayedMarket  # reads with pandas and pyarrow: only when it is needed

    return ReplayedMarket(options.data, seed=options.seed, calendar=calendar, basis=Basis(options.basis))
