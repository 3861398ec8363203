"""Putting market, clock, state and exchange together for one terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from qmt.calendar import load_sse_calendar
from qmt.terminal.clock import SimClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.market import Basis, Market
from qmt.terminal.replayed import ReplayedMarket
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.state import StateStore
from qmt.terminal.types import AccountConfig


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of a running terminal core."""

    market: Market
    clock: SimClock
    store: StateStore
    exchange: Exchange

    def close(self) -> None:
        """Keep the clock's time and close the state file."""
        self.clock.close()
        self.store.close()


def open_market(*, seed: int, data_path: Path | None, basis: Basis | None, calendar_cache: Path | None) -> Market:
    """The seeded market, or the replayed one when a bar file is given.

    ``basis`` declares what the file's prices are; None means front-adjusted, as files of this format usually are.

    Raises
    ------
    MarketError
        When the file cannot be used.
    """
    calendar = load_sse_calendar(calendar_cache)
    if data_path is None:
        return SeededMarket(seed=seed, calendar=calendar)
    return ReplayedMarket(data_path, seed=seed, calendar=calendar, basis=basis or Basis.FRONT_ADJUSTED)


def open_terminal(
    *,
    home: Path,
    accounts: Sequence[AccountConfig],
    wall_date: dt.date,
    seed: int = 7,
    data_path: Path | None = None,
    basis: Basis | None = None,
    speed: float = 1.0,
) -> Assembly:
    """Open or continue the terminal core that lives in a folder.

    Parameters
    ----------
    home
        Folder of the terminal's own files. Each market has a state file of its own, so that switching between the seeded market
        and a replayed file, and back, continues each where it stopped.
    accounts
        Accounts to serve.
    wall_date
        Today in Shanghai, for a terminal's first start.

    Raises
    ------
    MarketError, StateError
        One sentence each.
    """
    home.mkdir(parents=True, exist_ok=True)
    market = open_market(seed=seed, data_path=data_path, basis=basis, calendar_cache=home / "calendar.json")
    store = StateStore(home / state_file_name(market), identity=market.identity)
    clock = SimClock(store=store, calendar=market.calendar, first_session=market.first_session(wall_date), speed=speed)
    exchange = Exchange(market=market, clock=clock, store=store, accounts=accounts)
    return Assembly(market, clock, store, exchange)


def state_file_name(market: Market) -> str:
    """``exchange.sqlite3`` for the seeded market, with a short digest for a replayed one."""
    if market.kind == "seeded":
        return "exchange.sqlite3"
    digest = blake2b(market.identity.encode(), digest_size=5).hexdigest()
    return f"exchange-{digest}.sqlite3"
