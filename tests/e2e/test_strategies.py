"""What trades by itself, in a browser, on the running platform: plans and their prices, a grid, a program, a back-test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import ROUND_DOWN, Decimal
from typing import Any

import httpx
import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visitor
from tests.e2e.platform_stack import Stack

pytestmark = pytest.mark.e2e
Visit = Callable[..., Visitor]
LIVE_MS = 30_000
HELD = "601398.SH"


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """Alice over REST."""
    with stack.api("alice") as client:
        yield client


@pytest.fixture
def account(stack: Stack, api: httpx.Client) -> int:
    """Alice's first account with 2,000 shares of `HELD` and automatic trading on."""
    number = int(api.get("/accounts").json()["results"][0]["id"])
    with stack.api("admin", "account:read", "orders:write", "admin:*") as admin:
        assert admin.post(f"/accounts/{number}/auto-trading", json={"enabled": True}).status_code == 200
    if not api.get("/positions", params={"account": number, "symbol": HELD}).json()["results"]:
        quotes = until(lambda: api.get("/quotes", params={"symbols": HELD}).json()["results"])
        price = (Decimal(str(quotes[0]["last"])) * Decimal("1.015")).quantize(Decimal("0.01"), ROUND_DOWN)
        wish = {"account": number, "symbol": HELD, "side": "BUY", "quantity": 2000, "price": str(price)}
        order = api.post("/orders", json=wish).json()
        until(lambda: api.get(f"/orders/{order['id']}").json()["status"] == "FILLED")
    return number


def until(found: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.3)
    return value


def accept(dialog: Dialog) -> None:
    dialog.accept()


def test_exit_plan_is_refused_by_its_field_then_saved_and_its_prices_shown(
    account: int, api: httpx.Client, visit: Visit
) -> None:
    visitor = visit("alice", "/strategies/exits/")
    page = visitor.page
    page.locator("#plan-new").click()
    page.locator("#plan-form [name=stop_loss_drop]").fill("0.9")
    page.locator("#plan-form [type=submit]").click()
    expect(page.locator("#plan-form .form-error")).to_contain_text("terms.stop_loss_drop")
    visitor.problems.clear()  # the browser's word about the refusal
    page.locator("#plan-form [name=stop_loss_drop]").fill("0.08")
    page.locator("#plan-form [type=submit]").click()

    expect(page.locator("#plans tbody tr")).to_contain_text("8.00%")
    row = page.locator("#triggers tbody tr", has_text=HELD)
    expect(row.locator(".level").first).to_be_visible(timeout=LIVE_MS)
    (told,) = api.get("/exit-plans/triggers", params={"account": account, "symbol": HELD}).json()["results"]
    stop = next(level["price"] for level in told["levels"] if level["kind"] == "STOP_LOSS")
    assert Decimal(stop) == (Decimal(told["cost"]) * Decimal("0.92")).quantize(Decimal(stop))
    expect(row).to_contain_text(f"{Decimal(stop):.2f}")  # its tick is a cent


def test_grid_is_previewed_started_and_stopped(account: int, visit: Visit) -> None:
    page = visit("alice", "/strategies/exits/").page
    page.on("dialog", accept)
    page.locator("#grid-form [name=symbol]").fill(HELD)
    page.locator("#grid-preview").click()
    expect(page.locator("#grid-result .level")).to_have_count(3, timeout=LIVE_MS)
    page.locator("#grid-start").click()
    row = page.locator("#grids tbody tr", has_text=HELD)
    expect(row.locator("[data-grid=ACTIVE]")).to_be_visible(timeout=LIVE_MS)
    row.locator("button[data-act=stop]").click()
    expect(row.locator("[data-grid=STOPPED]")).to_be_visible(timeout=LIVE_MS)


def test_program_is_made_started_watched_and_stopped(account: int, visit: Visit) -> None:
    page = visit("alice", "/strategies/").page
    page.locator("#run-form [name=strategy]").select_option("ma-crossover")
    page.locator("#run-form [name=symbols]").fill(HELD)
    page.locator("#run-form [name=period]").select_option("1m")
    page.locator("#run-form [name=capital]").fill("100000")
    page.locator("#run-add").click()
    row = page.locator("#runs tbody tr", has_text="ma-crossover")
    row.locator("button[data-act=start]").click()
    expect(row.locator("[data-run=RUNNING]")).to_be_visible(timeout=LIVE_MS)
    expect(page.locator("#run-log li").first).to_be_visible(timeout=LIVE_MS)
    row.locator("button[data-act=stop]").click()
    expect(row.locator("[data-run=STOPPED]")).to_be_visible(timeout=LIVE_MS)


