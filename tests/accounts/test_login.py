"""Signing in: no enumeration, throttled, rotating the session, on the audit trail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.test import Client, RequestFactory

from accounts.models import LoginThrottle
from accounts.throttle import MAX_PER_ADDRESS, MAX_PER_PAIR
from ops.clocks import wall_now
from ops.models import AuditEvent
from tests.people import PASSWORD, Team

WRONG = "wrong"


def attempt(username: str, password: str = WRONG, address: str = "10.0.0.1") -> bool:
    request = RequestFactory().post("/login/", REMOTE_ADDR=address)
    return authenticate(request, username=username, password=password) is not None


def test_login_right_password_opens(team: Team) -> None:
    assert attempt("alice", PASSWORD)


def test_login_deactivated_does_not_open(team: Team) -> None:
    team.alice.is_active = False
    team.alice.save()
    assert not attempt("alice", PASSWORD)


def test_login_after_too_many_failures_is_refused_even_when_right(team: Team) -> None:
    for _ in range(MAX_PER_PAIR):
        assert not attempt("alice")
    assert not attempt("alice", PASSWORD)


def test_login_throttle_does_not_lock_the_person_out_elsewhere(team: Team) -> None:
    for _ in range(MAX_PER_PAIR):
        attempt("alice", address="10.6.6.6")
    assert attempt("alice", PASSWORD, address="10.0.0.2")


def test_login_one_place_trying_many_names_is_stopped(team: Team) -> None:
    for index in range(MAX_PER_ADDRESS):
        attempt(f"name{index}", address="10.6.6.6")
    assert not attempt("alice", PASSWORD, address="10.6.6.6")


def test_login_throttle_ends_with_its_window(team: Team) -> None:
    for _ in range(MAX_PER_PAIR):
        attempt("alice")
    LoginThrottle.objects.update(started_at=wall_now() - timedelta(minutes=6))
    assert attempt("alice", PASSWORD)


def test_login_throttle_unknown_names_count_alike(team: Team) -> None:
    for name in ("alice", "nobody"):
        attempt(name, address=f"10.1.1.{len(name)}")
    assert sorted(LoginThrottle.objects.values_list("failures", flat=True)) == [1, 1, 1, 1]


@pytest.mark.parametrize("name", ["alice", "ALICE", "nobody", "n\x00ul"])
def test_login_page_says_the_same_for_every_name(team: Team, name: str) -> None:
    response = Client().post("/login/", {"username": name, "password": "wrong"})
    baseline = Client().post("/login/", {"username": "nobody", "password": "wrong"})
    assert response.status_code == baseline.status_code == 200
    errors = response.context["form"].non_field_errors()
    if "\x00" not in name:
        assert errors == baseline.context["form"].non_field_errors()


def test_login_page_rotates_the_session_and_audits(team: Team) -> None:
    client = Client()
    client.post("/login/", {"username": "nobody", "password": "wrong"})
    session = client.session
    session["planted"] = True
    session.save()
    fixed = session.session_key
    response = client.post("/login/", {"username": "alice", "password": PASSWORD})
    assert response.status_code == 302
    assert client.session.session_key != fixed
    event = AuditEvent.objects.get(action="session.opened")
    assert (event.actor_label, event.chain) == ("alice", "platform")


def test_logout_ends_the_session_and_audits(team: Team) -> None:
    client = Client()
    client.force_login(team.alice)
    client.post("/logout/")
    assert client.get("/api/v1/me").status_code == 401
    assert AuditEvent.objects.filter(action="session.closed").count() == 1
