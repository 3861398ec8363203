"""What scripts expect of a proxy for the SDK, asked of the running platform; `docs/rest.md` names the address of each row."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pandas as pd
import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from desk.settings.schema import ROOT
from tests.e2e.axe import violations
from tests.e2e.conftest import Visitor
from tests.e2e.platform_stack import PASSWORD, Stack
from tests.socketdocument import problems

pytestmark = pytest.mark.e2e

MAOTAI, PINGAN, ETF, INDEX = "600519.SH", "000001.SZ", "510300.SH", "000300.SH"
MINUTES = 240
ENDED = {"DONE", "FAILED", "PARTIAL", "CANCELLED"}
TOKENS = """
import json
from accounts.models import User
from accounts.services import token_create
from ops.audit import Actor
scopes = ["market:read", "account:read", "orders:write"]
wanted = {"alice": scopes, "bob": scopes, "admin": [*scopes, "admin:*"]}
print(json.dumps({
    name: token_create(actor=Actor.system("tests"), user=User.objects.get(username=name), name="tests", scopes=chosen)[1]
    for name, chosen in wanted.items()
}))
"""
#: Address and what must be in each answer for every signed-in person.
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def tokens(stack: Stack) -> dict[str, str]:
    """Tokens of three people: alice trades Alpha, bob sees it, admin administers."""
    made: dict[str, str] = json.loads(stack.manage("shell", "-v0", "-c", TOKENS))
    return made


@pytest.fixture(scope="module")
def people(stack: Stack, tokens: dict[str, str]) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as clients:
        yield {
            name: clients.enter_context(
                httpx.Client(base_url=f"{stack.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)
            )
            for name, token in tokens.items()
        }


@pytest.fixture
def api(people: dict[str, httpx.Client]) -> httpx.Client:
    return people["alice"]


@pytest.fixture(scope="module")
def account(people: dict[str, httpx.Client]) -> int:
    """The account that alice trades."""
    (row,) = people["alice"].get("/accounts").json()["results"]
    assert row["session"]["state"] == "READY"
    return int(row["id"])


def answer(api: httpx.Client, address: str, **parameters: Any) -> dict[str, Any]:
    response = api.get(address, params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def results(api: httpx.Client, address: str, **parameters: Any) -> Rows:
    rows: Rows = answer(api, address, **parameters)["results"]
    return rows


def until(found: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
    return value


def ended(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """The job once it has ended, by polling."""

    def job() -> dict[str, Any] | None:
        found = answer(api, f"/jobs/{job_id}")
        return found if found["status"] in ENDED else None

    found: dict[str, Any] = until(job)
    return found


# ------------------------------------------------------------------------- health, access
@pytest.mark.parametrize(("address", "status"), [("live", "ok"), ("ready", "ready")])
def test_health_is_open_and_says_name_and_version(stack: Stack, address: str, status: str) -> None:
    began = time.monotonic()
    response = httpx.get(f"{stack.url}/api/v1/health/{address}")
    body = response.json()
    assert (response.status_code, body["name"], body["status"]) == (200, "QMT Desk", status)
    assert body["version"]
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer desk_wrong"}, {"X-API-Key": "wrong"}])
def test_missing_and_wrong_keys_are_401_with_a_code(stack: Stack, headers: dict[str, str]) -> None:
    response = httpx.get(f"{stack.url}/api/v1/positions", headers=headers)
    assert response.status_code == 401
    assert response.json()["code"] == ("TOKEN_INVALID" if headers else "NOT_AUTHENTICATED")


# ------------------------------------------------------------------------------- bars
@pytest.mark.parametrize("period", ["1d", "1m"])
def test_bars_hold_together(api: httpx.Client, period: str) -> None:
    body = answer(api, "/bars", symbols=f"{MAOTAI},{PINGAN}", start="20251222", end="20251224", period=period, wait=30)
    rows: Rows = body["rows"]
    assert body["complete"] is True
    assert {row["symbol"] for row in rows} == {MAOTAI, PINGAN}
    assert len(rows) == 2 * 3 * (1 if period == "1d" else MINUTES + 1)
    for row in rows:
        assert row["low"] <= min(row["open"], row["close"])
        assert row["high"] >= max(row["open"], row["close"])
        assert row["volume"] >= 0
    if period == "1m":
        times = {row["time"] for row in rows if row["symbol"] == MAOTAI}
        assert len(times) == 3 * (MINUTES + 1)


def test_bars_of_chosen_fields_have_no_others(api: httpx.Client) -> None:
    rows = answer(api, "/bars", symbols=MAOTAI, start="20251222", end="20251222", fields="close,volume")["rows"]
    assert [set(row) for row in rows] == [{"symbol", "time", "close", "volume"}]


def test_download_is_a_job_that_is_polled_and_streamed(stack: Stack, api: httpx.Client, tokens: dict[str, str]) -> None:
    with connect(
        f"ws://127.0.0.1:{stack.port}/ws/v1", additional_headers={"Authorization": f"Bearer {tokens['alice']}"}
    ) as socket:
        assert json.loads(socket.recv(5))["type"] == "hello"
        socket.send('{"op": "subscribe", "channel": "jobs"}')
        assert json.loads(socket.recv(5))["snapshot"] is True
        ordered = api.post(
            "/sync", json={"symbols": [PINGAN, ETF], "period": "1d", "start": "20240102", "end": "20240131"}
        )
        assert ordered.status_code == 202
        job_id = ordered.json()["job"]["id"]
        assert ordered.headers["location"] == f"/api/v1/jobs/{job_id}"
        seen = ""
        while seen not in ENDED:
            for job in json.loads(socket.recv(30)).get("data", ()):
                seen = job["status"] if job["id"] == job_id else seen
    job = ended(api, job_id)
    assert (job["status"], seen, job["done"]) == ("DONE", "DONE", job["total"])
    again = api.post("/sync", json={"symbols": [PINGAN, ETF], "period": "1d", "start": "20240102", "end": "20240131"})
    assert (again.status_code, again.json()["complete"], again.json()["job"]) == (200, True, None)


# ------------------------------------------------------------------------- static data
def test_static_downloads_are_one_job_and_financials_then_hold_together(
    people: dict[str, httpx.Client], api: httpx.Client
) -> None:
    wish = {"parts": ["instruments", "lists", "financials"], "symbols": [MAOTAI]}
    ordered = people["admin"].post("/static-refresh", json=wish)
    assert ordered.status_code == 202
    assert ended(people["admin"], ordered.json()["id"])["status"] == "DONE"

    rows = results(api, "/financials", symbols=MAOTAI, tables="Capital")
    assert rows
    assert {(row["symbol"], row["table"]) for row in rows} == {(MAOTAI, "Capital")}
    for row in rows:
        assert 0 < row["values"]["circulating_capital"] <= row["values"]["total_capital"]


def test_sectors_have_names_and_members_are_symbols(api: httpx.Client) -> None:
    names = [row["name"] for row in results(api, "/sectors")]
    assert names
    assert all(names)
    members = results(api, f"/sectors/{names[0]}/members")
    assert members
    assert all("." in row["symbol"] for row in members)


def test_index_weights_are_of_the_index(api: httpx.Client) -> None:
    weights = results(api, "/index-weights", index=INDEX, limit=1000)
    assert sum(Decimal(row["weight"]) for row in weights) == pytest.approx(Decimal(100), abs=Decimal("0.5"))


def test_calendar_of_a_year_adds_up(api: httpx.Client) -> None:
    body = answer(api, "/calendar", start="20250101", end="20251231")
    days = [date.fromisoformat(text) for text in body["trading_days"]]
    closed = [date.fromisoformat(text) for text in body["holidays"]]
    year = pd.date_range("2025-01-01", "2025-12-31")
    weekend = int((year.day_of_week >= 5).sum())
    assert 200 < len(days) < 260
    assert {day.year for day in days + closed} == {2025}
    assert len(days) + len(closed) + weekend == 365
    assert answer(api, "/holidays", start="20250101", end="20251231")["holidays"] == body["holidays"]


def test_instrument_holds_together(api: httpx.Client) -> None:
    began = time.monotonic()
    row = answer(api, f"/instruments/{MAOTAI}")
    assert time.monotonic() - began < 3
    assert (row["symbol"], row["kind"], bool(row["name"])) == (MAOTAI, "STOCK", True)
    assert Decimal(row["limit_up"]) > Decimal(row["pre_close"]) > Decimal(row["limit_down"])


def test_instruments_in_bulk_have_their_kind(api: httpx.Client) -> None:
    began = time.monotonic()
    rows = results(api, "/instruments", symbols=f"{MAOTAI},{ETF},{INDEX}", fields="symbol,kind")
    assert time.monotonic() - began < 5
    assert {row["symbol"]: row["kind"] for row in rows} == {MAOTAI: "STOCK", ETF: "ETF", INDEX: "INDEX"}


@pytest.mark.parametrize("address", ["/convertibles", "/ipos", "/etfs", "/periods"])
def test_list_is_not_empty(api: httpx.Client, address: str) -> None:
    assert results(api, address)


def test_fund_has_its_basket_and_factors_their_dates(api: httpx.Client) -> None:
    fund = results(api, "/etfs")[0]["symbol"]
    assert answer(api, f"/etfs/{fund}")["components"]
    assert all(row["dr"] > 0 for row in results(api, "/factors", symbols=MAOTAI))


def test_ticks_of_a_closed_day_and_snapshots_of_the_market(api: httpx.Client) -> None:
    ticks = answer(api, "/ticks", symbols=MAOTAI, start="20261120", end="20261120", count=5, wait=60)
    assert ticks["complete"] is True
    assert {row["symbol"] for row in ticks["rows"]} == {MAOTAI}
    quotes = until(lambda: results(api, "/quotes", market="ALL"))
    assert {MAOTAI, PINGAN} <= {row["symbol"] for row in quotes}
    assert all(len(row["bid"]) <= 10 for row in quotes)


# -------------------------------------------------------------------- quotes, followed
def test_subscription_is_made_listed_and_ended_as_often_as_one_likes(stack: Stack, api: httpx.Client) -> None:
    assert httpx.post(f"{stack.url}/api/v1/quotes/subscriptions", json={"symbols": [MAOTAI]}).status_code == 401
    wishes: list[dict[str, Any]] = [{"symbols": []}, {}, {"symbols": ["nothing"]}, {"symbols": 5}]
    for wrong in wishes:
        assert api.post("/quotes/subscriptions", json=wrong).status_code == 400

    made = api.post("/quotes/subscriptions", json={"symbols": [MAOTAI], "reason": "conformance"})
    assert (made.status_code, [row["symbol"] for row in made.json()["results"]]) == (201, [MAOTAI])
    assert MAOTAI in {row["symbol"] for row in results(api, "/quotes/subscriptions") if row["owner"] == "alice"}
    for _ in range(2):
        assert api.delete("/quotes/subscriptions", params={"symbols": MAOTAI}).status_code == 204
    assert not [row for row in results(api, "/quotes/subscriptions") if row["owner"] == "alice"]


def test_what_the_running_platform_says_on_the_socket_is_as_documented(
    stack: Stack, tokens: dict[str, str], account: int
) -> None:
    wanted = {"hello", "snapshot", "quotes", "bars", "bars:5m", "jobs", "alerts", "approvals"}
    with connect(
        f"ws://127.0.0.1:{stack.port}/ws/v1", additional_headers={"X-API-Key": tokens["alice"]}, max_size=None
    ) as socket:
        for channel in (f"account:{account}", "quotes", "bars", "bars:5m", "jobs", "alerts", "approvals"):
            socket.send(json.dumps({"op": "subscribe", "channel": channel}))
        seen: set[str] = set()
        while not wanted <= seen:
            frame = json.loads(socket.recv(20))
            assert problems(frame) == [], frame
            seen.add(frame["type"])


def test_socket_greets_then_brings_quotes_and_refuses_what_it_does_not_know(
    stack: Stack, tokens: dict[str, str]
) -> None:
    with connect(f"ws://127.0.0.1:{stack.port}/ws/v1") as socket:
        socket.send(json.dumps({"op": "authenticate", "token": tokens["alice"]}))
        assert json.loads(socket.recv(5))["type"] == "hello"
        socket.send(json.dumps({"op": "subscribe", "channel": "quotes", "symbols": [MAOTAI]}))
        quotes = json.loads(socket.recv(10))
        assert (quotes["type"], set(quotes["data"])) == ("quotes", {MAOTAI})
        socket.send('{"op": "subscribe", "channel": "nothing"}')
        error = until(lambda: next((m for m in [json.loads(socket.recv(10))] if m["type"] == "error"), None))
        assert (error["code"], error["field"]) == ("CHANNEL_UNKNOWN", "channel")


# ------------------------------------------------------------------------------- trading
def test_order_is_placed_seen_and_cancelled_and_the_books_follow(api: httpx.Client, account: int) -> None:
    quote = until(lambda: results(api, "/quotes", symbols=PINGAN))[0]
    facts = answer(api, f"/instruments/{PINGAN}")
    bought = api.post(
        "/orders",
        json={
            "account": account,
            "symbol": PINGAN,
            "side": "BUY",
            "quantity": 200,
            "price": str((Decimal(str(quote["last"])) * Decimal("1.01")).quantize(Decimal("0.01"))),
            "client_order_id": "conformance-buy",
        },
    )
    assert bought.status_code == 201, bought.text
    waiting = api.post(
        "/orders",
        json={"account": account, "symbol": PINGAN, "side": "BUY", "quantity": 100, "price": facts["limit_down"]},
    )
    assert waiting.status_code == 201, waiting.text

    def filled() -> bool:
        return bool(answer(api, f"/orders/{bought.json()['id']}")["status"] == "FILLED")

    until(filled)
    assert api.post(f"/orders/{waiting.json()['id']}/cancel").status_code == 200
    until(lambda: answer(api, f"/orders/{waiting.json()['id']}")["status"] == "CANCELLED")

    orders = results(api, "/orders", account=account)
    assert {row["status"] for row in orders} == {"FILLED", "CANCELLED"}
    trades = results(api, "/trades", account=account)
    assert sum(row["quantity"] for row in trades) == 200
    assert all(Decimal(row["price"]) <= Decimal(facts["limit_up"]) for row in trades)
    (holding,) = until(lambda: results(api, "/positions", account=account))
    assert (holding["symbol"], holding["quantity"], holding["sellable"]) == (PINGAN, 200, 0)
    until(lambda: Decimal(answer(api, "/asset", account=account)["cash"]) < Decimal(10000000))
    assert {row["kind"] for row in results(api, "/risk/limits/effective", account=account)} >= {"ORDERS_PER_DAY"}


def test_holdings_are_answered_in_time_and_304_to_who_has_them(api: httpx.Client, account: int) -> None:
    began = time.monotonic()
    first = api.get("/positions", params={"account": account})
    assert time.monotonic() - began < 2
    again = api.get("/positions", params={"account": account}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"quantity": 123, "price": None}, 400, "PRICE_REQUIRED"),
        ({"quantity": 123}, 422, "QUANTITY_OFF_LOT"),
        ({"quantity": 0}, 400, "QUANTITY_INVALID"),
        ({"symbol": "600519.XX"}, 400, "SYMBOL_UNKNOWN"),
    ],
)
def test_order_that_makes_no_sense_is_refused(
    api: httpx.Client, account: int, wish: dict[str, Any], status: int, code: str
) -> None:
    price = answer(api, f"/instruments/{MAOTAI}")["pre_close"]
    body = {"account": account, "symbol": MAOTAI, "side": "BUY", "quantity": 100, "price": price} | wish
    refused = api.post("/orders", json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text


def test_order_that_does_not_exist_is_not_cancelled(api: httpx.Client) -> None:
    refused = api.post("/orders/00000000-0000-4000-8000-000000000000/cancel")
    assert (refused.status_code, refused.json()["code"]) == (404, "ORDER_NOT_FOUND")


def test_accounts_of_others_are_not_there(people: dict[str, httpx.Client], account: int) -> None:
    foreign = next(row["id"] for row in results(people["admin"], "/accounts") if row["id"] != account)
    for address in ("/orders", "/positions", "/trades", "/asset"):
        assert people["alice"].get(address, params={"account": foreign}).status_code == 404
    refused = people["bob"].post(
        "/orders", json={"account": account, "symbol": MAOTAI, "side": "BUY", "quantity": 100, "price": "1400.00"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "TRADE_NOT_GRANTED")


# ------------------------------------------------------------------------------ API page
def test_api_page_runs_an_operation_with_a_token_made_there_and_writes_it_down(
    stack: Stack, visit: Callable[..., Visitor]
) -> None:
    page = visit("alice", "/developer/").page
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": stack.url}])
    page.goto(page.url)
    page.get_by_role("button", name="Make one for a day").click()
    page.fill("input[name=password]", PASSWORD)
    page.locator("main button[type=submit]").click()
    page.get_by_role("button", name="Make one for a day").click()
    token = page.locator("#token").input_value()
    assert token.startswith("desk_")

    page.locator("#filter").fill("positions_list")
    page.locator("#operations button").click()
    page.locator("[data-name=fields]").fill("symbol")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#answer-status")).to_have_text("200", timeout=20_000)
    expect(page.locator("#answer-body")).to_contain_text('"results"')
    expect(page.locator("#snippet")).to_contain_text(f"-H 'Authorization: Bearer {token}'")
    page.get_by_role("button", name="Python").click()
    expect(page.locator("#snippet")).to_contain_text(f'"Authorization": "Bearer {token}"')
    said = page.locator("#snippet").text_content() or ""
    names: dict[str, Any] = {}
    exec(said, names)  # noqa: S102 - what the page wrote
    assert names["response"].json() == json.loads(page.locator("#answer-body").text_content() or "")
    assert violations(page) == []


# ------------------------------------------------------------------------------ tutorial
def test_tutorial_runs_as_it_is_written(
    stack: Stack, tokens: dict[str, str], account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_URL", stack.url)
    monkeypatch.setenv("DESK_TOKEN", tokens["alice"])
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    blocks = list(re.finditer(r"```python\n(.*?)```", page, re.DOTALL))
    assert len(blocks) > 8
    names: dict[str, Any] = {}
    for block in blocks:
        # Lines of a failure are those of the page.
        code = "\n" * page.count("\n", 0, block.start(1)) + block[1]
        exec(compile(code, "docs/tutorial.md", "exec"), names)  # noqa: S102 - the page is ours
    assert names["account"] == account
