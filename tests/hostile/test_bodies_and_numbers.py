"""Bodies and numbers that lie: over REST nothing is stored, and the answer names what is wrong, never with a 500."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from typing import Any

import pytest
from django.test import Client

from accounts.models import Grant
from ops.models import AuditEvent
from tests.orders.bench import Bench, make_bench
from tests.people import make_token
from trading.orders.models import Order

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

ORDERS = "/api/v1/orders"
NUMBERS: tuple[Any, ...] = (
    "NaN", "-NaN", "Infinity", "1e400", "1e5", "0x10", "1_0", "١٢", "１２", "十", "12\u200b", "\u202e21", "1.2.3",
    "--1", "+-1", "1,000", "", " ", "null", "9" * 400, True, False, None, [], {}, [100], {"value": 100},
)  # fmt: skip


@pytest.fixture
def bench() -> Bench:
    return make_bench()


@pytest.fixture
def client(bench: Bench) -> Client:
    _row, token = make_token(bench.alice, "orders:write", "account:read")
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


def body(bench: Bench, **changes: Any) -> dict[str, Any]:
    order = {"symbol": "600519.SH", "side": "BUY", "quantity": 100, "price_type": "LIMIT", "price": "10.00"}
    return {"account": bench.account.pk, **order, **changes}


def post(client: Client, content: bytes, **headers: str) -> Any:
    return client.post(ORDERS, data=content, content_type="application/json", headers=headers or None)


@pytest.mark.parametrize("field", ["price", "quantity", "account"])
def test_number_that_is_none_is_refused_at_its_field(bench: Bench, client: Client, field: str) -> None:
    for value in NUMBERS:
        if field == "price" and value is None:
            continue  # no price at all has a code of its own
        answer = post(client, json.dumps(body(bench, **{field: value})).encode())
        assert answer.status_code in (400, 404, 422), (field, value, answer.content)
        assert answer.json()["code"], (field, value)
    assert not Order.objects.filter(status="QUEUED").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"quantity": ' + b"9" * 100_000 + b"}",
        b'{"price": -1e99999}',
        b'{"account": 1, "account": 2}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'"\\ud800"',
        b"null",
        b"true",
        b"[]",
        b"",
    ],
)
def test_body_that_is_no_order_is_a_bad_request(client: Client, content: bytes) -> None:
    answer = post(client, content)
    assert (answer.status_code, answer.json()["code"] != "") == (400, True)
    assert not Order.objects.exists()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_compressed_body_is_not_expanded(bench: Bench, client: Client, encoding: str) -> None:
    packed = gzip.compress(b"0" * 20_000_000) if "gzip" in encoding else zlib.compress(b"0" * 20_000_000)
    answer = post(client, packed, **{"Content-Encoding": encoding})
    assert answer.status_code in (400, 415)
    assert not Order.objects.exists()


@pytest.mark.parametrize("side", ["buy", "ＢＵＹ", "BUY\u200b", "ВUY", "BUY\x00", " BUY", 1, True, ["BUY"], None])
def test_side_that_only_looks_like_one_is_refused(bench: Bench, client: Client, side: Any) -> None:
    answer = post(client, json.dumps(body(bench, side=side)).encode())
    assert (answer.status_code, answer.json()["field"]) == (400, "side")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "word", ["８０００００００01", "80000000O1", "8000000001\u200b", " 8000000001 x", "", True, 8000000001]
)
def test_confirmation_that_only_looks_like_the_account_resumes_nothing(bench: Bench, word: Any) -> None:
    from accounts.models import BrokerAccount, User

    BrokerAccount.objects.filter(pk=bench.account.pk).update(state="HALTED")
    admin = User.objects.create_superuser("root-admin", password="x" * 20, role="ADMIN")
    _row, token = make_token(admin, "admin:*", "account:read")
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    answer = client.post(
        f"/api/v1/accounts/{bench.account.pk}/resume",
        data=json.dumps({"confirm": word, "reason": "x"}),
        content_type="application/json",
    )
    assert 400 <= answer.status_code < 500, answer.content
    assert BrokerAccount.objects.get(pk=bench.account.pk).state == "HALTED"


def test_forwarded_headers_make_nobody_another_one(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Without a trusted proxy the caller's word about its address counts for nothing: the throttle sees the socket."""
    client = Client(raise_request_exception=False)
    with caplog.at_level(logging.WARNING):
        answers = {
            client.post(
                "/api/v1/host-enrolments",
                data=json.dumps({"code": "A" * 43}),
                content_type="application/json",
                headers={"X-Forwarded-For": f"10.0.0.{number}", "Forwarded": f"for=10.0.0.{number}"},
            ).status_code
            for number in range(25)
        }
    assert answers == {404, 429}
    assert "from 127.0.0.1" in caplog.text
    assert "10.0.0." not in caplog.text


def test_refused_attempts_leave_no_grant_and_no_audited_change(bench: Bench, client: Client) -> None:
    grants, events = Grant.objects.count(), AuditEvent.objects.exclude(action__startswith="order.").count()
    for value in NUMBERS:
        post(client, json.dumps(body(bench, quantity=value)).encode())
    assert (Grant.objects.count(), AuditEvent.objects.exclude(action__startswith="order.").count()) == (grants, events)
