"""Commands: token_create and demo_data."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts.models import ApiToken, BrokerAccount, Grant, User
from accounts.selectors import may_trade
from ops.models import AuditEvent
from tests.people import Team


def test_token_create_prints_a_token_that_works(team: Team) -> None:
    out = io.StringIO()
    call_command("token_create", "alice", "--scopes", "account:read,market:read", stdout=out)
    plain = out.getvalue().strip()
    response = Client(headers={"Authorization": f"Bearer {plain}"}).get("/api/v1/me")
    assert response.json()["username"] == "alice"
    assert response.json()["token"]["scopes"] == ["account:read", "market:read"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody", "--scopes", "account:read"),
        ("alice", "--scopes", "everything"),
        ("alice", "--scopes", ","),
        ("alice", "--scopes", "account:read", "--days", "-1"),
    ],
)
def test_token_create_bad_arguments_make_no_token(team: Team, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("token_create", *arguments)
    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_demo_data_makes_the_cast() -> None:
    call_command("demo_data", stdout=io.StringIO())
    alpha = BrokerAccount.objects.get(account_no="8000000001")
    beta = BrokerAccount.objects.get(account_no="8000000002")
    alice, bob, charlie = (User.objects.get(username=name) for name in ("alice", "bob", "charlie"))
    assert (may_trade(alice, alpha), may_trade(bob, alpha), may_trade(charlie, beta)) == (
        True,
        False,
        True,
    )
    visible = BrokerAccount.objects.visible_to
    assert [list(visible(person)) for person in (alice, bob, charlie)] == [[alpha], [alpha], [beta]]
    assert User.objects.get(username="admin").is_admin
    assert all(user.check_password("desk-demo") for user in (alice, bob, charlie))


@pytest.mark.django_db
def test_demo_data_again_changes_nothing() -> None:
    call_command("demo_data", stdout=io.StringIO())
    alice = User.objects.get(username="alice")
    alice.set_password("changed by alice")
    alice.save()
    Grant.objects.filter(user__username="bob").update(trade="OWN")
    events = AuditEvent.objects.count()
    call_command("demo_data", stdout=io.StringIO())
    assert AuditEvent.objects.count() == events
    assert User.objects.get(username="alice").check_password("changed by alice")
    assert Grant.objects.get(user__username="bob").trade == "OWN"


@pytest.mark.django_db
def test_demo_data_in_production_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "accounts.management.commands.demo_data.get_config",
        lambda: SimpleNamespace(env="production"),
    )
    with pytest.raises(CommandError, match="refused in the production"):
        call_command("demo_data")
    assert not User.objects.exists()
