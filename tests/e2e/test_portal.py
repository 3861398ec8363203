"""Three people at their browsers: what one does, who sees it, and who does not."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

import httpx
import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from qmt.calendar import SHANGHAI
from tests.e2e.axe import violations
from tests.e2e.conftest import Visitor
from tests.e2e.platform_stack import Stack

pytestmark = pytest.mark.e2e
Visit = Callable[..., Visitor]
LIVE_MS = 20_000


def _open(page: Page, symbol: str) -> None:
    """Choose an instrument in the ticket and wait for its quote."""
    field = page.locator("#ticket-symbol")
    field.fill(symbol.partition(".")[0])
    page.locator("#ticket-options li", has_text=symbol).click()
    expect(page.locator("#chart-symbol")).to_have_text(symbol)
    expect(page.locator("#ladder button").first).to_be_visible(timeout=LIVE_MS)


def _buy(page: Page, symbol: str, quantity: int, price: str) -> None:
    _open(page, symbol)
    page.locator("#ticket-quantity").fill(str(quantity))
    page.locator("#ticket-price").fill(price)
    page.locator("#ticket-submit").click()


def _confirm(page: Page) -> None:
    """Look at the cost and send."""
    page.locator("#confirm-send").click(timeout=LIVE_MS)


def _marketable(api: httpx.Client, symbol: str) -> str:
    """A buying price that takes what is offered and stays inside the price cage (102%)."""
    deadline = time.monotonic() + 30
    while not (found := api.get("/quotes", params={"symbols": symbol}).json()["results"]):
        assert time.monotonic() < deadline, f"no quote of {symbol}"
        time.sleep(0.3)
    price = Decimal(str(found[0]["last"])) * Decimal("1.015")
    return str(price.quantize(Decimal("0.01"), ROUND_DOWN))


def _account(api: httpx.Client) -> int:
    account: int = api.get("/accounts").json()["results"][0]["id"]
    return account


def test_order_bought_in_the_portal_moves_two_browsers_and_not_the_third(stack: Stack, visit: Visit) -> None:
    alice, bob, charlie = visit("alice"), visit("bob"), visit("charlie")
    with stack.api("alice") as api:
        price = _marketable(api, "600519.SH")
    for person in (alice, bob, charlie):
        expect(person.page.locator("#connection-dot")).to_have_class("dot dot-good", timeout=LIVE_MS)
    before = bob.page.locator("#asset-cash").text_content()

    _buy(alice.page, "600519.SH", 100, price)
    _confirm(alice.page)

    for person in (alice, bob):
        row = person.page.locator("#orders tbody tr", has_text="600519.SH").first
        expect(row).to_contain_text("100 / 100", timeout=LIVE_MS)
        expect(row).to_contain_text("SIM")
        expect(person.page.locator("#positions tbody tr", has_text="600519.SH")).to_be_visible()
    expect(bob.page.locator("#asset-cash")).not_to_have_text(str(before))
    assert bob.page.locator("#asset-cash").text_content() == alice.page.locator("#asset-cash").text_content()
    expect(charlie.page.locator("#orders tbody tr")).to_have_count(0)
    expect(charlie.page.locator("#positions tbody tr")).to_have_count(0)


def test_large_order_is_reported_then_partly_filled_then_filled(stack: Stack, visit: Visit) -> None:
    with stack.api("alice") as api:
        account = _account(api)
        order = api.post(
            "/orders",
            json={
                "account": account,
                "symbol": "601398.SH",
                "side": "BUY",
                "quantity": 100_000,
                "price_type": "LIMIT",
                "price": _marketable(api, "601398.SH"),
            },
        ).json()
        alice = visit("alice")
        row = alice.page.locator("#orders tbody tr", has_text="601398.SH")
        expect(row).to_contain_text("100,000 / 100,000", timeout=60_000)

        timeline = [event["to_status"] for event in api.get(f"/orders/{order['id']}").json()["events"]]

    assert timeline[0] == "QUEUED"
    assert timeline[-1] == "FILLED"
    assert "PARTIALLY_FILLED" in timeline
    assert timeline.index("REPORTED") < timeline.index("PARTIALLY_FILLED")


def test_order_cancelled_in_the_portal_gives_the_cash_back(stack: Stack, visit: Visit) -> None:
    with stack.api("alice") as api:
        limit_down = api.get("/instruments/000001.SZ").json()["limit_down"]
        account = _account(api)
        alice = visit("alice")
        free = Decimal(api.get("/asset", params={"account": account}).json()["available_cash"])

        _buy(alice.page, "000001.SZ", 1000, str(limit_down))
        _confirm(alice.page)
        row = alice.page.locator("#orders tbody tr", has_text="000001.SZ").first
        expect(row.locator("[data-status=REPORTED]")).to_be_visible(timeout=LIVE_MS)
        held = Decimal(api.get("/asset", params={"account": account}).json()["available_cash"])
        row.locator("[data-act=cancel]").click()
        expect(row.locator("[data-status=CANCELLED]")).to_be_visible(timeout=LIVE_MS)

        assert held < free
        deadline = 50
        while Decimal(api.get("/asset", params={"account": account}).json()["available_cash"]) != free:
            deadline -= 1
            assert deadline > 0, "the cash did not come back"
            alice.page.wait_for_timeout(200)


def test_denied_order_shows_the_servers_code_and_facts(visit: Visit) -> None:
    alice = visit("alice")

    _buy(alice.page, "600519.SH", 150, "1400.00")

    expect(alice.page.locator("#ticket-error")).to_contain_text("QUANTITY_OFF_LOT")
    expect(alice.page.locator("#ticket-error")).to_contain_text("quantity=150")
    alice.problems.clear()  # the refusal's 422 is a console line of the browser


def test_viewer_has_no_way_to_trade(visit: Visit) -> None:
    bob = visit("bob")

    expect(bob.page.locator("#ticket-rights")).to_be_visible()
    expect(bob.page.locator("#ticket-submit")).to_be_disabled()
    expect(bob.page.locator("#orders td:last-child button")).to_have_count(0)


def test_chart_of_minutes_grows_with_the_market(visit: Visit) -> None:
    alice = visit("alice")
    last = alice.page.locator("#chart-last")
    expect(last).not_to_have_text("", timeout=LIVE_MS)

    seen = {last.text_content()}
    for _ in range(100):
        alice.page.wait_for_timeout(200)
        seen.add(last.text_content())
        if len(seen) > 2:
            break

    assert len(seen) > 2


def test_prices_of_a_feed_that_stopped_are_greyed_with_the_time(visit: Visit) -> None:
    page = visit("alice").page
    to_page: list[WebSocketRoute] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(route.send)
        to_page.append(route)

    def say(stale_since: str | None) -> None:
        feed = {"host": "sim", "stale_since": stale_since, "last_quote_at": "2026-01-05T02:30:00Z"}
        to_page[-1].send(json.dumps({"type": "feeds", "data": [feed]}))

    page.route_web_socket(re.compile("/ws/v1"), between)
    page.reload()
    note = page.locator("#stale-note")
    expect(page.locator("#chart-last")).not_to_have_text("", timeout=LIVE_MS)
    expect(note).to_be_hidden()
    say("2026-01-05T02:30:00Z")
    expect(page.locator("body")).to_have_class(re.compile("is-stale"))
    expect(note).to_contain_text("10:30:00")
    say(None)
    expect(page.locator("body")).not_to_have_class(re.compile("is-stale"))
    expect(note).to_be_hidden()


def test_swapped_colours_and_language_follow_the_person(visit: Visit) -> None:
    charlie = visit("charlie", "/preferences/")
    page = charlie.page

    page.locator("input[name=language][value=en]").check()
    page.locator("input[name=rising_color][value=green]").check()
    page.locator("main button[type=submit]").click()

    expect(page.locator("h1")).to_have_text("Preferences")
    page.goto(page.url.replace("/preferences/", "/"))
    expect(page.locator("html")).to_have_attribute("data-rising", "green")
    expect(page.locator("#tab-orders")).to_contain_text("Today's orders")


def test_data_page_watches_a_download_to_its_end(stack: Stack, visit: Visit) -> None:
    alice = visit("alice", "/data/")
    page = alice.page

    page.locator("input[name=symbols]").fill("600036.SH, 601318.SH")
    page.locator("main button[type=submit]").click()

    row = page.locator("#jobs tbody tr", has_text="600036.SH, 601318.SH").first
    expect(row.locator("[data-status=DONE]")).to_be_visible(timeout=60_000)
    page.locator("main button[type=submit]").click()
    expect(page.locator("#bars-result")).to_have_text(re.compile(r"48\d"))


@pytest.mark.parametrize("process", ["web", "valkey", "terminal@sim"])
def test_page_recovers_by_itself_after_a_killed_process(stack: Stack, visit: Visit, process: str) -> None:
    alice = visit("alice")
    dot = alice.page.locator("#connection-dot")
    expect(dot).to_have_class("dot dot-good", timeout=LIVE_MS)

    stack.kill(process)

    if process == "web":
        expect(dot).to_have_class("dot dot-bad", timeout=LIVE_MS)
    expect(dot).to_have_class("dot dot-good", timeout=60_000)
    with stack.api("alice") as api:
        account = _account(api)
        orders = api.get("/orders", params={"account": account}).json()["results"]
        cash = api.get("/asset", params={"account": account}).json()["cash"]
    expect(alice.page.locator("#orders tbody tr")).to_have_count(len(orders), timeout=LIVE_MS)
    expect(alice.page.locator("#asset-cash")).to_have_text(f"{Decimal(cash):,.2f}", timeout=LIVE_MS)
    alice.problems.clear()  # refused connections while the process was away


@pytest.mark.parametrize("path", ["/", "/data/", "/preferences/"])
def test_page_has_no_accessibility_violation(visit: Visit, path: str) -> None:
    alice = visit("alice", path)
    alice.page.wait_for_timeout(1500)
    assert violations(alice.page) == []


def test_no_request_leaves_for_another_host(stack: Stack, visit: Visit) -> None:
    alice = visit("alice")
    hosts: set[str] = set()
    alice.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))

    alice.page.reload()
    alice.page.wait_for_timeout(2000)

    assert hosts == {f"127.0.0.1:{stack.port}"}


def test_page_that_slept_gives_a_dead_connection_up_and_shows_the_truth(stack: Stack, visit: Visit) -> None:
    page = visit("alice").page
    links: list[WebSocketRoute] = []
    deaf: list[bool] = []

    def between(route: WebSocketRoute) -> None:
        # The first connection goes silent once `deaf` says so: to the page it looks open, as after a sleep.
        links.append(route)
        first = len(links) == 1
        server = route.connect_to_server()
        server.on_message(lambda text: None if first and deaf else route.send(text))

    page.route_web_socket(re.compile("/ws/v1"), between)
    page.reload()
    expect(page.locator("#connection-dot")).to_have_class("dot dot-good", timeout=LIVE_MS)
    deaf.append(True)
    with stack.api("alice") as api:
        body = {"account": _account(api), "symbol": "600036.SH", "side": "BUY", "quantity": 100}
        limit_down = api.get("/instruments/600036.SH").json()["limit_down"]
        order = api.post("/orders", json={**body, "price_type": "LIMIT", "price": limit_down}).json()

    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.locator(f"#orders [data-key='{order['id']}']")).to_be_visible(timeout=LIVE_MS)
    expect(page.locator("#connection-dot")).to_have_class("dot dot-good", timeout=LIVE_MS)
    assert len(links) == 2


def test_chart_shows_the_figures_that_the_api_answers(stack: Stack, visit: Visit) -> None:
    page = visit("alice").page
    expect(page.locator("#chart-symbol")).not_to_be_empty(timeout=LIVE_MS)
    page.locator("[data-period='1d']").click()
    with stack.api("alice") as api:
        symbol = page.locator("#chart-symbol").text_content()
        asked = {"symbols": symbol, "period": "1d", "count": 1, "wait": 60}
        bar = api.get("/bars", params=asked).json()["rows"][0]
        values = api.get("/indicators", params={**asked, "indicators": "MA(5,10,20,60),MACD"}).json()["rows"][0]
    expect(page.locator("[data-stroke=hist] b")).not_to_have_text("—", timeout=LIVE_MS)

    page.locator("#chart").focus()
    page.keyboard.press("End")
    if (
        page.locator("#chart-bar > b").text_content()
        != f"{datetime.fromtimestamp(bar['time'] / 1000, SHANGHAI):%Y-%m-%d}"
    ):
        page.keyboard.press("ArrowLeft")  # past the day that is not over

    shown = page.locator("#chart-bar > span > b").all_text_contents()[:4]
    assert shown == [f"{bar[name]:.2f}" for name in ("open", "high", "low", "close")]
    assert page.locator("#chart-values b").all_text_contents() == [
        *(f"{values[f'ma{length}']:.2f}" for length in (5, 10, 20, 60)),
        *(f"{values[name]:.3f}" for name in ("macd_dif", "macd_dea", "macd_hist")),
    ]
    expect(page.locator("#chart-spoken")).to_contain_text(shown[3])


def test_order_by_keyboard_alone_from_the_search_to_its_cancel(stack: Stack, visit: Visit) -> None:
    page = visit("alice").page
    with stack.api("alice") as api:
        low = str(api.get("/instruments/601318.SH").json()["limit_down"])
    expect(page.locator("#ladder button").first).to_be_visible(timeout=LIVE_MS)

    page.locator("#ticket-symbol").focus()
    page.keyboard.type("601318")
    expect(page.locator("#ticket-options li", has_text="601318.SH")).to_be_visible(timeout=LIVE_MS)
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-limits button")).to_have_count(2, timeout=LIVE_MS)
    page.locator("#ticket-limits button").first.press("Enter")
    page.locator("#ticket-quantity").press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#confirm-send")).to_be_focused(timeout=LIVE_MS)
    page.keyboard.press("Enter")
    row = page.locator("#orders tbody tr", has_text="601318.SH").first
    expect(row.locator("[data-status=REPORTED]")).to_be_visible(timeout=LIVE_MS)
    assert page.evaluate("document.activeElement.id") == "ticket-quantity"

    row.locator("[data-act=cancel]").press("Enter")

    expect(row.locator("[data-status=CANCELLED]")).to_be_visible(timeout=LIVE_MS)
    expect(row).to_contain_text(f"{Decimal(low):.2f}")
    expect(row).to_contain_text("0 / 200")
    expect(row.locator("[data-act=detail]")).to_be_focused()


def test_sellable_shares_of_a_position_fill_the_sell_ticket(stack: Stack, visit: Visit) -> None:
    with stack.api("alice") as api:
        account = _account(api)
        price = Decimal(_marketable(api, "518880.SH")).quantize(Decimal("0.001"), ROUND_DOWN)
        # A gold fund may be sold on the day it was bought.
        wish = {"account": account, "symbol": "518880.SH", "side": "BUY", "quantity": 300, "price": str(price)}
        assert api.post("/orders", json=wish).status_code == 201
        page = visit("alice").page
        row = page.locator("#orders tbody tr", has_text="518880.SH").first
        expect(row.locator("[data-status=FILLED]")).to_be_visible(timeout=LIVE_MS)
        held = api.get("/positions", params={"account": account, "symbol": "518880.SH"}).json()["results"][0]
    button = page.locator("#positions tr", has_text="518880.SH").locator("[data-act=sell]")
    expect(button).to_have_text(f"{held['sellable']:,}", timeout=LIVE_MS)

    button.click()

    expect(page.locator("#ticket-symbol")).to_have_value("518880.SH")
    expect(page.locator("#ticket-quantity")).to_have_value(str(held["sellable"]), timeout=LIVE_MS)
    expect(page.locator("input[name=side][value=SELL]")).to_be_checked()
    expect(page.locator("#confirm-dialog")).to_be_hidden()


def test_ticket_keeps_to_the_instrument_it_names_when_facts_come_late(visit: Visit) -> None:
    page = visit("alice").page
    expect(page.locator("#ladder button").first).to_be_visible(timeout=LIVE_MS)
    first = page.locator("#ticket-symbol").input_value()
    limits = page.locator("#ticket-limits").text_content()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/api/v1/instruments/002594\.SZ"), hold)

    page.locator("#ticket-symbol").fill("002594")
    page.locator("#ticket-options li", has_text="002594.SZ").click(timeout=LIVE_MS)
    expect(page.locator("#ticket-limits button")).to_have_count(0)
    page.locator("#ticket-symbol").fill(first.partition(".")[0])
    page.locator("#ticket-options li", has_text=first).click(timeout=LIVE_MS)
    expect(page.locator("#ticket-limits")).to_have_text(str(limits))
    with page.expect_response(re.compile(r"/api/v1/instruments/002594\.SZ")):
        held[0].continue_()

    page.locator("#ticket-quantity").press("ArrowUp")
    with page.expect_request(re.compile("/api/v1/orders/check")) as asked:
        page.locator("#ticket-quantity").press("ArrowUp")
    assert json.loads(asked.value.post_data or "{}")["symbol"] == first
    expect(page.locator("#ticket-limits")).to_have_text(str(limits))


def test_what_is_not_known_yet_is_not_shown_as_nothing(visit: Visit) -> None:
    page = visit("alice").page
    page.route_web_socket(re.compile("/ws/v1"), lambda route: None)

    page.reload()

    expect(page.locator("#orders-view .skeleton")).to_be_visible()
    expect(page.locator("#orders")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#orders-empty")).to_be_hidden()
    expect(page.locator("#positions-empty")).to_be_hidden()


def test_list_that_cannot_be_read_says_why_and_is_asked_for_again(visit: Visit) -> None:
    alice = visit("alice", "/preferences/")
    page = alice.page
    page.route(re.compile("/api/v1/executions"), lambda route: route.abort())

    page.goto(page.url.replace("/preferences/", "/executions/"))

    failed = page.locator(".panel-state")
    expect(failed).to_contain_text("NETWORK", timeout=LIVE_MS)
    expect(page.locator("#executions-empty")).to_be_hidden()
    page.unroute_all()
    failed.locator("button").press("Enter")
    expect(failed).to_have_count(0, timeout=LIVE_MS)
    alice.problems.clear()  # the refused requests


def test_phone_shows_the_whole_of_an_order_and_its_cancel(stack: Stack, visit: Visit) -> None:
    with stack.api("alice") as api:
        low = api.get("/instruments/600900.SH").json()["limit_down"]
        wish = {"account": _account(api), "symbol": "600900.SH", "side": "BUY", "quantity": 100, "price": low}
        order = api.post("/orders", json=wish).json()["id"]
    page = visit("alice").page
    page.set_viewport_size({"width": 390, "height": 844})
    cancel = page.locator(f"#orders tr[data-key='{order}'] [data-act=cancel]")

    cancel.scroll_into_view_if_needed(timeout=LIVE_MS)

    expect(cancel).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = "nodes => nodes.filter(n => n.offsetParent && n.getBoundingClientRect().height < 24).map(n => n.outerHTML)"
    assert page.locator("#ticket button, #orders .button, .segmented button").evaluate_all(small) == []
    cancel.click()
    expect(page.locator(f"#orders tr[data-key='{order}'] [data-status=CANCELLED]")).to_be_visible(timeout=LIVE_MS)


def test_orders_that_end_together_are_one_announcement(visit: Visit) -> None:
    page = visit("alice").page
    before = page.locator("#toasts .toast").count()

    page.evaluate(
        """async () => {
          const script = document.querySelector("script[type=module]").src;
          const { Announcements } = await import(new URL("../desk/announcements.js", script));
          const told = new Announcements();
          const order = (id) => ({ id, symbol: "600519.SH", side: "BUY", status: id < 9 ? "FILLED" : "REJECTED", message: "" });
          for (let id = 0; id < 12; id += 1) told.hear({ status: "REPORTED" }, order(id));
        }"""
    )

    expect(page.locator("#toasts .toast", has_text="12")).to_have_count(1)
    expect(page.locator("#toasts .toast")).to_have_count(before + 1)
