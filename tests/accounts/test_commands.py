"""Commands: token_create, access_link and demo_data."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts.models import ApiToken, BrokerAccount, Grant, SecondFactor, User
from accounts.second_factor import second_factor_begin
from accounts.selectors import may_trade
from accounts.services import link_person
from ops.clocks import wall_now
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


def test_access_link_lets_a_locked_out_person_in_again(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    second_factor_begin(user=team.admin)
    SecondFactor.objects.update(confirmed_at=wall_now())
    call_command("access_link", "admin", "--without-second-factor")
    found = re.search(r"/link/([\w-]{43})/", capsys.readouterr().out)
    assert found is not None
    assert link_person(found[1])[0] == team.admin
    assert not SecondFactor.objects.exists()


@pytest.mark.parametrize("name", ["nobody", "gone"])
def test_access_link_for_nobody_is_refused(team: Team, name: str) -> None:
    User.objects.create_user("gone", is_active=False)
    with pytest.raises(CommandError):
        call_command("access_link", name)


def test_token_create_takes_limits(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    call_command(
        "token_create", "alice", "--scopes", "market:read", "--accounts", str(team.alpha.pk), "--networks", "10.0.0.0/8",
        "--rate", "30",
    )  # fmt: skip
    token = ApiToken.objects.get()
    assert (token.account_ids, token.networks, token.rate_per_minute) == ([team.alpha.pk], ["10.0.0.0/8"], 30)


@pytest.mark.parametrize(("option", "value"), [("--accounts", "x"), ("--networks", "x"), ("--rate", "0")])
def test_token_create_with_limits_that_are_none_is_refused(team: Team, option: str, value: str) -> None:
    with pytest.raises(CommandError):
        call_command("token_create", "alice", "--scopes", "market:read", option, value)
    assert not ApiToken.objects.exists()
