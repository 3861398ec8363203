"""Carrying signals out: what is validated, time-outs, quoting the remainder anew, and never an order twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import ApiToken, BrokerAccount, Grant
from ops.clocks import wall_now
from ops.errors import Code
from ops.models import Alert
from tests.orders.bench import MOUTAI
from tests.signals.pit import Pit, recorded
from trading.ledger.models import Position
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.services import order_cancel
from trading.orders.services.context import account_clock
from trading.signals.models import Signal
from trading.signals.services.execution import SETTLE

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def pit(pit: Pit) -> Pit:
    """As before, with automatic trading on."""
    pit.automatic()
    pit.sync()
    return pit


def stop(pit: Pit) -> Signal:
    """The price falls to 9.20: the stop loss."""
    (signal,) = pit.quote("9.20")
    return Signal.objects.get(pk=signal.pk)


def step(pit: Pit, seconds: float = 0.0) -> Signal:
    """Some time passes for orders and signals, the price stands, and the loop turns once."""
    Order.objects.filter(reported_at__isnull=False).update(reported_at=wall_now() - timedelta(seconds=seconds))
    pit.take(str(pit.prices[MOUTAI]), stamp=market_now(pit))
    pit.engine.executor.round()
    return pit.signal


def market_now(pit: Pit) -> str:
    account = BrokerAccount.objects.select_related("host__status").get(pk=pit.bench.account.pk)
    return account_clock(account).market_time.strftime("%H:%M:%S")


def settled(order: Order) -> None:
    Order.objects.filter(pk=order.pk, final_at__isnull=False).update(final_at=wall_now() - 2 * SETTLE)


# ---------------------------------------------------------------------------- the first
def test_signal_with_auto_trading_off_is_recorded_and_places_nothing(pit: Pit) -> None:
    pit.automatic(on=False)
    signal = stop(pit)
    assert (signal.state, pit.orders()) == ("RECORDED", [])


def test_signal_is_executed_in_the_owners_name_at_the_best_opposite_price(pit: Pit) -> None:
    signal = stop(pit)
    (order,) = pit.orders()
    assert (order.status, order.side, order.quantity, str(order.price)) == ("QUEUED", "SELL", 1000, "9.190000")
    assert (order.created_by, order.client_order_id) == (pit.bench.alice, f"auto:sig:{signal.pk}:1")
    assert (signal.state, signal.attempts) == ("WORKING", 1)


def refused(pit: Pit) -> tuple[str, str]:
    signal = pit.signal
    assert not pit.orders()
    assert signal.final_at is not None
    return signal.state, signal.code


def test_signal_older_than_a_minute_expires(pit: Pit) -> None:
    pit.take("9.20")
    recorded(pit)
    Signal.objects.update(expires_at=wall_now() - timedelta(seconds=1))
    pit.engine.executor.round()
    assert refused(pit) == ("EXPIRED", Code.SIGNAL_EXPIRED)


def test_signal_without_a_fresh_quote_waits_until_it_expires(pit: Pit) -> None:
    pit.take("9.20")
    recorded(pit)
    pit.at("10:00:30")
    pit.engine.executor.round()
    assert (pit.signal.state, pit.orders()) == ("DETECTED", [])


def test_signal_of_a_kind_that_was_executed_just_now_is_refused(pit: Pit) -> None:
    first = stop(pit)
    Order.objects.update(status=Status.CANCELLED, final_at=wall_now(), reserved_quantity=0)
    Signal.objects.filter(pk=first.pk).update(state="INCOMPLETE", final_at=wall_now())
    assert pit.walk("9.30", "9.20") == ["STOP_LOSS 9.20"]
    assert (pit.signal.state, pit.signal.code) == ("REFUSED", Code.SIGNAL_REPEATED)
    assert len(pit.orders()) == 1
    Signal.objects.filter(pk=first.pk).update(executed_at=wall_now() - timedelta(seconds=301))
    pit.walk("9.30", "9.20")
    assert (pit.signal.state, len(pit.orders())) == ("WORKING", 2)


def test_signal_for_more_than_is_sellable_is_refused(pit: Pit) -> None:
    pit.take("9.20")
    recorded(pit)
    Position.objects.update(sellable=900)
    pit.engine.executor.round()
    assert refused(pit) == ("REFUSED", Code.SELLABLE_INSUFFICIENT)
    assert "sellable=900" in pit.signal.message


def test_signal_beside_an_open_order_on_its_side_is_refused(pit: Pit) -> None:
    pit.bench.submit(side="SELL", quantity=100, price="10.50")
    pit.sync()
    pit.quote("9.20")
    assert refused(pit) == ("REFUSED", Code.ORDER_IN_FLIGHT)


def test_signal_whose_price_ran_away_is_refused(pit: Pit) -> None:
    pit.take("9.20")
    recorded(pit)
    pit.take("9.10")
    pit.engine.executor.round()
    assert refused(pit) == ("REFUSED", Code.PRICE_DRIFTED)


def test_signal_within_one_percent_of_drift_is_executed(pit: Pit) -> None:
    pit.take("9.20")
    recorded(pit)
    pit.take("9.11")
    pit.engine.executor.round()
    assert pit.signal.state == "WORKING"


def test_sale_at_limit_down_is_refused(pit: Pit) -> None:
    pit.limits("11.00", "9.20")
    pit.quote("9.20")
    assert refused(pit) == ("REFUSED", Code.PRICE_AT_LIMIT)


def test_purchase_at_limit_up_is_refused(pit: Pit) -> None:
    pit.plan(terms={"add": True})
    pit.sync()
    pit.limits("9.30", "9.00")
    pit.quote("9.30")
    assert refused(pit) == ("REFUSED", Code.PRICE_AT_LIMIT)


def test_signal_of_a_suspended_instrument_is_refused(pit: Pit) -> None:
    pit.limits("11.00", "9.00", suspended=True)
    pit.quote("9.20")
    assert refused(pit) == ("REFUSED", Code.SYMBOL_SUSPENDED)


def test_signal_of_an_owner_without_the_right_is_refused_and_told(
    pit: Pit, django_capture_on_commit_callbacks: Any
) -> None:
    Grant.objects.filter(user=pit.bench.alice).delete()
    with django_capture_on_commit_callbacks(execute=True):
        pit.quote("9.20")
    assert refused(pit) == ("REFUSED", Code.TRADE_NOT_GRANTED)
    assert Alert.objects.get(kind="signals.failed").facts["reason"] == "TRADE_NOT_GRANTED"


def test_signal_of_a_plan_set_by_a_token_that_ended_is_refused(pit: Pit) -> None:
    token = ApiToken.objects.create(
        user=pit.bench.alice, name="bot", digest="d" * 64, prefix="12345678", scopes=["orders:write"]
    )
    pit.plan(token=token)
    pit.sync()
    ApiToken.objects.update(revoked_at=wall_now())
    pit.quote("9.20")
    assert refused(pit) == ("REFUSED", Code.TOKEN_ENDED)


@pytest.mark.postgres
def test_refused_signal_is_told_again_after_a_minute_and_then_later(pit: Pit) -> None:
    pit.limits("11.00", "9.20")
    pit.walk("9.20")
    assert pit.walk("9.20") == []
    Signal.objects.update(detected_at=wall_now() - timedelta(seconds=61))
    pit.sync()
    assert pit.walk("9.20") == ["STOP_LOSS 9.20"]
    Signal.objects.update(detected_at=wall_now() - timedelta(seconds=61))
    pit.sync()
    assert pit.walk("9.20") == []
    Signal.objects.update(detected_at=wall_now() - timedelta(seconds=121))
    pit.sync()
    assert pit.walk("9.20") == ["STOP_LOSS 9.20"]


def test_recorded_signal_is_told_again_when_auto_trading_is_switched_on(pit: Pit) -> None:
    pit.automatic(on=False)
    pit.sync()
    assert pit.walk("9.20", "9.20") == ["STOP_LOSS 9.20"]
    pit.automatic()
    pit.sync()
    assert pit.walk("9.20") == ["STOP_LOSS 9.20"]
    assert pit.signal.state == "WORKING"


# ---------------------------------------------------------------------- orders that stand
@pytest.mark.postgres
def test_order_that_stands_too_long_is_cancelled_and_the_remainder_quoted_anew(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.fill(order, 300, "9.19")
    assert step(pit, seconds=29).state == "WORKING"
    assert Order.objects.get(pk=order.pk).cancel_requested_at is None
    step(pit, seconds=31)
    assert Order.objects.get(pk=order.pk).cancel_requested_at is not None
    step(pit, seconds=31)
    assert len(pit.orders()) == 1, "the cancel is not final yet"
    pit.floor.cancelled(order)
    step(pit)
    first, second = pit.orders()
    assert (first.status, second.quantity, str(second.price)) == ("PARTIALLY_CANCELLED", 700, "9.190000")
    pit.floor.fill(second, price="9.19")
    signal = step(pit)
    assert (signal.state, signal.traded_quantity, signal.traded_amount) == ("DONE", 1000, Decimal("9190.0000"))


def test_time_out_of_other_kinds_is_five_minutes(pit: Pit) -> None:
    pit.walk("10.60", "10.70", "10.60")
    (order,) = pit.orders()
    pit.floor.report(order)
    step(pit, seconds=299)
    assert Order.objects.get(pk=order.pk).cancel_requested_at is None
    step(pit, seconds=301)
    assert Order.objects.get(pk=order.pk).cancel_requested_at is not None


def test_remainder_is_quoted_anew_three_times_at_most_then_somebody_is_told(
    pit: Pit, django_capture_on_commit_callbacks: Any
) -> None:
    stop(pit)
    for _attempt in range(4):
        order = pit.orders()[-1]
        pit.floor.report(order)
        step(pit, seconds=31)
        pit.floor.cancelled(order)
        with django_capture_on_commit_callbacks(execute=True):
            step(pit)
    assert [order.quantity for order in pit.orders()] == [1000] * 4
    assert (pit.signal.state, pit.signal.code) == ("INCOMPLETE", Code.REQUOTES_USED_UP)
    assert Alert.objects.get(kind="signals.failed").severity == "CRITICAL"


def test_lunch_does_not_count_towards_the_time_out(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    pit.at("13:00:10")
    # Reported at 11:29:50: ten seconds before lunch, ten after it.
    step(pit, seconds=90 * 60 + 20)
    assert Order.objects.get(pk=order.pk).cancel_requested_at is None
    step(pit, seconds=90 * 60 + 35)
    assert Order.objects.get(pk=order.pk).cancel_requested_at is not None


def test_nothing_is_cancelled_while_the_exchange_takes_no_cancels(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    pit.at("14:58:00")
    step(pit, seconds=100)
    assert Order.objects.get(pk=order.pk).cancel_requested_at is None


def test_remainder_waits_while_the_price_is_at_its_limit(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    step(pit, seconds=31)
    pit.floor.cancelled(order)
    pit.limits("11.00", "9.20")
    assert step(pit).state == "WORKING"
    assert len(pit.orders()) == 1
    pit.limits("11.00", "9.00")
    step(pit)
    assert len(pit.orders()) == 2


def test_order_cancelled_by_a_person_ends_the_signal(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    order_cancel(user=pit.bench.alice, order_id=order.pk)
    pit.floor.cancelled(order)
    assert (step(pit).state, pit.signal.code, len(pit.orders())) == ("INCOMPLETE", Code.CHILD_CANCELLED, 1)


def test_rejected_order_is_quoted_anew(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    order = pit.floor.report(order)
    pit.bench.apply(pit.bench.update(order, 57, status_msg="broker says no"))
    settled(order)
    step(pit)
    assert [order.status for order in pit.orders()] == ["REJECTED", "QUEUED"]


def test_order_that_was_never_found_is_not_placed_again(pit: Pit) -> None:
    stop(pit)
    Order.objects.update(status=Status.NOT_FOUND, final_at=wall_now())
    assert (step(pit).state, pit.signal.code, len(pit.orders())) == ("INCOMPLETE", Code.ORDER_NOT_FOUND, 1)


def test_day_that_is_over_ends_the_signal(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    step(pit, seconds=31)
    pit.floor.cancelled(order)
    pit.at("15:00:10")
    assert (step(pit).state, pit.signal.code) == ("INCOMPLETE", Code.DEADLINE_PASSED)


def test_auto_trading_switched_off_meanwhile_places_no_more(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    step(pit, seconds=31)
    pit.floor.cancelled(order)
    pit.automatic(on=False)
    assert (step(pit).state, pit.signal.code, len(pit.orders())) == ("INCOMPLETE", Code.AUTO_TRADING_OFF, 1)


def test_stop_loss_overtakes_the_first_take_profits_order(pit: Pit) -> None:
    pit.walk("10.60", "10.70", "10.60")
    (profit,) = pit.orders()
    pit.floor.report(profit)
    pit.sync()
    pit.walk("9.20")
    loss = pit.signal
    assert (loss.kind, loss.state) == ("STOP_LOSS", "DETECTED")
    assert Order.objects.get(pk=profit.pk).cancel_requested_at is not None
    pit.floor.cancelled(profit)
    step(pit)
    states = dict(Signal.objects.values_list("kind", "state"))
    assert states["FIRST_TAKE_PROFIT"] == "INCOMPLETE"
    assert Signal.objects.get(kind="FIRST_TAKE_PROFIT").code == Code.SIGNAL_OVERTAKEN
    step(pit)
    assert Signal.objects.get(pk=loss.pk).state == "WORKING"


# ------------------------------------------------------------------------------- crashes
def test_crash_after_the_order_was_placed_finds_it_again(pit: Pit) -> None:
    signal = stop(pit)
    Signal.objects.filter(pk=signal.pk).update(state="DETECTED", attempts=0, executed_at=None)
    pit.crash()
    step(pit)
    assert (len(pit.orders()), pit.signal.state, pit.signal.attempts) == (1, "WORKING", 1)


def test_crash_after_the_remainder_was_quoted_finds_it_again(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    step(pit, seconds=31)
    pit.floor.cancelled(order)
    step(pit)
    Signal.objects.update(attempts=1)
    pit.crash()
    step(pit)
    assert (len(pit.orders()), pit.signal.attempts) == (2, 2)


def test_pending_signal_is_carried_on_by_the_next_process(pit: Pit) -> None:
    stop(pit)
    (order,) = pit.orders()
    pit.floor.report(order)
    pit.crash()
    step(pit, seconds=31)
    pit.floor.cancelled(order)
    step(pit)
    assert [row.quantity for row in pit.orders()] == [1000, 1000]


def test_large_sale_goes_in_orders_the_board_takes(pit: Pit) -> None:
    pit.hold(250_000, "50.00", "688981.SH")
    pit.sync()
    pit.limits("60.00", "40.00", "688981.SH")
    pit.quote("46.00", "688981.SH")
    (order,) = pit.orders()
    assert (order.quantity, pit.signal.quantity) == (100_000, 250_000)
    pit.floor.fill(order, price="45.99")
    pit.take("46.00", "688981.SH", stamp=market_now(pit))
    pit.engine.executor.round()
    assert [row.quantity for row in pit.orders()] == [100_000, 100_000]
