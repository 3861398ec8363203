"""Defects of the field's single-user systems that concern signals, each held here."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ops.clocks import wall_now
from ops.errors import Code
from ops.models import Alert
from tests.orders.bench import MOUTAI
from tests.risk.desk import stored
from tests.signals.pit import Pit
from tests.signals.test_execution import step, stop
from trading.ledger.models import Position
from trading.orders.models import Order
from trading.signals import rules
from trading.signals.engine import SignalEngine
from trading.signals.models import Signal
from trading.signals.services.execution import signal_step

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def pit(pit: Pit) -> Pit:
    """As before, with automatic trading on."""
    pit.automatic()
    pit.sync()
    return pit


def test_part_fill_does_not_end_the_tracking(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.fill(order, 300, "9.19")
    signal = step(pit)
    assert (signal.state, signal.traded_quantity) == ("WORKING", 300)
    pit.floor.fill(order, 700, "9.19")
    assert (step(pit).state, pit.signal.traded_quantity) == ("DONE", 1000)


def test_part_cancelled_order_has_its_fills_booked(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.fill(order, 300, "9.19")
    step(pit, seconds=31)
    cancelled = pit.floor.cancelled(order)
    assert (cancelled.status, cancelled.broker_status) == ("PARTIALLY_CANCELLED", 53)
    signal = step(pit)
    assert (signal.traded_quantity, signal.traded_amount) == (300, Decimal("2757.0000"))


def test_quoting_anew_is_of_the_remainder_not_of_the_original_volume(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.fill(order, 300, "9.19")
    step(pit, seconds=31)
    pit.floor.cancelled(order)
    step(pit)
    assert [row.quantity for row in pit.orders()] == [1000, 700]


def test_pending_orders_are_not_lost_by_a_restart(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    pit.engine = SignalEngine()
    pit.sync()
    step(pit, seconds=31)
    assert Order.objects.get(pk=order.pk).cancel_requested_at is not None


def test_shares_asked_for_are_the_shares_ordered(pit: Pit) -> None:
    # "Sell 60%" of 1,050 is 600, whatever the amount in money would come to.
    pit.hold(1050, "10.00")
    pit.sync()
    pit.walk("10.60", "10.70", "10.60")
    (order,) = pit.orders()
    assert order.quantity == 600


def test_risk_limits_are_called_for_every_order_of_a_signal(pit: Pit) -> None:
    stored("ORDER_QUANTITY", 500, scope="ACCOUNT", account=pit.bench.account)
    signal = stop(pit)
    assert (signal.state, signal.code) == ("REFUSED", Code.ORDER_QUANTITY_LIMIT)


def test_lunch_is_no_trading_time(pit: Pit) -> None:
    pit.at("12:00:00")
    assert pit.quote("9.00") == []


def test_one_slow_acknowledgement_delays_no_other_order(pit: Pit) -> None:
    pit.hold(1000, "12.00", "000001.SZ")
    pit.sync()
    pit.limits("13.57", "10.00", "000001.SZ")
    stop(pit)
    # The first order is not even acknowledged when the second signal comes.
    pit.quote("11.09", "000001.SZ")
    assert [(row.symbol, row.status) for row in pit.orders()] == [(MOUTAI, "QUEUED"), ("000001.SZ", "QUEUED")]


def test_failing_instrument_never_stops_the_others(pit: Pit, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(signal: Signal, quotes: Any) -> bool:
        if signal.symbol == MOUTAI:
            raise ZeroDivisionError
        return signal_step(signal, quotes)

    monkeypatch.setattr("trading.signals.executor.signal_step", breaks)
    pit.hold(1000, "12.00", "000001.SZ")
    pit.sync()
    pit.limits("13.57", "10.00", "000001.SZ")
    pit.take("9.20")
    pit.quote("11.09", "000001.SZ")
    assert [row.symbol for row in pit.orders()] == ["000001.SZ"]
    assert pit.engine.executor.failures == 1


def test_account_that_cannot_be_read_stops_no_other(pit: Pit, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_arguments: Any) -> Any:
        raise ValueError("a damaged segment")

    monkeypatch.setattr("trading.signals.engine.tracks_prepare", breaks)
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())
    pit.sync()
    pit.sync()
    assert pit.walk("9.20") == ["STOP_LOSS 9.20"], "what was prepared before is watched on"
    alert = Alert.objects.get(kind="signals.paused")
    assert (alert.account_id, alert.count) == (pit.bench.account.pk, 1)
    monkeypatch.undo()


def test_paper_does_not_allow_t_plus_0(pit: Pit) -> None:
    Position.objects.update(sellable=0, query_sellable=0)
    pit.sync()
    assert pit.quote("9.20") == []
    Position.objects.update(sellable=1000, query_sellable=1000)
    pit.sync()
    assert pit.walk("9.20") == ["STOP_LOSS 9.20"]


def test_odd_remainder_goes_with_its_whole(pit: Pit) -> None:
    pit.hold(50, "10.00")
    pit.sync()
    pit.walk("10.60", "10.70", "10.60")
    (order,) = pit.orders()
    assert (order.quantity, order.status) == (50, "QUEUED")
    assert rules.BOARD_LOT == 100


def test_a_stuck_cancel_is_told(pit: Pit, django_capture_on_commit_callbacks: Any) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    step(pit, seconds=31)
    Order.objects.update(cancel_requested_at=wall_now() - timedelta(seconds=61))
    with django_capture_on_commit_callbacks(execute=True):
        step(pit, seconds=31)
    assert Alert.objects.get(kind="signals.failed").title.endswith("its cancel is not confirmed")
