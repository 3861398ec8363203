"""Comparing the books: opened once, believed after three equal rounds, restraining until explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import TestCase

from accounts.models import BrokerAccount
from marketdata.models import DataSource, DividendFactor
from ops.clocks import wall_now
from ops.models import Alert, AuditEvent
from qmt.calendar import Phase
from qmt.gateway import ClockReading, OrderUpdate, PositionUpdate, TradeUpdate
from tests.orders.bench import MOUTAI, SESSION, TODAY, Bench
from trading.ledger.models import AccountDay, CorporateAction, Difference, LedgerEntry, TradeDate
from trading.ledger.verification import ledger_verify
from trading.orders.intake import AccountSnapshot
from trading.orders.models import Order
from trading.orders.runtime.bookcheck import BookCheck, Verdict
from trading.orders.runtime.config import RuntimeConfig

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

NEXT = TODAY + timedelta(days=3)


class Broker:
    """The terminal's figures, and rounds of the check over them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.cash = Decimal(1_000_000)
        self.shares: dict[str, int] = {MOUTAI: 300}
        self.orders: tuple[OrderUpdate, ...] = ()
        self.trades: tuple[TradeUpdate, ...] = ()
        self.today = TODAY
        self.rounds = 0
        self.each_round: Callable[[int], None] = lambda number: None
        self.pauses: list[float] = []
        self.checker = BookCheck(
            config=RuntimeConfig(),
            reading=lambda: ClockReading(self.today, Phase.CONTINUOUS, 0, 0, True),
            sleep=self.pauses.append,
        )

    def round(self) -> AccountSnapshot:
        self.rounds += 1
        self.each_round(self.rounds)
        positions: tuple[PositionUpdate, ...] = tuple(
            self.bench.position(quantity, symbol) for symbol, quantity in self.shares.items()
        )
        snapshot = AccountSnapshot(
            started_at=wall_now(),
            asset=self.bench.asset(str(self.cash)),
            orders=self.orders,
            trades=self.trades,
            positions=positions,
        )
        self.bench.query(
            snapshot.started_at,
            asset=snapshot.asset,
            orders=self.orders,
            trades=self.trades,
            positions=positions,
        )
        return snapshot

    def check(self) -> Verdict:
        self.rounds = 0
        with TestCase.captureOnCommitCallbacks(execute=True):
            return self.checker.check(self.bench.account, self.round(), session_key=SESSION, again=self.round)


@pytest.fixture
def broker(bench: Bench) -> Broker:
    """An account whose books were opened with 300 Moutai and a million."""
    made = Broker(bench)
    assert made.check() is Verdict.AGREE
    return made


def restricted(bench: Bench) -> list[str]:
    return sorted(bench.book.restricted)


def test_first_round_opens_the_books_with_what_the_broker_states(broker: Broker) -> None:
    rows = LedgerEntry.objects.order_by("symbol").values_list("kind", "symbol", "quantity", "price", "cash")
    assert list(rows) == [
        ("OPENING", "", 0, None, Decimal(1_000_000)),
        ("OPENING", MOUTAI, 300, Decimal("9.5"), Decimal(0)),
    ]
    assert broker.bench.book.ledger_since == TODAY
    assert AccountDay.objects.get().date == TODAY - timedelta(days=1)


def test_books_of_a_busy_account_are_opened_only_when_its_figures_hold_still(bench: Bench) -> None:
    broker = Broker(bench)
    order = bench.reported()
    broker.orders = (bench.update(order, 50),)

    def fills(number: int) -> None:
        broker.cash -= 100

    broker.each_round = fills
    assert broker.check() is Verdict.UNDECIDED
    assert bench.book.ledger_since is None
    broker.each_round = lambda number: None
    assert broker.check() is Verdict.AGREE


def test_fills_of_ours_explain_what_the_broker_has(broker: Broker) -> None:
    order = broker.bench.reported(quantity=100)
    broker.bench.apply(broker.bench.fill(order, 100))
    broker.shares[MOUTAI], broker.cash = 400, broker.cash - Decimal("1005.01")
    broker.orders = (broker.bench.update(order, 56, traded_quantity=100),)
    assert broker.check() is Verdict.AGREE
    assert Difference.objects.count() == 0


def test_shares_nobody_can_explain_restrict_their_instrument_only(broker: Broker) -> None:
    broker.shares[MOUTAI] = 200
    assert broker.check() is Verdict.DIFFER
    row = Difference.objects.get()
    assert (row.kind, row.key, row.ours, row.theirs, row.state) == ("POSITION", MOUTAI, "300", "200", "OPEN")
    assert (broker.rounds, broker.pauses) == (3, [1.0, 1.0])
    assert broker.bench.submit(symbol=MOUTAI).deny_code == "INSTRUMENT_RESTRICTED"
    assert broker.bench.submit(symbol="000001.SZ", price="12.00").status == "QUEUED"
    assert AuditEvent.objects.filter(action="ledger.difference").count() == 1
    assert Alert.objects.get(kind="ledger.difference").severity == "CRITICAL"


def test_money_nobody_can_explain_halts_the_account(broker: Broker) -> None:
    broker.cash -= 500
    assert broker.check() is Verdict.DIFFER
    assert Difference.objects.values_list("ours", "theirs").get() == ("1000000.00", "999500.00")
    assert BrokerAccount.objects.get(pk=broker.bench.account.pk).state == "HALTED"


