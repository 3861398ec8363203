"""A trade date that ended unseen: it blocks new orders until a person settles it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import User
from ops.errors import Code, Conflict, Forbidden, NotFound
from ops.models import AuditEvent
from tests.orders.bench import TODAY, Bench
from tests.people import confirmed
from trading.ledger.models import TradeDate
from trading.orders import lifecycle
from trading.orders.choices import Status
from trading.orders.services import trade_date_settle

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def missed(bench: Bench) -> Bench:
    """Yesterday ended unseen, with one order still open."""
    lifecycle.open_trade_date(bench.account.pk, YESTERDAY)
    lifecycle.miss_trade_date(bench.account.pk, YESTERDAY)
    return bench


def state(bench: Bench) -> str:
    return TradeDate.objects.get(account=bench.account, date=YESTERDAY).state


def test_missed_date_denies_new_orders_until_it_is_settled(missed: Bench) -> None:
    assert missed.submit().deny_code == Code.TRADE_DATE_UNCLOSED
    trade_date_settle(user=missed.team.admin, account_id=missed.account.pk, trade_date=YESTERDAY)
    assert state(missed) == "CLOSED"
    assert missed.submit().status == Status.QUEUED


def test_settle_ends_the_open_orders_of_the_date(bench: Bench) -> None:
    order = bench.reported()
    lifecycle.miss_trade_date(bench.account.pk, TODAY)
    ended = trade_date_settle(user=bench.team.risk, account_id=bench.account.pk, trade_date=TODAY)
    assert ended == [order.pk]
    assert bench.order(order).status == Status.DONE_FOR_DAY
    assert bench.book.reserved_cash == 0


def test_settle_is_audited_with_the_person(missed: Bench) -> None:
    trade_date_settle(user=missed.team.admin, account_id=missed.account.pk, trade_date=YESTERDAY)
    event = AuditEvent.objects.get(action="trade_date.settled")
    assert (event.account_id, event.target) == (missed.account.pk, f"account:{missed.account.pk}")


def test_settle_by_the_account_s_trader_is_refused(missed: Bench) -> None:
    with pytest.raises(Forbidden):
        trade_date_settle(user=missed.alice, account_id=missed.account.pk, trade_date=YESTERDAY)
    with pytest.raises(NotFound):
        trade_date_settle(user=missed.team.charlie, account_id=missed.account.pk, trade_date=YESTERDAY)
    assert state(missed) == "MISSED"


def test_settle_of_a_date_that_is_not_missed_is_refused(bench: Bench) -> None:
    lifecycle.open_trade_date(bench.account.pk, TODAY)
    for day in (TODAY, YESTERDAY):
        with pytest.raises(Conflict):
            trade_date_settle(user=bench.team.admin, account_id=bench.account.pk, trade_date=day)
    assert not AuditEvent.objects.filter(action="trade_date.settled").exists()


def test_miss_of_a_closed_date_changes_nothing(bench: Bench) -> None:
    lifecycle.close_trade_date(bench.account.pk, YESTERDAY)
    lifecycle.miss_trade_date(bench.account.pk, YESTERDAY)
    assert state(bench) == "CLOSED"


def test_admin_settles_a_missed_date_from_the_list(missed: Bench) -> None:
    User.objects.filter(pk=missed.team.admin.pk).update(is_staff=True)
    client = confirmed(missed.team.admin)
    row = TradeDate.objects.get(account=missed.account, date=YESTERDAY)
    answer = client.post("/admin/ledger/tradedate/", {"action": "settle", "_selected_action": [row.pk]})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/ledger/tradedate/")
    assert state(missed) == "CLOSED"
