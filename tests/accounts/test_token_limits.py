"""What limits a token besides its scopes: accounts, networks, rate, time, rotation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, BrokerAccount, Grant
from accounts.services import token_create, token_revoke, token_rotate
from accounts.tokens import token_authenticate, token_user
from ops import rates
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid, NotFound
from ops.rates import RateLimiter
from tests.people import TEST_ACTOR, Team, make_token


def make(team: Team, **limits: Any) -> tuple[ApiToken, str]:
    return token_create(actor=TEST_ACTOR, user=team.alice, name="t", scopes=["account:read", "market:read"], **limits)


def ask(plain: str, path: str = "/api/v1/accounts", address: str = "127.0.0.1") -> Any:
    return Client(headers={"Authorization": f"Bearer {plain}"}, REMOTE_ADDR=address).get(path)


# ------------------------------------------------------------------------- accounts
def test_token_limited_to_an_account_sees_no_other(team: Team) -> None:
    Grant.objects.create(user=team.alice, account=team.beta)
    _, plain = make(team, account_ids=[team.beta.pk])
    assert [row["name"] for row in ask(plain).json()["results"]] == ["Beta"]
    assert ask(plain, f"/api/v1/accounts/{team.alpha.pk}").status_code == 404
    assert [row["account"] for row in ask(plain, "/api/v1/me").json()["rights"]] == [team.beta.pk]


def test_token_limit_never_widens_the_persons_rights(team: Team) -> None:
    _, plain = make(team, account_ids=[team.alpha.pk])
    Grant.objects.filter(user=team.alice).delete()
    assert ask(plain).json()["results"] == []


def test_token_limited_to_no_account_sees_none(team: Team) -> None:
    _, plain = make(team, account_ids=[])
    assert ask(plain).json()["results"] == []


def test_token_of_an_administrator_is_limited_all_the_same(team: Team) -> None:
    token, _ = token_create(
        actor=TEST_ACTOR, user=team.admin, name="t", scopes=["account:read"], account_ids=[team.beta.pk]
    )
    assert list(BrokerAccount.objects.visible_to(token_user(token))) == [team.beta]


def test_token_for_an_account_not_yours_is_not_made(team: Team) -> None:
    with pytest.raises(NotFound) as refused:
        make(team, account_ids=[team.beta.pk])
    assert refused.value.code == Code.ACCOUNT_NOT_FOUND


# ------------------------------------------------------------------------- networks
@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (["10.0.0.0/8"], "10.200.1.1", 200),
        (["10.0.0.0/8"], "11.0.0.1", 401),
        (["10.0.0.7"], "10.0.0.8", 401),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", 200),
        (["2001:db8::/32"], "2001:db8::1", 200),
        (["10.0.0.0/8"], "", 401),
        (["10.0.0.0/8"], "unix", 401),
        ([], "203.0.113.9", 200),
    ],
)
def test_token_networks(team: Team, networks: list[str], address: str, status: int) -> None:
    _, plain = make(team, networks=networks)
    assert ask(plain, address=address).status_code == status


def test_token_from_elsewhere_gets_the_answer_of_a_guess(team: Team) -> None:
    _, plain = make(team, networks=["10.0.0.0/8"])
    assert ask(plain).json() == ask("desk_" + "A" * 43).json()


def test_token_address_is_the_connections_not_a_headers(team: Team) -> None:
    _, plain = make(team, networks=["10.0.0.0/8"])
    client = Client(
        headers={"Authorization": f"Bearer {plain}", "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1"},
        REMOTE_ADDR="203.0.113.9",
    )
    assert client.get("/api/v1/accounts").status_code == 401


@pytest.mark.parametrize("network", ["", "300.1.1.1", "10.0.0.0/33", "example.org", "10.0.0.0/8; drop"])
def test_token_network_invalid_is_refused(team: Team, network: str) -> None:
    with pytest.raises(Invalid) as refused:
        make(team, networks=[network])
    assert refused.value.code == Code.NETWORK_INVALID


# -------------------------------------------------------------------------- headers
def test_api_key_header_is_the_same_token(team: Team) -> None:
    _, plain = make(team)
    assert Client(headers={"X-API-Key": plain}).get("/api/v1/me").json()["token"]["prefix"] == plain[5:13]


def test_two_different_tokens_count_for_nothing(team: Team) -> None:
    _, one = make(team)
    _, other = make_token(team.admin)
    client = Client(headers={"Authorization": f"Bearer {one}", "X-API-Key": other})
    assert client.get("/api/v1/me").status_code == 401


def test_bad_api_key_never_falls_back_to_the_session(team: Team) -> None:
    client = Client(headers={"X-API-Key": "wrong"})
    client.force_login(team.alice)
    assert client.get("/api/v1/me").status_code == 401


# ---------------------------------------------------------------------- last use
def test_token_use_is_noted_with_its_address(team: Team) -> None:
    token, plain = make(team)
    ask(plain, address="10.9.8.7")
    token.refresh_from_db()
    assert token.last_used_from == "10.9.8.7"
    assert token.last_used_at is not None


# ------------------------------------------------------------------------- rotation
def test_rotated_token_replaces_the_old_with_the_same_limits(team: Team) -> None:
    old, before = make(team, networks=["127.0.0.0/8"], account_ids=[team.alpha.pk], rate_per_minute=7)
    new, after = token_rotate(actor=TEST_ACTOR, token=old)
    assert ask(before).status_code == 401
    assert ask(after).status_code == 200
    names = ("user_id", "scopes", "networks", "account_ids", "rate_per_minute", "expires_at")
    assert [getattr(new, name) for name in names] == [getattr(old, name) for name in names]
    assert new.rotated_from == old


def test_rotated_token_with_grace_ends_later_never_later_than_it_would_have(team: Team) -> None:
    soon = wall_now() + timedelta(hours=1)
    old, before = make(team, expires_at=soon)
    token_rotate(actor=TEST_ACTOR, token=old, grace=timedelta(days=1))
    old.refresh_from_db()
    assert old.expires_at == soon
    assert ask(before).status_code == 200


def test_ended_token_is_not_rotated(team: Team) -> None:
    token, _ = make(team)
    token_revoke(actor=TEST_ACTOR, token=token)
    with pytest.raises(Conflict) as refused:
        token_rotate(actor=TEST_ACTOR, token=token)
    assert refused.value.code == Code.TOKEN_ENDED
    assert ApiToken.objects.count() == 1


# ----------------------------------------------------------------------------- rate
@pytest.fixture
def limiter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limiter of this test alone, without Redis."""
    alone = RateLimiter("redis://127.0.0.1:1/0")
    monkeypatch.setattr(rates, "_limiter", lambda _url: alone)


