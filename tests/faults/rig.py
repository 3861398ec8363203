"""The whole order path in one process: services, tables, trade runtime, and the exchange core behind face B."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import pytest

from accounts.choices import Role
from accounts.models import BrokerAccount, Grant, HostStatus, QmtHost, User
from marketdata.models import Instrument, InstrumentDay
from ops.clocks import database_now
from qmt.calendar import to_ms
from qmt.gateway import ClockReading, InstrumentDetail
from qmt.terminal.clock import ManualClock
from qmt.terminal.inprocess import InProcessTerminal
from trading.orders.models import Order, Trade
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.terminal import Terminal
from trading.orders.runtime.worker import TradeRuntime, start_runtime
from trading.orders.services import order_cancel, order_submit

HOST = "sim"
ALPHA, BETA = "8000000001", "8000000002"
SYMBOL = "600519.SH"
T = TypeVar("T")

#: The runtime's threads see committed rows only, and what an order is checked against is in both databases.
BOTH_DATABASES = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])

#: Everything a person would wait for, short enough for a test.
FAST = RuntimeConfig(
    lease_seconds=5.0,
    lease_renew_seconds=0.5,
    probe_seconds=0.1,
    query_timeout_seconds=0.5,
    poll_seconds=0.05,
    response_deadline_seconds=0.6,
    hung_call_seconds=1.0,
    absence_settle_seconds=0.5,
    confirmation_gap_seconds=0.02,
    clock_seconds=0.05,
    status_seconds=0.2,
    backoff_seconds=0.02,
    backoff_max_seconds=0.2,
)


def until(ask: Callable[[], T], seconds: float = 8.0, what: str = "condition") -> T:
    """Ask until the answer is true; return it."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} not within {seconds} s")
        time.sleep(0.01)
    return answer


