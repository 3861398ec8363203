"""One's own security page: sessions, password, tokens; and what other people's keys open."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from accounts.models import ApiToken, PersonSession
from accounts.services.sessions import session_digest, sessions_end_all, sessions_of
from ops.clocks import wall_now
from ops.models import AuditEvent
from tests.people import PASSWORD, TEST_ACTOR, Team, confirmed, make_token, signed_in

NEW = "a long new passphrase"

pytestmark = pytest.mark.postgres


def is_in(client: Client) -> bool:
    return client.get("/api/v1/me").status_code == 200


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The control messages that were published."""
    messages: list[dict[str, object]] = []
    monkeypatch.setattr("accounts.services.control.publish", lambda channel, facts: messages.append(facts))
    return messages


def test_session_row_says_device_and_address(team: Team) -> None:
    client = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/130\x07"}, REMOTE_ADDR="10.1.2.3")
    client.post("/login/", {"username": "alice", "password": PASSWORD})
    row = PersonSession.objects.get()
    assert (row.user, row.address, row.agent) == (team.alice, "10.1.2.3", "Mozilla/5.0 (Windows NT 10.0) Chrome/130")
    assert "Chrome · Windows" in client.get("/security/").content.decode()


def test_session_last_seen_is_renewed_once_a_minute(team: Team) -> None:
    client = signed_in(team.alice)
    old = wall_now() - timedelta(hours=1)
    PersonSession.objects.update(last_seen_at=old)
    client.get("/security/")
    seen = PersonSession.objects.get().last_seen_at
    assert seen > old
    client.get("/security/")
    assert PersonSession.objects.get().last_seen_at == seen
    cache.clear()
    client.get("/security/")
    assert PersonSession.objects.get().last_seen_at > seen


def test_session_ended_elsewhere_is_over_and_its_sockets_are_told(
    team: Team, told: list[dict[str, object]], django_capture_on_commit_callbacks: object
) -> None:
    here, there = signed_in(team.alice), signed_in(team.alice)
    key = there.session.session_key
    row = PersonSession.objects.get(session_key=key)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        here.post("/security/", {"act": "session_end", "session": row.pk})
    assert (is_in(here), is_in(there)) == (True, False)
    assert told == [{"kind": "user.logged_out", "user_id": team.alice.pk, "session": session_digest(str(key))}]
    assert AuditEvent.objects.filter(action="session.ended").count() == 1


def test_session_of_somebody_else_is_not_ended(team: Team) -> None:
    alice, charlie = signed_in(team.alice), signed_in(team.charlie)
    row = PersonSession.objects.get(user=team.alice)
    charlie.post("/security/", {"act": "session_end", "session": row.pk})
    assert is_in(alice)


def test_sessions_all_others_end(team: Team) -> None:
    clients = [signed_in(team.alice) for _ in range(3)]
    clients[0].post("/security/", {"act": "sessions_end"})
    assert [is_in(client) for client in clients] == [True, False, False]


def test_session_expired_is_not_listed(team: Team) -> None:
    signed_in(team.alice)
    Session.objects.update(expire_date=wall_now())
    assert sessions_of(team.alice) == []


def test_sessions_of_a_person_end_together(team: Team) -> None:
    alice, bob = signed_in(team.alice), signed_in(team.bob)
    assert sessions_end_all(actor=TEST_ACTOR, user=team.alice) == 1
    assert (is_in(alice), is_in(bob)) == (False, True)


# ------------------------------------------------------------------------- password
def test_password_changed_keeps_this_browser_and_ends_the_others(team: Team) -> None:
    here, there = signed_in(team.alice), signed_in(team.alice)
    body = {"act": "password", "current": PASSWORD, "password": NEW, "repeated": NEW}
    assert here.post("/security/", body).status_code == 302
    assert (is_in(here), is_in(there)) == (True, False)
    assert [row.session_key for row in sessions_of(team.alice)] == [here.session.session_key]


@pytest.mark.parametrize(
    ("current", "password", "repeated"),
    [("wrong", NEW, NEW), (PASSWORD, NEW, NEW + "x"), (PASSWORD, "short", "short"), (PASSWORD, "", "")],
)
def test_password_not_changed(team: Team, current: str, password: str, repeated: str) -> None:
    client = signed_in(team.alice)
    body = {"act": "password", "current": current, "password": password, "repeated": repeated}
    assert client.post("/security/", body).status_code in (400, 403)
    team.alice.refresh_from_db()
    assert team.alice.check_password(PASSWORD)


# --------------------------------------------------------------------------- tokens
def test_token_is_made_on_the_page_and_shown_once(team: Team) -> None:
    client = confirmed(team.alice)
    form = {"act": "token_create", "name": "research", "scopes": ["market:read"], "days": 7, "rate_per_minute": 60}
    page = client.post("/security/", {**form, "accounts": [team.alpha.pk], "networks": "127.0.0.0/8"})
    plain = re.search(r"desk_[\w-]{43}", page.content.decode())
    assert plain is not None
    assert page["Cache-Control"] == "no-store"
    assert plain[0] not in client.get("/security/").content.decode()
    token = ApiToken.objects.get()
    assert (token.account_ids, token.networks, token.rate_per_minute) == ([team.alpha.pk], ["127.0.0.0/8"], 60)
    assert Client(headers={"X-API-Key": plain[0]}).get("/api/v1/instruments").status_code == 200


def test_token_page_offers_only_accounts_one_sees(team: Team) -> None:
    client = confirmed(team.alice)
    form = {"act": "token_create", "name": "x", "scopes": ["market:read"], "days": 7, "rate_per_minute": 60}
    assert client.post("/security/", {**form, "accounts": [team.beta.pk]}).status_code == 400
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("act", ["token_revoke", "token_rotate"])
def test_token_of_somebody_else_is_not_there(team: Team, act: str) -> None:
    token, _ = make_token(team.alice)
    client = confirmed(team.charlie)
    unknown = client.post("/security/", {"act": act, "token": 424_242})
    assert client.post("/security/", {"act": act, "token": token.pk}).status_code == unknown.status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None
