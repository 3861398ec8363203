"""What the broker says about orders: any order, any number of times, and never backwards."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest

from accounts.choices import TradingState
from accounts.models import BrokerAccount
from ops.models import AuditEvent
from qmt.gateway import CancelError, CancelResponse, OrderError, TradeEvent
from tests.orders.bench import MOUTAI, Bench
from trading.ledger.models import AccountEvent
from trading.orders.choices import ParkedState, Status
from trading.orders.lifecycle import expire_due, mark_not_found, mark_unknown
from trading.orders.models import Order, OrderEvent, ParkedEvent, Trade
from trading.orders.services import order_cancel

pytestmark = pytest.mark.django_db


# ------------------------------------------------------------------------ the plain path
def test_response_moves_a_sent_order_to_submitted_with_its_number(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.response(order))
    order = bench.order(order)
    assert order.status == Status.SUBMITTED
    assert order.broker_order_id == str(bench.broker_id(order))
    assert order.reported_at is None


def test_update_50_moves_to_reported_and_keeps_the_promise(bench: Bench) -> None:
    order = bench.reported()
    assert order.status == Status.REPORTED
    assert order.reported_at is not None
    assert order.order_sysid == f"SIM{bench.broker_id(order)}"
    assert bench.book.reserved_cash == Decimal("1005.01")


def test_fills_advance_the_order_and_its_average_price(bench: Bench) -> None:
    order = bench.reported(quantity=300, price="10.10")
    bench.apply(bench.fill(order, 100, "10.00"), bench.update(order, 55))
    partly = bench.order(order)
    assert (partly.status, partly.traded_quantity) == (Status.PARTIALLY_FILLED, 100)
    bench.apply(bench.fill(order, 200, "10.10"))
    done = bench.order(order)
    assert (done.status, done.traded_quantity) == (Status.FILLED, 300)
    assert done.traded_amount == Decimal("3020.00")
    assert done.avg_price == Decimal("10.066667")
    assert done.final_at is not None
    assert (done.reserved_cash, bench.book.reserved_cash) == (0, 0)


def test_reject_without_a_number_is_final_with_the_brokers_words(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.response(order, order_id=None, error="余额不足"))
    order = bench.order(order)
    assert (order.status, order.message) == (Status.REJECTED, "余额不足")
    assert bench.book.reserved_cash == 0


def test_update_57_is_a_reject_with_the_status_message(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.response(order), bench.update(order, 57, status_msg="废单"))
    order = bench.order(order)
    assert (order.status, order.message) == (Status.REJECTED, "废单")


def test_answer_of_minus_one_without_words_is_unknown(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.response(order, order_id=None))
    assert bench.order(order).status == Status.UNKNOWN
    assert bench.book.reserved_cash == Decimal("1005.01")


def test_status_255_proves_only_that_the_terminal_has_the_order(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.update(order, 255))
    order = bench.order(order)
    assert order.status == Status.SUBMITTED
    bench.apply(bench.update(order, 50))
    bench.apply(bench.update(order, 255))
    assert bench.order(order).status == Status.REPORTED


# ------------------------------------------------------------------- disorder and repeats
def test_every_order_of_the_same_evidence_ends_alike(bench: Bench) -> None:
    ends = set()
    for sequence in permutations(range(4)):
        order = bench.sent(quantity=200)
        evidence: list[TradeEvent] = [
            bench.response(order),
            bench.update(order, 50),
            bench.fill(order, 100, "9.99"),
            bench.update(order, 53, traded_quantity=100),
        ]
        for index in sequence:
            bench.apply(evidence[index])
        order = bench.order(order)
        ends.add((order.status, order.traded_quantity, order.traded_amount, order.reserved_cash))
    assert ends == {(Status.PARTIALLY_CANCELLED, 100, Decimal("999.00"), Decimal(0))}
    assert bench.book.reserved_cash == 0


def test_the_same_evidence_again_changes_nothing_at_all(bench: Bench) -> None:
    order = bench.reported()
    evidence = (bench.response(order), bench.update(order, 56, traded_quantity=100), bench.fill(order, 100))
    bench.apply(*evidence)
    state = list(Order.objects.values()), bench.book.version, OrderEvent.objects.count()
    for _ in range(3):
        bench.apply(*evidence)
        bench.apply(*reversed(evidence))
    assert (list(Order.objects.values()), bench.book.version, OrderEvent.objects.count()) == state
    assert Trade.objects.count() == 1


def test_fill_before_any_answer_finds_its_order_by_tag(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.fill(order, 100))
    assert bench.order(order).status == Status.FILLED
    bench.apply(bench.response(order), bench.update(order, 56, traded_quantity=100))
    done = bench.order(order)
    assert (done.status, done.traded_quantity) == (Status.FILLED, 100)
    assert done.broker_order_id != ""


def test_answer_before_the_sequence_number_is_noted_is_taken(bench: Bench) -> None:
    from ops.clocks import wall_now
    from tests.orders.claiming import claim
    from trading.orders.intake import CallReturned

    order = bench.submit()
    assert claim(order.pk, host_name="sim") is not None
    bench.apply(bench.response(order, seq=77), bench.update(order, 50))
    bench.apply(CallReturned(str(order.tag), 77, wall_now()))
    order = bench.order(order)
    assert (order.status, order.session_seq) == (Status.REPORTED, 77)


def test_fill_without_tag_and_number_matches_by_the_terminals_id_within_the_session(
    bench: Bench,
) -> None:
    order = bench.sent()
    bench.apply(bench.response(order))
    bench.apply(bench.fill(order, 100, tag="", order_sysid=""))
    assert bench.order(order).status == Status.FILLED


def test_terminals_id_of_another_session_matches_nothing(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.response(order))
    result = bench.apply(bench.fill(order, 100, tag="", order_sysid=""), session_key="another session")
    assert result.parked == 1
    assert bench.order(order).status == Status.SUBMITTED


def test_fill_with_and_without_the_exchanges_number_is_one_fill(bench: Bench) -> None:
    order = bench.reported(quantity=300)
    bench.apply(bench.fill(order, 100, traded_id="T-1", order_sysid=""))
    bench.apply(bench.fill(order, 100, traded_id="T-1"))
    assert bench.order(order).traded_quantity == 100
    assert Trade.objects.count() == 1


def test_the_same_trade_number_on_another_order_is_another_fill(bench: Bench) -> None:
    first, second = bench.reported(), bench.reported()
    bench.apply(bench.fill(first, 100, traded_id="1"), bench.fill(second, 100, traded_id="1"))
    assert Trade.objects.count() == 2
    assert bench.order(second).status == Status.FILLED


def test_stale_report_after_the_end_is_ignored(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(bench.update(order, 54))
    cancelled = bench.order(order)
    assert cancelled.status == Status.CANCELLED
    bench.apply(bench.update(order, 50), bench.update(order, 55), bench.update(order, 51))
    assert bench.order(order).status == Status.CANCELLED
    assert bench.order(order).version == cancelled.version


def test_fill_after_a_cancel_was_reported_corrects_it(bench: Bench) -> None:
    order = bench.reported(quantity=200)
    bench.apply(bench.update(order, 54))
    bench.apply(bench.fill(order, 100))
    done = bench.order(order)
    assert (done.status, done.traded_quantity) == (Status.PARTIALLY_CANCELLED, 100)


def test_part_cancelled_53_books_its_fills(bench: Bench) -> None:
    order = bench.reported(quantity=500)
    bench.apply(
        bench.update(order, 53, traded_quantity=200, traded_price=Decimal(10)),
        bench.fill(order, 200),
    )
    done = bench.order(order)
    assert (done.status, done.traded_quantity) == (Status.PARTIALLY_CANCELLED, 200)


@pytest.mark.parametrize("pending", [51, 52])
def test_pending_cancel_may_still_end_filled(bench: Bench, pending: int) -> None:
    order = bench.reported()
    bench.apply(bench.update(order, pending))
    assert bench.order(order).status == Status.PENDING_CANCEL
    bench.apply(bench.fill(order, 100), bench.update(order, 56, traded_quantity=100))
    assert bench.order(order).status == Status.FILLED


# ------------------------------------------------------------------------------ errors
def test_error_of_another_order_with_number_minus_one_stays_with_its_own_tag(bench: Bench) -> None:
    first, second = bench.sent(), bench.sent()
    bench.apply(OrderError(first.session_seq or 0, first.tag or "", None, 1, "first failed"))
    assert bench.order(first).status == Status.REJECTED
    assert bench.order(second).status == Status.SUBMITTING


def test_error_with_a_number_keeps_the_words_and_asks_again(bench: Bench) -> None:
    order = bench.sent()
    result = bench.apply(bench.response(order), OrderError(0, order.tag or "", bench.broker_id(order), 9, "price"))
    assert bench.order(order).status == Status.SUBMITTED
    assert bench.order(order).message == "price"
    assert result.recheck == {bench.account.pk}


def test_error_cannot_end_a_reported_order(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(OrderError(order.session_seq or 0, order.tag or "", None, 1, "late"))
    assert bench.order(order).status == Status.REPORTED


# ------------------------------------------------------------------------------ cancels
def test_cancel_wanted_while_unanswered_may_go_with_the_first_number(bench: Bench) -> None:
    order = bench.sent()
    order_cancel(user=bench.alice, order_id=order.pk)
    assert bench.order(order).status == Status.SUBMITTING
    result = bench.apply(bench.response(order))
    assert result.cancels_wanted == [order.pk]


def test_refused_cancel_lets_the_order_work_on(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    _send_cancel(order)
    number = bench.broker_id(order)
    bench.apply(bench.update(order, 51))
    bench.apply(CancelError(number, "", 3, "已成交"))
    working = bench.order(order)
    assert working.status == Status.REPORTED
    assert (working.cancel_requested_at, working.cancel_sent_at) == (None, None)
    assert working.message == "已成交"


def test_cancel_answers_are_no_truth_about_the_order(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    _send_cancel(order)
    bench.apply(CancelResponse(5, bench.broker_id(order), "", 0, ""))
    assert bench.order(order).status == Status.PENDING_CANCEL
    bench.apply(bench.update(order, 54))
    assert bench.order(order).status == Status.CANCELLED


def _send_cancel(order: Order) -> None:
    from tests.orders.claiming import claim_cancel

    assert claim_cancel(order.pk, host_name="sim") is not None


# --------------------------------------------------------------- contradictions: adoption
def expired(bench: Bench) -> Order:
    order = bench.submit()
    Order.objects.filter(pk=order.pk).update(expires_at=order.submitted_at)
    assert expire_due("sim") == [order.pk]
    return bench.order(order)


def not_found(bench: Bench) -> Order:
    order = bench.sent()
    mark_unknown([order.pk], reason="test")
    mark_not_found([order.pk], evidence={})
    return bench.order(order)


def cancelled_here(bench: Bench) -> Order:
    order = bench.submit()
    order_cancel(user=bench.alice, order_id=order.pk)
    return bench.order(order)


@pytest.mark.parametrize("end", [expired, not_found, cancelled_here])
def test_evidence_of_an_order_ended_here_adopts_alarms_and_halts(bench: Bench, end: object) -> None:
    assert callable(end)
    order = end(bench)
    before = order.status
    result = bench.apply(bench.update(order, 50))
    assert bench.order(order).status == Status.REPORTED
    assert bench.order(order).final_at is None
    assert result.adopted == [order.pk]
    account = BrokerAccount.objects.get(pk=bench.account.pk)
    assert account.state == TradingState.HALTED
    assert account.epoch > bench.account.epoch
    audit = AuditEvent.objects.get(action="order.adopted")
    assert (audit.before, audit.after) == ({"status": str(before)}, {"status": "REPORTED"})


def test_unreported_push_after_a_reject_is_no_sign_of_life(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.response(order, order_id=None, error="no"))
    bench.apply(bench.update(order, 48), bench.update(order, 49), bench.update(order, 57))
    assert bench.order(order).status == Status.REJECTED
    assert BrokerAccount.objects.get(pk=bench.account.pk).state == TradingState.ACTIVE


# ------------------------------------------------------------------------------- parking
def test_event_without_an_order_is_parked_once(bench: Bench) -> None:
    order = bench.reported()
    stranger = bench.fill(order, 100, tag="", order_sysid="SIM77", order_id=77)
    assert bench.apply(stranger).parked == 1
    assert bench.apply(stranger).parked == 0
    assert ParkedEvent.objects.get().state == ParkedState.PARKED


def test_parked_fill_is_booked_when_its_orders_number_becomes_known(bench: Bench) -> None:
    order = bench.sent()
    bench.apply(bench.fill(order, 100, tag=""))
    assert Trade.objects.count() == 0
    bench.apply(bench.update(order, 50))
    assert bench.order(order).status == Status.FILLED
    assert Trade.objects.get().order_id == order.pk
    assert ParkedEvent.objects.get().state == ParkedState.APPLIED


def test_events_of_an_account_nobody_knows_break_nothing(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(
        bench.update(order, 56, account_no="4711", tag="", order_sysid="X", order_id=5),
        bench.asset(account_no="4711"),
        bench.position(100, account_no="4711"),
        bench.fill(order, 100),
    )
    assert bench.order(order).status == Status.FILLED


# ------------------------------------------------------------------------ events out
def test_batch_writes_one_event_per_changed_thing_with_its_last_state(bench: Bench) -> None:
    order = bench.sent()
    version = bench.book.version
    bench.apply(
        bench.response(order),
        bench.update(order, 50),
        bench.fill(order, 100),
        bench.update(order, 56, traded_quantity=100),
    )
    events = list(AccountEvent.objects.filter(version__gt=version).order_by("version"))
    kinds = [event.kind for event in events]
    assert sorted(kinds) == ["account", "order", "trade"]
    (sent,) = [event.payload for event in events if event.kind == "order"]
    assert (sent["status"], sent["traded_quantity"]) == ("FILLED", 100)
    assert [event.version for event in events] == list(range(version + 1, version + 4))


def test_orders_of_another_account_of_the_host_are_kept_apart(bench: Bench) -> None:
    mine = bench.reported()
    other = bench.submit(user=bench.team.charlie, account_id=bench.team.beta.pk)
    bench.apply(bench.fill(mine, 100))
    assert bench.order(other).status == Status.QUEUED
    assert AccountEvent.objects.filter(account=bench.team.beta, kind="trade").count() == 0


def test_fill_books_fees_by_rule(bench: Bench) -> None:
    bench.hold(40_000)
    order = bench.reported(side="SELL", quantity=40_000, symbol=MOUTAI)
    bench.apply(bench.fill(order, 10_000), bench.fill(order, 30_000))
    first, second = Trade.objects.order_by("pk")
    # 0.025% of 100,000; stamp duty 0.05%; transfer fee 0.001%.
    assert (first.commission, first.stamp_duty, first.transfer_fee) == (25, 50, 1)
    assert (second.commission, second.stamp_duty, second.transfer_fee) == (75, 150, 3)
    assert first.fees == 76
    assert first.broker_commission is None


def test_minimum_commission_is_paid_once_per_order(bench: Bench) -> None:
    order = bench.reported(quantity=300)
    bench.apply(*(bench.fill(order, 100) for _ in range(3)))
    assert list(Trade.objects.order_by("pk").values_list("commission", flat=True)) == [5, 0, 0]
