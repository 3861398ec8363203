"""Every address of the API, found in the URL configuration: nobody gets in by an address we forgot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import ApiToken
from tests.people import Team, make_token

METHODS = ("get", "post", "put", "patch", "delete")
OPEN = {
    "GET /api/v1/health/live",
    "GET /api/v1/health/ready",
    "GET /api/v1/health/web",
    "POST /api/v1/host-enrolments",
    "GET /api/schema/",
    "GET /api/asyncapi/",
}
_JOB = "/api/v1/jobs/00000000-0000-4000-8000-000000000000"
_BACKTEST = "/api/v1/backtests/00000000-0000-4000-8000-000000000000"
#: Reading, though it takes a POST: what to follow, a file of what one may read anyway, downloads of it (asking for bars
#: starts the same ones) and back-tests over it, one's own of both, and the SDK's functions, each with a scope of its own.
READS_BY_POST = {
    "/api/v1/quotes/subscriptions",
    "/api/v1/exports",
    "/api/v1/sync",
    *(f"{_JOB}/{act}" for act in ("pause", "resume", "cancel", "retry")),
    "/api/v1/backtests",
    _BACKTEST,
    f"{_BACKTEST}/cancel",
    "/api/v1/qmt/functions/600519.SH",
}
CONVERTED = {
    "int": "1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "str": "600519.SH",
    "slug": "x",
    "path": "x",
}


def entries(patterns: list[Any] | None = None, prefix: str = "/") -> Iterator[tuple[str, str]]:
    """(method, path) of every view below /api/, identifiers filled in."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from entries(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("/api/"):
            path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: CONVERTED[found[1] or "str"], route)
            view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls")  # noqa: B009
            for method in METHODS:
                if hasattr(view, method):
                    yield method, path


def label(entry: tuple[str, str]) -> str:
    return f"{entry[0].upper()} {entry[1]}"


ENTRIES = [entry for entry in entries() if label(entry) not in OPEN]
every_entry = pytest.mark.parametrize(("method", "path"), ENTRIES, ids=map(label, ENTRIES))


def call(client: Client, method: str, path: str, account: int | None = None) -> Any:
    send = getattr(client, method)
    if method == "get":
        return send(path, {} if account is None else {"account": account})
    body = {} if account is None else {"account": account}
    return send(path, body, content_type="application/json")


def test_entries_are_found() -> None:
    found = set(map(label, entries()))
    assert found >= OPEN
    assert {"GET /api/v1/accounts", "POST /api/v1/accounts/1/halt"} <= found


@every_entry
def test_entry_anonymous_is_401(db: None, method: str, path: str) -> None:
    response = call(Client(), method, path)
    assert (response.status_code, response.json()["code"]) == (401, "NOT_AUTHENTICATED")


@every_entry
def test_entry_token_without_scopes_is_403(team: Team, method: str, path: str) -> None:
    token, plain = make_token(team.admin)
    ApiToken.objects.filter(pk=token.pk).update(scopes=[])
    client = Client(headers={"Authorization": f"Bearer {plain}"})
    response = call(client, method, path)
    assert response.status_code == 403
    assert response.json()["code"] in {"SCOPE_MISSING", "TOKEN_NOT_ACCEPTED"}


@every_entry
def test_entry_reading_scopes_never_write(team: Team, method: str, path: str) -> None:
    if method == "get" or path in READS_BY_POST:
        return
    _, plain = make_token(team.admin, "account:read", "market:read")
    client = Client(headers={"Authorization": f"Bearer {plain}"})
    assert call(client, method, path).status_code == 403


@every_entry
@pytest.mark.parametrize("person", ["charlie", "viewer"])
@pytest.mark.django_db(databases=["default", "quotes"])
def test_entry_account_not_yours_and_unknown_answer_the_same(team: Team, method: str, path: str, person: str) -> None:
    client = Client()
    client.force_login(getattr(team, person))
    answers = set()
    for account_id in (team.alpha.pk, 424_242):
        at = path.replace("/accounts/1", f"/accounts/{account_id}")
        response = call(client, method, at, account_id)
        # 1 is also the number of whatever else the path names.
        text = re.sub(rf"\b({account_id}|1)\b", "ID", response.content.decode())
        answers.add((response.status_code, re.sub(r'"observed_at":"[^"]*"', "", text)))
    assert len(answers) == 1
