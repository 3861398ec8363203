"""Limits with twenty at once: exact on both databases, over accounts too."""

from __future__ import annotations

import pytest

from accounts.choices import TradeRight
from accounts.models import BrokerAccount, Grant
from tests.orders.bench import Bench, make_bench
from tests.orders.test_races import CROWD, at_once
from tests.risk.desk import stored
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.services import order_cancel
from trading.risk.models import Tally

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "quotes"]), pytest.mark.postgres]


@pytest.fixture
def desk(transactional_db: None) -> Bench:
    return make_bench()


def accepted() -> int:
    return Order.objects.filter(status=Status.QUEUED).count()


def test_orders_of_a_day_at_once_stop_exactly_at_the_limit(desk: Bench) -> None:
    stored("ORDERS_PER_DAY", 7)
    results = at_once(lambda _: desk.submit())
    assert [result for result in results if isinstance(result, Exception)] == []
    assert accepted() == 7
    assert Tally.objects.get(subject=f"a:{desk.account.pk}").orders == 7


def test_persons_limit_holds_over_accounts_at_once(desk: Bench) -> None:
    """Each account has a book of its own; what makes one wait for the other is the person's counter."""
    Grant.objects.create(user=desk.alice, account=desk.team.beta, trade=TradeRight.ALL)
    stored("ORDERS_PER_DAY", 7, scope="USER", user=desk.alice)
    accounts = (desk.account.pk, desk.team.beta.pk)
    results = at_once(lambda number: desk.submit(account_id=accounts[number % 2]))
    assert [result for result in results if isinstance(result, Exception)] == []
    assert accepted() == 7
    assert Tally.objects.get(subject=f"u:{desk.alice.pk}").orders == 7


def test_two_accounts_of_one_owner_never_cross_at_once(desk: Bench) -> None:
    stored("SELF_TRADE")
    Grant.objects.create(user=desk.team.bob, account=desk.team.beta, trade=TradeRight.ALL)
    BrokerAccount.objects.update(owner="fund one")
    desk.hold(1000)

    def cross(number: int) -> Order:
        if number % 2:
            return desk.submit(side="SELL", quantity=100)
        return desk.submit(user=desk.team.bob, account_id=desk.team.beta.pk)

    results = at_once(cross, crowd=8)
    assert [result for result in results if isinstance(result, Exception)] == []
    sides = set(Order.objects.filter(status=Status.QUEUED).values_list("side", flat=True))
    assert len(sides) == 1


def test_counters_of_cancels_and_orders_at_once_lose_nothing(desk: Bench) -> None:
    orders = [desk.submit() for _ in range(5)]

    def act(number: int) -> object:
        if number < len(orders):
            return order_cancel(user=desk.alice, order_id=orders[number].pk)
        return desk.submit()

    results = at_once(act, crowd=CROWD)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert Tally.objects.get(subject=f"a:{desk.account.pk}").orders == CROWD
