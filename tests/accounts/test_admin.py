"""Django admin: administrators only, through the services, never around the audit trail."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, BrokerAccount, Grant, User
from ops.models import AuditEvent
from tests.people import Team, confirmed, make_token


@pytest.fixture
def admin(team: Team) -> Client:
    team.admin.is_staff = True
    team.admin.save()
    return confirmed(team.admin)


def account_form(account: BrokerAccount, **changes: Any) -> dict[str, Any]:
    values = {
        "host": account.host_id,
        "name": account.name,
        "mode": account.mode,
        "state": account.state,
        "commission_rate": account.commission_rate,
        "min_commission": account.min_commission,
        "enabled": "on",
    }
    return {**values, **changes}


def change(client: Client, row: Any, values: dict[str, Any]) -> Any:
    name = row._meta.model_name
    return client.post(reverse(f"admin:accounts_{name}_change", args=[row.pk]), values)


def actions() -> list[str]:
    events = AuditEvent.objects.exclude(action__startswith="session.").order_by("id")
    return list(events.values_list("action", flat=True))


@pytest.mark.parametrize("person", ["alice", "risk", "viewer"])
def test_admin_staff_without_the_role_sees_nothing(team: Team, person: str) -> None:
    user = getattr(team, person)
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    for name in ("accounts_user", "accounts_brokeraccount", "accounts_grant", "ops_auditevent"):
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        "accounts_user",
        "accounts_qmthost",
        "accounts_hoststatus",
        "accounts_brokeraccount",
        "accounts_grant",
        "accounts_apitoken",
        "ops_auditevent",
        "ops_auditchain",
    ],
)
def test_admin_lists_open(admin: Client, team: Team, name: str) -> None:
    make_token(team.alice)
    assert admin.get(reverse(f"admin:{name}_changelist")).status_code == 200


def test_account_halted_in_the_admin_raises_the_epoch(admin: Client, team: Team) -> None:
    response = change(admin, team.alpha, account_form(team.alpha, state="HALTED", name="Alpha 2"))
    assert response.status_code == 302
    team.alpha.refresh_from_db()
    assert (team.alpha.state, team.alpha.name, team.alpha.epoch) == ("HALTED", "Alpha 2", 2)
    assert actions() == ["account.details_set", "account.halted"]
    assert AuditEvent.objects.get(action="account.halted").actor_label == "admin"


def test_account_unchanged_writes_nothing(admin: Client, team: Team) -> None:
    change(admin, team.alpha, account_form(team.alpha))
    team.alpha.refresh_from_db()
    assert (team.alpha.epoch, actions()) == (1, [])


def test_account_live_is_refused_on_the_page_and_audited(admin: Client, team: Team) -> None:
    response = change(admin, team.alpha, account_form(team.alpha, mode="LIVE", name="x"))
    assert response.status_code == 200
    assert b"LIVE_NOT_AVAILABLE" in response.content
    team.alpha.refresh_from_db()
    assert (team.alpha.mode, team.alpha.name, team.alpha.epoch) == ("PAPER", "Alpha", 1)
    assert actions() == ["account.live_refused"]


def test_account_epoch_in_the_form_is_ignored(admin: Client, team: Team) -> None:
    change(admin, team.alpha, account_form(team.alpha, epoch=99))
    team.alpha.refresh_from_db()
    assert team.alpha.epoch == 1


def test_account_added_live_is_refused(admin: Client, team: Team) -> None:
    values = account_form(team.alpha, account_no="8000000009", account_type=2, mode="LIVE")
    admin.post(reverse("admin:accounts_brokeraccount_add"), values)
    assert not BrokerAccount.objects.filter(account_no="8000000009").exists()


def test_grant_given_changed_and_withdrawn(admin: Client, team: Team) -> None:
    values = {"user": team.charlie.pk, "account": team.alpha.pk, "trade": "NONE"}
    admin.post(reverse("admin:accounts_grant_add"), values)
    grant = Grant.objects.get(user=team.charlie, account=team.alpha)
    assert grant.created_by == team.admin
    change(admin, grant, {"trade": "NONE", "can_approve": "on"})
    assert Grant.objects.get(pk=grant.pk).can_approve is True
    admin.post(reverse("admin:accounts_grant_delete", args=[grant.pk]), {"post": "yes"})
    assert not Grant.objects.filter(pk=grant.pk).exists()
    assert actions() == ["grant.given", "grant.changed", "grant.withdrawn"]


def test_grant_to_trade_for_a_viewer_is_refused_with_words(admin: Client, team: Team) -> None:
    values = {
        "user": team.viewer.pk,
        "account": team.alpha.pk,
        "trade": "OWN",
    }
    response = admin.post(reverse("admin:accounts_grant_add"), values, follow=True)
    assert b"ROLE_CANNOT_TRADE" in response.content
    assert not Grant.objects.filter(user=team.viewer).exists()


def test_user_role_changed_is_audited_and_raises_the_epoch(admin: Client, team: Team) -> None:
    user = team.alice
    values = {
        "username": user.username,
        "role": "VIEWER",
        "is_active": "on",
        "language": user.language,
        "rising_color": user.rising_color,
        "display_timezone": user.display_timezone,
    }
    assert change(admin, user, values).status_code == 302
    assert User.objects.get(pk=user.pk).role == "VIEWER"
    assert BrokerAccount.objects.get(pk=team.alpha.pk).epoch == 2
    assert actions() == ["user.changed"]


def test_user_password_set_is_audited(admin: Client, team: Team) -> None:
    address = reverse("admin:auth_user_password_change", args=[team.alice.pk])
    new = "a new long password"
    admin.post(address, {"usable_password": "true", "password1": new, "password2": new})
    assert User.objects.get(pk=team.alice.pk).check_password(new)
    assert actions() == ["user.password_changed"]


@pytest.mark.parametrize("model", ["user", "brokeraccount", "qmthost", "apitoken"])
def test_rows_of_record_are_never_deleted(admin: Client, team: Team, model: str) -> None:
    token, _ = make_token(team.alice)
    rows = {"user": team.bob, "brokeraccount": team.beta, "qmthost": team.host, "apitoken": token}
    address = reverse(f"admin:accounts_{model}_delete", args=[rows[model].pk])
    assert admin.post(address, {"post": "yes"}).status_code == 403
    assert type(rows[model])._default_manager.filter(pk=rows[model].pk).exists()


def test_token_is_shown_without_digest_edit_and_revoked_by_action(admin: Client, team: Team) -> None:
    token, _ = make_token(team.alice)
    assert change(admin, token, {"digest": "0" * 64}).status_code == 403
    admin.post(
        reverse("admin:accounts_apitoken_changelist"),
        {"action": "revoke", "_selected_action": [token.pk]},
    )
    stored = ApiToken.objects.get(pk=token.pk)
    assert stored.revoked_at is not None
    assert stored.digest == token.digest


def test_audit_trail_is_read_only(admin: Client, team: Team) -> None:
    event = AuditEvent.objects.first()
    assert event is not None
    page = reverse("admin:ops_auditevent_change", args=[event.pk])
    assert admin.get(page).status_code == 200
    assert admin.post(page, {"action": "x"}).status_code == 403
    assert admin.post(reverse("admin:ops_auditevent_delete", args=[event.pk])).status_code == 403
    assert admin.post(reverse("admin:ops_auditevent_add")).status_code == 403
