"""Any price path, any broker: a grid never puts in more than it may, never sells what is not there, books every fill once."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from django.db.models import F, Sum

from tests.grids.field import Field
from tests.orders.bench import MOUTAI
from trading.grids.choices import GridState
from trading.grids.lots import invested
from trading.grids.models import GridAttempt, GridFill, GridSession, GridSignal
from trading.grids.selectors import open_lots, promised
from trading.ledger.models import AccountBook, Position
from trading.orders.choices import Side
from trading.orders.models import Order, Trade
from trading.orders.states import TERMINAL

pytestmark = pytest.mark.django_db

D = Decimal
LOW, HIGH = 905, 1095


class Walk:
    """A random market, a random broker, and what must hold after every step."""

    def __init__(self, field: Field, seed: int) -> None:
        self.field = field
        self.random = random.Random(seed)
        self.cents = self.goal = 1000
        self.shares = 2000
        self.sellable = 2000
        self.grid = field.start(
            template=self.random.choice(["aggressive", "moderate"]),
            ratio=self.random.choice(["0.1", "0.3", "1"]),
            max_investment=str(self.random.choice([11_000, 15_000])),
            max_deviation="0.5",
            target="1",
            stop="-0.5",
        )

    def step(self) -> None:
        act = self.random.choices(
            [self._move, self._fill, self._cancel, self._timeout, self._restart, self._late_fill],
            weights=[60, 14, 4, 6, 3, 3],
        )[0]
        act()
        self.field.turn()
        self.check()

    # --- what happens
    def _move(self) -> None:
        if abs(self.cents - self.goal) < 5:
            self.goal = self.random.randint(LOW, HIGH)
        step = self.random.randint(-4, 25)
        self.cents = min(HIGH, max(LOW, self.cents + (step if self.goal > self.cents else -step)))
        self.field.price(D(self.cents) / 100)
        if self.random.random() < 0.3:
            self.field.wait(self.random.choice([30, 61, 301]))

    def _open(self) -> Order | None:
        rows = Order.objects.exclude(status__in=TERMINAL).order_by("submitted_at")
        found: Order | None = rows.first()
        return found

    def _fill(self) -> None:
        order = self._open()
        if order is not None:
            rest = order.remaining_quantity
            self._book(order, self.random.choice([rest, rest, max(1, rest // 2), min(rest, 100)]))

    def _book(self, order: Order, quantity: int) -> None:
        order = self.field.broker.report(order)
        if order.status in TERMINAL:
            return
        price = order.price or D(0)
        better = D(self.random.choice([0, 0, 1, 2])) / 100
        self.field.broker.fill(order, quantity, str(price - better if order.side == Side.BUY else price + better))
        self._moved(order, quantity)

    def _moved(self, order: Order, quantity: int) -> None:
        if order.side == Side.BUY:
            self.shares += quantity  # sellable tomorrow
        else:
            self.shares -= quantity
            self.sellable -= quantity
        assert self.sellable >= 0, "sold what was not there"
        self.field.shares(self.shares, self.sellable)

    def _cancel(self) -> None:
        order = self._open()
        if order is not None:
            self.field.cancelled(order)

    def _timeout(self) -> None:
        order = self._open()
        if order is None:
            return
        order = self.field.broker.report(order)
        Order.objects.filter(pk=order.pk).update(reported_at=self.field.now)
        self.field.wait(301)
        self.field.turn()
        if self.field.bench.order(order).cancel_requested_at is not None and self.random.random() < 0.8:
            self.field.cancelled(order)

    def _late_fill(self) -> None:
        """The broker says "part-cancelled with fills" before the fill itself arrives."""
        order = self._open()
        if order is None:
            return
        order = self.field.broker.report(order)
        if order.traded_quantity or order.quantity <= 100 or order.status in TERMINAL:
            return
        bench, price = self.field.bench, order.price or D(0)
        bench.apply(bench.update(order, 53, traded_quantity=100, traded_price=price))
        self.field.turn()
        self.check()
        bench.apply(bench.fill(order, 100, str(price)))
        self._moved(order, 100)

    def _restart(self) -> None:
        from trading.grids.watch import GridWatch

        if self.random.random() < 0.5:
            self.field.watch.store(now=True)
        self.field.watch = GridWatch()

    # --- what must hold
    def check(self) -> None:
        grid = GridSession.objects.get(pk=self.grid.pk)
        fills = list(GridFill.objects.filter(session=grid))
        # Every fill, once.
        assert {fill.trade_id for fill in fills} == set(Trade.objects.values_list("pk", flat=True))
        bought = sum(fill.quantity for fill in fills if fill.side == Side.BUY)
        sold = sum(fill.quantity for fill in fills if fill.side == Side.SELL)
        assert (grid.bought_quantity, grid.sold_quantity) == (bought, sold)
        assert grid.bought_amount == sum((fill.amount for fill in fills if fill.side == Side.BUY), D(0))
        assert grid.sold_amount == sum((fill.amount for fill in fills if fill.side == Side.SELL), D(0))
        assert grid.open_quantity == bought - sold
        # Never more than the largest investment, promises included.
        lots = open_lots(grid)
        assert invested(lots) + promised(grid) <= grid.max_investment
        assert grid.bought_amount - grid.sold_amount + promised(grid) <= grid.max_investment
        # Lots explain the profit to the cent.
        price = D(self.cents) / 100
        signed = [(lot.price, lot.quantity if lot.side is Side.BUY else -lot.quantity) for lot in lots]
        unrealised = sum(((price - paid) * shares for paid, shares in signed), D(0))
        assert grid.realised + unrealised == grid.totals.profit(price)
        # One order a side; no order is larger than its signal.
        open_orders = Order.objects.exclude(status__in=TERMINAL).values_list("side", flat=True)
        assert len(open_orders) == len(set(open_orders))
        signals = GridSignal.objects.filter(session=grid).annotate(done=Sum("fills__quantity"))
        assert not signals.filter(done__gt=F("quantity")).exists()

    def finish(self) -> None:
        """The day ends: whatever is open is, the grid stops with everything booked."""
        from trading.grids.services import grid_stop

        grid_stop(user=self.field.bench.alice, grid_id=self.grid.pk)
        for order in Order.objects.exclude(status__in=TERMINAL):
            self.field.cancelled(order)
        for _ in range(3):
            self.field.turn()
        grid = GridSession.objects.get(pk=self.grid.pk)
        assert grid.state == GridState.STOPPED
        assert not GridSignal.objects.filter(final_at__isnull=True).exists()
        self.check()
        AccountBook.objects.filter(pk=self.field.bench.account.pk).update(closed_trade_date=self.field.trade_date)
        self.field.turn()
        assert not GridAttempt.objects.filter(settled=False).exists()
        held = Position.objects.filter(symbol=MOUTAI).values_list("quantity", flat=True).first() or 0
        assert held == self.shares == 2000 + grid.open_quantity


def walk(field: Field, seed: int, steps: int) -> Walk:
    walked = Walk(field, seed)
    for _ in range(steps):
        walked.step()
    walked.finish()
    return walked


@pytest.mark.parametrize("seed", [3, 5])
def test_grid_on_a_random_path_keeps_its_promises(field: Field, seed: int) -> None:
    walk(field, seed, steps=50)
    sides = set(GridFill.objects.values_list("side", flat=True))
    assert sides == {Side.BUY, Side.SELL}, "a path that does not trade both ways proves little"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100, 120))
def test_grid_on_many_random_paths_keeps_its_promises(field: Field, seed: int) -> None:
    walk(field, seed, steps=150)
