"""The page about the system: who gets it, what it carries."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from desk.system.processes import ProcessState
from frontend.system_messages import SYSTEM_MESSAGES, system_messages
from tests.frontend.served import boot_of
from tests.people import Team, make_team
from trading.orders.latency import HOPS
from trading.orders.metrics import WAITING

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


@pytest.mark.parametrize(("person", "status"), [("admin", 200), ("risk", 403), ("alice", 403), ("viewer", 403)])
def test_system_page_is_for_administrators(team: Team, person: str, status: int) -> None:
    client = Client()
    client.force_login(getattr(team, person))
    response = client.get("/system/")
    assert response.status_code == status
    assert (b'href="/configuration/"' in response.content) is (status == 200)


def test_system_page_carries_its_texts(team: Team) -> None:
    client = Client()
    client.force_login(team.admin)
    boot = boot_of(client.get("/system/").content.decode())
    assert boot["messages"].keys() >= SYSTEM_MESSAGES.keys()


def test_every_state_hop_and_queue_has_a_text_in_both_languages() -> None:
    keys = {
        *(f"process.{state}" for state in ProcessState),
        *(f"hop.{hop}" for hop in HOPS),
        *(f"queue_status.{status.value}" for status in WAITING),
    }
    assert keys - SYSTEM_MESSAGES.keys() == set()
    with translation.override("zh-hans"):
        chinese = system_messages()
    with translation.override("en"):
        english = system_messages()
    assert all(chinese[key] != english[key] for key in keys)
