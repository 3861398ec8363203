"""A trading bench for tests: the cast, a host that is ready, instruments of every board, and a broker's voice."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import get_resolver

from accounts.models import BrokerAccount, HostStatus, User
from marketdata.models import Instrument, InstrumentDay
from ops.clocks import SHANGHAI, wall_now
from qmt.calendar import to_ms
from qmt.gateway import (
    AssetUpdate,
    OrderResponse,
    OrderUpdate,
    PositionUpdate,
    Side,
    TradeEvent,
    TradeUpdate,
)
from tests.orders.claiming import claim
from tests.people import Team, make_team
from trading.ledger.models import AccountBook, AssetSnapshot, Position
from trading.orders.choices import Status
from trading.orders.intake import AccountSnapshot, CallReturned, IntakeResult, apply_events, resolve_by_query
from trading.orders.models import Order
from trading.orders.services import Submission, order_submit

SESSION = "session-1"
MOUTAI = "600519.SH"
#: A Friday morning; tests never depend on the machine's own date.
MARKET_NOW = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI)
TODAY = MARKET_NOW.date()

#: symbol → (board, kind, tick, lot, minimum, step, pre_close, up, down)
INSTRUMENTS: dict[str, tuple[str, str, str, int, int, int, str, str | None, str | None]] = {
    MOUTAI: ("MAIN", "STOCK", "0.01", 100, 100, 100, "10.00", "11.00", "9.00"),
    "000001.SZ": ("MAIN", "STOCK", "0.01", 100, 100, 100, "12.34", "13.57", "11.11"),
    "300750.SZ": ("CHINEXT", "STOCK", "0.01", 100, 100, 100, "200.00", "240.00", "160.00"),
    "688981.SH": ("STAR", "STOCK", "0.01", 200, 200, 1, "50.00", "60.00", "40.00"),
    "920001.BJ": ("BSE", "STOCK", "0.01", 100, 100, 1, "20.00", "26.00", "14.00"),
    "510300.SH": ("ETF", "ETF", "0.001", 100, 100, 100, "4.000", "4.400", "3.600"),
    "113050.SH": ("CONVERTIBLE", "CONVERTIBLE", "0.001", 10, 10, 10, "100.000", "120.000", "80.000"),
    "688001.SH": ("STAR", "STOCK", "0.01", 200, 200, 1, "30.00", None, None),
    "000300.SH": ("INDEX", "INDEX", "0.01", 100, 100, 100, "4000.00", None, None),
}


def make_instruments() -> dict[str, Instrument]:
    """Store instruments of every board with today's limits."""
    made = {}
    for symbol, (board, kind, tick, lot, minimum, step, pre, up, down) in INSTRUMENTS.items():
        row = Instrument.objects.create(
            symbol=symbol,
            name=symbol,
            market=symbol[-2:],
            board=board,
            kind=kind,
            lot_size=lot,
            min_quantity=minimum,
            quantity_step=step,
            tick=Decimal(tick),
            volume_unit=lot,
            max_limit_quantity=1_000_000,
            max_market_quantity=1_000_000,
            tradable=kind != "INDEX",
            updated_at=wall_now(),
        )
        InstrumentDay.objects.create(
            instrument=row,
            trade_date=TODAY,
            pre_close=Decimal(pre),
            limit_up=None if up is None else Decimal(up),
            limit_down=None if down is None else Decimal(down),
            updated_at=wall_now(),
        )
        made[symbol] = row
    return made