def test_money_within_the_estimate_of_fees_is_no_difference(broker: Broker) -> None:
    order = broker.bench.reported(quantity=100)
    broker.bench.apply(broker.bench.fill(order, 100))
    broker.shares[MOUTAI], broker.cash = 400, broker.cash - Decimal(1000) - Decimal("8.50")
    broker.orders = (broker.bench.update(order, 56, traded_quantity=100),)
    assert broker.check() is Verdict.AGREE


@pytest.mark.parametrize("back_at", [2, 3])
def test_difference_that_does_not_come_back_was_on_its_way(broker: Broker, back_at: int) -> None:
    broker.shares[MOUTAI] = 200

    def arrives(number: int) -> None:
        if number == back_at:
            broker.shares[MOUTAI] = 300

    broker.each_round = arrives
    assert broker.check() is Verdict.AGREE
    assert Difference.objects.count() == 0


def test_difference_that_keeps_changing_decides_nothing(broker: Broker) -> None:
    def moves(number: int) -> None:
        broker.shares[MOUTAI] = 300 - 100 * number

    broker.each_round = moves
    assert broker.check() is Verdict.UNDECIDED
    assert (Difference.objects.count(), restricted(broker.bench)) == (0, [])


def test_difference_that_is_gone_lifts_its_restriction_by_itself(broker: Broker) -> None:
    broker.shares[MOUTAI] = 200
    broker.check()
    broker.shares[MOUTAI] = 300
    assert broker.check() is Verdict.AGREE
    assert (Difference.objects.get().state, restricted(broker.bench)) == ("EXPLAINED", [])
    assert Alert.objects.get(kind="ledger.difference").cleared_at is not None


def test_difference_seen_again_stays_one_row_with_its_first_sight(broker: Broker) -> None:
    broker.shares[MOUTAI] = 200
    broker.check()
    first = Difference.objects.get()
    broker.shares[MOUTAI] = 100
    broker.check()
    row = Difference.objects.get()
    assert (row.theirs, row.first_seen_at) == ("100", first.first_seen_at)
    assert row.last_seen_at > first.last_seen_at


def test_order_that_the_terminal_does_not_list_is_told(broker: Broker) -> None:
    order = broker.bench.reported()
    assert broker.check() is Verdict.DIFFER
    assert Difference.objects.values_list("kind", "key", "ours", "theirs").get() == (
        "ORDER",
        str(order.pk),
        "REPORTED",
        "absent",
    )
    assert BrokerAccount.objects.get(pk=broker.bench.account.pk).state == "ACTIVE"


def test_fills_that_do_not_add_up_to_the_order_are_told(broker: Broker) -> None:
    order = broker.bench.reported(quantity=200)
    broker.orders = (broker.bench.update(order, 55, traded_quantity=100),)
    assert broker.check() is Verdict.DIFFER
    assert Difference.objects.values_list("kind", "ours", "theirs").get() == ("FILL", "0", "100")


def test_check_sends_and_cancels_nothing(broker: Broker) -> None:
    broker.shares = {}
    broker.cash = Decimal(5)
    broker.check()
    assert Order.objects.count() == 0


# ------------------------------------------------------------------------- corporate actions
@pytest.fixture
def ex_date(broker: Broker) -> Broker:
    """The next trade date, on which 0.5 in cash and 3 new shares for 10 fall due."""
    DividendFactor.objects.create(
        instrument=broker.bench.instruments[MOUTAI], date=NEXT, interest=0.5, stock_bonus=0.1, stock_gift=0.2, dr=1.3
    )
    broker.today = NEXT
    return broker


def test_ex_date_is_entered_when_the_broker_shows_it(ex_date: Broker) -> None:
    ex_date.cash, ex_date.shares[MOUTAI] = ex_date.cash + 150, 390
    assert ex_date.check() is Verdict.AGREE
    rows = LedgerEntry.objects.filter(trade_date=NEXT).order_by("id").values_list("kind", "quantity", "cash")
    assert list(rows) == [("DIVIDEND", 0, Decimal(150)), ("BONUS", 30, Decimal(0)), ("GIFT", 60, Decimal(0))]
    action = CorporateAction.objects.get()
    assert (action.held, action.cash_received_on, action.shares_received_on) == (300, NEXT, NEXT)
    assert ledger_verify(ex_date.bench.account).faults == []


def test_ex_date_that_the_broker_does_not_show_yet_is_no_difference(ex_date: Broker) -> None:
    assert ex_date.check() is Verdict.AGREE
    assert LedgerEntry.objects.filter(kind="DIVIDEND").count() == 1
    ex_date.cash += 150
    assert ex_date.check() is Verdict.AGREE
    assert CorporateAction.objects.values_list("cash_received_on", "shares_received_on").get() == (NEXT, None)


def test_ex_date_is_entered_once(ex_date: Broker) -> None:
    ex_date.check()
    ex_date.check()
    assert LedgerEntry.objects.filter(trade_date=NEXT).count() == 3


def test_ex_date_not_known_yet_is_waited_for(broker: Broker) -> None:
    DataSource.objects.create(host="sim", static_trade_date=TODAY)
    TradeDate.objects.create(account=broker.bench.account, date=NEXT, opened_at=wall_now())
    broker.today, broker.cash = NEXT, broker.cash + 150
    assert broker.check() is Verdict.UNDECIDED
    TradeDate.objects.filter(date=NEXT).update(opened_at=wall_now() - timedelta(minutes=16))
    assert broker.check() is Verdict.DIFFER
