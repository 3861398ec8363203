"""The exchange and broker of the simulated terminal behind one object.

Single-threaded by design: whoever shares it between threads holds a lock around every call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from qmt.calendar import Phase
from qmt.terminal.clock import Clock
from qmt.terminal.market import Market
from qmt.terminal.state import StateStore
from qmt.terminal.types import (
    AccountConfig,
    AccountView,
    AssetView,
    CancelResult,
    ExchangeEvent,
    OrderTicket,
    OrderView,
    PositionView,
    SubmitResult,
    TradeView,
)


class Exchange:
    """Takes orders, matches them against the market's path, keeps the accounts.

    Every change is committed to the state file before the answer or the event that tells of it leaves the object.
    """

    def __init__(self, *, market: Market, clock: Clock, store: StateStore, accounts: Sequence[AccountConfig]) -> None:
        raise NotImplementedError

    @property
    def trade_date(self) -> dt.date:
        """Date of the session that runs or ran last."""
        raise NotImplementedError

    @property
    def phase(self) -> Phase:
        """Phase of the market at the last step."""
        raise NotImplementedError

    @property
    def now_ms(self) -> int:
        """Market time of the last step."""
        raise NotImplementedError

    def step(self) -> None:
        """Advance to the clock's time: quotes, matching, auctions, phases, day changes. Call every 100–250 ms."""
        raise NotImplementedError

    def drain_events(self) -> list[ExchangeEvent]:
        """Events since the last call, in the order they happened; everything in them is committed."""
        raise NotImplementedError

    def submit(self, ticket: OrderTicket) -> SubmitResult:
        """Place an order. Refusals of the counter come back here; refusals of the exchange become status 57."""
        raise NotImplementedError

    def cancel(self, account_id: str, *, order_id: int = 0, order_sysid: str = "", market: str = "") -> CancelResult:
        """Ask to cancel an order by its id, or by its exchange number and market ("SH", "SZ", "BJ")."""
        raise NotImplementedError

    def accounts(self) -> list[AccountView]:
        """The accounts the terminal is logged in to."""
        raise NotImplementedError

    def asset(self, account_id: str) -> AssetView:
        """Money of an account. KeyError for an unknown account, as in the three queries below."""
        raise NotImplementedError

    def orders(self, account_id: str, *, cancelable_only: bool = False) -> list[OrderView]:
        """Today's orders, oldest first."""
        raise NotImplementedError

    def trades(self, account_id: str) -> list[TradeView]:
        """Today's fills, oldest first."""
        raise NotImplementedError

    def positions(self, account_id: str) -> list[PositionView]:
        """Holdings, including those sold out today (quantity 0)."""
        raise NotImplementedError