@dataclass
class Bench:
    """The world of one test."""

    team: Team
    instruments: dict[str, Instrument]
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def account(self) -> BrokerAccount:
        return self.team.alpha

    @property
    def alice(self) -> User:
        return self.team.alice

    # --- our side
    def submit(self, *, user: User | None = None, **changes: Any) -> Order:
        """Alice buys 100 Moutai at 10.00, unless told otherwise."""
        return self.submission(user=user, **changes).order

    def submission(self, *, user: User | None = None, **changes: Any) -> Submission:
        wish: dict[str, Any] = {
            "account_id": self.account.pk,
            "symbol": MOUTAI,
            "side": "BUY",
            "quantity": 100,
            "price_type": "LIMIT",
            "price": "10.00",
        }
        return order_submit(user=user or self.alice, **(wish | changes))

    def sent(self, **changes: Any) -> Order:
        """An order that was claimed and sent, not answered yet."""
        order = self.submit(**changes)
        assert order.status == Status.QUEUED, order.deny_code
        claimed = claim(order.pk, host_name="sim")
        assert claimed is not None
        seq = next(self._numbers)
        self.apply(CallReturned(str(order.tag), seq, wall_now()))
        return self.order(order)

    def reported(self, **changes: Any) -> Order:
        """An order that the broker has reported."""
        order = self.sent(**changes)
        self.apply(self.response(order), self.update(order, 50))
        return self.order(order)

    def order(self, order: Order) -> Order:
        return Order.objects.get(pk=order.pk)

    @property
    def book(self) -> AccountBook:
        book, _ = AccountBook.objects.get_or_create(account=self.account)
        return book

    # --- the broker's voice
    def apply(self, *events: TradeEvent | CallReturned, session_key: str = SESSION) -> IntakeResult:
        return apply_events(list(events), host_name="sim", session_key=session_key)

    def query(self, started_at: datetime | None = None, **parts: Any) -> IntakeResult:
        """One round of full-day answers, started now unless told otherwise."""
        snapshot = AccountSnapshot(started_at=started_at or wall_now(), **parts)
        return resolve_by_query(self.account.pk, snapshot, session_key=SESSION)

    def broker_id(self, order: Order) -> int:
        """A number that the terminal would give: the same for the same order."""
        return 1_000_000 + int(order.pk.int % 1_000_000)

    def response(self, order: Order, **changes: Any) -> OrderResponse:
        values: dict[str, Any] = {
            "seq": order.session_seq or 0,
            "tag": order.tag or "",
            "order_id": self.broker_id(order),
            "error": "",
        }
        return OrderResponse(**(values | changes))

    def update(self, order: Order, status: int, **changes: Any) -> OrderUpdate:
        values: dict[str, Any] = {
            "account_no": self.account.account_no,
            "tag": order.tag or "",
            "order_id": self.broker_id(order),
            "order_sysid": f"SIM{self.broker_id(order)}",
            "symbol": order.symbol,
            "side": Side(order.side),
            "quantity": order.quantity,
            "price": order.price or Decimal(0),
            "traded_quantity": 0,
            "traded_price": Decimal(0),
            "status": status,
            "status_msg": "",
            "order_time_ms": _market_ms(),
        }
        return OrderUpdate(**(values | changes))

    def fill(self, order: Order, quantity: int, price: str = "10.00", **changes: Any) -> TradeUpdate:
        values: dict[str, Any] = {
            "account_no": self.account.account_no,
            "tag": order.tag or "",
            "order_id": self.broker_id(order),
            "order_sysid": f"SIM{self.broker_id(order)}",
            "traded_id": f"T{next(self._numbers)}",
            "symbol": order.symbol,
            "side": Side(order.side),
            "price": Decimal(price),
            "quantity": quantity,
            "amount": Decimal(price) * quantity,
            "traded_at_ms": _market_ms(),
        }
        return TradeUpdate(**(values | changes))

    def asset(self, cash: str = "1000000", **changes: Any) -> AssetUpdate:
        values: dict[str, Any] = {
            "account_no": self.account.account_no,
            "cash": Decimal(cash),
            "frozen_cash": Decimal(0),
            "market_value": Decimal(0),
            "total_asset": Decimal(cash),
        }
        return AssetUpdate(**(values | changes))

    def position(self, quantity: int, symbol: str = MOUTAI, **changes: Any) -> PositionUpdate:
        values: dict[str, Any] = {
            "account_no": self.account.account_no,
            "symbol": symbol,
            "quantity": quantity,
            "sellable": quantity,
            "frozen": 0,
            "on_road": 0,
            "yesterday": quantity,
            "avg_price": Decimal("9.5"),
            "open_price": Decimal("9.5"),
            "last_price": Decimal(10),
            "market_value": Decimal(10) * quantity,
        }
        return PositionUpdate(**(values | changes))

    def hold(self, quantity: int, symbol: str = MOUTAI, sellable: int | None = None) -> None:
        """The account holds shares, as the broker stated some time ago."""
        Position.objects.update_or_create(
            account=self.account,
            symbol=symbol,
            defaults={
                "quantity": quantity,
                "sellable": quantity if sellable is None else sellable,
                "updated_at": wall_now() - timedelta(minutes=5),
            },
        )


def _market_ms() -> int:
    return to_ms(TODAY, MARKET_NOW.time())


def host_ready(team: Team, **changes: Any) -> None:
    """The trade worker's last word: ready, and the market clock at ten in the morning."""
    values: dict[str, Any] = {
        "trade_date": TODAY,
        "phase": "CONTINUOUS",
        "clock_offset_ms": int((MARKET_NOW - wall_now()).total_seconds() * 1000),
        "simulated": True,
        "session_state": "READY",
        "updated_at": wall_now(),
    }
    HostStatus.objects.update_or_create(host=team.host, defaults=values | changes)


def make_bench(cash: str = "1000000") -> Bench:
    """The cast, a ready host, instruments, and a million of Alpha's in cash."""
    # Loaded before the host reports: on a busy machine a process's first request would find a stale market clock.
    _ = get_resolver().url_patterns
    team = make_team()
    host_ready(team)
    for account in (team.alpha, team.beta):
        AssetSnapshot.objects.create(
            account=account,
            cash=Decimal(cash),
            total_asset=Decimal(cash),
            at=wall_now() - timedelta(minutes=5),
        )
    return Bench(team, make_instruments())
