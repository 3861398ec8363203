"""Delivering events: in order, at least once, under one id, to whom may see them, until given up."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Grant
from accounts.services import grant_withdraw
from alerts.transports import SendFailed
from desk.settings.schema import ROOT
from ops.clocks import wall_now
from ops.models import Alert
from tests.orders.bench import Bench
from tests.people import TEST_ACTOR
from tests.webhooks.conftest import Receiver
from trading.ledger.models import AccountEvent
from trading.webhooks import delivering
from trading.webhooks.choices import EventDeliveryStatus, WebhookState
from trading.webhooks.delivering import MOST_FAILURES, PAUSES, deliver, due, prune
from trading.webhooks.models import EventDelivery, Webhook
from trading.webhooks.services import delivery_repeat, destination_of, webhook_change, webhook_test

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
BUSY = SendFailed("HTTP 503", code=503)


def fresh(hook: Webhook) -> Webhook:
    return Webhook.objects.get(pk=hook.pk)


def now_due() -> None:
    """The pause before the next attempt is over."""
    EventDelivery.objects.filter(status=EventDeliveryStatus.PENDING).update(due_at=wall_now())


def test_events_arrive_in_order_with_what_the_socket_carries(bench: Bench, hook: Webhook, receiver: Receiver) -> None:
    order = bench.submit()
    bench.submit(price="9.99")
    deliver(hook.pk)
    events = AccountEvent.objects.filter(account=bench.account).order_by("version")
    assert receiver.versions == [event.version for event in events]
    assert [event["data"] for event in receiver.events] == [event.payload for event in events]
    assert receiver.events[0]["kind"] == "order"
    assert receiver.events[0]["data"]["id"] == str(order.pk)
    assert fresh(hook).cursor == events.last().version  # type: ignore[union-attr]
    assert due(wall_now()) == []


def test_what_happened_before_the_webhook_was_made_is_not_sent(bench: Bench, receiver: Receiver) -> None:
    from trading.webhooks.services import webhook_add

    bench.submit()
    hook, _ = webhook_add(
        actor=TEST_ACTOR, owner=bench.alice, account_id=bench.account.pk, name="n", address="https://r.example/"
    )
    assert due(wall_now()) == []
    assert deliver(hook.pk) == 0
    assert receiver.requests == []


def test_kinds_that_are_not_wanted_are_passed_over(bench: Bench, hook: Webhook, receiver: Receiver) -> None:
    webhook_change(actor=TEST_ACTOR, webhook=hook, changes={"kinds": ["trade"]})
    order = bench.reported()
    bench.apply(bench.fill(order, 100))
    deliver(hook.pk)
    assert [event["kind"] for event in receiver.events] == ["trade"]
    deliver(hook.pk)
    assert due(wall_now()) == []


def test_failed_event_is_sent_again_under_the_same_id_before_anything_newer(
    bench: Bench, hook: Webhook, receiver: Receiver
) -> None:
    bench.submit()
    bench.submit(price="9.99")
    receiver.failures = [BUSY]
    assert deliver(hook.pk) == 0
    assert due(wall_now()) == []  # not before the pause is over
    assert deliver(hook.pk) == 0
    now_due()
    deliver(hook.pk)
    ids = [headers["X-Desk-Delivery"] for _url, headers, _body in receiver.requests]
    first = receiver.versions[0]
    assert receiver.versions[:2] == [first, first]
    assert receiver.versions[1:] == sorted(set(receiver.versions))
    assert ids[0] == ids[1] == receiver.events[0]["id"]
    assert EventDelivery.objects.get(version=first).attempt == 2


def test_process_that_dies_after_the_receiver_took_an_event_sends_it_again_with_the_same_id(
    bench: Bench, hook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.submit()

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_settle", die)
        with pytest.raises(KeyboardInterrupt):
            deliver(hook.pk)
    deliver(hook.pk)
    ids = [headers["X-Desk-Delivery"] for _url, headers, _body in receiver.requests]
    assert ids[0] == ids[1]
    assert receiver.versions[0] == receiver.versions[1]


def test_killed_sender_is_succeeded_when_its_claim_has_run_out(bench: Bench, hook: Webhook, receiver: Receiver) -> None:
    bench.submit()
    Webhook.objects.update(claimed_until=wall_now() + timedelta(seconds=30))
    assert due(wall_now()) == []
    assert deliver(hook.pk) == 0
    Webhook.objects.update(claimed_until=wall_now() - timedelta(seconds=1))
    assert due(wall_now()) == [hook.pk]
    assert deliver(hook.pk) > 0


def test_event_is_given_up_after_the_last_pause_and_the_next_one_follows(
    bench: Bench, hook: Webhook, receiver: Receiver
) -> None:
    bench.submit()
    receiver.failures = [BUSY] * (len(PAUSES) + 1)
    for _ in range(len(PAUSES) + 1):
        now_due()
        deliver(hook.pk)
    dead = EventDelivery.objects.order_by("version").first()
    assert dead is not None
    assert (dead.status, dead.attempt, dead.response_code) == (EventDeliveryStatus.DEAD, len(PAUSES) + 1, 503)
    assert fresh(hook).failures == 1
    bench.submit(price="9.98")
    deliver(hook.pk)
    assert receiver.versions[-1] > dead.version
    assert fresh(hook).failures == 0


def test_refusals_in_a_row_pause_the_webhook_with_an_alert_and_nothing_is_skipped(
    bench: Bench, hook: Webhook, receiver: Receiver, django_capture_on_commit_callbacks: Any
) -> None:
    for price in ("9.90", "9.91", "9.92", "9.93"):
        bench.submit(price=price)
    receiver.failures = [SendFailed("HTTP 404", code=404, retry=False)] * MOST_FAILURES
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(MOST_FAILURES + 1):
            deliver(hook.pk)
    assert fresh(hook).state == WebhookState.PAUSED
    assert len(receiver.requests) == MOST_FAILURES
    assert Alert.objects.get(kind="webhook.paused").account_id == bench.account.pk
    with django_capture_on_commit_callbacks(execute=True):
        webhook_change(actor=TEST_ACTOR, webhook=fresh(hook), changes={"enabled": True})
    deliver(hook.pk)
    assert receiver.versions == list(range(1, bench.book.version + 1))
    assert Alert.objects.get(kind="webhook.paused").closed_at is not None


def test_dead_event_can_be_repeated_under_its_id(bench: Bench, hook: Webhook, receiver: Receiver) -> None:
    bench.submit()
    receiver.failures = [SendFailed("HTTP 400", code=400, retry=False)]
    deliver(hook.pk)
    dead = EventDelivery.objects.get(status=EventDeliveryStatus.DEAD)
    delivery_repeat(actor=TEST_ACTOR, delivery=dead)
    deliver(hook.pk)
    sent = [headers["X-Desk-Delivery"] for _url, headers, _body in receiver.requests]
    assert sent.count(str(dead.pk)) == 2
    assert EventDelivery.objects.get(pk=dead.pk).status == EventDeliveryStatus.SENT


def test_trials_go_before_waiting_events_each_under_an_id_of_its_own(
    bench: Bench, hook: Webhook, receiver: Receiver
) -> None:
    bench.submit()
    first = webhook_test(actor=TEST_ACTOR, webhook=hook)
    assert webhook_test(actor=TEST_ACTOR, webhook=hook) == first  # one waits already
    deliver(hook.pk)
    assert receiver.events[0] == first.body
    assert (receiver.versions[0], receiver.events[0]["kind"]) == (0, "test")
    assert receiver.versions[1:] == list(range(1, bench.book.version + 1))
    second = webhook_test(actor=TEST_ACTOR, webhook=hook)
    deliver(hook.pk)
    assert second.pk != first.pk
    assert receiver.events[-1]["id"] == str(second.pk)


def test_failed_trial_is_not_sent_again_counts_as_nothing_and_holds_nothing_up(
    bench: Bench, hook: Webhook, receiver: Receiver
) -> None:
    trial = webhook_test(actor=TEST_ACTOR, webhook=hook)
    receiver.failures = [BUSY]
    deliver(hook.pk)
    trial.refresh_from_db()
    assert (trial.status, trial.attempt, trial.response_code) == (EventDeliveryStatus.DEAD, 1, 503)
    assert (fresh(hook).failures, fresh(hook).state) == (0, WebhookState.ACTIVE)
    bench.submit()
    deliver(hook.pk)
    assert receiver.versions == [0, *range(1, bench.book.version + 1)]


def test_owner_who_lost_the_right_gets_nothing_any_more(bench: Bench, hook: Webhook, receiver: Receiver) -> None:
    bench.submit()
    receiver.failures = [BUSY]
    deliver(hook.pk)
    grant_withdraw(actor=TEST_ACTOR, account=bench.account, user=bench.alice)
    now_due()
    deliver(hook.pk)
    assert len(receiver.requests) == 1
    assert fresh(hook).state == WebhookState.REVOKED
    assert set(EventDelivery.objects.values_list("status", flat=True)) == {EventDeliveryStatus.SKIPPED}
    Grant.objects.create(user=bench.alice, account=bench.account)
    webhook_change(actor=TEST_ACTOR, webhook=fresh(hook), changes={"enabled": True})
    deliver(hook.pk)
    assert len(receiver.requests) == 1  # what happened meanwhile is not caught up on


def test_events_that_are_gone_from_the_log_are_named(bench: Bench, hook: Webhook, receiver: Receiver) -> None:
    for price in ("9.90", "9.91", "9.92"):
        bench.submit(price=price)
    newest = bench.book.version
    AccountEvent.objects.filter(version__lt=newest).delete()
    deliver(hook.pk)
    assert receiver.events[0]["kind"] == "gap"
    assert receiver.events[0]["data"] == {"from": 1, "to": newest - 1}
    assert receiver.versions == [newest - 1, newest]


def test_snippet_of_the_documentation_accepts_ours_once_and_nothing_else(
    bench: Bench, hook: Webhook, receiver: Receiver
) -> None:
    page = Path(ROOT, "docs", "webhooks.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    space: dict[str, Any] = {}
    exec(code[1], space)  # noqa: S102 - the project's own documentation
    accept = space["accept"]
    bench.submit()
    deliver(hook.pk)
    secret = destination_of(hook).secret
    _url, headers, body = receiver.requests[0]
    late = int(headers["X-Desk-Timestamp"]) + 301
    assert not accept("another secret", headers, body)
    assert not accept(secret, headers, body + b" ")
    assert not accept(secret, headers | {"X-Desk-Delivery": "other"}, body)
    assert not accept(secret, headers, body, now=late)
    assert accept(secret, headers, body)
    assert not accept(secret, headers, body)  # played again


def test_address_that_resolves_into_the_house_is_not_knocked_on(bench: Bench, hook: Webhook) -> None:
    webhook_change(actor=TEST_ACTOR, webhook=hook, changes={"address": "https://localhost:1/in"})
    bench.submit()
    deliver(hook.pk)
    delivery = EventDelivery.objects.order_by("version").first()
    assert delivery is not None
    assert delivery.status == EventDeliveryStatus.DEAD
    assert delivery.response_code is None


def test_log_is_pruned_and_what_waits_stays(bench: Bench, hook: Webhook, receiver: Receiver) -> None:
    bench.submit()
    deliver(hook.pk)
    bench.submit(price="9.99")
    receiver.failures = [BUSY]
    deliver(hook.pk)
    EventDelivery.objects.update(created_at=wall_now() - timedelta(days=15))
    prune(wall_now())
    assert set(EventDelivery.objects.values_list("status", flat=True)) == {EventDeliveryStatus.PENDING}
