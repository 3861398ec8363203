"""Bad input of the REST API: a precise refusal each, nothing changed, no traceback in the log."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import ApiToken
from accounts.services import token_revoke
from ops.clocks import wall_now
from ops.models import AuditEvent, Job
from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.people import TEST_ACTOR, make_token
from trading.ledger.models import AccountBook, AccountEvent
from trading.orders.models import Order, OrderEvent

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

API = "/api/v1"
ORDERS = f"{API}/orders"
HUGE = 10**25
DEEP = 100_000


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def alice(bench: Bench) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(bench.alice)
    return client


def stored() -> tuple[Any, ...]:
    """Everything a refused request could have left behind."""
    tables = (Order, OrderEvent, AccountEvent, Job)
    versions = list(AccountBook.objects.order_by("pk").values_list("pk", "version", "reserved_cash"))
    decisions = AuditEvent.objects.filter(action__startswith="order.").count()
    return (*(table.objects.count() for table in tables), decisions, versions)


@pytest.fixture(autouse=True)
def _nothing_happens(bench: Bench, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every request of this module is refused: no row, no error in the log."""
    before = stored()
    yield
    assert stored() == before
    loud = [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR or r.exc_info]
    assert loud == []


def refused(response: Any, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """The answer's body, after checking that it is exactly this refusal in the one error shape."""
    assert response["Content-Type"] == "application/json"
    body: dict[str, Any] = json.loads(response.content)
    assert (response.status_code, body["code"], body.get("field")) == (status, code, field), body
    assert set(body) <= {"code", "message", "field", "details"}
    assert body["message"]
    assert len(response.content) < 4000, "a refusal does not repeat a megabyte"
    return body


def post(client: Client, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic("POST", ORDERS, raw, content_type="application/json", headers=headers)


def wish(bench: Bench, **changes: Any) -> dict[str, Any]:
    order = {"account": bench.account.pk, "symbol": MOUTAI, "side": "BUY", "quantity": 100, "price": "10.00"}
    return order | changes


# ------------------------------------------------------------------------------ order fields
NOT_A_NUMBER_OF_SHARES = [
    *(0, -100, 100.5, 100.0, 1e308, True, False, HUGE, 10**4000),
    *("", "-100", "1e2", "1_00", "１００", " 100", "100.0", "NaN", "9" * 500, [], [100], {"n": 1}),
]
NOT_A_PRICE = [
    *(0, -1, True, False, 1e308, HUGE, 10**4000, [], ["10"], {"p": 10}),
    *("x", "0", "-0", "-1", "NaN", "sNaN", "Infinity", "1_0", "0x10", "10,00", "１０", "10\x00", "\ud800"),
    *("1e9999999", "-1e9999999", "1e-9999999", "1e999999", "0e999999999", "10.0000001", "9" * 500),
]
NOT_A_SYMBOL = [
    *("", " ", "x", "6005199", "600519.XX", "999999.SH", "600519.SH\x00", "６００５１９", "\ud800", "茅台"),
    *("A" * 10_000, 600519, True, [], [MOUTAI], {"s": MOUTAI}, "900901.SH"),
]
NOT_A_KEY = [*(0, 1, True, False, 1.5, [], ["k"], {}, " ", "a b", "k\x00", "é", "\ud800", "k" * 65)]


def _each(field: str, code: str, *values: Any) -> list[tuple[str, Any, str]]:
    return [(field, value, code) for value in values]


MALFORMED = [
    *_each("account", "FIELD_INVALID", True, "1", 1.0, 0, -1, HUGE, [], [1], {}, "\ud800"),
    *_each("side", "SIDE_UNKNOWN", "", "buy", "HOLD", 1, True, [], ["BUY"], {}, "BUY\x00"),
    *_each("price_type", "PRICE_TYPE_UNKNOWN", "", "limit", "MARKET", 11, True, [], {}),
    *((field, None, "FIELD_REQUIRED") for field in ("account", "symbol", "side", "quantity", "price_type")),
]


@pytest.mark.parametrize("value", NOT_A_NUMBER_OF_SHARES, ids=lambda value: ascii(value)[:20])
def test_order_quantity_that_is_none_is_refused(bench: Bench, alice: Client, value: Any) -> None:
    refused(post(alice, wish(bench, quantity=value)), 400, "QUANTITY_INVALID", "quantity")


@pytest.mark.parametrize("value", NOT_A_PRICE, ids=lambda value: ascii(value)[:20])
def test_order_price_that_is_none_is_refused(bench: Bench, alice: Client, value: Any) -> None:
    refused(post(alice, wish(bench, price=value)), 400, "PRICE_INVALID", "price")


@pytest.mark.parametrize("value", NOT_A_SYMBOL, ids=lambda value: ascii(value)[:20])
def test_order_symbol_that_is_none_is_refused(bench: Bench, alice: Client, value: Any) -> None:
    refused(post(alice, wish(bench, symbol=value)), 400, "SYMBOL_UNKNOWN", "symbol")


@pytest.mark.parametrize("value", NOT_A_KEY, ids=lambda value: ascii(value)[:20])
def test_order_key_that_is_none_is_refused(bench: Bench, alice: Client, value: Any) -> None:
    refused(post(alice, wish(bench, client_order_id=value)), 400, "FIELD_INVALID", "client_order_id")


@pytest.mark.parametrize("value", ["", " ", "k" * 65])
def test_order_key_header_that_is_none_is_refused(bench: Bench, alice: Client, value: str) -> None:
    body = json.loads(post(alice, wish(bench), **{"Idempotency-Key": value}).content)
    assert body["code"] == "FIELD_INVALID"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        *MALFORMED,
        ("price", None, "PRICE_REQUIRED"),
        ("price", "", "PRICE_REQUIRED"),
        ("qty", 100, "FIELD_UNKNOWN"),
    ],
)
def test_order_field_malformed_is_refused_by_name(
    bench: Bench, alice: Client, field: str, value: Any, code: str
) -> None:
    refused(post(alice, wish(bench, **{field: value})), 400, code, field)


