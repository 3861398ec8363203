"""The API: everybody's own channels, nobody else's alerts, no secret in any answer, log or audit event."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from alerts.models import Channel, Delivery, QuietHours, Subscription
from alerts.services.channels import destination_of, reseal_all
from ops.audit import chains_verify
from ops.clocks import wall_now
from ops.models import Alert, AlertKind, AuditEvent, Severity
from tests.alerts.conftest import Capture
from tests.people import Team, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ADDRESS = "https://oapi.dingtalk.com/robot/send?access_token=very-secret"
SECRET = "SEC-signing-secret"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def call(user: User, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    send = getattr(client_of(user), method)
    if method == "get":
        return send(f"/api/v1/{path}", body or {})
    return send(f"/api/v1/{path}", json.dumps(body or {}), content_type="application/json")


def add_channel(user: User, name: str = "group") -> int:
    body = {"kind": "DINGTALK", "name": name, "address": ADDRESS, "secret": SECRET}
    response = call(user, "post", "alert-channels", body)
    assert response.status_code == 201, response.content
    pk: int = response.json()["id"]
    return pk


def make_alert(account_id: int | None = None, host: str = "", key: str = "k") -> Alert:
    now = wall_now()
    return Alert.objects.create(
        kind=AlertKind.ORDER_UNKNOWN,
        severity=Severity.CRITICAL,
        title="title",
        dedup_key=f"{key}:{account_id}:{host}",
        account_id=account_id,
        host=host,
        first_at=now,
        last_at=now,
        notified_at=now,
    )


@pytest.fixture
def alerts(team: Team) -> dict[str, Alert]:
    return {
        "alpha": make_alert(team.alpha.pk),
        "beta": make_alert(team.beta.pk),
        "sim": make_alert(host="sim"),
        "platform": make_alert(),
        "elsewhere": make_alert(host="other"),
    }


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("alice", {"alpha", "sim"}),
        ("bob", {"alpha", "sim"}),
        ("charlie", {"beta", "sim"}),
        ("viewer", set()),
        ("risk", {"alpha", "beta", "sim", "platform", "elsewhere"}),
        ("admin", {"alpha", "beta", "sim", "platform", "elsewhere"}),
    ],
)
def test_list_shows_what_the_person_may_see(team: Team, alerts: dict[str, Alert], name: str, seen: set[str]) -> None:
    results = call(getattr(team, name), "get", "alerts").json()["results"]

    assert {alert["id"] for alert in results} == {alerts[key].pk for key in seen}


def test_others_alert_and_no_alert_are_the_same_answer(team: Team, alerts: dict[str, Alert]) -> None:
    others = call(team.charlie, "get", f"alerts/{alerts['alpha'].pk}")
    nothing = call(team.charlie, "get", "alerts/999999")

    assert (others.status_code, nothing.status_code) == (404, 404)
    assert others.json()["code"] == nothing.json()["code"] == "ALERT_NOT_FOUND"
    assert call(team.charlie, "post", f"alerts/{alerts['alpha'].pk}/acknowledge").status_code == 404


def test_list_of_an_account_that_is_not_yours_is_not_found(team: Team) -> None:
    response = call(team.charlie, "get", "alerts", {"account": team.alpha.pk})

    assert (response.status_code, response.json()["code"]) == (404, "ACCOUNT_NOT_FOUND")


def test_acknowledge_closes_with_who_and_when_and_is_audited(team: Team, alerts: dict[str, Alert]) -> None:
    response = call(team.alice, "post", f"alerts/{alerts['alpha'].pk}/acknowledge")

    assert response.status_code == 200
    assert (response.json()["acknowledged_by"], response.json()["open"]) == ("alice", False)
    event = AuditEvent.objects.get(action="alert.acknowledged")
    assert (event.actor_label, event.account_id) == ("alice", team.alpha.pk)


def test_acknowledge_again_keeps_the_first(team: Team, alerts: dict[str, Alert]) -> None:
    path = f"alerts/{alerts['alpha'].pk}/acknowledge"
    call(team.alice, "post", path)

    assert call(team.risk, "post", path).json()["acknowledged_by"] == "alice"
    assert AuditEvent.objects.filter(action="alert.acknowledged").count() == 1


def test_acknowledge_by_somebody_who_only_looks_is_refused(team: Team, alerts: dict[str, Alert]) -> None:
    response = call(team.bob, "post", f"alerts/{alerts['alpha'].pk}/acknowledge")

    assert (response.status_code, response.json()["code"]) == (403, "ALERT_LOOK_ONLY")
    alerts["alpha"].refresh_from_db()
    assert alerts["alpha"].acknowledged_at is None


def test_token_of_one_account_reads_its_alerts_only(team: Team, alerts: dict[str, Alert]) -> None:
    token, plain = make_token(team.admin, "account:read")
    type(token).objects.filter(pk=token.pk).update(account_ids=[team.beta.pk])
    client = Client(headers={"Authorization": f"Bearer {plain}"})

    results = client.get("/api/v1/alerts").json()["results"]

    assert {alert["id"] for alert in results} == {alerts["beta"].pk, alerts["sim"].pk}


def test_token_without_write_scope_cannot_acknowledge(team: Team, alerts: dict[str, Alert]) -> None:
    _, plain = make_token(team.alice, "account:read")
    client = Client(headers={"Authorization": f"Bearer {plain}"})

    response = client.post(f"/api/v1/alerts/{alerts['alpha'].pk}/acknowledge")

    assert (response.status_code, response.json()["code"]) == (403, "SCOPE_MISSING")


@pytest.mark.parametrize("path", ["alert-channels", "alert-subscriptions", "alert-deliveries", "alert-quiet-hours"])
def test_settings_accept_no_tokens(team: Team, path: str) -> None:
    _, plain = make_token(team.admin)

    response = Client(headers={"Authorization": f"Bearer {plain}"}).get(f"/api/v1/{path}")

    assert (response.status_code, response.json()["code"]) == (403, "TOKEN_NOT_ACCEPTED")


def test_channel_shows_its_host_and_never_its_secret(team: Team, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        pk = add_channel(team.alice)
        shown = call(team.alice, "get", "alert-channels").content.decode()
        call(team.alice, "patch", f"alert-channels/{pk}", {"secret": "another-secret-of-alice"})

    row = Channel.objects.get(pk=pk)
    trail = json.dumps([[event.before, event.after] for event in AuditEvent.objects.all()])
    assert row.hint == "https://oapi.dingtalk.com/…"
    for text in (shown, trail, caplog.text, row.sealed, str(row), repr(destination_of(row))):
        assert "very-secret" not in text
        assert SECRET not in text
        assert "another-secret" not in text
    assert destination_of(row).secret == "another-secret-of-alice"


def test_channel_with_a_new_address_does_not_keep_the_old_secret(team: Team) -> None:
    pk = add_channel(team.alice)

    call(
        team.alice, "patch", f"alert-channels/{pk}", {"address": "https://oapi.dingtalk.com/robot/send?access_token=2"}
    )

    assert destination_of(Channel.objects.get(pk=pk)).secret == ""


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_channels_of_others_are_not_there(team: Team, method: str) -> None:
    pk = add_channel(team.alice)

    for person in (team.bob, team.charlie, team.admin):
        response = call(person, method, f"alert-channels/{pk}", {"enabled": False})
        assert (response.status_code, response.json()["code"]) == (404, "ALERT_CHANNEL_NOT_FOUND")
        assert call(person, "post", f"alert-channels/{pk}/test").status_code == 404
        assert call(person, "get", "alert-channels").json()["results"] == []
    assert Channel.objects.get(pk=pk).enabled is True
    assert Delivery.objects.count() == 0


def test_subscription_to_anothers_channel_or_account_is_not_found(team: Team) -> None:
    alices = add_channel(team.alice)
    own = add_channel(team.charlie)

    to_alice = call(team.charlie, "post", "alert-subscriptions", {"channel": alices})
    of_alpha = call(team.charlie, "post", "alert-subscriptions", {"channel": own, "account": team.alpha.pk})

    assert (to_alice.status_code, of_alpha.status_code) == (404, 404)
    assert Subscription.objects.count() == 0


def test_subscription_is_added_changed_and_removed(team: Team) -> None:
    channel = add_channel(team.alice)
    body = {"channel": channel, "min_severity": "CRITICAL", "kinds": ["order.unknown"], "account": team.alpha.pk}
    pk = call(team.alice, "post", "alert-subscriptions", body).json()["id"]

    changed = call(team.alice, "patch", f"alert-subscriptions/{pk}", {"min_severity": "INFO", "kinds": []}).json()

    assert changed == {
        "id": pk,
        "channel": channel,
        "min_severity": "INFO",
        "kinds": [],
        "account": team.alpha.pk,
        "enabled": True,
    }
    assert call(team.bob, "delete", f"alert-subscriptions/{pk}").status_code == 404
    assert call(team.alice, "delete", f"alert-subscriptions/{pk}").status_code == 204
    actions = list(AuditEvent.objects.filter(action__startswith="alert_sub").values_list("action", flat=True))
    assert sorted(actions) == [
        "alert_subscription.added",
        "alert_subscription.changed",
        "alert_subscription.removed",
    ]


@pytest.mark.parametrize(
    ("kind", "address", "secret", "field"),
    [
        ("MAIL", "not an address", "", "address"),
        ("MAIL", "a@example.org", "secret", "secret"),
        ("WECOM", "http://qyapi.weixin.qq.com/x", "", "address"),
        ("WECOM", "https://user:pw@qyapi.weixin.qq.com/x", "", "address"),
        ("WEBHOOK", "https://hooks.example.org/x", "", "secret"),
        ("WEBHOOK", "https://hooks.example.org/x", "short", "secret"),
        ("WEBHOOK", "javascript:alert(1)", "0123456789abcdef", "address"),
    ],
)
def test_channel_malformed_is_refused_by_its_field(
    team: Team, kind: str, address: str, secret: str, field: str
) -> None:
    body = {"kind": kind, "name": "x", "address": address, "secret": secret}

    response = call(team.alice, "post", "alert-channels", body)

    assert (response.status_code, response.json()["field"]) == (400, field)
    assert Channel.objects.count() == 0


def test_channel_test_makes_a_delivery_that_is_in_ones_own_log_only(
    team: Team, no_broker: list[str], django_capture_on_commit_callbacks: Capture
) -> None:
    pk = add_channel(team.alice)

    with django_capture_on_commit_callbacks(execute=True):
        response = call(team.alice, "post", f"alert-channels/{pk}/test")

    assert response.status_code == 202
    assert f"alerts.deliver {response.json()['id']}" in no_broker
    assert len(call(team.alice, "get", "alert-deliveries").json()["results"]) == 1
    assert call(team.bob, "get", "alert-deliveries").json()["results"] == []


def test_channel_test_button_cannot_flood(team: Team) -> None:
    pk = add_channel(team.alice)

    codes = [call(team.alice, "post", f"alert-channels/{pk}/test").status_code for _ in range(7)]

    assert codes == [202] * 6 + [429]


def test_delivery_log_hides_titles_of_alerts_one_may_not_see_any_more(team: Team, alerts: dict[str, Alert]) -> None:
    for alert in (alerts["alpha"], alerts["beta"]):
        Delivery.objects.create(owner=team.alice, alert=alert, channel=None, channel_name="x", due_at=wall_now())

    titles = {row["alert"]: row["title"] for row in call(team.alice, "get", "alert-deliveries").json()["results"]}

    assert titles == {alerts["alpha"].pk: "title", alerts["beta"].pk: ""}


def test_quiet_hours_are_set_shown_and_removed(team: Team) -> None:
    body = {"start": "22:00", "end": "07:30", "silence_critical": False}

    assert call(team.alice, "put", "alert-quiet-hours", body).json() == {
        "quiet_hours": body,
        "timezone": "Asia/Shanghai",
    }
    assert call(team.bob, "get", "alert-quiet-hours").json()["quiet_hours"] is None
    assert call(team.alice, "delete", "alert-quiet-hours").status_code == 204
    assert QuietHours.objects.count() == 0


def test_quiet_hours_without_an_end_are_refused(team: Team) -> None:
    response = call(team.alice, "put", "alert-quiet-hours", {"start": "22:00", "end": "22:00"})

    assert (response.status_code, response.json()["field"]) == (400, "end")


def test_channels_are_sealed_again_with_a_new_key(team: Team, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ("old key",)
    pk = add_channel(team.alice)
    settings.ENCRYPTION_KEYS = ("new key", "old key")
    assert reseal_all() == 1
    settings.ENCRYPTION_KEYS = ("new key",)

    assert destination_of(Channel.objects.get(pk=pk)).address == ADDRESS


def test_channel_sealed_with_a_lost_key_says_so(team: Team, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ("old key",)
    pk = add_channel(team.alice)
    settings.ENCRYPTION_KEYS = ("other key",)

    response = call(team.alice, "patch", f"alert-channels/{pk}", {"secret": "x"})

    assert (response.status_code, response.json()["code"]) == (409, "ALERT_CHANNEL_UNREADABLE")


def test_everything_here_keeps_the_audit_chains_intact(team: Team, alerts: dict[str, Alert]) -> None:
    pk = add_channel(team.alice)
    call(team.alice, "post", f"alerts/{alerts['alpha'].pk}/acknowledge")
    call(team.alice, "delete", f"alert-channels/{pk}")

    assert all(report.intact for report in chains_verify())
