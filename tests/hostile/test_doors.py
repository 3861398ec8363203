"""Every door of the platform, tried as another site's page would: nothing is changed, nothing is framed, and it is in the log."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from desk import refusals
from ops.repeats import Repeats
from tests.accounts.test_permission_matrix import ENTRIES
from tests.orders.bench import Bench, make_bench
from tests.people import PASSWORD, confirmed, make_token, signed_in
from trading.orders.models import Order

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

#: What begins without a session has nothing that another site could borrow: a code, and what Prometheus and probes ask.
WITHOUT_SESSION = {"/api/v1/host-enrolments"}
#: Takes a file, so no JSON.
FILES = {"/api/v1/imports"}
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.fixture(autouse=True)
def told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_repeats", Repeats(0.0))


@pytest.fixture
def bench() -> Bench:
    return make_bench()


def path_of(route: str) -> str:
    """The route with something of the right kind in every place."""
    kinds = {"uuid": "00000000-0000-4000-8000-000000000001"}
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: kinds.get(found[1] or "", "1"), route)


def routes(*methods: str) -> list[tuple[str, str]]:
    """Method and route of every address, each once."""
    found = {(entry.split(" ")[0], entry.split(" ")[1]) for entry in ENTRIES}
    return sorted((method, route) for method, route in found if method in methods and "(" not in route)


def doors(*methods: str) -> list[tuple[str, str]]:
    """The same with something of the right kind in every place."""
    return [(method, path_of(route)) for method, route in routes(*methods)]


def test_no_door_is_opened_by_a_session_without_its_csrf_token(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    client = confirmed(bench.team.admin, enforce_csrf_checks=True)
    tried = [door for door in doors("POST", "PUT", "PATCH", "DELETE") if door[1] not in WITHOUT_SESSION]
    changed: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # When the session was last seen is noted for whoever holds its cookie.
        if re.match(r"\s*(INSERT|UPDATE|DELETE)\b", sql) and "accounts_personsession" not in sql:
            changed.append(sql)
        return execute(sql, params, many, context)

    with caplog.at_level(logging.WARNING), connection.execute_wrapper(watch):
        answers = {}
        for method, path in tried:
            send = getattr(client, method.lower())
            answer = client.post(path, {}) if path in FILES else send(path, "{}", content_type="application/json")
            answers[method, path] = answer.status_code
    assert {door: status for door, status in answers.items() if status != 403} == {}
    assert (len(tried) > 100, changed) == (True, [])
    told = {tuple(one.getMessage().split(" ")[1:3]) for one in caplog.records if one.name == "desk.refusals"}
    assert len(told) == len({(method, route) for method, route in routes("POST", "PUT", "PATCH", "DELETE")}) - len(
        WITHOUT_SESSION
    )


def test_no_page_and_no_answer_may_be_framed_guessed_or_followed(bench: Bench) -> None:
    client = confirmed(bench.team.admin, raise_request_exception=False)
    asked = [path for _method, path in doors("GET")]
    wrong, statuses = {}, set()
    for path in [*asked, "/nothing/", "/api/v1/nothing"]:
        answer = client.get(path)
        statuses.add(answer.status_code)
        missing = {name: answer.get(name) for name, value in HEADERS.items() if answer.get(name) != value}
        if "frame-ancestors 'none'" not in answer.get("Content-Security-Policy", ""):
            missing["Content-Security-Policy"] = answer.get("Content-Security-Policy")
        if missing:
            wrong[path] = missing
    assert (len(asked) > 150, wrong) == (True, {})
    assert statuses >= {200, 302, 400, 404}


def test_what_people_type_in_secret_stands_in_no_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Tokens and passwords where scripts and people really put them: in headers, bodies, addresses, wrong places."""
    _row, token = make_token(bench.alice, "orders:write", "account:read")
    secret = "Correct-Horse-9-Battery"
    from ops.logs import LineFormatter

    with caplog.at_level(logging.DEBUG):
        client = Client(raise_request_exception=False)
        client.post("/login/", {"username": secret, "password": secret})
        client.post("/login/", {"username": "alice", "password": secret})
        client.get(f"/api/v1/orders?token={token}&access_token={token}&password={secret}")
        client.get("/api/v1/orders", headers={"Authorization": f"Bearer {token}x"})
        client.get("/api/v1/nothing", headers={"Authorization": f"Bearer {token}"})
        client.get("/api/v1/orders", headers={"X-API-Key": token, "Cookie": f"sessionid={secret}"})
        body = {"account": bench.account.pk, "password": secret, "token": token, "symbol": token}
        client.post(
            "/api/v1/orders", json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        )  # fmt: skip
        client.post("/confirm/", {"password": secret})
        client.post("/api/v1/host-enrolments", json.dumps({"code": secret}), content_type="application/json")
        confirmed(bench.alice)
    lines = [LineFormatter("%(name)s %(message)s").format(record) for record in caplog.records]
    assert [line for line in lines if "refused: GET" in line and " 401 TOKEN_INVALID" in line]
    assert [line for line in lines if token in line or secret in line or PASSWORD in line] == []


