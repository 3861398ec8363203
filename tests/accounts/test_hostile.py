"""Tricks: forged forms, hosts and origins, fixed sessions, other people's ids, names that lie to a log."""

from __future__ import annotations

import logging
import statistics
import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver

from accounts.models import Grant, PersonSession, User
from accounts.services import team_add
from ops.models import AuditEvent
from tests.people import PASSWORD, TEST_ACTOR, Team, confirmed, make_token, signed_in

PAGES_WITH_ACTS = ("/security/", "/people/", "/teams/", "/accounts/", "/confirm/")


# ----------------------------------------------------------------------------- CSRF
@pytest.mark.parametrize("path", [*PAGES_WITH_ACTS, "/login/", "/logout/", "/preferences/", "/link/", "/login/code/"])
def test_form_without_its_token_is_refused(team: Team, path: str) -> None:
    client = confirmed(team.admin, enforce_csrf_checks=True)
    assert client.post(path, {"act": "invite", "username": "eve", "role": "ADMIN"}).status_code == 403
    assert not User.objects.filter(username="eve").exists()


def test_form_with_a_token_of_another_browser_is_refused(team: Team) -> None:
    other = signed_in(team.charlie, enforce_csrf_checks=True)
    other.get("/security/")
    client = confirmed(team.admin, enforce_csrf_checks=True)
    client.get("/people/")
    body = {"act": "invite", "username": "eve", "role": "ADMIN", "language": "en"}
    assert client.post("/people/", {**body, "csrfmiddlewaretoken": other.cookies["csrftoken"].value}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1"]
)
def test_form_from_another_origin_is_refused(team: Team, origin: str) -> None:
    client = confirmed(team.admin, enforce_csrf_checks=True)
    client.get("/people/")
    body = {
        "act": "invite",
        "username": "eve",
        "role": "ADMIN",
        "csrfmiddlewaretoken": client.cookies["csrftoken"].value,
    }
    assert client.post("/people/", body, headers={"Origin": origin}).status_code == 403


def test_every_view_of_the_platform_checks_csrf() -> None:
    """API views are exempt in Django's eyes and check it themselves, for sessions."""
    exempt = []

    def walk(patterns: list[Any], prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, route)
            elif getattr(pattern.callback, "csrf_exempt", False) and not route.startswith(("api/", "^api")):
                exempt.append(route)

    walk(get_resolver().url_patterns, "")
    assert exempt == ["metrics"]


# --------------------------------------------------------------------- hosts, frames
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "[::1].evil"])
@pytest.mark.parametrize("path", ["/login/", "/login/forgotten/", "/people/", "/api/v1/me"])
def test_host_that_is_not_ours_is_refused(team: Team, host: str, path: str) -> None:
    assert confirmed(team.admin).get(path, headers={"Host": host}).status_code == 400


def test_link_shown_to_an_administrator_follows_no_forwarded_host(team: Team) -> None:
    client = confirmed(team.admin, headers={"X-Forwarded-Host": "evil.example"})
    page = client.post(f"/people/{team.alice.pk}/", {"act": "link"}).content.decode()
    assert "/link/" in page
    assert "evil.example" not in page


@pytest.mark.parametrize("path", ["/login/", "/security/", "/people/"])
def test_pages_are_not_framed_nor_kept(team: Team, path: str) -> None:
    response = confirmed(team.admin).get(path, follow=True)
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    if path != "/login/":
        assert response["Cache-Control"] == "no-store"


def test_qr_code_fits_the_content_policy(team: Team) -> None:
    page = confirmed(team.alice).get("/security/second-factor/").content.decode()
    assert "<svg" in page
    assert " style=" not in page
    assert "<style" not in page


# -------------------------------------------------------------------------- sessions
def test_session_planted_before_the_login_does_not_open_it(team: Team) -> None:
    attacker = Client()
    attacker.get("/link/" + "x" * 43 + "/")
    planted = attacker.session.session_key
    victim = Client()
    victim.cookies[settings.SESSION_COOKIE_NAME] = str(planted)
    victim.post("/login/", {"username": "alice", "password": PASSWORD})
    assert victim.session.session_key != planted
    assert attacker.get("/api/v1/me").status_code == 401


def test_sudo_of_one_person_is_not_another_ones(team: Team) -> None:
    client = signed_in(team.admin)
    session = client.session
    session["sudo"] = {"user": team.alice.pk, "at": time.time()}
    session.save()
    assert client.post("/people/", {"act": "invite", "username": "eve", "role": "ADMIN"})["Location"].startswith(
        "/confirm/"
    )


def test_sudo_from_the_future_is_none(team: Team) -> None:
    client = signed_in(team.admin)
    session = client.session
    session["sudo"] = {"user": team.admin.pk, "at": time.time() + 3600}
    session.save()
    assert client.post("/teams/", {"act": "team_add", "name": "x"})["Location"].startswith("/confirm/")


