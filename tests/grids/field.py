"""A bench for grids: a holding, a price that moves with the clock, and the broker's hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import BrokerAccount, HostStatus
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.tables import LatestRow
from tests.execution.floor import Floor
from tests.orders.bench import MARKET_NOW, MOUTAI, TODAY, Bench, make_bench
from trading.grids.models import GridAttempt, GridFill, GridSession, GridSignal
from trading.grids.services import grid_start, orders_place, round_turn
from trading.grids.watch import GridWatch
from trading.ledger.models import Position
from trading.orders.choices import Side, Status
from trading.orders.models import Order

TICK = timedelta(seconds=3)


class Field:
    """One account with a grid's holding. Time moves only when the test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, shares: int = 2000) -> None:
        from django.utils import timezone

        self.now = timezone.now()
        self._offset_ms = int((MARKET_NOW - self.now).total_seconds() * 1000)
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        self.bench: Bench = make_bench()
        self.broker = Floor(self.bench)
        self.watch = GridWatch()
        self.trade_date = TODAY
        BrokerAccount.objects.filter(pk=self.bench.account.pk).update(auto_trading=True)
        self.shares(shares)
        self._beat()

    # --- the account
    def shares(self, quantity: int, sellable: int | None = None) -> None:
        """What the account holds, as the broker states it."""
        Position.objects.filter(account=self.bench.account, symbol=MOUTAI).delete()
        if quantity:
            self.bench.hold(quantity, sellable=sellable)

    def start(self, **body: Any) -> GridSession:
        """A moderate grid around 10.00, unless told otherwise."""
        wish: dict[str, Any] = {"symbol": MOUTAI, "center": "10.00", "max_investment": "10000", **body}
        return grid_start(user=self.bench.alice, account_id=self.bench.account.pk, body=wish)

    def fresh(self, grid: GridSession) -> GridSession:
        return GridSession.objects.get(pk=grid.pk)

    # --- time and price
    def wait(self, seconds: float) -> None:
        """Time passes, and the trade worker still reports."""
        self.now += timedelta(seconds=seconds)
        self._beat()

    def market_time(self) -> datetime:
        return self.now + timedelta(milliseconds=self._offset_ms)

    def quote(self, price: str | Decimal, *, symbol: str = MOUTAI, **changes: Any) -> dict[str, Any]:
        """A quote of now, a cent wide."""
        last = float(price)
        values: dict[str, Any] = {
            "ts": int(self.market_time().timestamp() * 1000),
            "last": last,
            "open": 10.0,
            "high": max(last, 10.0),
            "low": min(last, 10.0),
            "pre_close": 10.0,
            "volume": 1000,
            "amount": 10_000.0,
            "bid": [round(last - 0.01, 2), 0, 0, 0, 0],
            "ask": [round(last + 0.01, 2), 0, 0, 0, 0],
        }
        return values | changes

    def price(self, *prices: str | Decimal, host: str = "sim", **changes: Any) -> None:
        """One quote after the other, each stored and followed; then one round."""
        for price in prices:
            self.wait(TICK.total_seconds())
            quote = self.quote(price, **changes)
            self._store(quote)
            self.watch.refresh()
            self.watch.evaluate(host, [(MOUTAI, quote)])
            orders_place()
        self.turn()

    def turn(self) -> None:
        """One round of the loop."""
        round_turn()

    # --- what came of it
    def signals(self, grid: GridSession) -> list[GridSignal]:
        return list(GridSignal.objects.filter(session=grid).order_by("number"))

    def attempts(self, grid: GridSession) -> list[GridAttempt]:
        rows = GridAttempt.objects.filter(signal__session=grid).select_related("order")
        return list(rows.order_by("signal__number", "number"))

    def orders(self, grid: GridSession) -> list[Order]:
        return [attempt.order for attempt in self.attempts(grid) if attempt.order is not None]

    def fills(self, grid: GridSession) -> list[GridFill]:
        return list(GridFill.objects.filter(session=grid).order_by("pk"))

    def fill(self, order: Order, quantity: int | None = None, price: str | None = None) -> None:
        """The broker fills (the rest of) an order at its limit, unless told otherwise; the account's shares follow."""
        order = self.broker.report(order)
        size = order.remaining_quantity if quantity is None else quantity
        self.broker.fill(order, size, str(order.price) if price is None else price)
        held = Position.objects.filter(account=self.bench.account, symbol=MOUTAI).first()
        was, could = (0, 0) if held is None else (held.quantity, held.sellable)
        if order.side == Side.BUY:
            self.shares(was + size, could)
        else:
            self.shares(was - size, could - size)

    def cancelled(self, order: Order) -> None:
        """The broker has taken it out of the book."""
        order = self.broker.report(order)
        if order.status != Status.PENDING_CANCEL:
            Order.objects.filter(pk=order.pk).update(cancel_sent_at=self.now)
        self.broker.cancelled(order)

    # --- internals
    def _beat(self) -> None:
        HostStatus.objects.filter(host=self.bench.team.host).update(
            clock_offset_ms=self._offset_ms, updated_at=self.now, trade_date=self.trade_date
        )

    def _store(self, quote: dict[str, Any]) -> None:
        import orjson

        instrument = self.bench.instruments[MOUTAI]
        latest_upsert(
            [
                LatestRow(
                    instrument_id=instrument.pk,
                    received_at=int(self.now.timestamp() * 1000),
                    host="sim",
                    status=0,
                    bid=orjson.dumps(quote["bid"]).decode(),
                    ask=orjson.dumps(quote["ask"]).decode(),
                    bid_volume="[]",
                    ask_volume="[]",
                    **{k: quote[k] for k in ("ts", "last", "open", "high", "low", "pre_close", "volume", "amount")},
                )
            ]
        )
