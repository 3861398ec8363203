"""Coming in by the portal: two steps, links, forgotten passwords, and proving it again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.core import mail
from django.test import Client

from accounts import mailing, second_factor, signin
from accounts.choices import LinkKind, Role
from accounts.models import OneTimeLink, PersonSession, User
from accounts.services import link_create, person_invite
from desk.settings.schema import get_config
from ops.clocks import wall_now
from ops.models import AuditEvent
from tests.people import PASSWORD, TEST_ACTOR, Team, confirmed, signed_in

NEW = "a long new passphrase"


def enter(client: Client, username: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/login/", {"username": username, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get("/api/v1/me").status_code == 200


@pytest.fixture
def secret(team: Team) -> str:
    """The secret of alice's second factor; its present code has not been used."""
    key = second_factor.second_factor_begin(user=team.alice)
    past = int(wall_now().timestamp()) - 30
    second_factor.second_factor_confirm(actor=TEST_ACTOR, user=team.alice, code=pyotp.TOTP(key).at(past))
    return key


# ------------------------------------------------------------------ the second step
def test_password_alone_does_not_let_in_who_has_a_second_factor(team: Team, secret: str) -> None:
    client = Client()
    response = enter(client, "alice", next="/data/")
    assert response["Location"] == "/login/code/?next=%2Fdata%2F"
    assert not is_in(client)
    assert client.get("/").status_code == 302
    assert not PersonSession.objects.exists()


def test_code_after_the_password_lets_in_under_a_new_session(team: Team, secret: str) -> None:
    client = Client()
    enter(client, "alice")
    half_open = client.session.session_key
    response = client.post("/login/code/", {"code": pyotp.TOTP(secret).now(), "next": "/data/"})
    assert response["Location"] == "/data/"
    assert is_in(client)
    assert client.session.session_key != half_open


def test_code_without_a_password_before_leads_back(team: Team, secret: str) -> None:
    client = Client()
    response = client.post("/login/code/", {"code": pyotp.TOTP(secret).now()})
    assert response["Location"] == "/login/"
    assert not is_in(client)


def test_half_open_signin_ends_after_its_time(team: Team, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    enter(client, "alice")
    later = wall_now() + signin.PENDING + timedelta(seconds=1)
    monkeypatch.setattr(signin, "wall_now", lambda: later)
    assert client.post("/login/code/", {"code": pyotp.TOTP(secret).now()})["Location"] == "/login/"
    assert not is_in(client)


def test_half_open_signin_ends_with_a_changed_password(team: Team, secret: str) -> None:
    client = Client()
    enter(client, "alice")
    team.alice.set_password(NEW)
    team.alice.save()
    assert client.post("/login/code/", {"code": pyotp.TOTP(secret).now()})["Location"] == "/login/"


def test_django_admin_has_no_door_of_its_own(team: Team, secret: str) -> None:
    User.objects.filter(pk=team.alice.pk).update(role=Role.ADMIN, is_staff=True)
    client = Client()
    response = client.post("/admin/login/?next=/admin/", {"username": "alice", "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/admin/")
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "javascript:alert(1)", "/\\evil.example"])
def test_next_never_leads_to_another_site(team: Team, secret: str, target: str) -> None:
    client = Client()
    enter(client, "alice", next=target)
    response = client.post("/login/code/", {"code": pyotp.TOTP(secret).now(), "next": target})
    assert response["Location"] == "/"


# ---------------------------------------------------------------------------- links
def test_invited_person_sets_a_password_once(team: Team) -> None:
    user, plain = person_invite(actor=TEST_ACTOR, username="dora", role=Role.TRADER)
    assert not enter(Client(), "dora", "").wsgi_request.user.is_authenticated
    client = Client()
    opened = client.get(f"/link/{plain}/")
    assert (opened.status_code, opened["Location"]) == (302, "/link/")
    assert plain not in client.get("/link/").content.decode()
    body = {"password": NEW, "repeated": NEW}
    assert client.post("/link/", body)["Location"] == "/login/"
    assert not is_in(client)
    assert enter(client, "dora", NEW).status_code == 302
    assert is_in(client)
    again = Client()
    again.get(f"/link/{plain}/")
    assert again.post("/link/", body).status_code == 404
    actions = AuditEvent.objects.filter(target=f"user:{user.pk}").order_by("pk").values_list("action", flat=True)
    assert list(actions)[:4] == ["user.added", "link.created", "user.password_changed", "link.used"]


@pytest.mark.parametrize("password", ["short", "1234567890123", "password123", "alice-alice", ""])
def test_weak_password_is_refused_in_words_and_the_link_stays(team: Team, password: str) -> None:
    plain = link_create(actor=TEST_ACTOR, user=team.alice, kind=LinkKind.RESET)
    client = Client()
    client.get(f"/link/{plain}/")
    response = client.post("/link/", {"password": password, "repeated": password})
    assert response.status_code == 200
    assert response.context["form"].errors
    team.alice.refresh_from_db()
    assert team.alice.check_password(PASSWORD)
    assert OneTimeLink.objects.get().used_at is None


def test_new_link_ends_the_one_before(team: Team) -> None:
    first = link_create(actor=TEST_ACTOR, user=team.alice, kind=LinkKind.RESET)
    link_create(actor=TEST_ACTOR, user=team.alice, kind=LinkKind.RESET)
    client = Client()
    client.get(f"/link/{first}/")
    assert client.get("/link/").status_code == 404


