"""One issue wanted by hand and by plan, twenty times at once: one order, on both databases."""

from __future__ import annotations

import pytest

from tests.orders.bench import make_bench
from tests.orders.test_races import at_once
from tests.subscriptions.window import Window, issue
from trading.subscriptions.models import SubscriptionResult
from trading.subscriptions.services import issue_subscribe, plan_set, run_plans

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "quotes"]), pytest.mark.postgres]


@pytest.fixture
def window(transactional_db: None) -> Window:
    made = Window(make_bench())
    made.offer(issue())
    made.quota(SH=6000)
    return made


def test_issue_wanted_by_hand_and_by_plan_at_once_is_subscribed_once(window: Window) -> None:
    plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True)

    def want(number: int) -> object:
        if number % 2:
            return run_plans()
        return issue_subscribe(user=window.bench.alice, account_id=window.account.pk, symbol=issue().symbol)

    results = at_once(want)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert len(window.orders()) == 1
    stored = SubscriptionResult.objects.get()
    assert (stored.state, stored.order) == ("SUBSCRIBED", window.orders()[0])
