"""The portal's pages: who sees them, what they carry, what the policy forbids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from desk.settings.schema import ROOT
from tests.frontend.served import boot_of
from tests.people import PASSWORD, Team, make_team

pytestmark = pytest.mark.django_db
TEMPLATES = sorted((ROOT / "frontend" / "templates").rglob("*.html"))


@pytest.fixture
def team(db: None) -> Team:
    """The standing cast."""
    return make_team()


def _boot(client: Client) -> dict[str, object]:
    return boot_of(client.get("/").content.decode())


@pytest.mark.parametrize("name", ["dashboard", "data", "preferences"])
def test_page_without_login_leads_to_the_login(client: Client, name: str) -> None:
    address = reverse(f"frontend:{name}")

    response = client.get(address)

    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={address}"


def test_dashboard_carries_only_accounts_the_person_may_see(client: Client, team: Team) -> None:
    client.force_login(team.alice)

    boot = _boot(client)

    assert boot["accounts"] == [
        {
            "id": team.alpha.pk,
            "name": "Alpha",
            "account_no": "8000000001",
            "mode": "PAPER",
            "state": "ACTIVE",
            "can_trade": True,
            "can_trade_all": True,
        }
    ]


def test_dashboard_of_a_person_who_may_only_look_cannot_trade(client: Client, team: Team) -> None:
    client.force_login(team.bob)

    accounts = _boot(client)["accounts"]

    assert isinstance(accounts, list)
    assert [account["can_trade"] for account in accounts] == [False]


def test_dashboard_without_any_grant_says_so(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("dave", password="a long passphrase"))

    response = client.get("/")

    assert response.status_code == 200
    assert 'class="empty panel no-accounts"' in response.content.decode()


def test_preferences_saved_change_language_and_colours(client: Client, team: Team) -> None:
    client.force_login(team.alice)

    response = client.post("/preferences/", {"language": "en", "rising_color": "green"})

    team.alice.refresh_from_db()
    assert (team.alice.language, team.alice.rising_color) == ("en", "green")
    assert response.cookies["django_language"].value == "en"
    assert "Preferences" in response.content.decode()


def test_preferences_unknown_colour_changes_nothing(client: Client, team: Team) -> None:
    client.force_login(team.alice)

    client.post("/preferences/", {"language": "en", "rising_color": "blue"})

    team.alice.refresh_from_db()
    assert (team.alice.language, team.alice.rising_color) == ("zh-hans", "red")


def test_login_speaks_the_persons_language_afterwards(client: Client, team: Team) -> None:
    User.objects.filter(pk=team.alice.pk).update(language="en")

    response = client.post("/login/", {"username": "alice", "password": PASSWORD})

    assert response.status_code == 302
    assert response.cookies["django_language"].value == "en"


def test_policy_allows_no_inline_script_and_no_other_host(client: Client) -> None:
    policy = client.get("/login/")["Content-Security-Policy"]

    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert "http:" not in policy
    assert "https:" not in policy


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_has_nothing_that_the_policy_blocks(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
