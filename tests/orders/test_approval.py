"""Maker and checker: what waits, who decides, on which facts, and what ends the waiting."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from accounts.choices import AccountMode, Role, TradeRight
from accounts.models import ApiToken, BrokerAccount, Grant, Handover, QmtHost, User
from accounts.services import account_halt, account_resume, grant_set, grant_withdraw
from desk.settings.schema import get_config
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, Forbidden, Invalid, NotFound
from ops.models import Alert, AuditEvent
from tests.orders.approvals import held, make_approver, quote, set_rule, too_late
from tests.orders.bench import MOUTAI, Bench, host_ready
from tests.orders.claiming import claim
from tests.people import TEST_ACTOR, make_token
from tests.risk.desk import stored
from trading.orders.choices import KillScope, OrderEventKind, Source, Status
from trading.orders.claims import claimable
from trading.orders.lifecycle import close_trade_date, expire_due
from trading.orders.models import Order
from trading.orders.selectors import order_to_approve, orders_to_approve
from trading.orders.services import order_approve, order_cancel, order_refuse
from trading.orders.services.halts import kill
from trading.orders.states import TABLE
from trading.risk.choices import LimitKind
from trading.risk.models import Tally

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def dora(bench: Bench) -> User:
    return make_approver(bench)


# ------------------------------------------------------------------------ what waits
def test_order_that_a_rule_asks_about_waits_with_its_reservation(bench: Bench, woken: list[Any]) -> None:
    rule = set_rule(bench, note="large orders")
    order = held(bench)
    assert bench.book.reserved_cash == order.reserved_cash == Decimal("10005.1")
    assert order.approval.rules == [{"id": rule.pk, "version": 1, "note": "large orders"}]
    assert order.approval.value == Decimal(10000)
    assert [event.kind for event in order.events.all()] == [OrderEventKind.HELD]
    left = order.expires_at - wall_now()
    assert timedelta(seconds=get_config().approval_seconds - 5) < left
    assert woken == []


def test_waiting_order_is_never_claimed(bench: Bench) -> None:
    set_rule(bench)
    order = held(bench)
    assert claim(order.pk, host_name="sim") is None
    assert not claimable("sim").exists()


def test_waiting_order_does_not_count_as_one_for_the_broker(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    key = f"a:{bench.account.pk}"
    assert Tally.objects.get(subject=key).orders == 0
    order_approve(user=dora, order_id=order.pk)
    assert Tally.objects.get(subject=key).orders == 1


def test_waiting_order_raises_one_alert_per_account_that_ends_with_the_last(
    bench: Bench, dora: User, django_capture_on_commit_callbacks: Any
) -> None:
    set_rule(bench)
    with django_capture_on_commit_callbacks(execute=True):
        first, second = held(bench), held(bench, price="9.99")
    alert = Alert.objects.get(kind="order.approval")
    assert (alert.account_id, alert.count, alert.closed_at) == (bench.account.pk, 2, None)
    with django_capture_on_commit_callbacks(execute=True):
        order_approve(user=dora, order_id=first.pk)
    assert Alert.objects.get(pk=alert.pk).closed_at is None
    with django_capture_on_commit_callbacks(execute=True):
        order_refuse(user=dora, order_id=second.pk, reason="no")
    assert Alert.objects.get(pk=alert.pk).closed_at is not None


@pytest.mark.parametrize(
    ("conditions", "wish", "waits"),
    [
        ({"min_value": "10000"}, {}, True),
        ({"min_value": "10000.01"}, {}, False),
        ({"min_value": None}, {"quantity": 100}, True),
        ({"symbols": [MOUTAI]}, {}, True),
        ({"symbols": ["000001.SZ"]}, {}, False),
        ({"sides": ["SELL"]}, {}, False),
        ({"sources": ["PORTAL"]}, {"source": Source.API}, False),
        ({"sources": ["API"]}, {"source": Source.API}, True),
        ({"scope": "USER", "user": "alice"}, {}, True),
        ({"scope": "USER", "user": "bob"}, {}, False),
        ({"scope": "STRATEGY", "strategy": "grid"}, {"strategy": "grid"}, True),
        ({"scope": "STRATEGY", "strategy": "grid"}, {}, False),
        ({"enabled": False}, {}, False),
    ],
)
def test_rule_asks_about_exactly_what_its_conditions_say(
    bench: Bench, conditions: dict[str, Any], wish: dict[str, Any], waits: bool
) -> None:
    set_rule(bench, **conditions)
    order = bench.submit(**({"quantity": 1000} | wish))
    assert order.status == (Status.PENDING_APPROVAL if waits else Status.QUEUED)


def test_rule_on_another_account_asks_about_nothing_here(bench: Bench) -> None:
    set_rule(bench, scope="ACCOUNT", account=bench.team.beta.pk)
    assert bench.submit(quantity=1000).status == Status.QUEUED


def test_market_order_is_valued_at_limit_up(bench: Bench) -> None:
    set_rule(bench, min_value="11000")
    assert bench.submit(quantity=1000, price_type="LATEST", price=None).status == Status.PENDING_APPROVAL


def test_what_the_checks_deny_does_not_wait(bench: Bench) -> None:
    set_rule(bench)
    order = bench.submit(quantity=1000, price="20.00")
    assert (order.status, order.deny_code) == (Status.DENIED, Code.PRICE_ABOVE_LIMIT_UP)


def test_several_rules_hold_on_the_narrowest_terms(bench: Bench) -> None:
    set_rule(bench, expires_seconds=600, max_drift_percent="5")
    set_rule(bench, expires_seconds=60, max_drift_percent="2")
    order = held(bench)
    assert len(order.approval.rules) == 2
    assert order.approval.max_drift_percent == 2
    assert order.expires_at - wall_now() <= timedelta(seconds=60)


def test_same_key_again_answers_the_waiting_order(bench: Bench) -> None:
    set_rule(bench)
    first = bench.submission(quantity=1000, client_order_id="k1")
    again = bench.submission(quantity=1000, client_order_id="k1")
    assert (again.created, again.order.pk) == (False, first.order.pk)
    assert Order.objects.count() == 1


# ----------------------------------------------------------------------- who decides
def test_maker_never_approves_not_even_with_the_grant(bench: Bench) -> None:
    set_rule(bench)
    order = held(bench)
    grant_set(actor=TEST_ACTOR, account=bench.account, user=bench.alice, trade=TradeRight.ALL, can_approve=True)
    for decide in (order_approve, partial(order_refuse, reason="x")):
        with pytest.raises(Forbidden) as caught:
            decide(user=bench.alice, order_id=order.pk)
        assert caught.value.code == Code.SELF_APPROVAL
    assert bench.order(order).status == Status.PENDING_APPROVAL


def test_successor_of_the_maker_is_the_maker(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    Handover.objects.create(person=bench.alice, successor=dora)
    with pytest.raises(Forbidden) as caught:
        order_approve(user=dora, order_id=order.pk)
    assert caught.value.code == Code.SELF_APPROVAL


@pytest.mark.parametrize("name", ["admin", "risk", "bob"])
def test_nobody_approves_without_a_grant_to_approve(bench: Bench, name: str) -> None:
    set_rule(bench)
    order = held(bench)
    with pytest.raises(Forbidden) as caught:
        order_approve(user=getattr(bench.team, name), order_id=order.pk)
    assert caught.value.code == Code.APPROVE_NOT_GRANTED
    assert bench.order(order).status == Status.PENDING_APPROVAL


def test_order_of_an_account_one_does_not_see_does_not_exist(bench: Bench) -> None:
    set_rule(bench)
    order = held(bench)
    with pytest.raises(NotFound):
        order_approve(user=bench.team.charlie, order_id=order.pk)


def test_withdrawn_grant_approves_nothing(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    grant_set(actor=TEST_ACTOR, account=bench.account, user=dora)
    with pytest.raises(Forbidden) as caught:
        order_approve(user=dora, order_id=order.pk)
    assert caught.value.code == Code.APPROVE_NOT_GRANTED


def test_approvers_grant_withdrawn_right_after_approval_keeps_the_order_from_being_sent(
    bench: Bench, dora: User
) -> None:
    set_rule(bench)
    order = order_approve(user=dora, order_id=held(bench).pk)
    grant_withdraw(actor=TEST_ACTOR, account=bench.account, user=dora)
    assert claim(order.pk, host_name="sim") is None
    assert expire_due("sim") == [order.pk]
    assert bench.order(order).deny_code == Code.AUTHORITY_CHANGED


# ------------------------------------------------------------------------- approving
def test_approval_queues_the_order_under_the_present_authority_with_a_new_time_to_live(
    bench: Bench, dora: User, woken: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    set_rule(bench)
    order = held(bench)
    BrokerAccount.objects.filter(pk=bench.account.pk).update(epoch=9)
    with django_capture_on_commit_callbacks(execute=True):
        approved = order_approve(user=dora, order_id=order.pk)
    assert (approved.status, approved.epoch) == (Status.QUEUED, 9)
    ttl = timedelta(seconds=get_config().order_ttl_seconds)
    assert ttl - timedelta(seconds=5) < approved.expires_at - wall_now() <= ttl
    assert approved.reserved_cash == order.reserved_cash == bench.book.reserved_cash
    assert bench.order(order).approval.decided_by == dora
    assert [event.kind for event in approved.events.all()] == [OrderEventKind.HELD, OrderEventKind.APPROVED]
    assert len(woken) == 1
    claimed = claim(order.pk, host_name="sim")
    assert claimed is not None


def test_approval_is_on_the_audit_trail_with_who_and_what(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    order_approve(user=dora, order_id=order.pk)
    actions = AuditEvent.objects.filter(target=f"order:{order.pk}").order_by("pk")
    assert [(event.action, event.actor_label) for event in actions] == [
        ("order.held", "alice"),
        ("order.approved", "dora"),
    ]


def test_halt_between_approval_and_sending_kills_the_order(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = order_approve(user=dora, order_id=held(bench).pk)
    account_halt(actor=TEST_ACTOR, account=bench.account)
    assert claim(order.pk, host_name="sim") is None
    expire_due("sim")
    assert bench.order(order).deny_code == Code.AUTHORITY_CHANGED


def test_halted_account_denies_at_approval_and_gives_everything_back(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    account_halt(actor=TEST_ACTOR, account=bench.account)
    order = order_approve(user=dora, order_id=order.pk)
    assert (order.status, order.deny_code) == (Status.DENIED, Code.ACCOUNT_HALTED)
    assert bench.book.reserved_cash == 0
    assert order.final_at is not None


def test_halt_that_was_lifted_meanwhile_is_no_reason_to_deny(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    account_halt(actor=TEST_ACTOR, account=bench.account)
    account_resume(actor=TEST_ACTOR, account=BrokerAccount.objects.get(pk=bench.account.pk))
    assert order_approve(user=dora, order_id=order.pk).status == Status.QUEUED


def test_makers_lost_right_denies_at_approval(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    grant_withdraw(actor=TEST_ACTOR, account=bench.account, user=bench.alice)
    assert order_approve(user=dora, order_id=order.pk).deny_code == Code.TRADE_NOT_GRANTED


def test_makers_ended_token_denies_at_approval(bench: Bench, dora: User) -> None:
    set_rule(bench)
    token, _ = make_token(bench.alice)
    order = held(bench, token=token)
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=wall_now())
    assert order_approve(user=dora, order_id=order.pk).deny_code == Code.TOKEN_ENDED


def test_account_that_moved_to_another_host_denies_at_approval(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    BrokerAccount.objects.filter(pk=bench.account.pk).update(host=QmtHost.objects.create(name="other"))
    assert order_approve(user=dora, order_id=order.pk).deny_code == Code.AUTHORITY_CHANGED


def test_changed_risk_verdict_denies_with_its_code(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    stored(LimitKind.ORDER_VALUE, "9999")
    order = order_approve(user=dora, order_id=order.pk)
    assert (order.status, order.deny_code) == (Status.DENIED, Code.ORDER_VALUE_LIMIT)
    assert bench.order(order).approval.decided_by == dora


def test_order_is_not_judged_against_itself(bench: Bench, dora: User) -> None:
    stored(LimitKind.ACTIVE_ORDERS, "1")
    stored(LimitKind.DUPLICATE_ORDER, "600")
    stored(LimitKind.POSITION_VALUE, "10000")
    stored(LimitKind.ORDERS_PER_DAY, "1")
    set_rule(bench)
    assert order_approve(user=dora, order_id=held(bench).pk).status == Status.QUEUED


def test_own_reservation_does_not_stand_against_it(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench, quantity=99_000)  # nearly the whole million
    assert order_approve(user=dora, order_id=order.pk).status == Status.QUEUED


def test_own_shares_do_not_stand_against_it(bench: Bench, dora: User) -> None:
    set_rule(bench)
    bench.hold(1000)
    order = held(bench, side="SELL")
    assert order_approve(user=dora, order_id=order.pk).status == Status.QUEUED
    assert bench.order(order).reserved_quantity == 1000


@pytest.mark.parametrize(("now", "status", "code"), [("10.20", "QUEUED", ""), ("10.21", "DENIED", "PRICE_DRIFTED")])
def test_price_that_drifted_too_far_denies(bench: Bench, dora: User, now: str, status: str, code: str) -> None:
    set_rule(bench, max_drift_percent="2")
    quote(bench, "10.00")
    order = held(bench)
    quote(bench, now)
    order = order_approve(user=dora, order_id=order.pk)
    assert (order.status, order.deny_code) == (status, code)


def test_terminal_that_is_down_leaves_the_order_waiting(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    host_ready(bench.team, session_state="DOWN")
    with pytest.raises(Denied) as caught:
        order_approve(user=dora, order_id=order.pk)
    assert caught.value.code == Code.TERMINAL_DOWN
    assert bench.order(order).status == Status.PENDING_APPROVAL
    host_ready(bench.team)
    assert order_approve(user=dora, order_id=order.pk).status == Status.QUEUED


def test_second_decision_is_refused(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    order_approve(user=dora, order_id=order.pk)
    for decide in (order_approve, partial(order_refuse, reason="x")):
        with pytest.raises(Conflict) as caught:
            decide(user=dora, order_id=order.pk)
        assert caught.value.code == Code.APPROVAL_DECIDED
    assert bench.order(order).status == Status.QUEUED


# -------------------------------------------------------------- refusal, cancel, expiry
def test_refusal_denies_with_the_reason_and_gives_everything_back(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = order_refuse(user=dora, order_id=held(bench).pk, reason="too large for today")
    assert (order.status, order.deny_code, order.message) == (
        Status.DENIED,
        Code.APPROVAL_REFUSED,
        "too large for today",
    )
    assert bench.book.reserved_cash == 0


@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 201, 5, "two\nlines"])
def test_refusal_without_a_readable_reason_changes_nothing(bench: Bench, dora: User, reason: Any) -> None:
    set_rule(bench)
    order = held(bench)
    with pytest.raises(Invalid):
        order_refuse(user=dora, order_id=order.pk, reason=reason)
    assert bench.order(order).status == Status.PENDING_APPROVAL


def test_maker_cancels_at_once(bench: Bench) -> None:
    set_rule(bench)
    order = order_cancel(user=bench.alice, order_id=held(bench).pk)
    assert order.status == Status.CANCELLED
    assert bench.book.reserved_cash == 0


def test_kill_switch_cancels_what_waits(bench: Bench) -> None:
    set_rule(bench)
    order = held(bench)
    kill(
        actor=TEST_ACTOR,
        user=bench.alice,
        scope=KillScope.ACCOUNT,
        account_id=bench.account.pk,
        proven=lambda: None,
    )
    assert bench.order(order).status == Status.CANCELLED


def test_nobody_deciding_in_time_expires_the_order(bench: Bench) -> None:
    set_rule(bench)
    order = held(bench)
    too_late(order)
    assert expire_due("sim") == [order.pk]
    order = bench.order(order)
    assert (order.status, order.deny_code) == (Status.EXPIRED, Code.APPROVAL_EXPIRED)
    assert bench.book.reserved_cash == 0


def test_raised_epoch_alone_does_not_expire_what_waits(bench: Bench) -> None:
    set_rule(bench)
    held(bench)
    BrokerAccount.objects.filter(pk=bench.account.pk).update(epoch=7)
    assert expire_due("sim") == []


@pytest.mark.parametrize("decide", ["approve", "refuse"])
def test_decision_after_the_time_expires_the_order_even_with_no_sweeper(bench: Bench, dora: User, decide: str) -> None:
    set_rule(bench)
    order = held(bench)
    too_late(order)
    act = order_approve if decide == "approve" else partial(order_refuse, reason="late")
    with pytest.raises(Conflict) as caught:
        act(user=dora, order_id=order.pk)
    assert caught.value.code == Code.APPROVAL_EXPIRED
    assert bench.order(order).status == Status.EXPIRED
    assert bench.book.reserved_cash == 0


def test_end_of_the_trade_date_ends_what_waits(bench: Bench) -> None:
    set_rule(bench)
    order = held(bench)
    close_trade_date(bench.account.pk, order.trade_date)
    assert bench.order(order).status == Status.EXPIRED


def test_order_of_another_day_is_not_approved(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    Order.objects.filter(pk=order.pk).update(trade_date=order.trade_date - timedelta(days=1))
    assert order_approve(user=dora, order_id=order.pk).deny_code == Code.TRADE_DATE_CLOSED


def test_state_machine_leaves_waiting_by_four_ways_and_enters_it_by_none() -> None:
    assert TABLE[Status.PENDING_APPROVAL] == {Status.QUEUED, Status.DENIED, Status.CANCELLED, Status.EXPIRED}
    assert not any(Status.PENDING_APPROVAL in targets for targets in TABLE.values())


# -------------------------------------------------------------------------- the queue
def test_queue_shows_approvers_what_they_may_decide_and_makers_their_own(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)

    def shown(user: User) -> list[tuple[str, bool]]:
        return [(row["id"], row["decidable"]) for row in orders_to_approve(user)]

    assert shown(dora) == [(str(order.pk), True)]
    assert shown(bench.alice) == [(str(order.pk), False)]
    assert shown(bench.team.bob) == shown(bench.team.admin) == shown(bench.team.charlie) == []
    grant_set(actor=TEST_ACTOR, account=bench.account, user=bench.alice, trade=TradeRight.ALL, can_approve=True)
    assert shown(bench.alice) == [(str(order.pk), False)]
    too_late(order)
    assert shown(dora) == []


def test_detail_says_how_the_order_would_be_judged_now(bench: Bench, dora: User) -> None:
    set_rule(bench, max_drift_percent="2")
    quote(bench, "10.00")
    order = held(bench)
    quote(bench, "10.50")
    stored(LimitKind.ORDER_VALUE, "9999")
    now = order_to_approve(dora, order.pk)["now"]
    assert (now["last_price"], now["drift_percent"], now["drift_code"]) == ("10.5", "5", Code.PRICE_DRIFTED)
    verdicts = {check["check"]: check["code"] for check in now["checks"] if check["verdict"] == "DENIED"}
    assert verdicts == {"ORDER_VALUE": Code.ORDER_VALUE_LIMIT}
    with pytest.raises(Forbidden):
        order_to_approve(bench.team.bob, order.pk)


def test_read_only_account_denies_at_approval(bench: Bench, dora: User) -> None:
    set_rule(bench)
    order = held(bench)
    BrokerAccount.objects.filter(pk=bench.account.pk).update(mode=AccountMode.READ_ONLY)
    assert order_approve(user=dora, order_id=order.pk).deny_code == Code.ACCOUNT_READ_ONLY


def test_viewer_with_a_grant_to_approve_by_hand_approves_nothing(bench: Bench) -> None:
    set_rule(bench)
    order = held(bench)
    person = User.objects.create_user("vera", password="correct horse battery", role=Role.VIEWER)
    Grant.objects.create(user=person, account=bench.account, can_approve=True)
    with pytest.raises(Forbidden) as caught:
        order_approve(user=person, order_id=order.pk)
    assert caught.value.code == Code.APPROVE_NOT_GRANTED
