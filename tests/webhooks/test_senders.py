"""Several senders at once: one of them delivers, in order, each event once; on both databases."""

from __future__ import annotations

import pytest

from tests.orders.bench import Bench, make_bench
from tests.orders.test_races import at_once
from tests.people import TEST_ACTOR
from tests.webhooks.conftest import Receiver
from trading.webhooks.delivering import deliver
from trading.webhooks.services import webhook_add

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "quotes"]), pytest.mark.postgres]


@pytest.fixture
def desk(transactional_db: None) -> Bench:
    return make_bench()


def test_senders_at_once_deliver_every_event_once_and_in_order(desk: Bench, receiver: Receiver) -> None:
    hook, _secret = webhook_add(
        actor=TEST_ACTOR, owner=desk.alice, account_id=desk.account.pk, name="n", address="https://receiver.example/"
    )
    for price in ("9.90", "9.91", "9.92"):
        desk.submit(price=price)
    results = at_once(lambda _: deliver(hook.pk), crowd=4)
    taken = [result for result in results if isinstance(result, int)]
    assert len(taken) == 4
    assert sum(taken) == desk.book.version
    assert receiver.versions == list(range(1, desk.book.version + 1))
