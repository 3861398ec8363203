"""Trade dates: closed by a look after the close, or late by proof that nothing happened; otherwise open."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

import pytest

from accounts.models import BrokerAccount, QmtHost
from ops.clocks import SHANGHAI, wall_now
from qmt.calendar import Phase, to_ms
from qmt.gateway import ClockReading
from trading.ledger.models import AccountBook, TradeDate
from trading.orders import lifecycle
from trading.orders.models import Order
from trading.orders.runtime import tradedate
from trading.orders.runtime.bookcheck import Verdict

DAY, NEXT = date(2024, 1, 2), date(2024, 1, 3)


def reading(phase: Phase, at: time, *, day: date = DAY, on: date | None = None) -> ClockReading:
    return ClockReading(day, phase, to_ms(on or day, at), 0, True)


EVENING = reading(Phase.CLOSED, time(15, 31))


@pytest.mark.parametrize(
    ("now", "over"),
    [
        (reading(Phase.CLOSED, time(9, 0)), False),
        (reading(Phase.CONTINUOUS, time(14, 0)), False),
        (reading(Phase.AFTER_HOURS, time(15, 10)), False),
        (reading(Phase.CLOSED, time(15, 30)), True),
        (reading(Phase.CLOSED, time(2, 0), on=NEXT), True),
    ],
)
def test_is_over_only_after_the_after_hours_session(now: ClockReading, over: bool) -> None:
    assert tradedate.is_over(now) is over


class Desk:
    def __init__(self) -> None:
        host = QmtHost.objects.create(name="sim")
        self.account = BrokerAccount.objects.create(host=host, account_no="8000000001", name="Alpha")
        self.closed: list[date] = []
        AccountBook.objects.create(account=self.account, open_trade_date=DAY)
        TradeDate.objects.create(account=self.account, date=DAY, opened_at=wall_now())

    def close(self, account_id: int, day: date) -> list[UUID]:
        assert account_id == self.account.pk
        self.closed.append(day)
        TradeDate.objects.filter(account=self.account, date=day).update(state="CLOSED")
        return []

    def order(self, status: str) -> None:
        now = datetime(2024, 1, 2, 10, 0, tzinfo=SHANGHAI)
        Order.objects.create(
            account=self.account, source="API", symbol="600519.SH", side="BUY", price_type="LIMIT", price=1, quantity=100,
            status=status, epoch=1, trade_date=DAY, host_name="sim", simulated=True, submitted_at=now, expires_at=now,
        )  # fmt: skip


@pytest.fixture
def desk(db: None, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    monkeypatch.setattr(lifecycle, "close_trade_date", made.close)
    return made


def test_close_if_over_in_trading_hours_keeps_the_date_open(desk: Desk) -> None:
    assert not tradedate.close_if_over(desk.account, reading(Phase.CONTINUOUS, time(14, 0)))
    assert desk.closed == []


def test_close_if_over_in_the_evening_closes_it_once(desk: Desk) -> None:
    assert tradedate.close_if_over(desk.account, EVENING)
    assert tradedate.close_if_over(desk.account, EVENING)
    assert desk.closed == [DAY]


@pytest.mark.parametrize("status", ["SUBMITTING", "UNKNOWN"])
def test_close_if_over_with_an_unresolved_order_keeps_it_open(desk: Desk, status: str) -> None:
    desk.order(status)
    assert not tradedate.close_if_over(desk.account, EVENING)
    assert desk.closed == []


def test_close_if_over_with_a_resting_order_closes_it(desk: Desk) -> None:
    desk.order("REPORTED")
    assert tradedate.close_if_over(desk.account, EVENING)


MORNING = reading(Phase.CLOSED, time(9), day=NEXT)


def test_close_missed_agreeing_books_close_it_late(desk: Desk) -> None:
    AccountBook.objects.update(ledger_since=DAY)
    desk.order("REPORTED")
    assert tradedate.close_missed(desk.account, MORNING, Verdict.AGREE) == []
    assert desk.closed == [DAY]


def test_close_missed_differing_books_need_a_person(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    AccountBook.objects.update(ledger_since=DAY)
    assert tradedate.close_missed(desk.account, MORNING, Verdict.DIFFER) == [DAY]
    assert desk.closed == []
    assert TradeDate.objects.get().state == "MISSED"
    assert "a person settles" in caplog.text


def test_close_missed_differing_books_are_not_closed_by_the_next_look(desk: Desk) -> None:
    AccountBook.objects.update(ledger_since=DAY)
    tradedate.close_missed(desk.account, MORNING, Verdict.DIFFER)
    assert tradedate.close_missed(desk.account, MORNING, Verdict.AGREE) == []
    assert (desk.closed, TradeDate.objects.get().state) == ([], "MISSED")


def test_close_missed_undecided_waits_for_the_next_look(desk: Desk) -> None:
    AccountBook.objects.update(ledger_since=DAY)
    assert tradedate.close_missed(desk.account, MORNING, Verdict.UNDECIDED) == []
    assert (desk.closed, TradeDate.objects.get().state) == ([], "OPEN")


@pytest.mark.parametrize("since", [None, NEXT])
def test_close_missed_orders_before_the_books_were_opened_prove_nothing(desk: Desk, since: date | None) -> None:
    AccountBook.objects.update(ledger_since=since)
    desk.order("REPORTED")
    assert tradedate.close_missed(desk.account, MORNING, Verdict.AGREE) == [DAY]


def test_close_missed_date_without_orders_needs_no_books(desk: Desk) -> None:
    assert tradedate.close_missed(desk.account, MORNING, Verdict.AGREE) == []
    assert desk.closed == [DAY]


def test_close_missed_today_is_not_missed(desk: Desk) -> None:
    assert tradedate.close_missed(desk.account, EVENING, Verdict.DIFFER) == []
    assert desk.closed == []


def test_open_if_trading_after_the_end_opens_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[date] = []
    monkeypatch.setattr(lifecycle, "open_trade_date", lambda account_id, day: opened.append(day))
    tradedate.open_if_trading(desk.account, EVENING)
    tradedate.open_if_trading(desk.account, reading(Phase.CLOSED, time(9), day=NEXT))
    assert opened == [NEXT]
