"""Whose orders one may cancel, and rights that end while an order is being accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.choices import TradeRight
from accounts.models import BrokerAccount, Grant
from accounts.services import grant_withdraw, person_deactivate
from marketdata.selectors import instrument_day
from ops.clocks import wall_now
from ops.errors import Code, Forbidden
from tests.orders.bench import Bench
from tests.orders.claiming import claim
from tests.people import TEST_ACTOR
from trading.orders.models import Order
from trading.orders.services import order_cancel, submit
from trading.orders.services.release import reservation_release


@pytest.fixture
def own(bench: Bench) -> Bench:
    """Bob trades Alpha too, and cancels his own orders."""
    Grant.objects.filter(user=bench.team.bob).update(trade=TradeRight.OWN)
    return bench


def test_cancel_of_somebody_elses_order_needs_the_right_for_all(own: Bench) -> None:
    order = own.submit()
    with pytest.raises(Forbidden) as refused:
        order_cancel(user=own.team.bob, order_id=order.pk)
    assert refused.value.code == Code.ORDER_NOT_YOURS
    assert own.order(order).status == "QUEUED"


def test_cancel_of_ones_own_order_needs_no_more_than_own(own: Bench) -> None:
    order = own.submit(user=own.team.bob)
    assert order_cancel(user=own.team.bob, order_id=order.pk).status == "CANCELLED"


def test_cancel_by_who_holds_all_takes_everybodys(own: Bench) -> None:
    order = own.submit(user=own.team.bob)
    assert order_cancel(user=own.alice, order_id=order.pk).status == "CANCELLED"


def test_cancel_of_an_order_from_outside_needs_the_right_for_all(own: Bench) -> None:
    order = own.submit(user=own.team.bob)
    Order.objects.filter(pk=order.pk).update(created_by=None)
    with pytest.raises(Forbidden):
        order_cancel(user=own.team.bob, order_id=order.pk)
    assert order_cancel(user=own.alice, order_id=order.pk).status == "CANCELLED"


def test_shares_belong_to_the_account_whoever_bought_them(own: Bench) -> None:
    own.hold(200)
    order = own.submit(user=own.team.bob, side="SELL", quantity=100)
    assert order.status == "QUEUED"


def test_release_of_somebody_elses_reservation_is_refused(own: Bench) -> None:
    order = own.submit()
    with pytest.raises(Forbidden) as refused:
        reservation_release(user=own.team.bob, order_id=order.pk)
    assert refused.value.code == Code.ORDER_NOT_YOURS


def test_successor_cancels_what_was_handed_over(own: Bench) -> None:
    order = own.reported()
    person_deactivate(actor=TEST_ACTOR, user=own.alice, successor=own.team.bob)
    assert order_cancel(user=own.team.bob, order_id=order.pk).cancel_requested_at is not None


def test_queued_order_of_who_is_deactivated_is_not_sent(bench: Bench) -> None:
    order = bench.submit()
    person_deactivate(actor=TEST_ACTOR, user=bench.alice)
    assert claim(order.pk, host_name=order.host_name) is None


def test_right_withdrawn_between_its_check_and_the_accounts_lock_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order would otherwise carry the epoch that the withdrawal raised, and be sent."""
    checked = instrument_day

    def withdraw_now(*args: Any) -> Any:
        grant_withdraw(actor=TEST_ACTOR, user=bench.alice, account=BrokerAccount.objects.get(pk=bench.account.pk))
        return checked(*args)

    monkeypatch.setattr(submit, "instrument_day", withdraw_now)
    with pytest.raises(Forbidden) as refused:
        bench.submit()
    assert refused.value.code == Code.TRADE_NOT_GRANTED
    assert Order.objects.count() == 0


def test_epoch_raised_by_somebody_elses_right_does_not_disturb(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = instrument_day

    def withdraw_bobs(*args: Any) -> Any:
        grant_withdraw(actor=TEST_ACTOR, user=bench.team.bob, account=BrokerAccount.objects.get(pk=bench.account.pk))
        return checked(*args)

    monkeypatch.setattr(submit, "instrument_day", withdraw_bobs)
    order = bench.submit()
    assert order.epoch == 2
    assert claim(order.pk, host_name=order.host_name) is not None


def test_grant_past_its_time_places_no_order(bench: Bench) -> None:
    Grant.objects.filter(user=bench.alice).update(expires_at=wall_now() - timedelta(seconds=1))
    with pytest.raises(Exception, match="ACCOUNT_NOT_FOUND"):
        bench.submit()
    assert Order.objects.count() == 0
