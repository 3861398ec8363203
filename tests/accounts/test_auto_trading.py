"""Switching automatic trading over REST: off by whoever may stop, on by whoever may start again, both audited."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import BrokerAccount
from ops.models import AuditEvent
from tests.people import Team, confirmed, make_token, signed_in

pytestmark = pytest.mark.django_db


def switch(client: Client, account: BrokerAccount, enabled: object) -> tuple[int, str]:
    path = f"/api/v1/accounts/{account.pk}/auto-trading"
    response = client.post(path, {"enabled": enabled}, content_type="application/json")
    return response.status_code, str(response.json().get("code", ""))


def is_on(account: BrokerAccount) -> bool:
    return BrokerAccount.objects.get(pk=account.pk).auto_trading


def test_officer_who_proved_who_they_are_switches_it_on_once_with_a_new_authority(team: Team) -> None:
    epoch = team.alpha.epoch
    for _ in range(2):
        assert switch(confirmed(team.risk), team.alpha, enabled=True) == (200, "")
    team.alpha.refresh_from_db()
    assert (team.alpha.auto_trading, team.alpha.epoch) == (True, epoch + 1)
    assert AuditEvent.objects.filter(action="account.auto_trading_set").count() == 1


def test_officer_without_a_fresh_proof_switches_nothing_on(team: Team) -> None:
    assert switch(signed_in(team.risk), team.alpha, enabled=True) == (403, "SUDO_REQUIRED")
    assert not is_on(team.alpha)


def test_trader_switches_it_off_and_not_on(team: Team) -> None:
    assert switch(confirmed(team.alice), team.alpha, enabled=True) == (403, "PERMISSION_DENIED")
    BrokerAccount.objects.filter(pk=team.alpha.pk).update(auto_trading=True)
    assert switch(signed_in(team.alice), team.alpha, enabled=False) == (200, "")
    assert not is_on(team.alpha)


def test_viewer_switches_nothing_off(team: Team) -> None:
    BrokerAccount.objects.filter(pk=team.alpha.pk).update(auto_trading=True)
    assert switch(signed_in(team.bob), team.alpha, enabled=False) == (403, "PERMISSION_DENIED")
    assert is_on(team.alpha)


def test_token_that_may_only_trade_switches_nothing_on(team: Team) -> None:
    _, token = make_token(team.admin, "orders:write", "account:read")
    client = Client(headers={"authorization": f"Bearer {token}"})
    assert switch(client, team.alpha, enabled=True) == (403, "SCOPE_MISSING")
    assert not is_on(team.alpha)


@pytest.mark.parametrize(("value", "code"), [(None, "FIELD_REQUIRED"), ("yes", "FIELD_INVALID"), (1, "FIELD_INVALID")])
def test_malformed_wish_switches_nothing(team: Team, value: object, code: str) -> None:
    assert switch(confirmed(team.admin), team.alpha, enabled=value) == (400, code)
    assert not is_on(team.alpha)
