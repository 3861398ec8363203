"""Which orders the broker's words may mean: the compiled queries find what the conditions say."""

from __future__ import annotations

import pytest
from django.db.models import Q

from tests.orders.bench import SESSION, TODAY, Bench
from trading.orders.intake.book import Clues, candidates
from trading.orders.models import Order

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def numbers(bench: Bench, *clues: Clues, session_key: str = SESSION) -> set[str]:
    found = candidates(clues, accounts=[bench.account.pk], session_key=session_key)
    return {str(order.tag) for order in found}


@pytest.fixture
def orders(bench: Bench) -> list[Order]:
    """Ten orders that the exchange has numbered."""
    made = [bench.reported() for _ in range(10)]
    for place, order in enumerate(made):
        Order.objects.filter(pk=order.pk).update(order_sysid=f"X{place}")
    return list(Order.objects.order_by("submitted_at"))


@pytest.mark.parametrize("count", [1, 2, 8, 9])
def test_candidates_of_few_and_of_many_clues_are_found(bench: Bench, orders: list[Order], count: int) -> None:
    chosen = orders[:count]
    expected = {str(order.tag) for order in chosen}
    account = bench.account.pk
    assert numbers(bench, *(Clues(tag=str(order.tag)) for order in chosen)) == expected
    assert numbers(bench, *(Clues(broker_order_id=order.broker_order_id) for order in chosen)) == expected
    assert numbers(bench, *(Clues(seq=order.session_seq) for order in chosen)) == expected
    by_number = [Clues(account_id=account, order_sysid=order.order_sysid, trade_date=TODAY) for order in chosen]
    assert numbers(bench, *by_number) == expected


def test_candidates_of_different_kinds_are_found_together(bench: Bench, orders: list[Order]) -> None:
    tag, broker_id, seq, number = orders[:4]
    found = numbers(
        bench,
        Clues(tag=str(tag.tag)),
        Clues(broker_order_id=broker_id.broker_order_id),
        Clues(seq=seq.session_seq),
        Clues(order_sysid=number.order_sysid, trade_date=TODAY),
        Clues(seq=2**70),
    )
    assert found == {str(order.tag) for order in (tag, broker_id, seq, number)}


def test_candidates_by_a_sessions_numbers_are_of_that_session(bench: Bench, orders: list[Order]) -> None:
    clues = [Clues(broker_order_id=orders[0].broker_order_id), Clues(seq=orders[0].session_seq)]
    assert numbers(bench, *clues, session_key="another") == set()
    assert numbers(bench, *clues, session_key="") == set()


def test_candidates_of_other_accounts_are_left_out(bench: Bench, orders: list[Order]) -> None:
    Order.objects.filter(~Q(pk=orders[0].pk)).update(account=bench.team.beta)
    assert numbers(bench, *(Clues(tag=str(order.tag)) for order in orders[:3])) == {str(orders[0].tag)}
    named = [Clues(order_sysid=order.order_sysid, trade_date=TODAY) for order in orders[:3]]
    both = candidates(named, accounts=[bench.account.pk, bench.team.beta.pk], session_key=SESSION)
    assert {order.order_sysid for order in both} == {"X0", "X1", "X2"}


def test_candidates_without_clues_are_none(bench: Bench, orders: list[Order]) -> None:
    assert numbers(bench) == set()
    assert numbers(bench, Clues()) == set()
