"""API of people and accounts; the error shape everywhere; no difference between absent and not yours."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, BrokerAccount, HostStatus
from accounts.services import token_revoke
from ops.clocks import wall_now
from ops.models import AuditEvent
from tests.people import TEST_ACTOR, Team, confirmed, make_token


def session(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, path: str, body: object = None) -> Any:
    return client.post(path, body, content_type="application/json")


def bearer(plain: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {plain}"})


@pytest.fixture
def alice(team: Team) -> Client:
    return session(team.alice)


# ------------------------------------------------------------------------ accounts
def test_accounts_list_shows_only_granted(team: Team, alice: Client) -> None:
    response = alice.get("/api/v1/accounts")
    assert response.status_code == 200
    assert [row["name"] for row in response.json()["results"]] == ["Alpha"]


def test_accounts_detail_says_mode_state_host_and_rights(team: Team) -> None:
    body = session(team.bob).get(f"/api/v1/accounts/{team.alpha.pk}").json()
    assert body == {
        "id": team.alpha.pk,
        "account_no": "8000000001",
        "name": "Alpha",
        "mode": "PAPER",
        "state": "ACTIVE",
        "state_reason": "",
        "state_by": None,
        "state_since": None,
        "auto_trading": False,
        "enabled": True,
        "session": {"state": "DOWN", "last_probe_at": None, "message": ""},
        "host": {
            "name": "sim",
            "kind": "SIMULATED",
            "fed_from": "",
            "session_state": "DOWN",
            "message": "",
            "updated_at": None,
        },
        "market_clock": None,
        "rights": {
            "view": True,
            "trade": False,
            "trade_all": False,
            "approve": False,
            "manage": False,
            "move_money": False,
            "halt": False,
            "resume": False,
        },
    }


def test_accounts_detail_shows_the_market_clock(team: Team, alice: Client) -> None:
    HostStatus.objects.create(
        host=team.host,
        trade_date="2024-01-02",
        phase="CLOSED",
        simulated=True,
        session_state="READY",
        updated_at=wall_now(),
    )
    body = alice.get(f"/api/v1/accounts/{team.alpha.pk}").json()
    clock = body["market_clock"]
    assert (clock["trade_date"], clock["simulated"], clock["stale"]) == ("2024-01-02", True, False)
    assert body["host"]["session_state"] == "READY"


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("post", "/halt"), ("post", "/resume")],
)
def test_accounts_not_yours_and_unknown_answer_the_same(team: Team, alice: Client, method: str, path: str) -> None:
    answers = set()
    for account_id in (team.beta.pk, 424_242, 10**25):
        send = alice.get if method == "get" else partial(post, alice)
        response = send(f"/api/v1/accounts/{account_id}{path}")
        assert response.status_code == 404
        answers.add(response.content.decode().replace(str(account_id), "ID"))
    assert len(answers) == 1
    assert "ACCOUNT_NOT_FOUND" in answers.pop()
    assert not AuditEvent.objects.filter(account_id__isnull=False).exists()


def test_accounts_halt_by_its_trader_halts(team: Team, alice: Client) -> None:
    response = alice.post(
        f"/api/v1/accounts/{team.alpha.pk}/halt",
        {"reason": "smells odd"},
        content_type="application/json",
    )
    assert response.status_code == 200
    assert response.json()["state"] == "HALTED"
    event = AuditEvent.objects.get(account_id=team.alpha.pk)
    assert event.after is not None
    assert (event.actor_label, event.after["reason"]) == ("alice", "smells odd")
    assert event.request_id == response["X-Request-ID"]


def test_accounts_halt_by_a_viewer_is_forbidden(team: Team) -> None:
    response = post(session(team.bob), f"/api/v1/accounts/{team.alpha.pk}/halt")
    assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")
    assert BrokerAccount.objects.get(pk=team.alpha.pk).state == "ACTIVE"


def test_accounts_resume_by_the_halted_trader_is_forbidden(team: Team, alice: Client) -> None:
    post(alice, f"/api/v1/accounts/{team.alpha.pk}/halt")
    response = post(alice, f"/api/v1/accounts/{team.alpha.pk}/resume")
    assert response.status_code == 403
    assert BrokerAccount.objects.get(pk=team.alpha.pk).state == "HALTED"


def test_accounts_resume_by_the_risk_officer_resumes(team: Team, alice: Client) -> None:
    post(alice, f"/api/v1/accounts/{team.alpha.pk}/halt")
    address = f"/api/v1/accounts/{team.alpha.pk}/resume"
    assert post(session(team.risk), address).json()["code"] == "SUDO_REQUIRED"
    assert post(confirmed(team.risk), address).json()["code"] == "NOT_CONFIRMED"
    typed = confirmed(team.risk).post(address, {"confirm": team.alpha.account_no}, content_type="application/json")
    assert (typed.status_code, typed.json()["state"]) == (200, "ACTIVE")


def test_me_says_preferences_and_rights(team: Team, alice: Client) -> None:
    body = alice.get("/api/v1/me").json()
    assert (body["username"], body["role"]) == ("alice", "TRADER")
    assert (body["language"], body["rising_color"]) == ("zh-hans", "red")
    assert body["rights"] == [{"account": team.alpha.pk, "view": True, "trade": True}]
    assert body["token"] is None


def test_me_by_token_names_the_token_without_its_secret(team: Team) -> None:
    token, plain = make_token(team.alice, "account:read")
    body = bearer(plain).get("/api/v1/me").json()
    assert body["token"]["scopes"] == ["account:read"]
    assert body["token"]["prefix"] == token.prefix
    assert token.digest not in json.dumps(body)


# ------------------------------------------------------------------- authentication
@pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/v1/accounts/1", "/api/v1/me"])
def test_anonymous_is_401_with_a_challenge(db: None, path: str) -> None:
    response = Client().get(path)
    assert (response.status_code, response.json()["code"]) == (401, "NOT_AUTHENTICATED")
    assert response["WWW-Authenticate"] == 'Bearer realm="desk"'


def test_token_unknown_expired_revoked_inactive_answer_the_same(team: Team) -> None:
    expired, expired_plain = make_token(team.alice)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=wall_now() - timedelta(seconds=1))
    revoked, revoked_plain = make_token(team.alice)
    token_revoke(actor=TEST_ACTOR, token=revoked)
    _, inactive_plain = make_token(team.charlie)
    team.charlie.is_active = False
    team.charlie.save()
    guesses = [expired_plain, revoked_plain, inactive_plain, "desk_" + "A" * 43, "junk", "", "é"]
    answers = {
        (response.status_code, response.content, response["WWW-Authenticate"])
        for response in (bearer(plain).get("/api/v1/me") for plain in guesses)
    }
    assert len(answers) == 1
    status, content, _ = answers.pop()
    assert (status, json.loads(content)["code"]) == (401, "TOKEN_INVALID")


def test_token_bad_one_never_falls_back_to_the_session(team: Team, alice: Client) -> None:
    response = alice.get("/api/v1/me", headers={"Authorization": "Bearer desk_nope"})
    assert response.status_code == 401


def test_token_without_the_scope_is_forbidden(team: Team) -> None:
    _, plain = make_token(team.alice, "market:read")
    response = bearer(plain).get("/api/v1/accounts")
    assert (response.status_code, response.json()) == (
        403,
        {
            "code": "SCOPE_MISSING",
            "message": "SCOPE_MISSING: scope=account:read",
            "details": {"scope": "account:read"},
        },
    )


def test_token_read_scope_does_not_halt(team: Team) -> None:
    _, plain = make_token(team.alice, "account:read")
    response = post(bearer(plain), f"/api/v1/accounts/{team.alpha.pk}/halt")
    assert response.status_code == 403
    assert BrokerAccount.objects.get(pk=team.alpha.pk).state == "ACTIVE"


def test_token_acts_as_itself_on_the_audit_trail(team: Team) -> None:
    token, plain = make_token(team.alice, "orders:write")
    post(bearer(plain), f"/api/v1/accounts/{team.alpha.pk}/halt")
    event = AuditEvent.objects.get(action="account.halted")
    assert (event.actor_kind, event.actor_id) == ("token", str(token.pk))


def test_token_last_use_is_written_at_most_every_five_minutes(team: Team) -> None:
    token, plain = make_token(team.alice)
    client = bearer(plain)
    client.get("/api/v1/me")
    first = ApiToken.objects.get(pk=token.pk).last_used_at
    client.get("/api/v1/me")
    assert first is not None
    assert ApiToken.objects.get(pk=token.pk).last_used_at == first
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=first - timedelta(minutes=6))
    client.get("/api/v1/me")
    renewed = ApiToken.objects.get(pk=token.pk).last_used_at
    assert renewed is not None
    assert renewed >= first


def test_session_write_without_csrf_is_refused_in_our_shape(team: Team) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(team.alice)
    response = client.post(f"/api/v1/accounts/{team.alpha.pk}/halt")
    assert (response.status_code, response.json()["code"]) == (403, "CSRF_FAILED")
    assert BrokerAccount.objects.get(pk=team.alpha.pk).state == "ACTIVE"


# ---------------------------------------------------------------------- error shape
@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing", "/api/v2/accounts", "/api/v1/accounts/x"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_unknown_route_is_404_json(db: None, path: str, method: str) -> None:
    response = getattr(Client(), method)(path)
    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


def test_unknown_method_is_405_json(alice: Client) -> None:
    response = alice.delete("/api/v1/accounts")
    assert (response.status_code, response.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in response["Allow"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"reason": ', "INVALID_JSON"),
        (b"\xff\xfe", "INVALID_JSON"),
        (b"[" * 100_000, "INVALID_JSON"),
        (b'{"reason": "a", "reason": "b"}', "INVALID_JSON"),
        (b'{"reason": NaN}', "NUMBER_NOT_FINITE"),
        (b'{"reason": 1e999}', "NUMBER_NOT_FINITE"),
    ],
)
def test_malformed_body_is_refused_and_changes_nothing(team: Team, alice: Client, body: bytes, code: str) -> None:
    path = f"/api/v1/accounts/{team.alpha.pk}/halt"
    response = alice.post(path, body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert BrokerAccount.objects.get(pk=team.alpha.pk).state == "ACTIVE"


def test_field_too_long_names_the_field(team: Team, alice: Client) -> None:
    path = f"/api/v1/accounts/{team.alpha.pk}/halt"
    response = alice.post(path, {"reason": "x" * 201}, content_type="application/json")
    body = response.json()
    assert (response.status_code, body["field"]) == (400, "reason")
    assert list(body["details"]["fields"]) == ["reason"]


def test_form_body_is_415(team: Team, alice: Client) -> None:
    response = alice.post(f"/api/v1/accounts/{team.alpha.pk}/halt", {"reason": "x"})
    assert (response.status_code, response.json()["code"]) == (415, "MEDIA_TYPE_UNSUPPORTED")


def test_body_of_ten_megabytes_is_413(team: Team, alice: Client) -> None:
    path = f"/api/v1/accounts/{team.alpha.pk}/halt"
    body = b'{"reason": "' + b"x" * 10_000_000 + b'"}'
    response = alice.post(path, body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert BrokerAccount.objects.get(pk=team.alpha.pk).state == "ACTIVE"


def test_html_asked_for_is_406_json(alice: Client) -> None:
    response = alice.get("/api/v1/accounts", headers={"Accept": "text/html"})
    assert (response.status_code, response.json()["code"]) == (406, "NOT_ACCEPTABLE")


def test_host_of_somebody_else_is_400_json(db: None) -> None:
    response = Client().get("/api/v1/health/live", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["code"]) == (400, "INVALID")


def test_host_of_somebody_else_is_a_page_outside_of_the_api(db: None) -> None:
    response = Client().get("/login/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/html")


def test_failure_of_ours_is_500_without_details(
    alice: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(user: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("accounts.api.views.account_views", broken)
    response = alice.get("/api/v1/accounts")
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL_ERROR")
    assert b"secret detail" not in response.content
    assert "secret detail" in caplog.text
