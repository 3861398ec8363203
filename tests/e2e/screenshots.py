"""Pictures of every screen: `make screenshots`.

    python -m tests.e2e.screenshots [FOLDER]

Starts a platform of its own, trades a little so that there is something to see, and takes each page in
both themes, both languages and on a phone. They are for looking at; docs/images holds the best few.
"""

from __future__ import annotations

import sys
import tempfile
import time
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from desk.settings.schema import ROOT
from tests.e2e.platform_stack import Stack, launch_browser, log_in, make_stack

PAGES = {"login": "/login/", "dashboard": "/", "data": "/data/", "preferences": "/preferences/"}
SIZES = {"desk": (1440, 1180), "phone": (390, 844)}
SETTLE_MS = 5000
CENT = Decimal("0.01")


def _quote(api: httpx.Client, symbol: str) -> dict[str, float]:
    deadline = time.monotonic() + 60
    while not (found := api.get("/quotes", params={"symbols": symbol}).json()["results"]):
        if time.monotonic() > deadline:
            raise SystemExit(f"no quote of {symbol}")
        time.sleep(0.3)
    quote: dict[str, float] = found[0]
    return quote


def _trade(stack: Stack) -> None:
    """Some positions, a working order and a denial."""
    with stack.api("alice") as api:
        account = api.get("/accounts").json()["results"][0]["id"]

        def order(symbol: str, side: str, quantity: int, share: str) -> None:
            price = (Decimal(str(_quote(api, symbol)["last"])) * Decimal(share)).quantize(CENT, ROUND_DOWN)
            body = {"account": account, "symbol": symbol, "side": side, "quantity": quantity}
            api.post("/orders", json={**body, "price_type": "LIMIT", "price": str(price)})

        order("600519.SH", "BUY", 100, "1.015")
        order("300750.SZ", "BUY", 500, "1.015")
        order("601318.SH", "BUY", 3000, "1.015")
        order("688981.SH", "BUY", 201, "1.015")
        order("000001.SZ", "BUY", 2000, "0.95")
        order("600519.SH", "SELL", 100, "0.99")


def _take(browser: Browser, stack: Stack, folder: Path) -> None:
    for theme in ("light", "dark"):
        for language in ("zh-hans", "en"):
            for size, (width, height) in SIZES.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=theme, locale=language
                )
                page = context.new_page()
                for name, path in PAGES.items():
                    if name == "dashboard":
                        log_in(page, stack, "alice")
                        context.add_cookies([{"name": "django_language", "value": language, "url": stack.url}])
                    page.goto(stack.url + path)
                    page.wait_for_timeout(SETTLE_MS if name in ("dashboard", "data") else 500)
                    page.screenshot(path=folder / f"{name}-{size}-{theme}-{language}.png", full_page=True)
                context.close()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="desk-screenshots-") as state, sync_playwright() as playwright:
        stack = make_stack(Path(state))
        stack.start()
        try:
            _trade(stack)
            browser = launch_browser(playwright)
            _take(browser, stack, folder)
            browser.close()
        finally:
            stack.stop()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main()
