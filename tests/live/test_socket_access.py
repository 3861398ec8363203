"""Who gets onto the live socket, what they may subscribe to, and when it ends."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import logout
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts.models import ApiToken
from accounts.services import account_halt, grant_withdraw, token_revoke, user_save
from ops.clocks import wall_now
from tests.live.conftest import Server, session_cookie
from tests.people import TEST_ACTOR, Team, make_token

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])


# ----------------------------------------------------------------------- credentials
def test_session_cookie_says_hello_with_preferences(server: Server, team: Team) -> None:
    headers = {"Cookie": session_cookie(team.alice)}
    with server.anonymous(additional_headers=headers) as socket:
        hello = socket.until("hello")
    assert hello["user"] == {
        "id": team.alice.pk,
        "username": "alice",
        "language": "zh-hans",
        "rising_color": "red",
    }
    assert abs(hello["server_time"] - time.time() * 1000) < 5000


def test_token_header_says_hello(server: Server, team: Team) -> None:
    with server.token(make_token(team.alice)[1]) as socket:
        assert socket.until("hello")["user"]["username"] == "alice"


def test_token_subprotocol_says_hello_and_is_not_echoed(server: Server, team: Team) -> None:
    plain = make_token(team.alice)[1]
    with server.anonymous(subprotocols=["desk.v1", f"desk.bearer.{plain}"]) as socket:
        assert socket.until("hello")["user"]["username"] == "alice"
        assert socket.connection.subprotocol == "desk.v1"


def test_token_first_message_says_hello(server: Server, team: Team) -> None:
    with server.anonymous() as socket:
        socket.send(op="authenticate", token=make_token(team.alice)[1])
        assert socket.until("hello")["user"]["username"] == "alice"


def test_token_in_the_address_is_no_credential(server: Server, team: Team) -> None:
    plain = make_token(team.alice)[1]
    with server.anonymous(f"/ws/v1?token={plain}&authorization=Bearer%20{plain}") as socket:
        socket.send(op="ping")
        assert socket.receive()["code"] == "NOT_AUTHENTICATED"
        assert socket.closed() == 4401


def test_token_unknown_expired_revoked_inactive_answer_the_same(server: Server, team: Team) -> None:
    expired, expired_plain = make_token(team.alice)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=wall_now() - timedelta(seconds=1))
    revoked, revoked_plain = make_token(team.alice)
    token_revoke(actor=TEST_ACTOR, token=revoked)
    _, inactive_plain = make_token(team.charlie)
    team.charlie.is_active = False
    team.charlie.save()
    answers = set()
    for plain in (expired_plain, revoked_plain, inactive_plain, "desk_" + "A" * 43, "junk"):
        with server.token(plain) as socket:
            answers.add((json.dumps(socket.receive()), socket.closed()))
    assert len(answers) == 1
    frame, code = answers.pop()
    assert (json.loads(frame)["code"], code) == ("TOKEN_INVALID", 4401)


def test_token_bad_one_never_falls_back_to_the_session(server: Server, team: Team) -> None:
    headers = {"Cookie": session_cookie(team.alice), "Authorization": "Bearer desk_nope"}
    with server.anonymous(additional_headers=headers) as socket:
        assert socket.receive()["code"] == "TOKEN_INVALID"
        assert socket.closed() == 4401


@pytest.mark.parametrize("cookie", ["sessionid=nothing", "sessionid=", 'x="', "sessionid=a;sessionid=b"])
def test_session_unknown_is_refused(server: Server, team: Team, cookie: str) -> None:
    with server.anonymous(additional_headers={"Cookie": cookie}) as socket:
        with suppress(ConnectionClosed):
            socket.send(op="ping")
        assert socket.receive()["code"] == "NOT_AUTHENTICATED"
        assert socket.closed() == 4401


def test_nobody_says_anything_is_closed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.sockets.AUTHENTICATE_SECONDS", 0.1)
    with server.anonymous() as socket:
        assert socket.receive()["code"] == "NOT_AUTHENTICATED"
        assert socket.closed() == 4401


def test_anonymous_subscribes_to_nothing(server: Server, team: Team) -> None:
    with server.anonymous() as socket:
        socket.send(op="subscribe", channel="quotes")
        assert socket.receive()["code"] == "NOT_AUTHENTICATED"
        assert socket.closed() == 4401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_origin_of_another_site_is_refused_in_the_handshake(server: Server, team: Team, origin: str) -> None:
    headers = {"Cookie": session_cookie(team.alice), "Origin": origin}
    with pytest.raises(InvalidStatus) as refused, server.anonymous(additional_headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_path_unknown_is_refused_in_the_handshake(server: Server, team: Team) -> None:
    with pytest.raises(InvalidStatus) as refused, server.anonymous("/ws/v2"):
        pass
    assert refused.value.response.status_code == 403


# ------------------------------------------------------------------------- channels
@pytest.mark.parametrize(
    ("person", "account", "seen"),
    [
        ("alice", "alpha", True),
        ("bob", "alpha", True),
        ("charlie", "alpha", False),
        ("charlie", "beta", True),
        ("alice", "beta", False),
        ("viewer", "alpha", False),
        ("admin", "beta", True),
        ("risk", "alpha", True),
    ],
)
def test_account_channel_follows_the_visibility_rule(
    server: Server, team: Team, person: str, account: str, seen: bool
) -> None:
    with server.session(getattr(team, person)) as socket:
        frame = socket.subscribe(f"account:{getattr(team, account).pk}")
    if seen:
        assert frame["type"] == "snapshot"
    else:
        assert (frame["type"], frame["code"]) == ("error", "ACCOUNT_NOT_FOUND")


def test_account_channel_not_yours_and_unknown_answer_the_same(server: Server, team: Team) -> None:
    answers = set()
    with server.session(team.alice) as socket:
        for account_id in (team.beta.pk, 424_242, 10**30):
            frame = socket.subscribe(f"account:{account_id}", since=0)
            assert frame["type"] == "error"
            frame.pop("channel")
            frame.pop("details")
            answers.add(json.dumps(frame).split("account=")[0])
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("scopes", "channel", "code"),
    [
        (["market:read"], "account:1", "SCOPE_MISSING"),
        (["account:read"], "quotes", "SCOPE_MISSING"),
        (["account:read"], "jobs", "SCOPE_MISSING"),
    ],
)
def test_channel_without_the_scope_is_refused(
    server: Server, team: Team, scopes: list[str], channel: str, code: str
) -> None:
    with server.token(make_token(team.alice, *scopes)[1]) as socket:
        frame = socket.subscribe(channel)
    assert (frame["type"], frame["code"], frame["channel"]) == ("error", code, channel)


# ------------------------------------------------------------------------ revocation
def test_grant_withdrawn_ends_the_channel_within_a_second(server: Server, team: Team) -> None:
    channel = f"account:{team.alpha.pk}"
    with server.session(team.bob) as bob, server.session(team.alice) as alice:
        bob.subscribe(channel)
        alice.subscribe(channel)
        grant_withdraw(actor=TEST_ACTOR, user=team.bob, account=team.alpha)
        assert bob.until("revoked", seconds=1.0)["channel"] == channel
        account_halt(actor=TEST_ACTOR, account=team.alpha)
        assert alice.until("account")["data"]["state"] == "HALTED"
        assert bob.silent()
        assert bob.subscribe(channel)["code"] == "ACCOUNT_NOT_FOUND"


def test_account_halted_is_shown_with_rights(server: Server, team: Team) -> None:
    channel = f"account:{team.alpha.pk}"
    with server.session(team.alice) as socket:
        socket.subscribe(channel)
        account_halt(actor=TEST_ACTOR, account=team.alpha)
        frame = socket.until("account", seconds=1.0)
    assert frame["channel"] == channel
    assert frame["data"]["state"] == "HALTED"
    rights = frame["data"]["rights"]
    assert {name for name, given in rights.items() if given} == {"view", "trade", "trade_all", "halt"}


def test_logout_ends_the_socket_of_that_session_only(server: Server, team: Team) -> None:
    cookie = session_cookie(team.alice)
    headers = {"Cookie": cookie}
    with (
        server.anonymous(additional_headers=headers) as leaving,
        server.session(team.alice) as staying,
    ):
        leaving.until("hello")
        request = RequestFactory().post("/logout/")
        request.user = team.alice
        request.session = SessionStore(cookie.removeprefix("sessionid="))
        logout(request)
        assert leaving.closed(seconds=1.0) == 4401
        staying.send(op="ping")
        assert staying.until("pong")


def test_token_revoked_ends_the_socket_within_a_second(server: Server, team: Team) -> None:
    token, plain = make_token(team.alice)
    with server.token(plain) as socket:
        socket.subscribe(f"account:{team.alpha.pk}")
        token_revoke(actor=TEST_ACTOR, token=token)
        assert socket.until("error", seconds=1.0)["code"] == "NOT_AUTHENTICATED"
        assert socket.closed(seconds=1.0) == 4401


def test_person_deactivated_ends_the_socket_within_a_second(server: Server, team: Team) -> None:
    with server.session(team.alice) as socket:
        team.alice.is_active = False
        user_save(actor=TEST_ACTOR, user=team.alice)
        assert socket.closed(seconds=1.0) == 4401


def test_password_changed_ends_the_socket(server: Server, team: Team) -> None:
    with server.session(team.alice) as socket:
        team.alice.set_password("a new long password")
        user_save(actor=TEST_ACTOR, user=team.alice)
        assert socket.closed(seconds=1.0) == 4401


def test_right_lost_without_any_message_is_noticed_by_the_watch(
    server: Server, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.live.watch.CHECK_SECONDS", 0.1)
    with server.session(team.bob) as socket:
        socket.subscribe(f"account:{team.alpha.pk}")
        team.bob.grants.all().delete()
        assert socket.until("revoked")["channel"] == f"account:{team.alpha.pk}"


def test_token_that_expires_ends_the_socket(server: Server, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.live.watch.CHECK_SECONDS", 0.1)
    _, plain = make_token(team.alice, days=1 / 86_400)
    with server.token(plain) as socket:
        socket.until("hello")
        assert socket.closed() == 4401


# ------------------------------------------------------------------------ bad input
MALFORMED: list[tuple[Any, str]] = [
    ("", "MESSAGE_MALFORMED"),
    ("{", "MESSAGE_MALFORMED"),
    ("[]", "MESSAGE_MALFORMED"),
    ("null", "MESSAGE_MALFORMED"),
    ("NaN", "MESSAGE_MALFORMED"),
    ("[" * 10_000, "MESSAGE_MALFORMED"),
    ("{}", "MESSAGE_MALFORMED"),
    ('{"op": 5}', "MESSAGE_MALFORMED"),
    ('{"op": "drop"}', "MESSAGE_MALFORMED"),
    ('{"op": "ping", "extra": 1}', "MESSAGE_MALFORMED"),
    ('{"op": "ping", "id": {}}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe"}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": ["quotes"]}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "account:1", "since": -1}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "account:1", "since": "3"}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "account:1", "since": true}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "account:1", "since": 1e3}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "account:1", "symbols": ["x"]}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "quotes", "symbols": []}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "quotes", "symbols": "600519.SH"}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "quotes", "symbols": [1]}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "quotes", "since": 1}', "MESSAGE_MALFORMED"),
    ('{"op": "subscribe", "channel": "quotes", "symbols": ["600519.XX"]}', "SYMBOL_UNKNOWN"),
    ('{"op": "subscribe", "channel": "bars", "symbols": ["600519.XX"]}', "SYMBOL_UNKNOWN"),
    ('{"op": "subscribe", "channel": "everything"}', "CHANNEL_UNKNOWN"),
    ('{"op": "subscribe", "channel": "account:"}', "CHANNEL_UNKNOWN"),
    ('{"op": "subscribe", "channel": "account:0x1"}', "CHANNEL_UNKNOWN"),
    ('{"op": "subscribe", "channel": "account:01"}', "CHANNEL_UNKNOWN"),
    ('{"op": "subscribe", "channel": "account:１"}', "CHANNEL_UNKNOWN"),
    ('{"op": "subscribe", "channel": "control"}', "CHANNEL_UNKNOWN"),
    ('{"op": "authenticate", "token": "again"}', "MESSAGE_MALFORMED"),
    (b"\x00\x01", "MESSAGE_MALFORMED"),
]


@pytest.mark.parametrize(("message", "code"), MALFORMED)
def test_malformed_message_is_answered_and_the_socket_goes_on(
    server: Server, team: Team, message: Any, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with server.session(team.alice) as socket:
        socket.connection.send(message)
        frame = socket.until("error")
        assert frame["code"] == code
        assert frame["message"]
        socket.send(op="ping", id=7)
        assert socket.until("pong")["id"] == 7
    assert "Traceback" not in caplog.text


def test_message_too_large_ends_the_socket(server: Server, team: Team) -> None:
    with server.session(team.alice) as socket:
        socket.connection.send('{"op": "ping", "id": "' + "x" * 70_000 + '"}')
        assert socket.closed() == 1009


def test_flood_of_messages_ends_the_socket(server: Server, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.live.allowance.BURST_MESSAGES", 20)
    with server.session(team.alice) as socket:
        with suppress(ConnectionClosed):  # it may end before the last of them
            for _ in range(60):
                socket.send(op="ping")
        assert socket.closed() == 4429


def test_channels_without_end_are_refused(server: Server, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.live.session.MAX_CHANNELS", 1)
    with server.session(team.alice) as socket:
        assert socket.subscribe("jobs")["type"] == "jobs"
        assert socket.subscribe("bars")["type"] == "error"
        socket.send(op="unsubscribe", channel="jobs")
        assert socket.subscribe(f"account:{team.alpha.pk}")["type"] == "snapshot"


def test_quiet_socket_gets_a_heartbeat(server: Server, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.live.session.IDLE_SECONDS", 0.1)
    with server.session(team.alice) as socket:
        assert socket.until("heartbeat")["server_time"] > 0
