"""What is somebody else's answers like what does not exist: status, headers, body, and about the same time."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from ops.models import Job
from tests.orders.bench import MOUTAI, Bench, make_bench

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

API = "/api/v1"
UNKNOWN_ACCOUNT = 987_654


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def alice(bench: Bench) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(bench.alice)
    return client


def fingerprint(response: Any, *names: object) -> tuple[Any, ...]:
    """All of an answer but the names that the caller gave and the request's own id."""
    headers = {key: value for key, value in response.headers.items() if key not in ("X-Request-ID", "Content-Length")}
    text = response.content.decode()
    for name in sorted(map(str, names), key=len, reverse=True):
        text = text.replace(name, "·")
    return response.status_code, headers, text, dict(response.cookies)


@pytest.mark.parametrize(
    "address",
    [
        *("accounts/{}", "orders?account={}", "trades?account={}", "positions?account={}", "asset?account={}"),
        "orders?account={}&status=open&limit=5",
    ],
)
def test_foreign_account_reads_as_one_that_does_not_exist(bench: Bench, alice: Client, address: str) -> None:
    foreign, unknown = bench.team.beta.pk, UNKNOWN_ACCOUNT
    one, other = (alice.get(f"{API}/{address.format(pk)}") for pk in (foreign, unknown))
    assert one.status_code == 404
    assert fingerprint(one, foreign) == fingerprint(other, unknown)


@pytest.mark.parametrize("act", ["halt", "resume"])
def test_foreign_account_is_acted_on_as_one_that_does_not_exist(bench: Bench, alice: Client, act: str) -> None:
    foreign, unknown = bench.team.beta.pk, UNKNOWN_ACCOUNT
    one, other = (
        alice.post(f"{API}/accounts/{pk}/{act}", {"reason": "x"}, content_type="application/json")
        for pk in (foreign, unknown)
    )
    assert one.status_code == 404
    assert fingerprint(one, foreign) == fingerprint(other, unknown)


def test_order_for_a_foreign_account_is_refused_as_for_none_even_when_malformed(bench: Bench, alice: Client) -> None:
    foreign, unknown = bench.team.beta.pk, UNKNOWN_ACCOUNT
    for changes in ({}, {"quantity": -1}, {"symbol": "x"}, {"price": "10.005"}, {"client_order_id": " "}):
        one, other = (order(alice, pk, **changes) for pk in (foreign, unknown))
        assert one.status_code == 404
        assert fingerprint(one, foreign) == fingerprint(other, unknown)


def order(client: Client, account: int, **changes: Any) -> Any:
    body = {"account": account, "symbol": MOUTAI, "side": "BUY", "quantity": 100, "price": "10.00"} | changes
    return client.generic("POST", f"{API}/orders", json.dumps(body).encode(), content_type="application/json")


@pytest.mark.parametrize(
    ("method", "address"), [("GET", "orders/{}"), ("POST", "orders/{}/cancel"), ("POST", "orders/{}/release")]
)
def test_foreign_order_reads_as_one_that_does_not_exist(bench: Bench, alice: Client, method: str, address: str) -> None:
    foreign = bench.submit(user=bench.team.charlie, account_id=bench.team.beta.pk)
    unknown = uuid.uuid4()
    one, other = (alice.generic(method, f"{API}/{address.format(pk)}") for pk in (foreign.pk, unknown))
    assert (one.status_code, json.loads(one.content)["code"]) == (404, "ORDER_NOT_FOUND")
    assert fingerprint(one, foreign.pk) == fingerprint(other, unknown)
    assert bench.order(foreign).version == foreign.version


@pytest.mark.parametrize(("method", "address"), [("GET", "jobs/{}"), ("POST", "jobs/{}/cancel")])
def test_foreign_job_reads_as_one_that_does_not_exist(bench: Bench, alice: Client, method: str, address: str) -> None:
    foreign = Job.objects.create(kind="bars", owner=bench.team.charlie.pk)
    unknown = uuid.uuid4()
    one, other = (alice.generic(method, f"{API}/{address.format(pk)}") for pk in (foreign.pk, unknown))
    assert (one.status_code, json.loads(one.content)["code"]) == (404, "JOB_NOT_FOUND")
    assert fingerprint(one, foreign.pk) == fingerprint(other, unknown)


def test_foreign_account_costs_the_same_queries_as_none(
    bench: Bench, alice: Client, django_assert_num_queries: Any
) -> None:
    """The clock of a test is coarse; what decides how long an answer takes is what it asks the database."""
    order(alice, UNKNOWN_ACCOUNT)  # the session's first request notes when it was seen
    counts = []
    for pk in (bench.team.beta.pk, UNKNOWN_ACCOUNT):
        with django_assert_num_queries(4, exact=False) as captured:
            assert order(alice, pk).status_code == 404
        counts.append([query["sql"].split(" ", 1)[0] for query in captured.captured_queries])
    assert counts[0] == counts[1]