@pytest.mark.parametrize(
    "name",
    ["аlice", "alice\u200b", "ａlice", "alice\u202e", "ALICE", " alice", "alice ", "al\u0131ce", "alice\n", "alicе"],
)
def test_name_that_only_looks_like_somebodys_makes_no_second_one(bench: Bench, name: str) -> None:
    client = confirmed(bench.team.admin)
    client.post("/people/", {"act": "invite", "username": name, "role": "TRADER", "language": "en"})
    assert sorted(User.objects.filter(username__icontains="lic").values_list("username", flat=True)) == ["alice"]
    assert User.objects.filter(username=name).exists() is False


@pytest.mark.parametrize("key", ["k\r\n2026-11-20 CRITICAL sold", "k\u2028x", "k\x1b[2K", "k\u202e", "k" * 500, "\x00"])
def test_key_of_an_order_that_is_no_plain_word_is_refused(bench: Bench, key: str) -> None:
    _row, token = make_token(bench.alice, "orders:write", "account:read")
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    order = {"account": bench.account.pk, "symbol": "600519.SH", "side": "BUY", "quantity": 100, "price_type": "LIMIT", "price": "10.00"}  # fmt: skip
    answer = client.post(
        "/api/v1/orders", json.dumps({**order, "client_order_id": key}), content_type="application/json"
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "client_order_id")
    assert not Order.objects.exists()


def test_order_takes_no_field_that_is_not_the_callers(bench: Bench) -> None:
    """What an order is besides what was asked for is decided here, whatever a body says."""
    _row, token = make_token(bench.alice, "orders:write", "account:read")
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    order = {"account": bench.account.pk, "symbol": "600519.SH", "side": "BUY", "quantity": 100, "price_type": "LIMIT", "price": "10.00"}  # fmt: skip
    for field, value in {
        "user": bench.team.bob.pk, "status": "FILLED", "source": "FLATTEN", "epoch": 99, "id": "x", "host": "sim", "approved_by": 1,
        "expires_at": "2099-01-01T00:00:00Z", "tag": "desk", "reserved": "0", "strategy_id": 1, "is_staff": True,
    }.items():  # fmt: skip
        answer = client.post("/api/v1/orders", json.dumps({**order, field: value}), content_type="application/json")
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "FIELD_UNKNOWN", field)
    assert not Order.objects.exists()


def test_person_takes_no_field_that_is_an_administrators(bench: Bench) -> None:
    client = signed_in(bench.alice)
    client.post("/security/", {"act": "password", "role": "ADMIN", "is_superuser": "on", "current": PASSWORD})
    bench.alice.refresh_from_db()
    assert (bench.alice.role, bench.alice.is_superuser) == ("TRADER", False)
