"""Pages about alerts, the audit trail and the configuration: who gets them, and what they carry."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from alerts.choices import ChannelKind, DeliveryStatus
from frontend.messages import browser_messages
from frontend.oversight_messages import OVERSIGHT_MESSAGES
from ops.models import AlertKind, Severity
from tests.frontend.served import boot_of
from tests.people import Team, make_team

pytestmark = pytest.mark.django_db
PAGES = {"alerts": "everybody", "alert-settings": "everybody", "audit": "overseers", "configuration": "admin"}


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


def page(user: User, name: str) -> tuple[int, str]:
    client = Client()
    client.force_login(user)
    response = client.get(reverse(f"frontend:{name}"))
    return response.status_code, response.content.decode()


@pytest.mark.parametrize(("name", "audience"), PAGES.items())
@pytest.mark.parametrize("person", ["admin", "risk", "alice", "viewer"])
def test_page_is_for_its_audience_only(team: Team, name: str, audience: str, person: str) -> None:
    allowed = {"everybody": True, "overseers": person in ("admin", "risk"), "admin": person == "admin"}[audience]

    status, html = page(getattr(team, person), name)

    assert status == (200 if allowed else 403)
    # The links in the header follow the same rule.
    assert not allowed or ('href="/audit/"' in html) is (person in ("admin", "risk"))
    assert not allowed or ('href="/configuration/"' in html) is (person == "admin")


@pytest.mark.parametrize("name", PAGES)
def test_page_without_login_leads_to_the_login(client: Client, name: str) -> None:
    address = reverse(f"frontend:{name}")

    assert client.get(address)["Location"] == f"/login/?next={address}"


@pytest.mark.parametrize(("person", "may"), [("alice", True), ("bob", False), ("viewer", False), ("risk", True)])
def test_alerts_page_knows_who_may_acknowledge_and_names_visible_accounts_only(
    team: Team, person: str, may: bool
) -> None:
    _, html = page(getattr(team, person), "alerts")
    boot = boot_of(html)

    assert boot["may_acknowledge"] is may
    names = [account["name"] for account in boot["accounts"]]
    assert names == {"risk": ["Alpha", "Beta"], "viewer": []}.get(person, ["Alpha"])


def test_messages_every_member_of_a_vocabulary_has_a_text_in_chinese() -> None:
    with translation.override("zh-hans"):
        texts = browser_messages() | {key: str(text) for key, text in OVERSIGHT_MESSAGES.items()}
    keys = [
        *(f"alert.{kind}" for kind in AlertKind.values),
        *(f"severity.{severity}" for severity in Severity.values),
        *(f"channel.{kind}" for kind in ChannelKind.values),
        *(f"delivery.{status}" for status in DeliveryStatus.values),
    ]

    assert [
        key for key in keys if not re.search(r"[\u4e00-\u9fff]", texts.get(key, "")) and "Webhook" not in texts[key]
    ] == []