def test_order_latest_with_a_price_is_refused(bench: Bench, alice: Client) -> None:
    refused(post(alice, wish(bench, price_type="LATEST")), 400, "PRICE_NOT_ALLOWED", "price")


# ------------------------------------------------------------------------------------- bodies
@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "INVALID_JSON"),
        (b"{} {}", "INVALID_JSON"),
        (b"\x00", "INVALID_JSON"),
        (b"\xff\xfe", "INVALID_JSON"),
        (b'{"\xe9": 1}', "INVALID_JSON"),
        (b"{'account': 1}", "INVALID_JSON"),
        (b'{"account": 1, "account": 1}', "INVALID_JSON"),
        (b'{"account": ' + b"9" * 5000 + b"}", "INVALID_JSON"),
        (b"[" * DEEP, "INVALID_JSON"),
        (b'{"a":' * DEEP, "INVALID_JSON"),
        (b'{"price": NaN}', "NUMBER_NOT_FINITE"),
        (b'{"price": -Infinity}', "NUMBER_NOT_FINITE"),
        (b'{"price": 1e400}', "NUMBER_NOT_FINITE"),
        (b"null", "INVALID"),
        (b"[]", "INVALID"),
        (b"1", "INVALID"),
        (b'"order"', "INVALID"),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else value,
)
def test_body_that_is_no_object_is_refused(alice: Client, raw: bytes, code: str) -> None:
    refused(post(alice, raw), 400, code)


@pytest.mark.parametrize("name", ["\ud800", "x" * 5000, "", "é", "account\x00"])
def test_body_with_a_strange_field_is_refused(bench: Bench, alice: Client, name: str) -> None:
    body = json.loads(post(alice, wish(bench) | {name: 1}).content)
    assert body["code"] == "FIELD_UNKNOWN"


