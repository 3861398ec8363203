"""A bench for executions: start one, let the loop turn, and say what the broker does with its children."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ops.clocks import wall_now
from qmt.calendar import SHANGHAI
from tests.orders.bench import MOUTAI, TODAY, Bench, host_ready
from tests.orders.claiming import claim
from trading.execution.models import Child, Execution, Leg
from trading.execution.services import execution_start, order_replace, step
from trading.ledger.models import AssetSnapshot
from trading.orders.choices import Status
from trading.orders.intake import CallReturned
from trading.orders.models import Order

MAX_TURNS = 60


class Floor:
    """One account, its executions, and the broker."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    # --- asking for executions
    def start(self, kind: str, **body: Any) -> Execution:
        wish: dict[str, Any] = {"account": self.bench.account.pk, "kind": kind, **body}
        started = execution_start(user=self.bench.alice, account_id=self.bench.account.pk, body=wish)
        return started.execution

    def split(self, quantity: int = 500, child: int = 200, **body: Any) -> Execution:
        terms: dict[str, Any] = {"symbol": MOUTAI, "side": "BUY", "price": "10.00", **body}
        return self.start("SPLIT", quantity=quantity, child_quantity=child, **terms)

    def twap(self, quantity: int = 1000, slices: int = 3, **body: Any) -> Execution:
        terms: dict[str, Any] = {"symbol": MOUTAI, "side": "BUY", "price": "10.00", "ends_at": "10:30", **body}
        return self.start("TWAP", quantity=quantity, slices=slices, **terms)

    def basket(self, *legs: dict[str, Any], **body: Any) -> Execution:
        return self.start("BASKET", legs=list(legs), **body)

    def replace(self, order: Order, **body: Any) -> Execution:
        return order_replace(user=self.bench.alice, order_id=order.pk, body=body).execution

    # --- the loop
    def turn(self, execution: Execution) -> Execution:
        """Let the loop come to rest."""
        for _ in range(MAX_TURNS):
            if not step(execution.pk):
                return self.fresh(execution)
        raise AssertionError("the execution does not come to rest")

    def fresh(self, execution: Execution) -> Execution:
        return Execution.objects.get(pk=execution.pk)

    def children(self, execution: Execution) -> list[Child]:
        rows = Child.objects.filter(leg__execution=execution).select_related("leg", "order")
        return list(rows.order_by("leg__number", "number"))

    def orders(self, execution: Execution) -> list[Order]:
        return [child.order for child in self.children(execution) if child.order is not None]

    def legs(self, execution: Execution) -> list[Leg]:
        return list(execution.legs.order_by("number"))

    # --- the market
    def market_time(self, text: str) -> None:
        """Set the market's time of day."""
        offset = datetime.combine(TODAY, time.fromisoformat(text), SHANGHAI) - wall_now()
        host_ready(self.bench.team, clock_offset_ms=int(offset.total_seconds() * 1000))

    # --- the broker
    def report(self, order: Order) -> Order:
        """The broker has the order."""
        order = self.bench.order(order)
        if order.status == Status.QUEUED:
            assert claim(order.pk, host_name="sim") is not None
            self.bench.apply(CallReturned(str(order.tag), order.pk.int % 10**9, wall_now()))
            order = self.bench.order(order)
            self.bench.apply(self.bench.response(order), self.bench.update(order, 50))
        return self.bench.order(order)

    def fill(self, order: Order, quantity: int | None = None, price: str = "10.00") -> Order:
        """The broker fills (the rest of) the order."""
        order = self.report(order)
        size = order.remaining_quantity if quantity is None else quantity
        done = order.traded_quantity + size
        status = 56 if done == order.quantity else 55
        update = self.bench.update(order, status, traded_quantity=done, traded_price=Decimal(price))
        self.bench.apply(update, self.bench.fill(order, size, price))
        self.confirm()
        return self.bench.order(order)

    def cancelled(self, order: Order) -> Order:
        """The broker says that the cancel is done."""
        order = self.bench.order(order)
        status = 53 if order.traded_quantity else 54
        self.bench.apply(
            self.bench.update(
                order,
                status,
                traded_quantity=order.traded_quantity,
                traded_price=order.avg_price or Decimal(0),
            )
        )
        return self.settled(order)

    def settled(self, order: Order) -> Order:
        """Some time passes after the end of an order."""
        Order.objects.filter(pk=order.pk, final_at__isnull=False).update(final_at=wall_now() - timedelta(seconds=10))
        return self.bench.order(order)

    def confirm(self, cash: str | None = None) -> None:
        """The broker answers a question about the account's money that was asked just now."""
        asset = AssetSnapshot.objects.get(account=self.bench.account)
        if cash is not None:
            asset.cash = asset.query_cash = Decimal(cash)
        asset.query_started_at = wall_now() + timedelta(milliseconds=1)
        asset.save()
