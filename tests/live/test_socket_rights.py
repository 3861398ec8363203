"""What changes rights closes what is open: sessions, grants, teams, time, deactivation, tokens."""

from __future__ import annotations

from datetime import timedelta

from accounts.choices import TradeRight
from accounts.models import Grant, PersonSession
from accounts.services import (
    grant_set,
    person_deactivate,
    sessions_end,
    team_add,
    team_member_add,
    team_member_remove,
    token_create,
    token_rotate,
)
from desk.live.session import CLOSE_UNAUTHORISED
from ops.clocks import wall_now
from tests.live.conftest import Server
from tests.people import TEST_ACTOR, Team

SOON = 1.0


def test_grant_that_expires_ends_its_channel_within_a_second(server: Server, team: Team) -> None:
    channel = f"account:{team.alpha.pk}"
    Grant.objects.filter(user=team.bob).update(expires_at=wall_now() + timedelta(seconds=1))
    with server.session(team.bob) as socket:
        assert socket.subscribe(channel)["type"] == "snapshot"
        assert socket.until("revoked", seconds=1 + SOON + 0.5)["channel"] == channel
    team.alpha.refresh_from_db()
    assert team.alpha.epoch == 2


def test_team_left_ends_its_channel_at_once(server: Server, team: Team) -> None:
    group = team_add(actor=TEST_ACTOR, name="desk")
    team_member_add(actor=TEST_ACTOR, team=group, user=team.charlie)
    grant_set(actor=TEST_ACTOR, team=group, account=team.alpha, trade=TradeRight.OWN)
    channel = f"account:{team.alpha.pk}"
    with server.session(team.charlie) as socket:
        assert socket.subscribe(channel)["type"] == "snapshot"
        team_member_remove(actor=TEST_ACTOR, team=group, user=team.charlie)
        assert socket.until("revoked", seconds=SOON)["channel"] == channel


def test_session_ended_from_elsewhere_closes_its_socket_at_once(server: Server, team: Team) -> None:
    with server.session(team.alice) as socket:
        sessions_end(actor=TEST_ACTOR, sessions=PersonSession.objects.filter(user=team.alice))
        assert socket.closed(SOON) == CLOSE_UNAUTHORISED


def test_person_deactivated_loses_every_socket_at_once(server: Server, team: Team) -> None:
    _, plain = token_create(actor=TEST_ACTOR, user=team.alice, name="t", scopes=["account:read"])
    with server.session(team.alice) as browser, server.token(plain) as script:
        script.until("hello")
        person_deactivate(actor=TEST_ACTOR, user=team.alice)
        assert browser.closed(SOON) == CLOSE_UNAUTHORISED
        assert script.closed(SOON) == CLOSE_UNAUTHORISED


def test_token_rotated_closes_the_old_ones_socket(server: Server, team: Team) -> None:
    token, plain = token_create(actor=TEST_ACTOR, user=team.alice, name="t", scopes=["account:read"])
    with server.token(plain) as script:
        script.until("hello")
        token_rotate(actor=TEST_ACTOR, token=token)
        assert script.closed(SOON) == CLOSE_UNAUTHORISED


def test_token_limited_to_an_account_hears_no_other(server: Server, team: Team) -> None:
    Grant.objects.create(user=team.alice, account=team.beta)
    _, plain = token_create(
        actor=TEST_ACTOR, user=team.alice, name="t", scopes=["account:read"], account_ids=[team.beta.pk]
    )
    with server.token(plain) as script:
        script.until("hello")
        assert script.subscribe(f"account:{team.alpha.pk}")["code"] == "ACCOUNT_NOT_FOUND"
        assert script.subscribe(f"account:{team.beta.pk}")["type"] == "snapshot"


def test_token_from_another_network_opens_no_socket(server: Server, team: Team) -> None:
    _, plain = token_create(
        actor=TEST_ACTOR, user=team.alice, name="t", scopes=["account:read"], networks=["10.0.0.0/8"]
    )
    with server.token(plain) as script:
        assert script.closed() == CLOSE_UNAUTHORISED


def test_api_key_header_opens_a_socket(server: Server, team: Team) -> None:
    _, plain = token_create(actor=TEST_ACTOR, user=team.alice, name="t", scopes=["account:read"])
    with server.anonymous(additional_headers={"X-API-Key": plain}) as script:
        assert script.until("hello")["user"]["username"] == "alice"