@pytest.mark.parametrize(
    "media_type", ["", "garbage", "text/plain", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_body_of_another_media_type_is_refused(bench: Bench, alice: Client, media_type: str) -> None:
    raw = json.dumps(wish(bench)).encode()
    refused(alice.generic("POST", ORDERS, raw, content_type=media_type), 415, "MEDIA_TYPE_UNSUPPORTED")


# ---------------------------------------------------------------------------------- addresses
@pytest.mark.parametrize(
    "path",
    [
        *("nothing", "orders/", "orders//", "orders/x", "orders/%00", "accounts/-1", "accounts/1.0", "accounts/１"),
        *("%00", "%ff", "..", "instruments/..%2f..%2fetc", "jobs/1"),
    ],
)
def test_address_that_names_nothing_is_not_found(alice: Client, path: str) -> None:
    refused(alice.get(f"{API}/{path}"), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["orders", "positions", "bars", "me"])
def test_method_unknown_to_an_address_is_refused(alice: Client, method: str, path: str) -> None:
    refused(alice.generic(method, f"{API}/{path}"), 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("path", ["orders", "positions", "instruments", "me"])
@pytest.mark.parametrize("accept", ["garbage", ";;;", "text/html", "application/xml", "\x00", "a" * 10_000])
def test_accept_that_nothing_answers_is_refused(alice: Client, path: str, accept: str) -> None:
    refused(alice.get(f"{API}/{path}", headers={"accept": accept}), 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("path", ["orders", "positions", "bars", "me"])
def test_format_that_an_address_has_not_is_refused(alice: Client, path: str) -> None:
    refused(alice.get(f"{API}/{path}?format=xml"), 400, "FIELD_INVALID", "format")


# ----------------------------------------------------------------------------- query parameters
def cursor_of(**parts: str) -> str:
    return base64.b64encode(urlencode(parts).encode()).decode()


NOT_A_CURSOR = [
    *("x", "%", "é", "A" * 10_000, cursor_of(p="yesterday"), cursor_of(p="\x00"), cursor_of(p="2026-01-01")),
    *(cursor_of(p="2026-01-01 10:00:00"), cursor_of(p="9999-12-31T23:59:59-23:59"), cursor_of(o="-1")),
    *(cursor_of(o="9" * 30), cursor_of(o="x")),
]
NOT_A_LIMIT = ["", "0", "-1", "1001", "x", "1.5", "1e2", "１００", "1_0", "9" * 5000, "NaN", "true"]
NOT_A_DATE = [
    *("", "tomorrow", "2023-02-30", "2023111", "2023-3-7", "2023-0317", "２０２３０３１７", "9" * 30, "\x00"),
    *("2023-03-17T00:00:00Z", "2023-03-17T00:00:00+08:00", "1700000000", "0000-01-01"),
]
NOT_AN_ACCOUNT = ["", "x", "0", "-1", "1.0", "1e0", "１", "9" * 30, "\x00", "true", "[1]"]


@pytest.mark.parametrize("value", NOT_A_CURSOR, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("path", ["orders", "trades", "jobs"])
def test_list_cursor_that_is_none_is_refused(alice: Client, path: str, value: str) -> None:
    refused(alice.get(f"{API}/{path}", {"cursor": value}), 400, "CURSOR_INVALID", "cursor")


@pytest.mark.parametrize("value", NOT_A_LIMIT, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("path", ["orders", "trades", "jobs"])
def test_list_limit_that_is_none_is_refused(alice: Client, path: str, value: str) -> None:
    refused(alice.get(f"{API}/{path}", {"limit": value}), 400, "FIELD_INVALID", "limit")


@pytest.mark.parametrize("value", NOT_A_DATE, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("path", ["orders", "trades"])
def test_list_date_that_is_none_is_refused(alice: Client, path: str, value: str) -> None:
    refused(alice.get(f"{API}/{path}", {"date": value}), 400, "FIELD_INVALID", "date")


@pytest.mark.parametrize("value", NOT_AN_ACCOUNT, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("path", ["orders", "trades", "positions", "asset"])
def test_list_account_that_is_none_is_refused(alice: Client, path: str, value: str) -> None:
    refused(alice.get(f"{API}/{path}", {"account": value}), 400, "FIELD_INVALID", "account")


@pytest.mark.parametrize("value", ["", " ", "\x00", "600519.SH\x00", "茅台", "A" * 17, "\x85"])
@pytest.mark.parametrize("path", ["orders", "trades", "positions"])
def test_list_symbol_that_is_none_is_refused(alice: Client, path: str, value: str) -> None:
    refused(alice.get(f"{API}/{path}", {"symbol": value}), 400, "SYMBOL_UNKNOWN", "symbol")


@pytest.mark.parametrize("value", ["", "half", "queued", "\x00", "[]"])
def test_orders_status_that_is_none_is_refused(alice: Client, value: str) -> None:
    refused(alice.get(ORDERS, {"status": value}), 400, "FIELD_INVALID", "status")


MANY = ",".join(["600519.SH"] + ["x" * 50] * 3000)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({}, "FIELD_REQUIRED", "symbols"),
        ({"symbols": ",,"}, "FIELD_REQUIRED", "symbols"),
        ({"symbols": "600519.SH,x"}, "SYMBOL_UNKNOWN", "symbols"),
        ({"symbols": "600519.SH\x00"}, "SYMBOL_UNKNOWN", "symbols"),
        ({"symbols": "A" * 5000}, "SYMBOL_UNKNOWN", "symbols"),
        ({"symbols": MOUTAI, "period": "2d"}, "PERIOD_UNKNOWN", "period"),
        ({"symbols": MOUTAI, "period": ""}, "PERIOD_UNKNOWN", "period"),
        ({"symbols": MOUTAI, "period": "tick", "adjust": "front"}, "FIELD_INVALID", "adjust"),
        ({"symbols": MOUTAI, "start": "20230317", "end": "20180101"}, "RANGE_REVERSED", "start"),
        ({"symbols": MOUTAI, "start": "0001-01-01"}, "RANGE_INVALID", "start"),
        ({"symbols": MOUTAI, "end": "0001-01-01"}, "RANGE_INVALID", "end"),
        ({"symbols": MOUTAI, "start": "20230231"}, "RANGE_INVALID", "start"),
        ({"symbols": MOUTAI, "start": "2023111"}, "RANGE_INVALID", "start"),
        ({"symbols": MOUTAI, "start": "2023-03-17T00:00:00Z"}, "RANGE_INVALID", "start"),
        ({"symbols": MOUTAI, "end": "2023-03-17T00:00:00+08:00"}, "RANGE_INVALID", "end"),
        ({"symbols": MOUTAI, "start": "２０２３０３１７"}, "RANGE_INVALID", "start"),
        ({"symbols": MOUTAI, "start": "99991231"}, "RANGE_IN_FUTURE", "start"),
        ({"symbols": MOUTAI, "end": "99991231"}, "RANGE_IN_FUTURE", "end"),
        ({"symbols": MOUTAI, "count": "0"}, "FIELD_INVALID", "count"),
        ({"symbols": MOUTAI, "count": "１０"}, "FIELD_INVALID", "count"),
        ({"symbols": MOUTAI, "count": "NaN"}, "FIELD_INVALID", "count"),
        ({"symbols": MOUTAI, "count": "9" * 5000}, "FIELD_INVALID", "count"),
        ({"symbols": MOUTAI, "wait": "NaN"}, "FIELD_INVALID", "wait"),
        ({"symbols": MOUTAI, "wait": "1e308"}, "FIELD_INVALID", "wait"),
        ({"symbols": MOUTAI, "wait": "-1"}, "FIELD_INVALID", "wait"),
        ({"symbols": MOUTAI, "adjust": "forward"}, "ADJUST_UNKNOWN", "adjust"),
        ({"symbols": MOUTAI, "fields": "open,price"}, "FIELD_UNKNOWN", "fields"),
        ({"symbols": MOUTAI, "fill": "maybe"}, "FIELD_INVALID", "fill"),
        ({"symbols": MOUTAI, "time": "us"}, "FIELD_INVALID", "time"),
    ],
    ids=lambda value: urlencode(value)[:40] if isinstance(value, dict) else None,
)
def test_bars_request_malformed_is_refused(alice: Client, query: dict[str, str], code: str, field: str) -> None:
    refused(alice.get(f"{API}/bars", query), 400, code, field)


def test_bars_refusal_is_json_for_a_csv_reader_too(alice: Client) -> None:
    refused(alice.get(f"{API}/bars?symbols=x", headers={"accept": "text/csv"}), 400, "SYMBOL_UNKNOWN", "symbols")


@pytest.mark.parametrize("path", ["bars", "quotes", "coverage"])
def test_symbols_by_the_thousand_are_refused_briefly(alice: Client, path: str) -> None:
    body = json.loads(alice.get(f"{API}/{path}", {"symbols": MANY}).content)
    assert (body["code"], body["field"]) in {("SYMBOL_UNKNOWN", "symbols"), ("RANGE_TOO_LARGE", "symbols")}


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("quotes", "FIELD_REQUIRED", "symbols"),
        ("quotes?symbols=x", "SYMBOL_UNKNOWN", "symbols"),
        ("coverage?symbols=", "FIELD_REQUIRED", "symbols"),
        ("coverage?symbols=600519.SH&period=x", "PERIOD_UNKNOWN", "period"),
        ("coverage?period=1w", "PERIOD_NOT_AVAILABLE", "period"),
        ("coverage?state=whole", "FIELD_INVALID", "state"),
        ("coverage?limit=0", "FIELD_INVALID", "limit"),
        ("coverage?kind=bond", "FIELD_INVALID", "kind"),
        ("coverage?cursor=%00", "FIELD_INVALID", "cursor"),
        ("coverage/months?start=x", "RANGE_INVALID", "start"),
        ("calendar?market=NY", "FIELD_INVALID", "market"),
        ("calendar?start=2023111", "RANGE_INVALID", "start"),
        ("calendar?start=20230102&end=20230101", "RANGE_REVERSED", "start"),
        ("instruments?kind=BOND", "FIELD_INVALID", "kind"),
        ("instruments?limit=0", "FIELD_INVALID", "limit"),
        ("instruments?q=%00", "FIELD_INVALID", "q"),
        ("instruments?q=" + "a" * 65, "FIELD_INVALID", "q"),
        ("asset", "FIELD_REQUIRED", "account"),
    ],
)
def test_market_request_malformed_is_refused(alice: Client, path: str, code: str, field: str) -> None:
    refused(alice.get(f"{API}/{path}"), 400, code, field)


@pytest.mark.parametrize("symbol", ["%00", "A" * 5000, "900901.SH", "600000.XX"])
def test_instrument_malformed_is_not_found(alice: Client, symbol: str) -> None:
    response = alice.get(f"{API}/instruments/{symbol}")
    assert (response.status_code, response.json()["code"]) == (404, "SYMBOL_UNKNOWN")


# ------------------------------------------------------------------------------- credentials
def test_token_of_any_wrong_kind_gets_one_answer(bench: Bench) -> None:
    expired, expired_plain = make_token(bench.alice)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=wall_now() - timedelta(seconds=1))
    kinds = [expired_plain, "desk_" + "A" * 43, "", "\x00", "é", "a b", "a" * 10_000]
    answers = {
        (response.status_code, response.content, response["WWW-Authenticate"])
        for response in (Client().get(f"{API}/me", headers={"authorization": f"Bearer {kind}"}) for kind in kinds)
    }
    assert {status for status, *_ in answers} == {401}
    assert len(answers) == 1


def test_token_revoked_answers_as_one_that_never_was(bench: Bench) -> None:
    token, plain = make_token(bench.alice)
    token_revoke(actor=TEST_ACTOR, token=token)
    never = "desk_" + "B" * 43
    one, other = (Client().get(f"{API}/me", headers={"authorization": f"Bearer {kind}"}) for kind in (plain, never))
    assert (one.status_code, one.content) == (other.status_code, other.content) == (401, other.content)


@pytest.mark.parametrize("header", ["Basic YTpi", "Token x", "é", "Digest"])
def test_credentials_of_another_scheme_are_none(bench: Bench, header: str) -> None:
    refused(Client().get(f"{API}/me", headers={"authorization": header}), 401, "NOT_AUTHENTICATED")