@pytest.mark.usefixtures("limiter")
def test_token_over_its_rate_is_told_when_to_come_back(team: Team) -> None:
    _, plain = make(team, rate_per_minute=3)
    left = [ask(plain)["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = ask(plain)
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    assert refused["RateLimit-Policy"] == "3;w=60"
    assert 1 <= int(refused["Retry-After"]) <= 20


@pytest.mark.usefixtures("limiter")
def test_rate_of_one_token_is_not_another_ones(team: Team) -> None:
    _, one = make(team, rate_per_minute=1)
    _, other = make(team, rate_per_minute=1)
    assert [ask(one).status_code, ask(one).status_code, ask(other).status_code] == [200, 429, 200]


@pytest.mark.usefixtures("limiter")
def test_stopping_knows_no_rate(team: Team) -> None:
    _, plain = token_create(
        actor=TEST_ACTOR, user=team.alice, name="t", scopes=["orders:write", "account:read"], rate_per_minute=1
    )
    client = Client(headers={"Authorization": f"Bearer {plain}"})
    assert [client.get("/api/v1/me").status_code for _ in range(2)] == [200, 429]
    assert client.post(f"/api/v1/accounts/{team.alpha.pk}/halt", {}, content_type="application/json").status_code == 200
    unknown = "00000000-0000-4000-8000-000000000000"
    assert client.post(f"/api/v1/orders/{unknown}/cancel").status_code == 404


def test_session_has_no_rate_headers(team: Team) -> None:
    client = Client()
    client.force_login(team.alice)
    assert "RateLimit-Limit" not in client.get("/api/v1/me")


# --------------------------------------------------------------------------- guesses
@pytest.mark.parametrize(
    "guess",
    ["", "desk_", "desk_" + "A" * 42, "desk_" + "A" * 44, "Desk_" + "A" * 43, "desk_" + "é" * 43, "' OR 1=1 --"],
)
def test_guessed_token_is_refused_without_a_look_at_the_table(
    team: Team, guess: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert token_authenticate(guess, address="127.0.0.1") is None


def test_token_prefix_and_digest_open_nothing(team: Team) -> None:
    token, _ = make(team)
    for guess in (token.prefix, token.digest, f"desk_{token.digest[:43]}"):
        assert ask(guess).status_code == 401
