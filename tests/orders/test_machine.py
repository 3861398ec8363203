"""Anything may happen to orders in any order: what must hold all the same.

A hypothesis machine plays users, the trade worker, the clock and a broker that repeats,
skips, delays and reorders what it says.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from accounts.choices import TradingState
from accounts.models import BrokerAccount
from ops.clocks import wall_now
from ops.errors import Code, Conflict
from qmt.gateway import CancelError, TradeEvent
from tests.orders.bench import TODAY, Bench, host_ready, make_bench
from tests.orders.claiming import claim, claim_cancel
from trading.ledger.models import AccountBook
from trading.orders.choices import Side, Status
from trading.orders.intake import CallReturned, apply_events
from trading.orders.lifecycle import (
    close_trade_date,
    expire_due,
    mark_not_found,
    mark_unknown,
    mark_withheld,
    session_lost,
)
from trading.orders.models import Order, OrderEvent, Trade
from trading.orders.services import order_cancel
from trading.orders.states import EXCEPTIONAL, OPEN, TABLE

Word = tuple[str, int]
_CODES = (48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 255)
words: st.SearchStrategy[Word] = st.one_of(
    st.tuples(st.just("fill"), st.integers(1, 5)),
    st.tuples(st.just("status"), st.sampled_from(_CODES)),
    st.tuples(st.sampled_from(["taken", "refused", "cancel refused"]), st.just(0)),
)


class OrdersMachine(RuleBasedStateMachine):
    """The order table under fire."""

    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.bench: Bench = make_bench()
        self.bench.hold(10_000)
        self.claims: Counter[Any] = Counter()
        self.fills: Counter[tuple[Any, str]] = Counter()
        self.spoken: list[TradeEvent] = []
        self.numbers = 0

    @initialize(target=orders, lots=st.lists(st.integers(2, 9), min_size=3, max_size=3))
    def begin_with_orders_at_the_broker(self, lots: list[int]) -> Any:
        sides = ("BUY", "SELL", "BUY")
        made = [self.bench.submit(side=s, quantity=n * 100) for s, n in zip(sides, lots, strict=True)]
        for order in made:
            self.go_out(order.pk)
        return multiple(*(order.pk for order in made))

    # ------------------------------------------------------------------- people
    @rule(target=orders, side=st.sampled_from(["BUY", "SELL"]), lots=st.integers(1, 30))
    def submit(self, side: str, lots: int) -> Any:
        host_ready(self.bench.team)
        order = self.bench.submit(side=side, quantity=lots * 100)
        return multiple() if order.status == Status.DENIED else order.pk

    @rule(order=orders)
    def cancel(self, order: Any) -> None:
        if self.row(order).status in OPEN:
            order_cancel(user=self.bench.alice, order_id=order)
            return
        with pytest.raises(Conflict, match=Code.ORDER_FINAL):
            order_cancel(user=self.bench.alice, order_id=order)

    @rule()
    def resume(self) -> None:
        BrokerAccount.objects.update(state=TradingState.ACTIVE)

    # ------------------------------------------------------------- the trade worker
    @rule(order=orders)
    def go_out(self, order: Any) -> None:
        if claim(order, host_name="sim") is not None:
            self.claims[order] += 1
        if self.row(order).status == Status.SUBMITTING:
            self.numbers += 1
            note = CallReturned(str(self.row(order).tag), self.numbers, wall_now())
            apply_events([note], host_name="sim", session_key="session-1")

    @rule(order=orders)
    def claim_and_withhold(self, order: Any) -> None:
        if claim(order, host_name="sim") is not None:
            self.claims[order] += 1
            mark_withheld(order, code=Code.DEADLINE_PASSED)

    @rule(order=orders)
    def lose_sight(self, order: Any) -> None:
        mark_unknown([order], reason="test")

    @rule(order=orders)
    def prove_absent(self, order: Any) -> None:
        mark_not_found([order], evidence={})

    @rule(order=orders)
    def send_cancel(self, order: Any) -> None:
        claim_cancel(order, host_name="sim")

    @rule()
    def lose_session(self) -> None:
        session_lost("sim", reason="test")

    @rule(order=orders)
    def time_passes(self, order: Any) -> None:
        Order.objects.filter(pk=order).update(expires_at=wall_now() - timedelta(seconds=1))
        expire_due("sim")

    # ----------------------------------------------------------------- the broker
    @rule(
        order=orders,
        words=st.lists(words, min_size=1, max_size=6),
        repeats=st.lists(st.integers(0, 100), max_size=4),
        together=st.booleans(),
    )
    def broker_speaks(self, order: Any, words: list[Word], repeats: list[int], together: bool) -> None:
        """New words about one order, mixed with words that were said before."""
        row = self.row(order)
        if not self.is_known_to_the_broker(row):
            return
        said = [event for word in words if (event := self.event(row, *word)) is not None]
        self.spoken += said
        for number in repeats:
            if self.spoken:
                said.insert(number % (len(said) + 1), self.spoken[number % len(self.spoken)])
        for batch in [said] if together else [[event] for event in said]:
            self.bench.apply(*batch)

    def event(self, row: Order, kind: str, value: int) -> TradeEvent | None:
        """One thing the broker may say about the order."""
        if kind == "status":
            return self.bench.update(row, value)
        if kind == "taken":
            return self.bench.response(row)
        if kind == "refused":
            return self.bench.response(row, order_id=None, error="no")
        if kind == "cancel refused":
            return CancelError(self.bench.broker_id(row), "", 1, "no")
        filled = sum(count for (pk, _), count in self.fills.items() if pk == row.pk)
        quantity = min(value * 100, row.quantity - filled)
        if quantity <= 0:
            return None
        fill = self.bench.fill(row, quantity, str(Decimal(1000 - value) / 100))
        self.fills[row.pk, fill.traded_id] = quantity
        return fill

    @rule(cash=st.integers(900_000, 1_100_000))
    def states_the_asset(self, cash: int) -> None:
        self.bench.query(asset=self.bench.asset(str(cash)))

    # ----------------------------------------------------------------- invariants
    @invariant()
    def steps_are_in_the_tables(self) -> None:
        for event in OrderEvent.objects.exclude(from_status=""):
            before, after = Status(event.from_status), Status(event.to_status)
            if before is not after and event.kind != "CLAIMED":
                exceptional = EXCEPTIONAL.get(event.kind, frozenset())  # type: ignore[call-overload]
                assert after in TABLE[before] or (before, after) in exceptional

    @invariant()
    def timelines_have_no_gaps(self) -> None:
        for order in Order.objects.all():
            seqs = list(order.events.order_by("seq").values_list("seq", flat=True))
            assert seqs == list(range(1, order.version + 1))
            kinds = list(order.events.order_by("seq"))
            assert kinds[-1].to_status == order.status

    @invariant()
    def every_fill_counts_once(self) -> None:
        for order in Order.objects.all():
            told = sum(count for (pk, _), count in self.fills.items() if pk == order.pk)
            booked = order.trades.aggregate(q=Sum("quantity"), a=Sum("amount"))
            assert order.traded_quantity == (booked["q"] or 0) == told
            assert order.traded_amount == (booked["a"] or 0)
            assert order.traded_quantity <= order.quantity
        assert Trade.objects.filter(order=None).count() == 0

    @invariant()
    def promises_add_up(self) -> None:
        book = AccountBook.objects.filter(account=self.bench.account).first()
        if book is None:
            return
        promised = sum((o.reserved_cash for o in Order.objects.all()), Decimal(0))
        assert book.reserved_cash == promised
        assert book.reserved_cash >= 0
        assert book.unconfirmed_cash >= 0
        for order in Order.objects.all():
            assert order.reserved_cash == 0 or order.side == Side.BUY
            assert order.reserved_quantity <= order.remaining_quantity
            if order.status not in OPEN and order.status != Status.NOT_FOUND:
                assert (order.reserved_cash, order.reserved_quantity) == (0, 0)

    @invariant()
    def nobody_claims_twice(self) -> None:
        assert all(count == 1 for count in self.claims.values())

    def teardown(self) -> None:
        """Whatever happened: the close of the day ends everything and gives everything back."""
        try:
            close_trade_date(self.bench.account.pk, TODAY)
            assert not Order.objects.filter(status__in=OPEN).exists()
            assert self.bench.book.reserved_cash == 0
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    # -------------------------------------------------------------------- helpers
    def row(self, order: Any) -> Order:
        return Order.objects.get(pk=order)

    def is_known_to_the_broker(self, row: Order) -> bool:
        """The broker may speak of an order from its claim on, whatever we think of it by then."""
        return self.claims[row.pk] > 0 and row.session_seq is not None


def play(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        OrdersMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db
def test_orders_under_fire_keep_their_invariants() -> None:
    play(examples=25, steps=12)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.django_db
def test_orders_under_long_fire_keep_their_invariants() -> None:
    play(examples=300, steps=40)