def test_session_cookie_is_closed_to_scripts(team: Team) -> None:
    client = Client()
    client.post("/login/", {"username": "alice", "password": PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


# ------------------------------------------------------------------------ enumeration
def test_login_takes_the_same_time_for_a_stranger(team: Team, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    team.alice.set_password(PASSWORD)
    team.alice.save()

    def seconds(name: str) -> float:
        begun = time.perf_counter()
        Client().post("/login/", {"username": name, "password": "wrong"}, REMOTE_ADDR=f"10.0.0.{len(name)}")
        return time.perf_counter() - begun

    known = statistics.median(seconds("alice") for _ in range(5))
    unknown = statistics.median(seconds("nobody") for _ in range(5))
    assert 0.5 < known / unknown < 2.0


# ------------------------------------------------------------- other people's objects
@pytest.mark.parametrize("person", ["alice", "risk", "viewer", "charlie"])
def test_acts_of_administrators_by_others_change_nothing(team: Team, person: str) -> None:
    client = confirmed(getattr(team, person))
    group = team_add(actor=TEST_ACTOR, name="desk")
    grant = Grant.objects.get(user=team.bob)
    bodies = [
        ("/people/", {"act": "invite", "username": "eve", "role": "ADMIN", "language": "en"}),
        (f"/people/{team.bob.pk}/", {"act": "deactivate"}),
        (f"/people/{team.bob.pk}/", {"act": "change", "role": "ADMIN"}),
        (f"/people/{team.bob.pk}/", {"act": "link"}),
        (
            "/teams/",
            {"act": "grant", "holder": f"user:{getattr(team, person).pk}", "account": team.beta.pk, "trade": "ALL"},
        ),
        ("/teams/", {"act": "withdraw", "grant": grant.pk}),
        ("/teams/", {"act": "member_add", "team": group.pk, "user": team.bob.pk}),
        ("/accounts/", {"act": "mode", "account": team.alpha.pk, "mode": "READ_ONLY"}),
    ]
    before = AuditEvent.objects.count()
    assert {client.post(path, body).status_code for path, body in bodies} == {403}
    assert AuditEvent.objects.count() == before
    assert User.objects.get(pk=team.bob.pk).is_active


@pytest.mark.parametrize(
    ("person", "act", "status"),
    [
        ("alice", "halt", 302),
        ("risk", "halt", 302),
        ("bob", "halt", 403),
        ("charlie", "halt", 404),
        ("viewer", "halt", 404),
        ("alice", "state", 403),
        ("risk", "state", 302),
        ("charlie", "state", 404),
    ],
)
def test_account_is_halted_by_who_trades_it_and_resumed_by_who_watches(
    team: Team, person: str, act: str, status: int
) -> None:
    wanted = {"halt": "HALTED", "state": "REDUCING"}[act]
    body = {"act": act, "account": team.alpha.pk, "state": wanted}
    assert confirmed(getattr(team, person)).post("/accounts/", body).status_code == status
    team.alpha.refresh_from_db()
    assert team.alpha.state == (wanted if status == 302 else "ACTIVE")


@pytest.mark.parametrize("key", ["", "0", "-1", "1e3", "١", "9" * 40, "1 OR 1=1", "<b>"])
def test_keys_in_forms_that_are_none_are_not_found(team: Team, key: str) -> None:
    client = confirmed(team.admin)
    for path, body in (
        ("/teams/", {"act": "withdraw", "grant": key}),
        ("/teams/", {"act": "team_delete", "team": key}),
        ("/accounts/", {"act": "halt", "account": key}),
        ("/security/", {"act": "token_revoke", "token": key}),
    ):
        assert client.post(path, body).status_code == 404


@pytest.mark.parametrize("act", ["", "__init__", "filled", "show", "act_invite", "nothing"])
def test_act_that_does_not_exist_is_a_bad_request(team: Team, act: str) -> None:
    assert confirmed(team.admin).post("/people/", {"act": act}).status_code == 400


def test_person_cannot_raise_their_own_role_by_the_preferences(team: Team) -> None:
    signed_in(team.alice).post(
        "/preferences/", {"language": "en", "rising_color": "red", "role": "ADMIN", "is_staff": "on"}
    )
    team.alice.refresh_from_db()
    assert (team.alice.role, team.alice.is_staff) == ("TRADER", False)


# ----------------------------------------------------------------------- injection
def test_names_of_devices_and_users_forge_no_log_line(team: Team, caplog: pytest.LogCaptureFixture) -> None:
    evil = "Mozilla\r\n2026-11-20 CRITICAL order sent"
    with caplog.at_level(logging.DEBUG):
        client = Client(HTTP_USER_AGENT=evil)
        client.post("/login/", {"username": "alice", "password": PASSWORD})
        Client().post("/login/", {"username": "alice\r\nforged", "password": "x"})
    assert "\n" not in PersonSession.objects.get().agent
    assert not [record for record in caplog.records if "\n" in record.getMessage() and "forged" in record.getMessage()]


def test_texts_of_people_are_escaped_on_pages(team: Team) -> None:
    User.objects.filter(pk=team.bob.pk).update(first_name="<script>alert(1)</script>")
    team_add(actor=TEST_ACTOR, name="<img src=x>")
    client = confirmed(team.admin)
    for path in ("/people/", f"/people/{team.bob.pk}/", "/teams/"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x>" not in page


def test_token_without_the_scope_cannot_act_as_its_administrator(team: Team) -> None:
    _, plain = make_token(team.admin, "account:read")
    client = Client(headers={"Authorization": f"Bearer {plain}"})
    assert (
        client.post(f"/api/v1/accounts/{team.alpha.pk}/resume", {}, content_type="application/json").status_code == 403
    )
    for path in PAGES_WITH_ACTS:
        assert client.get(path)["Location"].startswith("/login/")
