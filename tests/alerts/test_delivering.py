"""Sending: claimed once, tried a few times, skipped when nobody should get it any more; every attempt logged."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Grant, User
from alerts import delivering
from alerts.models import Channel, Delivery
from alerts.services import channel_add
from alerts.transports import SENDERS
from ops.clocks import wall_now
from ops.models import Alert, AlertKind, Severity
from tests.alerts.conftest import Receiver
from tests.people import TEST_ACTOR, Team

SECRET = "a-signing-secret-of-alice"


def make_delivery(team: Team, receiver: Receiver, owner: User | None = None) -> Delivery:
    """One notice of Alpha on its way to a webhook of alice."""
    person = owner or team.alice
    channel = channel_add(
        actor=TEST_ACTOR,
        owner=person,
        kind="WEBHOOK",
        name="hook",
        address=f"{receiver.url}/hook?key=very-secret",
        secret=SECRET,
    )
    now = wall_now()
    alert = Alert.objects.create(
        kind=AlertKind.ORDER_UNKNOWN,
        severity=Severity.CRITICAL,
        title="BUY 100 600519.SH",
        facts={"order": "o1"},
        dedup_key="k",
        account_id=team.alpha.pk,
        first_at=now,
        last_at=now,
        notified_at=now,
    )
    return Delivery.objects.create(owner=person, alert=alert, channel=channel, channel_name="hook", due_at=now)


def send(delivery: Delivery) -> Delivery:
    delivering.deliver(str(delivery.pk))
    delivery.refresh_from_db()
    return delivery


def test_deliver_sends_the_alert_and_logs_it(team: Team, receiver: Receiver) -> None:
    delivery = send(make_delivery(team, receiver))

    assert (delivery.status, delivery.response_code, delivery.attempt, delivery.error) == ("SENT", 200, 1, "")
    assert delivery.latency_ms is not None
    assert delivery.finished_at is not None
    assert [entry["status"] for entry in delivery.attempts] == ["SENT"]
    body = json.loads(receiver.received[0].body)
    assert body["delivery"] == str(delivery.pk)
    assert (body["alert"]["title"], body["alert"]["account"]) == ("BUY 100 600519.SH", team.alpha.pk)


def test_deliver_twice_sends_once(team: Team, receiver: Receiver) -> None:
    delivery = send(make_delivery(team, receiver))

    assert delivering.deliver(str(delivery.pk)) == "not due"
    assert len(receiver.received) == 1


def test_deliver_before_its_time_sends_nothing(team: Team, receiver: Receiver) -> None:
    delivery = make_delivery(team, receiver)
    Delivery.objects.update(due_at=wall_now() + timedelta(hours=1))

    assert send(delivery).status == "PENDING"
    assert receiver.received == []


def test_deliver_failing_receiver_is_tried_later(team: Team, receiver: Receiver) -> None:
    receiver.status = 503
    before = wall_now()

    delivery = send(make_delivery(team, receiver))

    assert (delivery.status, delivery.response_code, delivery.attempt) == ("PENDING", 503, 1)
    assert before + timedelta(seconds=7) < delivery.due_at < wall_now() + timedelta(seconds=13)


def test_deliver_gives_up_after_five_attempts_and_keeps_each(team: Team, receiver: Receiver) -> None:
    receiver.status = 503
    delivery = make_delivery(team, receiver)

    for _ in range(7):
        Delivery.objects.update(due_at=wall_now())
        send(delivery)

    assert (delivery.status, delivery.attempt, len(receiver.received)) == ("FAILED", 5, 5)
    assert [entry["attempt"] for entry in delivery.attempts] == [1, 2, 3, 4, 5]
    assert {request.headers["X-Desk-Delivery"] for request in receiver.received} == {str(delivery.pk)}


def test_deliver_refusal_that_no_repetition_helps_ends_at_once(team: Team, receiver: Receiver) -> None:
    receiver.status = 410

    assert (send(make_delivery(team, receiver)).status, len(receiver.received)) == ("FAILED", 1)


def test_deliver_after_a_withdrawn_grant_sends_nothing(team: Team, receiver: Receiver) -> None:
    delivery = make_delivery(team, receiver)
    Grant.objects.all().delete()

    assert send(delivery).status == "SKIPPED"
    assert receiver.received == []


def test_deliver_to_somebody_who_has_left_sends_nothing(team: Team, receiver: Receiver) -> None:
    delivery = make_delivery(team, receiver)
    User.objects.filter(pk=team.alice.pk).update(is_active=False)

    assert (send(delivery).status, delivery.error) == ("SKIPPED", "the person has left")


def test_deliver_to_a_channel_switched_off_sends_nothing(team: Team, receiver: Receiver) -> None:
    delivery = make_delivery(team, receiver)
    Channel.objects.update(enabled=False)

    assert (send(delivery).status, delivery.error) == ("SKIPPED", "the channel is switched off")


def test_deliver_after_quiet_hours_what_is_over_is_not_sent(team: Team, receiver: Receiver) -> None:
    delivery = make_delivery(team, receiver)
    hours_ago = wall_now() - timedelta(hours=8)
    Delivery.objects.update(created_at=hours_ago)
    Alert.objects.update(closed_at=hours_ago)

    assert send(delivery).status == "SKIPPED"


def test_due_takes_over_what_a_killed_worker_left(team: Team, receiver: Receiver) -> None:
    delivery = make_delivery(team, receiver)
    Delivery.objects.update(status="SENDING", claimed_at=wall_now() - timedelta(seconds=121))

    assert delivering.due(wall_now()) == [str(delivery.pk)]


def test_deliver_private_address_without_permission_is_refused(
    team: Team, receiver: Receiver, settings: Settings
) -> None:
    delivery = make_delivery(team, receiver)
    settings.ALERT_TARGETS = []

    assert send(delivery).status == "FAILED"
    assert receiver.received == []


def test_deliver_failure_leaves_no_secret_in_log_or_row(
    team: Team, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object) -> Any:
        raise RuntimeError(f"could not post to {receiver.url}/hook?key=very-secret with {SECRET}")

    delivery = make_delivery(team, receiver)
    monkeypatch.setitem(SENDERS, "WEBHOOK", explode)
    with caplog.at_level(logging.DEBUG):
        send(delivery)

    kept = f"{caplog.text} {delivery.error} {delivery.attempts}"
    assert "RuntimeError" in kept
    assert "very-secret" not in kept
    assert SECRET not in kept


def test_prune_keeps_half_a_year_and_whatever_is_open(team: Team, receiver: Receiver) -> None:
    send(make_delivery(team, receiver))
    long_ago = wall_now() - delivering.KEPT - timedelta(days=1)
    assert delivering.prune(wall_now()) == {"deliveries": 0, "alerts": 0}

    Delivery.objects.update(created_at=long_ago)
    assert delivering.prune(wall_now()) == {"deliveries": 1, "alerts": 0}
    Alert.objects.update(closed_at=long_ago)
    assert delivering.prune(wall_now()) == {"deliveries": 0, "alerts": 1}
