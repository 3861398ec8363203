"""The promise as a property: no order lost, doubled, or sent by somebody who may not.

A hypothesis machine plays people, a trade worker that crashes anywhere, and a truthful broker whose words arrive in any
order, twice, or never. Whatever happened, a full day's query makes our rows say what the broker has; beside it,
`test_machine` lets the broker say anything at all.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from accounts.choices import TradingState
from accounts.models import BrokerAccount
from accounts.services import account_halt
from ops.clocks import wall_now
from ops.errors import Code, Conflict
from qmt.gateway import OrderUpdate, TradeEvent, TradeUpdate
from tests.orders.bench import TODAY, Bench, host_ready, make_bench
from tests.orders.claiming import claim, claim_cancel
from tests.people import TEST_ACTOR
from trading.orders.choices import OrderEventKind, Status
from trading.orders.intake import CallReturned, apply_events
from trading.orders.lifecycle import (
    close_trade_date,
    mark_not_found,
    mark_rejected,
    mark_unknown,
    mark_withheld,
    session_lost,
)
from trading.orders.models import Order, OrderEvent, Trade
from trading.orders.services import order_cancel
from trading.orders.states import BROKER_STATUS, EXCEPTIONAL, OPEN, TABLE, TERMINAL

PRICE = Decimal("10.00")
_FINAL = frozenset({53, 54, 56, 57})


@dataclass
class AtBroker:
    """One order as the broker has it."""

    row: Order
    status: int = 50
    filled: int = 0
    fills: list[TradeUpdate] = field(default_factory=list)


class PromiseMachine(RuleBasedStateMachine):
    """People, a worker that dies, and a broker that tells the truth, late."""

    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.bench: Bench = make_bench("100000000")
        self.broker: dict[str, AtBroker] = {}
        self.mail: list[TradeEvent] = []
        self.said: list[TradeEvent] = []
        self.sends: Counter[str] = Counter()
        self.seqs = itertools.count(1)
        self.session = 1

    # --- people ---------------------------------------------------------------------------------

    @rule(target=orders, lots=st.integers(1, 9))
    def accept(self, lots: int) -> Any:
        host_ready(self.bench.team)
        order = self.bench.submit(quantity=lots * 100)
        return multiple() if order.status == Status.DENIED else order.pk

    @rule(order=orders)
    def cancel(self, order: Any) -> None:
        try:
            order_cancel(user=self.bench.alice, order_id=order)
        except Conflict:
            assert self.row(order).status in TERMINAL

    @rule()
    def halt(self) -> None:
        account_halt(actor=TEST_ACTOR, account=BrokerAccount.objects.get(pk=self.bench.account.pk))

    @rule()
    def resume(self) -> None:
        BrokerAccount.objects.update(state=TradingState.ACTIVE)

    # --- the trade worker --------------------------------------------------------------------------

    @rule(order=orders, fate=st.sampled_from(["sent", "sent", "dies before", "dies after", "withheld", "call fails"]))
    def wake(self, order: Any, fate: str) -> None:
        row = claim(order, host_name="sim")
        if row is None:
            return
        account = BrokerAccount.objects.get(pk=self.bench.account.pk)
        assert row.epoch == account.epoch, "claimed under an authority that is gone"
        assert account.state == TradingState.ACTIVE or row.epoch == account.epoch
        tag = str(row.tag)
        if fate == "withheld":
            mark_withheld(order, code=Code.LEASE_LOST)
            return
        if fate != "dies before":
            self.sends[tag] += 1
            self.broker[tag] = AtBroker(row)
            self.mail += [self.bench.response(row), self.update(tag)]
        if fate == "sent":
            apply_events([CallReturned(tag, next(self.seqs), wall_now())], host_name="sim", session_key=self.key)
        elif fate == "call fails":
            mark_unknown([order], reason="the call failed")
        else:
            self.crash()

    @rule(order=orders)
    def deadline(self, order: Any) -> None:
        mark_unknown([order], reason="no answer")

    @rule(order=orders)
    def send_cancel(self, order: Any) -> None:
        row = claim_cancel(order, host_name="sim")
        if row is not None:
            self.asked_to_cancel(str(row.tag))

    @rule()
    def crash(self) -> None:
        """The worker dies with what the terminal said on its way; the next one opens a session of its own."""
        self.mail.clear()
        session_lost("sim", reason="crash")
        self.session += 1

    @rule(order=orders)
    def refuse(self, order: Any) -> None:
        """The gateway refuses the request before any call."""
        row = claim(order, host_name="sim")
        if row is not None:
            mark_rejected(order, message="malformed")

    # --- the broker ------------------------------------------------------------------------------------

    @rule(order=orders, lots=st.integers(1, 9), price=st.integers(990, 1000))
    def fill(self, order: Any, lots: int, price: int) -> None:
        held = self.broker.get(str(self.row(order).tag))
        if held is None or held.status in _FINAL:
            return
        quantity = min(lots * 100, held.row.quantity - held.filled)
        held.filled += quantity
        update = self.bench.fill(held.row, quantity, str(Decimal(price) / 100))
        held.fills.append(update)
        held.status = 56 if held.filled == held.row.quantity else (52 if held.status in (51, 52) else 55)
        self.mail += [update, self.update(str(held.row.tag))]

    @rule(order=orders)
    def confirm_cancel(self, order: Any) -> None:
        tag = str(self.row(order).tag)
        held = self.broker.get(tag)
        if held is not None and held.status in (51, 52):
            held.status = 53 if held.filled else 54
            self.mail.append(self.update(tag))

    @rule(order=orders)
    def junk(self, order: Any) -> None:
        tag = str(self.row(order).tag)
        held = self.broker.get(tag)
        if held is not None and held.status == 50:
            held.status = 57
            self.mail.append(self.update(tag))

    @rule(order=orders)
    def cancelled_by_hand(self, order: Any) -> None:
        self.asked_to_cancel(str(self.row(order).tag))

    def asked_to_cancel(self, tag: str) -> None:
        held = self.broker.get(tag)
        if held is not None and held.status in (50, 55):
            held.status = 52 if held.filled else 51
            self.mail.append(self.update(tag))

    @rule(
        picks=st.lists(st.integers(0, 1000), min_size=1, max_size=8), repeats=st.lists(st.integers(0, 1000), max_size=3)
    )
    def deliver(self, picks: list[int], repeats: list[int]) -> None:
        """Some of what is on its way arrives, in any order, mixed with what was said before."""
        batch = [self.mail.pop(pick % len(self.mail)) for pick in picks if self.mail]
        self.said += batch
        batch += [self.said[number % len(self.said)] for number in repeats if self.said]
        if batch:
            apply_events(batch, host_name="sim", session_key=self.key)

    @rule(share=st.integers(1, 3))
    def lose_words(self, share: int) -> None:
        del self.mail[::share]

    @rule()
    def reconcile(self) -> None:
        """A full day's query: our rows now say what the broker has."""
        bench = self.bench
        bench.query(
            orders=tuple(self.update(tag) for tag in self.broker),
            trades=tuple(update for held in self.broker.values() for update in held.fills),
        )
        for tag, held in self.broker.items():
            row = Order.objects.get(tag=tag)
            assert row.status == BROKER_STATUS[held.status], (row.status, held.status)
            assert row.traded_quantity == held.filled
        for row in Order.objects.filter(status=Status.UNKNOWN).exclude(tag__in=self.broker):
            mark_not_found([row.pk], evidence={})

    # --- what must hold ------------------------------------------------------------------------------

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert all(count == 1 for count in self.sends.values())
        claims = Counter(OrderEvent.objects.filter(kind=OrderEventKind.CLAIMED).values_list("order_id", flat=True))
        assert all(count == 1 for count in claims.values())

    @invariant()
    def what_was_never_sent_is_never_said_to_work(self) -> None:
        silent = Order.objects.exclude(tag__in=self.broker)
        assert not silent.filter(status__in=(Status.REPORTED, Status.FILLED, Status.PARTIALLY_FILLED)).exists()

    @invariant()
    def no_fill_is_booked_twice_or_invented(self) -> None:
        real = {update.traded_id: update.quantity for held in self.broker.values() for update in held.fills}
        booked = list(Trade.objects.values_list("traded_id", "quantity"))
        assert len(booked) == len(set(booked))
        assert all(real.get(number) == quantity for number, quantity in booked)

    @invariant()
    def steps_are_in_the_table(self) -> None:
        for event in OrderEvent.objects.exclude(from_status=""):
            before, after = Status(event.from_status), Status(event.to_status)
            exceptional = EXCEPTIONAL.get(OrderEventKind(event.kind), frozenset())
            assert before is after or after in TABLE[before] or (before, after) in exceptional

    def teardown(self) -> None:
        """However it went: after a last look at the broker and the day's close every order is final, and right."""
        try:
            self.mail.clear()
            session_lost("sim", reason="end")
            self.reconcile()
            close_trade_date(self.bench.account.pk, TODAY)
            assert not Order.objects.filter(status__in=OPEN).exists()
            assert self.bench.book.reserved_cash == 0
            for tag, held in self.broker.items():
                row = Order.objects.get(tag=tag)
                assert row.status == (BROKER_STATUS[held.status] if held.status in _FINAL else Status.DONE_FOR_DAY)
                assert row.traded_quantity == held.filled == sum(row.trades.values_list("quantity", flat=True))
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    # --- helpers ---------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        return f"session-{self.session}"

    def row(self, order: Any) -> Order:
        return Order.objects.get(pk=order)

    def update(self, tag: str) -> OrderUpdate:
        held = self.broker[tag]
        return self.bench.update(
            held.row, held.status, traded_quantity=held.filled, traded_price=PRICE if held.filled else Decimal(0)
        )


def play(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        PromiseMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


BOTH_DATABASES = pytest.mark.django_db(databases=["default", "quotes"])


@BOTH_DATABASES
def test_promise_holds_whatever_happens() -> None:
    play(examples=20, steps=20)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@BOTH_DATABASES
def test_promise_holds_over_long_plays() -> None:
    play(examples=250, steps=50)
