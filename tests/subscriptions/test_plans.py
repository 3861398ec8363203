"""Accounts that subscribe by themselves: once per issue, over restarts, and loudly when it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import ApiToken, BrokerAccount, Grant, HostStatus
from ops.clocks import wall_now
from ops.errors import Code, Forbidden, Invalid, NotFound
from ops.handover import open_work
from ops.models import Alert, AlertKind, AuditEvent
from tests.orders.bench import TODAY
from tests.subscriptions.window import BEIJING_ISSUE, SHANGHAI_ISSUE, SHENZHEN_ISSUE, Window, issue
from trading.orders.choices import Source, Status
from trading.orders.models import Order
from trading.subscriptions.models import SubscriptionPlan, SubscriptionResult
from trading.subscriptions.services import issue_subscribe, plan_set, run_plans, scheduled


@pytest.fixture
def round_with_alarms(django_capture_on_commit_callbacks: Any) -> Callable[[], None]:
    """One round whose alerts are stored, as after a commit."""

    def go() -> None:
        with django_capture_on_commit_callbacks(execute=True):
            run_plans()

    return go


@pytest.fixture
def opted_in(window: Window) -> Window:
    """Alpha subscribes by itself; one issue today, quotas told."""
    plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True)
    window.offer(issue())
    window.quota(SH=6000, SZ=10_000, KCB=2000)
    return window


def result(symbol: str = SHANGHAI_ISSUE) -> SubscriptionResult:
    return SubscriptionResult.objects.select_related("order").get(symbol=symbol)


def alerts() -> list[Alert]:
    return list(Alert.objects.filter(kind=AlertKind.IPO_FAILED))


# ------------------------------------------------------------------------------------- opting in
def test_plan_is_kept_with_its_person_and_on_the_audit_trail(window: Window) -> None:
    plan = plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True)

    assert (plan.enabled, plan.user, plan.since) == (True, window.bench.alice, TODAY)
    event = AuditEvent.objects.get(action="subscription.plan_set")
    assert event.after is not None
    assert (event.target, event.after["enabled"]) == (f"account:{window.account.pk}", True)


def test_plan_said_again_writes_nothing(window: Window) -> None:
    for _ in range(2):
        plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True)

    assert AuditEvent.objects.filter(action="subscription.plan_set").count() == 1


def test_plan_made_after_the_window_begins_on_a_later_date(window: Window) -> None:
    window.market_time("15:10", "AFTER_HOURS")

    plan = plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True)

    assert plan.since == TODAY + timedelta(days=1)


def test_plan_of_an_account_one_may_only_look_at_is_forbidden(window: Window) -> None:
    with pytest.raises(Forbidden):
        plan_set(user=window.bench.team.bob, account_id=window.account.pk, enabled=True)
    assert not SubscriptionPlan.objects.exists()


def test_plan_of_an_account_of_others_is_not_found(window: Window) -> None:
    with pytest.raises(NotFound):
        plan_set(user=window.bench.team.charlie, account_id=window.account.pk, enabled=True)


@pytest.mark.parametrize("enabled", [None, 1, "true"])
def test_plan_takes_only_true_and_false(window: Window, enabled: Any) -> None:
    with pytest.raises(Invalid):
        plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=enabled)


def test_plan_is_open_work_of_who_leaves(opted_in: Window) -> None:
    assert [work.kind for work in open_work(opted_in.bench.alice.pk)] == ["subscription_plan"]


# ------------------------------------------------------------------------------------- the round
def test_round_subscribes_every_issue_with_the_most_there_is(opted_in: Window) -> None:
    opted_in.offer(issue(), issue(SHENZHEN_ISSUE))

    assert run_plans() == {"plans": 1, "subscribed": 2}

    orders = {order.symbol: order for order in opted_in.orders()}
    assert {symbol: order.quantity for symbol, order in orders.items()} == {SHANGHAI_ISSUE: 6000, SHENZHEN_ISSUE: 9000}
    assert {order.source for order in orders.values()} == {Source.SCHEDULE}
    assert {order.created_by for order in orders.values()} == {opted_in.bench.alice}
    assert (result().state, result().order) == ("SUBSCRIBED", orders[SHANGHAI_ISSUE])


def test_round_repeated_subscribes_nothing_more(opted_in: Window) -> None:
    run_plans()

    assert run_plans()["subscribed"] == 0
    assert len(opted_in.orders()) == 1


def test_round_after_a_crash_between_order_and_result_finds_the_order(
    opted_in: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(scheduled, "note_order", crash)
        with pytest.raises(KeyboardInterrupt):
            run_plans()
    assert result().state == "WAITING"

    assert run_plans()["subscribed"] == 0
    assert (len(opted_in.orders()), result().order) == (1, opted_in.orders()[0])


def test_round_leaves_alone_what_was_subscribed_by_hand(opted_in: Window) -> None:
    order = issue_subscribe(
        user=opted_in.bench.alice, account_id=opted_in.account.pk, symbol=SHANGHAI_ISSUE, quantity=500
    ).order

    run_plans()

    assert [one.pk for one in opted_in.orders()] == [order.pk]
    assert (result().state, result().order) == ("SUBSCRIBED", order)


def test_round_before_the_configured_time_does_nothing(opted_in: Window) -> None:
    opted_in.market_time("09:34")

    assert run_plans() == {"plans": 1, "subscribed": 0}
    assert not SubscriptionResult.objects.exists()


def test_round_at_the_configured_time_subscribes(opted_in: Window) -> None:
    opted_in.market_time("09:35")

    assert run_plans()["subscribed"] == 1


def test_round_at_lunch_waits(opted_in: Window) -> None:
    opted_in.market_time("12:00", "LUNCH")

    assert run_plans()["subscribed"] == 0


def test_round_with_a_stale_market_clock_does_nothing(opted_in: Window) -> None:
    HostStatus.objects.update(updated_at=wall_now() - timedelta(hours=1))

    assert run_plans()["subscribed"] == 0


def test_round_passes_over_accounts_that_did_not_opt_in(opted_in: Window) -> None:
    plan_set(user=opted_in.bench.alice, account_id=opted_in.account.pk, enabled=False)

    assert run_plans() == {"plans": 0, "subscribed": 0}


# -------------------------------------------------------------------------------- what goes wrong
def test_terminal_that_is_away_is_waited_for(opted_in: Window, round_with_alarms: Callable[[], None]) -> None:
    HostStatus.objects.update(session_state="DOWN")
    round_with_alarms()
    assert (result().state, result().code, result().attempts) == ("WAITING", "TERMINAL_DOWN", 1)
    assert alerts() == []

    HostStatus.objects.update(session_state="READY")
    assert run_plans()["subscribed"] == 1
    assert (result().state, result().code) == ("SUBSCRIBED", "")


def test_halt_is_waited_for(opted_in: Window) -> None:
    BrokerAccount.objects.update(state="HALTED")
    run_plans()
    assert (result().state, result().code) == ("WAITING", "ACCOUNT_HALTED")


def test_window_that_ends_before_it_could_be_sent_is_a_failure_and_told(
    opted_in: Window, round_with_alarms: Callable[[], None]
) -> None:
    HostStatus.objects.update(session_state="DOWN")
    round_with_alarms()

    opted_in.market_time("15:05", "AFTER_HOURS")
    for _ in range(2):
        round_with_alarms()

    assert (result().state, result().code) == ("FAILED", "IPO_WINDOW_MISSED")
    assert "TERMINAL_DOWN" in result().message
    assert [(alert.account_id, alert.count) for alert in alerts()] == [(opted_in.account.pk, 1)]


def test_day_that_no_round_saw_is_a_failure_and_told(opted_in: Window, round_with_alarms: Callable[[], None]) -> None:
    opted_in.market_time("15:05", "AFTER_HOURS")

    round_with_alarms()

    assert (result().state, result().code) == ("FAILED", "IPO_WINDOW_MISSED")
    assert len(alerts()) == 1


def test_plan_made_after_the_window_is_not_blamed_for_the_day(
    window: Window, round_with_alarms: Callable[[], None]
) -> None:
    window.offer(issue())
    window.market_time("15:05", "AFTER_HOURS")
    plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True)

    round_with_alarms()

    assert not SubscriptionResult.objects.exists()
    assert alerts() == []


def test_issues_that_the_terminal_never_told_are_told_to_people(
    window: Window, round_with_alarms: Callable[[], None]
) -> None:
    plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True)

    round_with_alarms()

    assert [alert.facts["code"] for alert in alerts()] == [str(Code.IPO_ISSUES_UNKNOWN)]


def test_withdrawn_right_stops_the_plan_and_is_told(opted_in: Window, round_with_alarms: Callable[[], None]) -> None:
    Grant.objects.filter(account=opted_in.account, user=opted_in.bench.alice).delete()

    round_with_alarms()

    assert opted_in.orders() == []
    assert result().state == "FAILED"
    assert len(alerts()) == 1


def test_revoked_token_stops_the_plan_it_asked_for(window: Window) -> None:
    token = ApiToken.objects.create(
        user=window.bench.alice, name="t", prefix="12345678", digest="x" * 64, scopes=["orders:write"]
    )
    plan_set(user=window.bench.alice, account_id=window.account.pk, enabled=True, token=token)
    window.offer(issue())
    window.quota(SH=6000)
    ApiToken.objects.update(revoked_at=wall_now())

    run_plans()

    assert window.orders() == []
    assert (result().state, result().code) == ("FAILED", "TOKEN_ENDED")


def test_account_without_quota_is_passed_over_quietly(opted_in: Window, round_with_alarms: Callable[[], None]) -> None:
    opted_in.quota(SH=0, SZ=0, KCB=0)

    round_with_alarms()

    assert (result().state, result().code) == ("SKIPPED", "IPO_QUOTA_INSUFFICIENT")
    assert alerts() == []


def test_issue_of_a_kind_that_is_not_built_keeps_none_from_its_turn(opted_in: Window) -> None:
    opted_in.offer(issue(BEIJING_ISSUE), issue())

    assert run_plans()["subscribed"] == 1
    assert (result(BEIJING_ISSUE).state, result(BEIJING_ISSUE).code) == ("SKIPPED", "ORDER_KIND_NOT_BUILT")


def test_order_that_never_left_goes_again(opted_in: Window) -> None:
    run_plans()
    Order.objects.update(status=Status.EXPIRED, final_at=wall_now())

    assert run_plans()["subscribed"] == 1

    keys = [order.client_order_id for order in opted_in.orders()]
    assert keys == [f"ipo:{opted_in.account.pk}:{SHANGHAI_ISSUE}", f"ipo:{opted_in.account.pk}:{SHANGHAI_ISSUE}:2"]
    assert result().order == opted_in.orders()[1]


@pytest.mark.parametrize("status", [Status.REJECTED, Status.NOT_FOUND, Status.CANCELLED])
def test_order_that_was_lost_is_told_and_not_repeated(
    opted_in: Window, status: Status, round_with_alarms: Callable[[], None]
) -> None:
    run_plans()
    Order.objects.update(status=status, message="额度不足", final_at=wall_now(), sent_at=wall_now())

    for _ in range(2):
        round_with_alarms()

    assert len(opted_in.orders()) == 1
    assert (result().state, result().code, result().message) == ("FAILED", str(status), "额度不足")
    assert len(alerts()) == 1


def test_order_without_an_answer_is_neither_repeated_nor_given_up(opted_in: Window) -> None:
    run_plans()
    Order.objects.update(status=Status.UNKNOWN)

    run_plans()

    assert len(opted_in.orders()) == 1
    assert result().state == "SUBSCRIBED"


def test_one_account_in_trouble_keeps_none_from_its_turn(opted_in: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    beta = opted_in.bench.team.beta
    plan_set(user=opted_in.bench.team.charlie, account_id=beta.pk, enabled=True)
    opted_in.quota(beta, SH=6000)
    real = scheduled._run

    def run(plan: SubscriptionPlan) -> int:
        if plan.account_id == opted_in.account.pk:
            raise RuntimeError("a defect")
        return real(plan)

    monkeypatch.setattr(scheduled, "_run", run)

    assert run_plans() == {"plans": 2, "subscribed": 1}
    assert [order.account_id for order in opted_in.orders()] == [beta.pk]