def test_expired_used_and_invented_links_look_the_same(team: Team) -> None:
    expired = link_create(actor=TEST_ACTOR, user=team.alice, kind=LinkKind.RESET)
    OneTimeLink.objects.update(expires_at=wall_now())
    pages = set()
    for plain in (expired, "x" * 43, "x"):
        client = Client()
        client.get(f"/link/{plain}/")
        page = client.get("/link/")
        assert page.status_code == 404
        pages.add(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode()))
    assert len(pages) == 1


def test_reset_ends_every_session_and_keeps_the_second_factor(team: Team, secret: str) -> None:
    elsewhere = signed_in(team.alice)
    plain = link_create(actor=TEST_ACTOR, user=team.alice, kind=LinkKind.RESET)
    client = Client()
    client.get(f"/link/{plain}/")
    client.post("/link/", {"password": NEW, "repeated": NEW})
    assert not is_in(elsewhere)
    assert enter(client, "alice", NEW)["Location"].startswith("/login/code/")


# ------------------------------------------------------------------ forgotten by mail
@pytest.fixture
def mailed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Mail is configured; the task runs at once."""
    from accounts import tasks

    config = get_config().model_copy(update={"mail_host": "mail.test", "public_url": "https://desk.test"})
    monkeypatch.setattr(mailing, "get_config", lambda: config)
    asked: list[str] = []

    def run(*, args: tuple[str], **_options: Any) -> None:
        asked.append(args[0])
        mailing.reset_by_mail(args[0])

    monkeypatch.setattr(tasks.reset_mail, "apply_async", run)
    return asked


def test_forgotten_answers_the_same_for_known_and_unknown(team: Team, mailed: list[str]) -> None:
    User.objects.filter(pk=team.alice.pk).update(email="alice@example.org")
    pages = []
    for identifier in ("alice", "alice@example.org", "nobody", "nobody@example.org"):
        page = Client().post("/login/forgotten/", {"identifier": identifier})
        pages.append(re.sub(r'value="\w{64}"', "", page.content.decode()))
    assert len(set(pages)) == 1
    assert len(mailed) == 4
    assert [message.to for message in mail.outbox] == [["alice@example.org"]] * 2


def test_link_in_a_mail_begins_with_the_configured_address(team: Team, mailed: list[str]) -> None:
    User.objects.filter(pk=team.alice.pk).update(email="alice@example.org")
    Client(headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"}).post(
        "/login/forgotten/", {"identifier": "alice"}
    )
    assert re.search(r"^https://desk\.test/link/[\w-]{43}/$", str(mail.outbox[0].body), re.MULTILINE)
    assert "evil" not in mail.outbox[0].body


def test_forgotten_without_mail_says_whom_to_ask(team: Team) -> None:
    page = Client().post("/login/forgotten/", {"identifier": "alice"})
    assert page.status_code == 200
    assert OneTimeLink.objects.count() == 0


# ----------------------------------------------------------------------------- sudo
def test_signing_in_is_no_confirmation(team: Team) -> None:
    client = Client()
    enter(client, "admin")
    response = client.post("/people/", {"act": "invite", "username": "eve", "role": "ADMIN", "language": "en"})
    assert response["Location"] == "/confirm/?next=%2Fpeople%2F"
    assert not User.objects.filter(username="eve").exists()


def test_confirmation_opens_acts_for_ten_minutes(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts import sudo

    client = signed_in(team.admin)
    response = client.post("/confirm/", {"act": "confirm", "password": PASSWORD, "next": "/people/"})
    assert response["Location"] == "/people/"
    invite = {"act": "invite", "username": "dora", "role": "VIEWER", "language": "en"}
    assert client.post("/people/", invite).status_code == 200
    later = wall_now() + sudo.DURATION
    monkeypatch.setattr(sudo, "wall_now", lambda: later)
    assert client.post("/people/", {**invite, "username": "eve"}).status_code == 302
    assert not User.objects.filter(username="eve").exists()


def test_confirmation_with_a_wrong_password_opens_nothing_and_is_throttled(team: Team) -> None:
    client = signed_in(team.admin)
    for _ in range(10):
        assert client.post("/confirm/", {"act": "confirm", "password": "wrong"}).status_code == 403
    assert client.post("/confirm/", {"act": "confirm", "password": PASSWORD}).status_code == 403
    assert "sudo" not in client.session


def test_confirmation_takes_the_code_too(team: Team, secret: str) -> None:
    client = signed_in(team.alice)
    assert client.post("/confirm/", {"act": "confirm", "password": PASSWORD}).status_code == 403
    code = pyotp.TOTP(secret).now()
    assert client.post("/confirm/", {"act": "confirm", "password": PASSWORD, "code": code}).status_code == 302
    assert client.session["sudo"]["user"] == team.alice.pk


def test_confirmation_does_not_outlive_its_person(team: Team) -> None:
    client = confirmed(team.admin)
    client.post("/logout/")
    enter(client, "alice")
    assert client.get("/security/second-factor/").status_code == 302


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_pages_take_no_other_methods(team: Team, method: str) -> None:
    assert getattr(confirmed(team.admin), method)("/people/").status_code == 405
