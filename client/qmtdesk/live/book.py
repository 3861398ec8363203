"""An account as the live socket tells of it."""

from __future__ import annotations

from typing import Any

from qmtdesk.live.messages import Event, Message, Snapshot
from qmtdesk.models import Asset, Order, Position, Trade, typed


class AccountBook:
    """Keeps an account's money, holdings, orders and fills of the day up to date from messages.

    Snapshot and events together are the same as a fresh snapshot: pass every message to `apply`; those of other accounts
    and kinds are ignored.

    Attributes
    ----------
    version
        Of the last event; None before the first snapshot.
    asset
        Money; None until the broker has stated it.
    positions
        By symbol.
    orders
        By order id.
    trades
        By the fill's id.
    """

    def __init__(self, account: int) -> None:
        self.account = account
        self.version: int | None = None
        self.asset: Asset | None = None
        self.positions: dict[str, Position] = {}
        self.orders: dict[str, Order] = {}
        self.trades: dict[int, Trade] = {}

    def apply(self, message: Message) -> bool:
        """Take a message over; whether it concerned this account."""
        if isinstance(message, Snapshot) and message.account == self.account:
            data = message.data
            self.asset = None if data["asset"] is None else typed(Asset, data["asset"])
            self.positions = {row.symbol: row for row in typed(list[Position], data["positions"])}
            self.orders = {row.id: row for row in typed(list[Order], data["orders"])}
            self.trades = {row.id: row for row in typed(list[Trade], data["trades"])}
        elif isinstance(message, Event) and message.account == self.account:
            self._event(message.data)
        else:
            return False
        self.version = message.version
        return True

    def _event(self, data: Any) -> None:
        match data:
            case Order():
                self.orders[data.id] = data
            case Trade():
                self.trades[data.id] = data
            case Asset():
                self.asset = data
            case Position() if data.quantity == 0:
                self.positions.pop(data.symbol, None)
            case Position():
                self.positions[data.symbol] = data
            case _:
                pass  # kinds that the book does not keep
