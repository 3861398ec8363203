"""Limits, statements and the kill switch in browsers, on the running platform. The kill switch comes last: it halts."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visitor
from tests.e2e.platform_stack import Stack

pytestmark = pytest.mark.e2e
Visit = Callable[..., Visitor]
LIVE_MS = 20_000
LIMIT = """
from accounts.models import BrokerAccount, User
from ops.audit import Actor
from trading.risk.services.limits import limit_create
account = BrokerAccount.objects.get(account_no="8000000001")
limit_create(actor=Actor.system("tests"), user=User.objects.get(username="admin"),
             wish={"kind": "ORDER_VALUE", "scope": "USER_ACCOUNT", "user": "alice", "account": account.pk, "value": "100000"})
"""


def _account(api: httpx.Client) -> dict[str, Any]:
    account: dict[str, Any] = api.get("/accounts").json()["results"][0]
    return account


def _until(found: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.3)
    return value


def _quote(api: httpx.Client, symbol: str) -> dict[str, Any]:
    quote: dict[str, Any] = _until(lambda: api.get("/quotes", params={"symbols": symbol}).json()["results"])[0]
    return quote


def _figure(text: str | None) -> Decimal:
    return Decimal((text or "").replace(",", ""))


def test_statement_shows_what_rest_says(stack: Stack, visit: Visit) -> None:
    with stack.api("alice") as api:
        account = _account(api)
        price = (Decimal(str(_quote(api, "601318.SH")["last"])) * Decimal("1.015")).quantize(
            Decimal("0.01"), ROUND_DOWN
        )
        wish = {"account": account["id"], "symbol": "601318.SH", "side": "BUY", "quantity": 300, "price": str(price)}
        order = api.post("/orders", json=wish).json()
        _until(lambda: api.get(f"/orders/{order['id']}").json()["status"] == "FILLED")
        date = account["market_clock"]["trade_date"]

        page = visit("alice", "/statements/").page
        expect(page.locator("#holdings tbody tr", has_text="601318.SH")).to_contain_text("300", timeout=LIVE_MS)
        statement = api.get(f"/accounts/{account['id']}/statement", params={"date": date}).json()

    shown = {name: page.locator(f"#statement [data-figure={name}]").text_content() for name in ("cash", "COMMISSION")}
    assert _figure(shown["cash"]) == Decimal(statement["cash"])
    assert _figure(shown["COMMISSION"]) == Decimal(statement["fees"]["COMMISSION"])
    expect(page.locator("#profit tbody tr", has_text="alice")).to_have_count(1)


def test_ticket_shows_the_limit_that_would_deny_and_sends_nothing(stack: Stack, visit: Visit) -> None:
    stack.manage("shell", "-c", LIMIT)
    page = visit("alice").page
    expect(page.locator("#ladder button").first).to_be_visible(timeout=LIVE_MS)  # the page listens from here on
    page.locator("#ticket-symbol").fill("600519")
    page.locator("#ticket-options li", has_text="600519.SH").click()
    expect(page.locator("#ladder button").first).to_be_visible(timeout=LIVE_MS)

    page.locator("#ticket-quantity").fill("100")

    denial = page.locator("#ticket-verdict li[data-code]")
    expect(denial).to_contain_text("ORDER_VALUE_LIMIT", timeout=LIVE_MS)
    expect(denial.locator(".hint")).to_contain_text("100,000")
    page.locator("#ticket-submit").click()
    expect(page.locator("#ticket-error")).to_contain_text(str(denial.get_attribute("data-code")), timeout=LIVE_MS)
    expect(page.locator("#confirm-dialog")).to_be_hidden()
    expect(page.locator("#orders tbody tr", has_text="600519.SH")).to_have_count(0)


@pytest.mark.parametrize("path", ["/risk/", "/statements/"])
def test_page_has_no_accessibility_violation(visit: Visit, path: str) -> None:
    page = visit("admin", path).page
    expect(page.locator("#limits tbody tr, #statement dd").first).to_be_visible(timeout=LIVE_MS)
    if path == "/risk/":
        page.locator("#limit-new").click()
    assert violations(page) == []


def test_kill_switch_takes_the_typed_number_and_reports_each_order(stack: Stack, visit: Visit) -> None:
    with stack.api("alice") as api:
        account = _account(api)
        low = api.get("/instruments/000001.SZ").json()["limit_down"]
        wish = {"account": account["id"], "symbol": "000001.SZ", "side": "BUY", "quantity": 1000, "price": low}
        order = api.post("/orders", json=wish).json()
        _until(lambda: api.get(f"/orders/{order['id']}").json()["status"] == "REPORTED")
        page = visit("alice", "/risk/").page

        page.locator("#kill-confirm").fill("another")
        page.locator("#kill-form [type=submit]").click()
        expect(page.locator("#kill-error")).to_contain_text("NOT_CONFIRMED")
        assert _account(api)["state"] == "ACTIVE"

        page.locator("#kill-confirm").fill(account["account_no"])
        page.locator("#kill-form [type=submit]").click()

        run = page.locator("#kill-runs .run").first
        expect(run.locator("[data-status=CANCELLED]")).to_have_count(1, timeout=LIVE_MS)
        expect(run).to_have_attribute("data-over", "true", timeout=LIVE_MS)
        expect(page.locator("#states [data-state=HALTED]")).to_have_count(1, timeout=LIVE_MS)
        assert _account(api)["state"] == "HALTED"
