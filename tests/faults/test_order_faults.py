"""What can go wrong between the claim and the answer, each with its named end state.

Over the in-process terminal with its fault switches; the same with processes that really die is in
`test_order_processes`.
"""

from __future__ import annotations

import threading
import time
from decimal import Decimal

import pytest
from django.db import connection, transaction

from accounts.models import HostStatus
from accounts.services import account_halt
from ops.audit import Actor
from ops.clocks import database_now
from tests.faults.rig import ALPHA, BOTH_DATABASES, SYMBOL, Rig, until
from trading.ledger.models import AccountBook
from trading.orders.models import Order, Trade
from trading.orders.runtime import crashpoints
from trading.orders.runtime.lease import HostLease

pytestmark = [pytest.mark.faults, pytest.mark.postgres, BOTH_DATABASES]


def reserved(rig: Rig) -> Decimal:
    book = AccountBook.objects.get(account=rig.alpha)
    return Decimal(book.reserved_cash)


# --- the response ---------------------------------------------------------------------------


def test_response_lost_order_is_adopted_by_its_tag(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("lose", "orderStock")
    rig.terminal.arm("lose", "push:order", count=-1)
    order_id = rig.rest()
    rig.until_status(order_id, "UNKNOWN")
    rig.terminal.faults.clear()
    order = rig.until_status(order_id, "REPORTED")
    assert "LOST_SIGHT" in rig.kinds(order_id)
    assert order.broker_order_id
    assert len(rig.at_broker()) == 1


def test_response_lost_pushes_alone_carry_the_order_on(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("lose", "orderStock")
    order_id = rig.buy(100)
    rig.until_status(order_id, "FILLED")
    assert rig.booked(order_id) == 100


def test_response_duplicated_changes_nothing_twice(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("duplicate", "orderStock")
    rig.terminal.arm("duplicate", "push:trade", count=-1)
    rig.terminal.arm("duplicate", "push:order", count=-1)
    order_id = rig.buy(300)
    rig.until_status(order_id, "FILLED")
    assert rig.booked(order_id) == 300
    assert len(rig.at_broker()) == 1
    with rig.terminal.terminal.lock:
        fills = len(rig.terminal.exchange.trades(ALPHA))
    assert Trade.objects.filter(order_id=order_id).count() == fills


def test_response_late_after_the_deadline_adopts_the_order(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("delay", "orderStock", seconds=1.2)
    rig.terminal.arm("lose", "push:order", count=-1)
    rig.terminal.arm("lose", "queryStockOrders", count=-1)
    order_id = rig.rest()
    rig.until_status(order_id, "UNKNOWN")
    rig.terminal.faults.clear()
    rig.until_status(order_id, "SUBMITTED", "REPORTED")
    assert len(rig.at_broker()) == 1


def test_response_rejecting_with_words_is_rejected_and_gives_everything_back(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("reject", "orderStock", message="资金不足")
    order_id = rig.rest()
    order = rig.until_status(order_id, "REJECTED")
    assert "资金不足" in order.message
    assert reserved(rig) == 0


def test_response_refusing_without_words_is_unknown_then_not_found(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("refuse_silently", "orderStock")
    order_id = rig.rest()
    rig.until_status(order_id, "UNKNOWN")
    order = rig.until_status(order_id, "NOT_FOUND")
    assert reserved(rig) == order.reserved_cash > 0
    assert rig.at_broker() == []


def test_pushes_reordered_end_in_the_same_state(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("reorder", "push:order", count=-1, seconds=0.05)
    rig.terminal.arm("reorder", "push:trade", count=-1, seconds=0.05)
    order_id = rig.buy(500)
    order = rig.until_status(order_id, "FILLED")
    until(lambda: rig.booked(order_id) == 500, what="the fills")
    assert order.traded_quantity == 500


# --- the link and the call ------------------------------------------------------------------


def test_link_lost_before_the_terminal_has_the_order_is_not_found(rig: Rig) -> None:
    runtime = rig.start(probe_seconds=30.0)
    rig.terminal.drop_link(announce=False)
    order_id = rig.rest()
    rig.until_status(order_id, "UNKNOWN")
    order = rig.until_status(order_id, "NOT_FOUND", seconds=15)
    assert rig.at_broker() == []
    assert order.reserved_cash > 0
    until(lambda: runtime.session.ready() is not None, what="READY again")


def test_link_lost_with_the_order_in_flight_is_adopted(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("lose", "orderStock")
    rig.terminal.arm("lose", "push:order", count=-1)
    order_id = rig.rest()
    until(rig.at_broker, what="the order at the broker")
    rig.terminal.drop_link()
    rig.terminal.faults.clear()
    rig.until_status(order_id, "REPORTED")
    assert len(rig.at_broker()) == 1


def test_terminal_restarted_same_day_fills_are_booked_afterwards(rig: Rig) -> None:
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")
    rig.terminal.stop()
    until(lambda: rig.session_state() != "READY", what="not READY")
    rig.terminal.start()
    until(lambda: rig.runtime is not None and rig.runtime.session.ready(), what="READY again")
    rig.cancel(order_id)
    rig.until_status(order_id, "CANCELLED")


def test_terminal_down_new_orders_are_denied(rig: Rig) -> None:
    rig.start()
    rig.terminal.stop()

    until(lambda: rig.session_state() != "READY", what="not READY")
    with pytest.raises(AssertionError, match="TERMINAL_DOWN"):
        rig.rest()
    assert rig.at_broker() == []


def test_submit_call_hangs_order_is_unknown_and_other_accounts_go_on(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("hang", "orderStock")
    order_id = rig.rest()
    until(lambda: rig.order(order_id).status != "QUEUED", what="the claim")
    other = rig.buy(100, price=rig.detail.limit_down, user=rig.charlie)
    rig.until_status(other, "REPORTED")
    rig.until_status(order_id, "UNKNOWN", "REPORTED", "NOT_FOUND")
    rig.terminal.faults.clear()
    rig.until_status(order_id, "REPORTED", "NOT_FOUND", seconds=15)
    assert len(rig.at_broker()) == (1 if rig.order(order_id).status == "REPORTED" else 0)


# --- authority ------------------------------------------------------------------------------


def test_halt_between_submit_and_claim_is_not_sent(rig: Rig) -> None:
    rig.start(poll_seconds=30.0)
    order_id = rig.rest()
    account_halt(actor=Actor.system("test"), account=rig.alpha)
    assert rig.runtime is not None
    rig.runtime.sweep()
    order = rig.until_status(order_id, "EXPIRED")
    assert order.deny_code == "AUTHORITY_CHANGED"
    assert rig.at_broker() == []
    assert reserved(rig) == 0


def test_halt_between_claim_and_last_look_is_not_sent(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.start()

    def halt(point: str) -> None:
        if point == crashpoints.AFTER_CLAIM:
            account_halt(actor=Actor.system("test"), account=rig.alpha)

    monkeypatch.setattr(crashpoints, "reach", halt)
    order_id = rig.rest()
    order = rig.until_status(order_id, "EXPIRED")
    assert order.deny_code == "AUTHORITY_CHANGED"
    assert "WITHHELD" in rig.kinds(order_id)
    assert rig.at_broker() == []


def test_last_look_too_late_after_the_claim_is_not_sent(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.start(claim_max_age_seconds=0.05)
    monkeypatch.setattr(crashpoints, "reach", lambda point: time.sleep(0.1))
    order_id = rig.rest()
    order = rig.until_status(order_id, "EXPIRED")
    assert order.deny_code == "DEADLINE_PASSED"
    assert rig.at_broker() == []


def test_lease_lost_between_claim_and_last_look_is_not_sent(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.start(lease_renew_seconds=60.0, lease_seconds=4.0)

    def steal(point: str) -> None:
        if point == crashpoints.AFTER_CLAIM:
            HostStatus.objects.update(lease_until=database_now(), lease_holder="gone")
            assert HostLease(rig.host, seconds=60.0, holder="thief").acquire()

    monkeypatch.setattr(crashpoints, "reach", steal)
    order_id = rig.rest()
    order = rig.until_status(order_id, "EXPIRED")
    assert order.deny_code == "AUTHORITY_CHANGED"
    assert rig.at_broker() == []


def test_queued_past_its_time_to_live_expires_and_is_never_sent(rig: Rig) -> None:
    rig.start(poll_seconds=30.0)
    order_id = rig.rest()
    Order.objects.filter(pk=order_id).update(expires_at=database_now())
    assert rig.runtime is not None
    rig.runtime.sweep()
    rig.until_status(order_id, "EXPIRED")
    assert rig.at_broker() == []
    assert reserved(rig) == 0


# --- the worker -----------------------------------------------------------------------------


def test_worker_stopped_with_orders_queued_sends_them_after_the_restart(rig: Rig) -> None:
    rig.start()
    rig.stop()
    order_id = None
    with pytest.raises(AssertionError, match="TERMINAL_DOWN"):
        order_id = rig.rest()
    assert order_id is None
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")


def test_worker_start_finds_fills_it_missed(rig: Rig) -> None:
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")
    rig.terminal.arm("lose", "push:order", count=-1)
    rig.stop()
    with rig.terminal.terminal.lock:
        broker_id = rig.at_broker()[0].order_id
    rig.terminal.terminal.cancel_by_hand(ALPHA, broker_id)
    rig.terminal.faults.clear()
    rig.start()
    rig.until_status(order_id, "CANCELLED")


def test_worker_start_turns_submitting_into_unknown_then_not_found(rig: Rig) -> None:
    rig.start()
    rig.stop()
    order = Order.objects.create(
        account=rig.alpha, created_by=rig.alice, source="API", symbol=SYMBOL, side="BUY", price_type="LIMIT",
        price=rig.detail.limit_down, quantity=100, status="SUBMITTING", epoch=1, trade_date=rig.trade_date,
        host_name="sim", simulated=True, tag="T-NEVERSENT0000000000001", submitted_at=database_now(), expires_at=database_now(),
        claimed_at=database_now(),
    )  # fmt: skip
    rig.start()
    rig.until_status(order.pk, "NOT_FOUND")
    assert rig.kinds(order.pk)[0] == "LOST_SIGHT"


def test_second_worker_for_the_same_host_stays_down(rig: Rig) -> None:
    rig.start()
    second = HostLease(rig.host, seconds=5.0, holder="second")
    assert not second.acquire()
    time.sleep(1.0)
    assert not second.acquire()
    rig.stop()
    assert second.acquire()


def test_host_of_another_kind_than_the_process_opens_no_session(rig: Rig) -> None:
    """A row that says simulated does not make a process safe that has loaded the broker's natives."""
    runtime = rig.boot(simulated=False)
    until(lambda: "restart its workers" in runtime.session.view().message, what="the refusal")
    assert runtime.session.current() is None


def test_paper_account_on_a_broker_host_opens_no_session(rig: Rig) -> None:
    rig.host.kind = "LIVE"
    rig.host.save()
    runtime = rig.boot(simulated=False)
    until(lambda: "PAPER_NEEDS_SIMULATED_HOST" in runtime.session.view().message, what="the refusal")
    assert runtime.session.view().state == "DOWN"
    assert runtime.session.current() is None


# --- the database ---------------------------------------------------------------------------


def test_database_locked_while_pushes_arrive_loses_nothing(rig: Rig) -> None:
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            # SQLite: the whole file. PostgreSQL: the row that every change of the account needs.
            AccountBook.objects.select_for_update().get(account=rig.alpha)
            locked.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(5)
    rig.terminal.terminal.cancel_by_hand(ALPHA, rig.at_broker()[0].order_id)
    for _ in range(20):
        rig.terminal.step()
        time.sleep(0.05)
    assert rig.order(order_id).status == "REPORTED"
    release.set()
    holder.join(5)
    rig.until_status(order_id, "CANCELLED")


# --- cancels --------------------------------------------------------------------------------


def test_cancel_wanted_while_unknown_fires_on_the_first_evidence(rig: Rig) -> None:
    rig.start()
    rig.terminal.arm("lose", "orderStock")
    rig.terminal.arm("lose", "push:order", count=-1)
    rig.terminal.arm("lose", "queryStockOrders", count=-1)
    order_id = rig.rest()
    rig.until_status(order_id, "UNKNOWN")
    rig.cancel(order_id)
    assert rig.order(order_id).cancel_sent_at is None
    rig.terminal.faults.clear()
    rig.until_status(order_id, "CANCELLED", seconds=15)


def test_cancel_response_lost_is_not_repeated_and_the_order_tells(rig: Rig) -> None:
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")
    rig.terminal.arm("lose", "cancelOrderStock")
    rig.cancel(order_id)
    rig.until_status(order_id, "CANCELLED")
    assert rig.kinds(order_id).count("CANCEL_SENT") == 1