def test_back_test_ends_with_a_report_and_its_pictures(visit: Visit) -> None:
    page = visit("alice", "/strategies/backtests/").page
    form = page.locator("#backtest-form")
    form.locator("[name=strategy]").select_option("ma-crossover")
    form.locator("[name=symbols]").fill("600519.SH")
    form.locator("[name=period]").select_option("1d")
    form.locator("[name=start]").fill("2025-01-02")
    form.locator("[name=end]").fill("2025-12-31")
    page.locator("#backtest-run").click()
    expect(page.locator("#report[data-state=DONE]")).to_be_visible(timeout=2 * LIVE_MS)
    expect(page.locator("#report-figures dt")).to_have_count(9)
    pictures = page.locator("#report-plots img")
    expect(pictures).to_have_count(5)
    until(lambda: all(pictures.evaluate_all("nodes => nodes.map(node => node.naturalWidth > 0)")))


def test_basket_is_pasted_judged_by_leg_started_once_and_watched_to_its_end(
    account: int, api: httpx.Client, visit: Visit
) -> None:
    page = visit("alice", "/executions/").page
    page.locator("#paste-box summary").click()
    # A head line in any order, a price above the day's limit, thousands with a comma, no price: the latest one.
    page.locator("#legs-text").fill(f"方向\t代码\t数量\t价格\n卖出\t{HELD}\t100\t999.00\nBUY\t601318.SH\t1,000\t")
    page.locator("#legs-paste").click()
    page.locator("#execution-check").click()
    legs = page.locator("#legs tbody tr")
    expect(legs.nth(0).locator("[data-verdict=DENIED]")).to_be_visible(timeout=LIVE_MS)
    expect(legs.nth(1).locator("[data-verdict=PASSED]")).to_be_visible()
    assert violations(page) == []
    legs.nth(0).locator("button").click()
    page.locator("#execution-start").click()
    page.locator("#execution-agree").click()

    row = page.locator("#executions tbody tr")
    expect(row.locator("[data-state=COMPLETED]")).to_be_visible(timeout=2 * LIVE_MS)
    expect(page.locator("#execution-children [data-status=FILLED]")).to_have_count(1, timeout=LIVE_MS)
    (execution,) = api.get("/executions", params={"account": account}).json()["results"]
    (leg,) = execution["legs"]
    assert (leg["symbol"], leg["side"], leg["traded_quantity"]) == ("601318.SH", "BUY", 1000)


def test_order_is_replaced_from_its_row_and_both_name_each_other(account: int, api: httpx.Client, visit: Visit) -> None:
    symbol = "600036.SH"
    low = api.get(f"/instruments/{symbol}").json()["limit_down"]
    wish = {"account": account, "symbol": symbol, "side": "BUY", "quantity": 300, "price": low}
    old = api.post("/orders", json=wish).json()["id"]
    until(lambda: api.get(f"/orders/{old}").json()["status"] == "REPORTED")
    page = visit("alice").page
    page.locator("#orders tbody tr", has_text=symbol).locator("[data-act=replace]").click()
    page.locator("#replace-form [name=quantity]").fill("200")
    page.locator("#replace-send").click()

    rows = page.locator("#orders tbody tr", has_text=symbol)
    expect(rows.locator(".order-link:enabled")).to_have_count(2, timeout=2 * LIVE_MS)
    orders = api.get("/orders", params={"account": account, "symbol": symbol}).json()["results"]
    quantities = {order["id"] == old: (order["quantity"], order["status"]) for order in orders}
    assert quantities == {True: (300, "CANCELLED"), False: (200, quantities[False][1])}
    page.locator("#cancel-all").click()
    page.locator("#cancel-all-symbol").select_option(symbol)
    expect(page.locator("#cancel-all-orders li")).to_have_count(1)
    page.locator("#cancel-all-send").click()
    expect(rows.locator("[data-status=CANCELLED]")).to_have_count(2, timeout=LIVE_MS)


def test_pages_of_rules_webhooks_and_new_issues_are_accessible(stack: Stack, visit: Visit) -> None:
    page = visit("admin", "/approvals/rules/").page
    page.locator("#rule-new").click()
    expect(page.locator("#rule-sentence")).not_to_be_empty()
    found = {"rules": violations(page)}
    for path, ready in (("/developer/webhooks/", "#webhooks-empty"), ("/executions/new-issues/", "#plans tbody tr")):
        page.goto(stack.url + path)
        expect(page.locator(ready).first).to_be_visible(timeout=LIVE_MS)
        found[path] = violations(page)

    assert found == {name: [] for name in found}


@pytest.mark.parametrize("path", ["/strategies/exits/", "/strategies/", "/strategies/backtests/"])
def test_page_has_no_accessibility_violation(visit: Visit, path: str) -> None:
    page: Page = visit("alice", path).page
    expect(page.locator("table.grid tbody tr, .empty:visible").first).to_be_visible(timeout=LIVE_MS)
    if path == "/strategies/exits/":
        page.locator("#plan-new").click()
    assert violations(page) == []
