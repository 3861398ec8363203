"""The API page: a token made on the spot, for a day, with what one may do; shown once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from accounts.tokens import token_authenticate
from frontend.apipage import LIFETIME
from ops.clocks import wall_now
from tests.people import Team, confirmed, make_team, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def made(client: Client, **posted: str) -> tuple[str, ApiToken]:
    response = client.post("/developer/", {"act": "token", **posted})
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    plain = response.context["new_token"]
    assert f'value="{plain}"' in response.content.decode()
    token = token_authenticate(plain, address="127.0.0.1")
    assert token is not None
    return plain, token


def test_token_reads_for_a_day_and_is_shown_once(team: Team) -> None:
    client = confirmed(team.alice)
    plain, token = made(client)
    assert (token.user, token.scopes) == (team.alice, ["market:read", "account:read"])
    assert token.expires_at is not None
    assert timedelta() < wall_now() + LIFETIME - token.expires_at < timedelta(minutes=1)
    assert plain not in client.get("/developer/").content.decode()


def test_token_places_orders_only_when_asked_for(team: Team) -> None:
    assert "orders:write" in made(confirmed(team.alice), orders="1")[1].scopes


def test_token_takes_a_fresh_proof_of_identity(team: Team) -> None:
    response = signed_in(team.alice).post("/developer/", {"act": "token"})
    assert (response.status_code, response["Location"]) == (302, "/confirm/?next=%2Fdeveloper%2F")
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(("person", "offered"), [("alice", True), ("viewer", False), ("risk", False)])
def test_page_offers_orders_only_to_who_could_place_them(team: Team, person: str, offered: bool) -> None:
    user: User = getattr(team, person)
    assert (b'name="orders"' in signed_in(user).get("/developer/").content) is offered