class Rig:
    """One host with two accounts, alice who trades the first, charlie the second."""

    def __init__(self, terminal: InProcessTerminal, config: RuntimeConfig = FAST) -> None:
        self.terminal = terminal
        self.config = config
        self.host = QmtHost.objects.create(name=HOST)
        self.alpha = BrokerAccount.objects.create(host=self.host, account_no=ALPHA, name="Alpha")
        self.beta = BrokerAccount.objects.create(host=self.host, account_no=BETA, name="Beta")
        self.alice = self._trader("alice", self.alpha)
        self.charlie = self._trader("charlie", self.beta)
        self._quotes = terminal.quote_gateway()
        self._quotes.connect("")
        self.detail = self.know(SYMBOL)
        assert self.detail.trade_date is not None
        self.trade_date = self.detail.trade_date
        self.runtime: TradeRuntime | None = None

    # --- the world --------------------------------------------------------------------------

    def know(self, symbol: str) -> InstrumentDetail:
        """Store what the terminal says about an instrument today, as the data worker would."""
        (detail,) = self._quotes.instruments([symbol])
        instrument, _ = Instrument.objects.update_or_create(
            symbol=symbol,
            defaults={
                "name": detail.name,
                "market": symbol[-2:],
                "board": "MAIN",
                "kind": "STOCK",
                "lot_size": 100,
                "min_quantity": 100,
                "quantity_step": 100,
                "tick": detail.tick,
                "volume_unit": 100,
                "t_plus": 1,
                "max_limit_quantity": 1_000_000,
                "max_market_quantity": 1_000_000,
                "updated_at": database_now(),
            },
        )
        InstrumentDay.objects.update_or_create(
            instrument=instrument,
            defaults={
                "trade_date": self._clock().trade_date,
                "pre_close": detail.pre_close,
                "limit_up": detail.limit_up,
                "limit_down": detail.limit_down,
                "updated_at": database_now(),
            },
        )
        return detail

    def jump_to(self, moment: dt.time) -> None:
        """Move the market's clock to a time of the present trade date."""
        assert isinstance(self.terminal.clock, ManualClock)
        self.terminal.clock.set(to_ms(self._clock().trade_date, moment))
        self.terminal.step()

    def next_day(self, moment: dt.time) -> None:
        """Move the market's clock to a time of the next trading day."""
        assert isinstance(self.terminal.clock, ManualClock)
        day = self.terminal.market.calendar.next_day(self._clock().trade_date)
        self.terminal.clock.set(to_ms(day, moment))
        self.terminal.step()

    def start(self, *, simulated: bool = True, **changes: Any) -> TradeRuntime:
        """Start the trade runtime and wait until it takes orders."""
        self.boot(simulated=simulated, **changes)
        until(lambda: self.runtime is not None and self.runtime.session.ready(), what="READY")
        assert self.runtime is not None
        until(lambda: self.session_state() == "READY", what="READY in the status row")
        return self.runtime

    def boot(self, *, simulated: bool = True, **changes: Any) -> TradeRuntime:
        """Start the trade runtime without waiting; not `simulated`, it takes the terminal for a broker's."""
        assert self.runtime is None
        gateway = Terminal(
            make_gateway=self.terminal.trade_gateway,
            read_clock=self._clock,
            sdk_version="face-b",
            simulated=simulated,
            close=lambda: None,
        )
        self.runtime = start_runtime(HOST, terminal=gateway, config=replace(self.config, **changes), environment={})
        return self.runtime

    def stop(self) -> None:
        """Stop the runtime in order."""
        if self.runtime is not None:
            self.runtime.stop(5.0)
            self.runtime = None

    def close(self) -> None:
        self.terminal.faults.clear()
        self.stop()
        self._quotes.close()

    # --- acts -------------------------------------------------------------------------------

    def buy(
        self, quantity: int = 100, *, price: Decimal | None = None, user: User | None = None, **fields: Any
    ) -> UUID:
        """Place a buy order that fills at once (a tick below the price cage), unless a price is given."""
        account = self.beta if user == self.charlie else self.alpha
        answer = order_submit(
            user=user or self.alice,
            account_id=account.pk,
            symbol=SYMBOL,
            side="BUY",
            quantity=quantity,
            price_type="LIMIT",
            price=str(price or self.crossing_price()),
            **fields,
        )
        assert answer.order.status != "DENIED", answer.order.message
        return answer.order.pk

    def crossing_price(self) -> Decimal:
        """A buying price that takes what is offered and stays inside the 2% price cage."""
        best = Decimal(str(self._quotes.full_tick([SYMBOL])[SYMBOL].ask[0]))
        return (best * Decimal("1.015")).quantize(Decimal("0.01"))

    def rest(self, quantity: int = 100) -> UUID:
        """Place a buy order that rests in the book (at limit-down)."""
        return self.buy(quantity, price=self.detail.limit_down)

    def cancel(self, order_id: UUID) -> None:
        order_cancel(user=self.alice, order_id=order_id)

    # --- looking ----------------------------------------------------------------------------

    def order(self, order_id: UUID) -> Order:
        return Order.objects.get(pk=order_id)

    def until_status(self, order_id: UUID, *statuses: str, seconds: float = 8.0) -> Order:
        """Step the market until the order has one of `statuses`."""

        def reached() -> Order | None:
            self.terminal.step()
            order = self.order(order_id)
            return order if order.status in statuses else None

        try:
            found = until(reached, seconds)
        except AssertionError as error:
            order = self.order(order_id)
            kinds = list(order.events.values_list("kind", flat=True))
            raise AssertionError(f"{order.status} ({order.message}) {kinds}, not {statuses}") from error
        assert found is not None
        return found

    def kinds(self, order_id: UUID) -> list[str]:
        """The order's timeline."""
        return list(self.order(order_id).events.order_by("seq").values_list("kind", flat=True))

    def booked(self, order_id: UUID) -> int:
        """Shares booked for the order."""
        return sum(Trade.objects.filter(order_id=order_id).values_list("quantity", flat=True))

    def at_broker(self, account_no: str = ALPHA) -> Sequence[Any]:
        """The broker's own orders of today."""
        with self.terminal.terminal.lock:
            return self.terminal.exchange.orders(account_no)

    def session_state(self) -> str:
        """What the host's status row says of the session."""
        return HostStatus.objects.values_list("session_state", flat=True).get(host=self.host)

    def _clock(self) -> ClockReading:
        return self._quotes.market_clock()

    @staticmethod
    def _trader(name: str, account: BrokerAccount) -> User:
        user = User.objects.create_user(name, password="desk-demo", role=Role.TRADER)
        Grant.objects.create(user=user, account=account, trade="ALL")
        return user
