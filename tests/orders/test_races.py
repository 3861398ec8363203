"""Twenty at once: one order per key, one claim per order, one promise per yuan."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connections

from tests.orders.bench import Bench, make_bench
from tests.orders.claiming import claim
from trading.ledger.models import AccountEvent
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.services import order_cancel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

T = TypeVar("T")
CROWD = 20


@pytest.fixture
def desk(transactional_db: None) -> Bench:
    return make_bench()


def at_once(act: Callable[[int], T], crowd: int = CROWD) -> list[T | Exception]:
    """Run `act` in threads that start together; each result, or what it raised."""
    barrier = Barrier(crowd)

    def run(number: int) -> T | Exception:
        try:
            barrier.wait(30)
            return act(number)
        except Exception as error:  # noqa: BLE001 -- the crowd is judged as a whole
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(crowd) as pool:
        return list(pool.map(run, range(crowd)))


def test_one_key_posted_in_parallel_ends_in_one_order(desk: Bench) -> None:
    results = at_once(lambda _: desk.submission(client_order_id="once"))
    failures = [result for result in results if isinstance(result, Exception)]
    assert failures == []
    answers = [result for result in results if not isinstance(result, Exception)]
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.order.pk for answer in answers}) == 1
    assert Order.objects.count() == 1
    assert desk.book.reserved_cash == Decimal("1005.01")


def test_one_order_claimed_in_parallel_has_one_winner(desk: Bench) -> None:
    order = desk.submit()
    winners = [won for won in at_once(lambda _: claim(order.pk, host_name="sim")) if won is not None]
    assert len(winners) == 1
    assert desk.order(order).status == Status.SUBMITTING
    assert desk.order(order).events.count() == 2


def test_claim_against_cancel_has_one_winner(desk: Bench) -> None:
    for _ in range(5):
        order = desk.submit()

        def race(number: int, order: Order = order) -> object:
            if number % 2:
                return claim(order.pk, host_name="sim")
            return order_cancel(user=desk.alice, order_id=order.pk)

        at_once(race, crowd=2)
        order = desk.order(order)
        assert order.status in (Status.CANCELLED, Status.SUBMITTING)
        sent = order.events.filter(to_status=Status.SUBMITTING).exists()
        assert sent == (order.status == Status.SUBMITTING)
        assert order.cancel_requested_at is not None


def test_the_last_yuan_is_promised_once(desk: Bench) -> None:
    # A million pays for three orders of 30,000 shares at 10.00, not for four.
    results = at_once(lambda _: desk.submit(quantity=30_000), crowd=8)
    accepted = [o for o in results if isinstance(o, Order) and o.status == Status.QUEUED]
    denied = [o for o in results if isinstance(o, Order) and o.status == Status.DENIED]
    assert (len(accepted), len(denied)) == (3, 5)
    assert desk.book.reserved_cash == sum(order.reserved_cash for order in accepted)


def test_the_last_share_is_promised_once(desk: Bench) -> None:
    desk.hold(500)
    results = at_once(lambda _: desk.submit(side="SELL", quantity=200), crowd=6)
    accepted = [o for o in results if isinstance(o, Order) and o.status == Status.QUEUED]
    assert len(accepted) == 2


def test_versions_of_parallel_changes_have_no_gap_and_no_twin(desk: Bench) -> None:
    at_once(lambda _: desk.submit(), crowd=8)
    versions = list(AccountEvent.objects.order_by("version").values_list("version", flat=True))
    assert versions == list(range(1, desk.book.version + 1))
