"""Claims: one winner, in time, with authority, on the right host."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import account_halt
from ops.clocks import wall_now
from tests.orders.bench import Bench
from tests.orders.claiming import claim, claim_cancel
from tests.people import TEST_ACTOR
from trading.ledger import journal
from trading.ledger.models import AccountBook, AccountEvent
from trading.orders.choices import OrderEventKind, Status
from trading.orders.claims import cancels_due, claim_all, claimable, unclaim_cancel
from trading.orders.lifecycle import expire_due, mark_withheld, session_lost
from trading.orders.models import Order, OrderEvent
from trading.orders.services import order_cancel

pytestmark = pytest.mark.django_db


def test_claim_takes_a_queued_order_for_sending(bench: Bench) -> None:
    order = bench.submit()
    claimed = claim(order.pk, host_name="sim")
    assert claimed is not None
    assert (claimed.status, claimed.version) == (Status.SUBMITTING, 2)
    assert claimed.claimed_at is not None
    assert bench.order(order).events.get(seq=2).kind == OrderEventKind.CLAIMED
    assert AccountEvent.objects.order_by("-version")[0].payload["status"] == "SUBMITTING"


def test_claim_a_second_time_gets_nothing(bench: Bench) -> None:
    order = bench.submit()
    assert claim(order.pk, host_name="sim") is not None
    assert claim(order.pk, host_name="sim") is None
    assert bench.order(order).events.count() == 2


def test_claim_is_one_conditional_statement(bench: Bench) -> None:
    order = bench.submit()
    with CaptureQueriesContext(connection) as queries:
        claim(order.pk, host_name="sim")
    (update,) = [q["sql"] for q in queries if q["sql"].startswith('UPDATE "orders_order"')]
    for condition in ('"status" = ', '"expires_at" > ', '"epoch" = (SELECT'):
        assert condition in update


def test_claim_of_a_row_just_read_reads_it_no_second_time(bench: Bench) -> None:
    order = bench.submit()
    seen = Order.objects.select_related("created_by").get(pk=order.pk)
    with CaptureQueriesContext(connection) as queries:
        claimed = claim(order.pk, host_name="sim", seen=seen)
    assert not [
        q
        for q in queries
        if q["sql"].startswith("SELECT") and 'FROM "orders_order"' in q["sql"] and '"tag"' in q["sql"]
    ]
    assert claimed is not None
    stored = bench.order(order)
    assert (claimed.status, claimed.version) == (stored.status, stored.version) == (Status.SUBMITTING, 2)
    assert stored.claimed_at is not None
    assert AccountEvent.objects.order_by("-version")[0].payload["status"] == "SUBMITTING"


def test_claim_of_a_row_that_moved_since_it_was_read_reads_it_again(bench: Bench) -> None:
    order = bench.submit()
    seen = Order.objects.select_related("created_by").get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(version=2, message="changed meanwhile")
    claimed = claim(order.pk, host_name="sim", seen=seen)
    assert claimed is not None
    assert (claimed.version, claimed.message) == (3, "changed meanwhile")


def test_claim_of_a_row_read_before_it_was_claimed_gets_nothing(bench: Bench) -> None:
    order = bench.submit()
    seen = Order.objects.select_related("created_by").get(pk=order.pk)
    assert claim(order.pk, host_name="sim") is not None
    assert claim(order.pk, host_name="sim", seen=seen) is None


def test_claims_of_several_orders_are_one_transaction_and_each_has_its_own_conditions(bench: Bench) -> None:
    orders = [bench.submit() for _ in range(3)]
    Order.objects.filter(pk=orders[1].pk).update(expires_at=wall_now() - timedelta(milliseconds=1))
    wanted = {order.pk: Order.objects.select_related("created_by").get(pk=order.pk) for order in orders}
    with CaptureQueriesContext(connection) as queries:
        claimed = claim_all(wanted, account_id=bench.account.pk, host_name="sim").orders
    assert len([q for q in queries if q["sql"].startswith('UPDATE "ledger_accountbook"')]) == 1
    assert set(claimed) == {orders[0].pk, orders[2].pk}
    assert [bench.order(order).status for order in orders] == [Status.SUBMITTING, Status.QUEUED, Status.SUBMITTING]
    timeline = OrderEvent.objects.filter(kind=OrderEventKind.CLAIMED).values_list("order_id", flat=True)
    assert set(timeline) == set(claimed)
    told = AccountEvent.objects.order_by("version").values_list("payload__status", flat=True)
    assert list(told)[-2:] == ["SUBMITTING", "SUBMITTING"]


def test_age_of_a_claim_is_counted_from_holding_the_book_not_from_asking_for_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, held = bench.submit(), journal._locked_book

    def slowly(account_id: int) -> AccountBook:
        time.sleep(0.05)
        return held(account_id)

    monkeypatch.setattr(journal, "_locked_book", slowly)
    asked = time.monotonic()
    claimed = claim_all({order.pk: None}, account_id=bench.account.pk, host_name="sim")
    assert claimed.since - asked >= 0.05


def test_claim_of_another_accounts_order_gets_nothing(bench: Bench) -> None:
    order = bench.submit()
    assert claim_all({order.pk: None}, account_id=bench.team.beta.pk, host_name="sim").orders == {}
    assert bench.order(order).status == Status.QUEUED


def test_claim_past_the_time_to_live_gets_nothing(bench: Bench) -> None:
    order = bench.submit()
    Order.objects.filter(pk=order.pk).update(expires_at=wall_now() - timedelta(milliseconds=1))
    assert claim(order.pk, host_name="sim") is None
    assert expire_due("sim") == [order.pk]
    order = bench.order(order)
    assert (order.status, order.deny_code) == (Status.EXPIRED, "ORDER_EXPIRED")
    assert bench.book.reserved_cash == 0


def test_claim_after_a_halt_gets_nothing(bench: Bench) -> None:
    order = bench.submit()
    account_halt(actor=TEST_ACTOR, account=bench.account)
    assert claim(order.pk, host_name="sim") is None
    assert expire_due("sim") == [order.pk]
    assert bench.order(order).deny_code == "AUTHORITY_CHANGED"


def test_claim_by_another_host_gets_nothing(bench: Bench) -> None:
    order = bench.submit()
    assert claim(order.pk, host_name="other") is None
    assert list(claimable("other")) == []
    assert list(claimable("sim")) == [order]


def test_expire_leaves_orders_alone_that_may_still_go(bench: Bench) -> None:
    order = bench.submit()
    assert expire_due("sim") == []
    assert bench.order(order).status == Status.QUEUED


def test_withheld_order_expires_with_the_reason(bench: Bench) -> None:
    from ops.errors import Code

    order = bench.submit()
    claim(order.pk, host_name="sim")
    mark_withheld(order.pk, code=Code.DEADLINE_PASSED, message="too late")
    order = bench.order(order)
    assert (order.status, order.deny_code) == (Status.EXPIRED, "DEADLINE_PASSED")
    assert bench.book.reserved_cash == 0


def test_withheld_order_whose_cancel_was_wanted_is_cancelled(bench: Bench) -> None:
    from ops.errors import Code

    order = bench.submit()
    claim(order.pk, host_name="sim")
    order_cancel(user=bench.alice, order_id=order.pk)
    mark_withheld(order.pk, code=Code.DEADLINE_PASSED)
    assert bench.order(order).status == Status.CANCELLED


def test_claim_cancel_needs_a_wish_a_number_and_a_working_order(bench: Bench) -> None:
    order = bench.sent()
    assert claim_cancel(order.pk, host_name="sim") is None
    order_cancel(user=bench.alice, order_id=order.pk)
    assert claim_cancel(order.pk, host_name="sim") is None
    bench.apply(bench.response(order))
    claimed = claim_cancel(order.pk, host_name="sim")
    assert claimed is not None
    assert claimed.cancel_sent_at is not None
    assert claim_cancel(order.pk, host_name="sim") is None


def test_unclaimed_cancel_is_wanted_again(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    claim_cancel(order.pk, host_name="sim")
    unclaim_cancel(order.pk)
    assert list(cancels_due("sim")) == [order]


def test_lost_session_makes_unanswered_orders_unknown_and_wants_unseen_cancels_again(
    bench: Bench,
) -> None:
    unanswered, working = bench.sent(), bench.reported()
    order_cancel(user=bench.alice, order_id=working.pk)
    claim_cancel(working.pk, host_name="sim")
    assert session_lost("sim", reason="test") == [unanswered.pk]
    assert bench.order(unanswered).status == Status.UNKNOWN
    assert bench.order(working).status == Status.REPORTED
    assert list(cancels_due("sim")) == [working]
    assert bench.book.reserved_cash > 0


def test_cancel_of_a_seen_pending_cancel_is_not_repeated_by_a_lost_session(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    claim_cancel(order.pk, host_name="sim")
    bench.apply(bench.update(order, 51))
    session_lost("sim", reason="test")
    assert list(cancels_due("sim")) == []
