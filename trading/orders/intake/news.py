"""Which of the terminal's full-day answers say anything new; everything else is left before a book is held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from qmt.gateway import OrderUpdate, TradeUpdate
from trading.orders.intake.batch import Intake
from trading.orders.intake.book import Clues
from trading.orders.intake.fills import booked_keys, trade_date_of, trade_key
from trading.orders.models import Order, Trade
from trading.orders.states import TERMINAL, broker_status

_COLUMNS = (
    "tag",
    "order_sysid",
    "broker_order_id",
    "seen_session",
    "status",
    "broker_status",
    "broker_traded_quantity",
    "trade_date",
)
_MANY = 1_000
"""From so many answers on, the day is read at once instead of by number."""

OrderMark = tuple[int, str, str, int, int, int]
TradeMark = tuple[int, str, str, int]


@dataclass(slots=True)
class RoundMemory:
    """What one session's earlier rounds found to be known for good: ended orders, booked fills."""

    session_key: str
    orders: set[OrderMark] = field(default_factory=set)
    trades: set[TradeMark] = field(default_factory=set)


def orders_news(
    intake: Intake, account_id: int, updates: Sequence[OrderUpdate], session_key: str, memory: RoundMemory | None
) -> list[OrderUpdate]:
    """The order states that say anything new."""
    fresh = [update for update in updates if memory is None or _mark(update) not in memory.orders]
    if not fresh:
        return []
    pairs = [(update, intake.clues(update)) for update in fresh]
    known = _Known(account_id, {clues.trade_date for _, clues in pairs if clues.trade_date is not None}, session_key)
    news = []
    for update, clues in pairs:
        if not known.says(update, clues):
            news.append(update)
        elif memory is not None and broker_status(update.status) in TERMINAL:
            memory.orders.add(_mark(update))
    return news


def trades_news(
    intake: Intake, account_id: int, updates: Sequence[TradeUpdate], memory: RoundMemory | None
) -> list[TradeUpdate]:
    """The fills that are not booked under their full number."""
    fresh = [update for update in updates if memory is None or _trade_mark(update) not in memory.trades]
    keyed = [(update, trade_key(account_id, update, trade_date_of(update, intake.today))) for update in fresh]
    booked = _booked(account_id, [key for _, key in keyed])
    if memory is not None:
        memory.trades.update(_trade_mark(update) for update, key in keyed if key in booked)
    return [update for update, key in keyed if key not in booked]


def _booked(account_id: int, keys: Sequence[Any]) -> set[Any]:
    if len(keys) < _MANY:
        return booked_keys(keys)
    rows = Trade.objects.filter(account_id=account_id, trade_date__in={key[1] for key in keys}).order_by()
    columns = ("account_id", "trade_date", "exchange", "order_sysid", "traded_id")
    return set(rows.values_list(*columns).iterator(chunk_size=5_000))


def _mark(update: OrderUpdate) -> OrderMark:
    return (
        update.order_id,
        update.order_sysid,
        update.tag,
        update.status,
        update.traded_quantity,
        update.order_time_ms,
    )


def _trade_mark(update: TradeUpdate) -> TradeMark:
    return update.order_id, update.order_sysid, update.traded_id, update.traded_at_ms


class _Known:
    """The account's orders of some dates, as plain rows."""

    def __init__(self, account_id: int, days: Iterable[date], session_key: str) -> None:
        self._session_key = session_key
        self._by_tag: dict[str, Any] = {}
        self._by_number: dict[tuple[date, str], Any] = {}
        rows = Order.objects.filter(account_id=account_id, trade_date__in=set(days)).order_by()
        for row in rows.values_list(*_COLUMNS).iterator(chunk_size=2_000):
            if row[0]:
                self._by_tag[row[0]] = row
            if row[1]:
                self._by_number[row[7], row[1]] = row

    def says(self, update: OrderUpdate, clues: Clues) -> bool:
        """Whether the order is stored exactly as the update states it.

        Found by tag or exchange number only: whatever else it takes to find an order is the writer's work.
        """
        row = self._by_tag.get(update.tag) if update.tag else None
        if row is None and clues.trade_date is not None:
            row = self._by_number.get((clues.trade_date, update.order_sysid))
        if row is None:
            return False
        _tag, number, order_id, seen_session, status, stated, traded, _day = row
        if stated != update.status or traded < update.traded_quantity:
            return False
        if number != update.order_sysid or order_id != clues.broker_order_id:
            return False
        # A working order must also be known by the number this session gives it.
        return status in TERMINAL or seen_session == self._session_key
