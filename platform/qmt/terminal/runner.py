"""Puts a terminal's process together from its command line, and runs it."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from pathlib import Path
from typing import Final

from qmt.calendar import SHANGHAI, TradingCalendar, load_sse_calendar
from qmt.errors import SdkUnavailable
from qmt.sdk import open_feed_gateway
from qmt.sessionpool import FileLock, LockHeld
from qmt.terminal.announced import announced_address
from qmt.terminal.cli import FeedSource, TerminalOptions
from qmt.terminal.clock import Clock, SimClock
from qmt.terminal.fed import FedMarket, open_exchange
from qmt.terminal.fedfeed import RETRY_SECONDS, Feed
from qmt.terminal.market import Basis, Market, MarketError, state_file_name
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.server import Server
from qmt.terminal.state import StateError, StateStore
from qmt.terminal.terminal import Terminal
from qmt.terminal.types import AccountConfig

logger = logging.getLogger(__name__)

FEED_STOP_SECONDS: Final = 2.0


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
    except (MarketError, StateError, SdkUnavailable) as error:
        raise TerminalMisconfigured(str(error)) from error


def _run(options: TerminalOptions, stopped: threading.Event) -> None:
    calendar = load_sse_calendar(options.state_dir / "calendar.json")
    if options.feed is None:
        market = _market(options, calendar)
        store = StateStore(options.home / state_file_name(market), identity=market.identity)
        clock = SimClock(
            store=store,
            calendar=market.calendar,
            first_session=market.first_session(dt.datetime.now(SHANGHAI).date()),
            speed=options.speed,
        )
        _serve(options, market, clock, store, stopped)
        clock.close()
        store.close()
        return
    feed = open_feed(options.feed)
    if not _first_day(feed, stopped):
        return
    fed = FedMarket(feed, calendar)
    store = StateStore(options.home / state_file_name(fed), identity=fed.identity)
    follower = threading.Thread(target=feed.run, args=(stopped,), name="terminal-feed", daemon=True)
    follower.start()
    _serve(options, fed, fed, store, stopped, feed)
    stopped.set()
    follower.join(FEED_STOP_SECONDS)
    store.close()


def _serve(
    options: TerminalOptions,
    market: Market,
    clock: Clock,
    store: StateStore,
    stopped: threading.Event,
    feed: Feed | None = None,
) -> None:
    """Serve clients until told to stop."""
    accounts = [AccountConfig(seed.account_no, opening_cash=seed.cash) for seed in options.accounts]
    exchange = open_exchange(market=market, clock=clock, store=store, accounts=accounts)
    terminal = Terminal(exchange=exchange, market=market, data_dir=options.userdata / "datadir")
    if feed is not None:
        feed.follow_holdings(terminal.held_symbols)
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
        terminal.close()
    logger.info("stopped")


def open_feed(source: FeedSource) -> Feed:
    """The feed from a source, over the SDK's quote half; not connected yet."""

    def address() -> str:
        return source.at if source.native == "real" else announced_address(Path(source.at))

    return Feed(source.name, gateway=open_feed_gateway(native=source.native), address=address)


def _first_day(feed: Feed, stopped: threading.Event) -> bool:
    """Wait until the source has stated its trade date; False when told to stop before."""
    while not feed.poll() or feed.day is None:
        if stopped.wait(RETRY_SECONDS):
            return False
    return True


def _market(options: TerminalOptions, calendar: TradingCalendar) -> Market:
    if options.data is None:
        return SeededMarket(seed=options.seed, calendar=calendar)
    from qmt.terminal.replayed import ReplayedMarket  # reads with pandas and pyarrow: only when it is needed

    return ReplayedMarket(options.data, seed=options.seed, calendar=calendar, basis=Basis(options.basis))
