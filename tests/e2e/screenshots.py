"""Pictures of every screen: `make screenshots`.

    python -m tests.e2e.screenshots [--folder FOLDER] [--only dashboard instrument]

Starts a platform of its own, trades a little and fills it (`picture_content`) so that there is something to see, and takes
each page in both themes and both languages; those that people watch on the way, on a phone too. They are for looking at;
`docs_pictures` takes the few that stand in the documents.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from desk.settings.schema import ROOT
from tests.e2e.picture_content import fill
from tests.e2e.platform_stack import Stack, launch_browser, log_in, make_stack

#: Whose page, and where it is.
PAGES = {
    "alice": {
        "dashboard": "/",
        "executions": "/executions/",
        "new-issues": "/executions/new-issues/",
        "instruments": "/instruments/",
        "instrument": "/instruments/600519.SH/",
        "sectors": "/sectors/#index=000300.SH",
        "data": "/data/",
        "data-coverage": "/data/coverage/",
        "data-status": "/data/status/",
        "exits": "/strategies/exits/",
        "strategies": "/strategies/",
        "backtests": "/strategies/backtests/",
        "approvals": "/approvals/",
        "risk": "/risk/",
        "statements": "/statements/",
        "alerts": "/alerts/",
        "alert-settings": "/alerts/settings/",
        "api": "/developer/",
        "webhooks": "/developer/webhooks/",
        "preferences": "/preferences/",
        "security": "/security/",
        "unknown-instrument": "/instruments/NOPE.SH/",
        "forbidden": "/audit/",
        "not-found": "/nothing/",
    },
    "admin": {
        "limits": "/risk/",
        "approval-rules": "/approvals/rules/",
        "people": "/people/",
        "transfers": "/transfers/",
        "person": "/people/2/",
        "teams": "/teams/",
        "accounts": "/accounts/",
        "data-files": "/data/files/",
        "data-integrity": "/data/integrity/",
        "audit": "/audit/",
        "configuration": "/configuration/",
        "system": "/system/",
    },
}
LIVE_PAGES = ("dashboard", "instrument", "instruments", "sectors", "risk", "limits", "statements", "data")
#: What people look at on the way.
WATCHED = ("login", "dashboard", "instrument", "alerts", "approvals", "risk", "exits", "statements")
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"desk": (1440, 1180), "phone": (390, 844)}
SETTLE_MS = 5000
SHORT_MS = 1500
CENT = Decimal("0.01")


def _quote(api: httpx.Client, symbol: str) -> dict[str, float]:
    deadline = time.monotonic() + 60
    while not (found := api.get("/quotes", params={"symbols": symbol}).json()["results"]):
        if time.monotonic() > deadline:
            raise SystemExit(f"no quote of {symbol}")
        time.sleep(0.3)
    quote: dict[str, float] = found[0]
    return quote


def trade(stack: Stack) -> None:
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


@contextmanager
def filled_desk() -> Iterator[tuple[Stack, Browser]]:
    """A platform of its own with something on every page, and a browser."""
    with tempfile.TemporaryDirectory(prefix="desk-pictures-") as state, sync_playwright() as playwright:
        stack = make_stack(Path(state))
        stack.start()
        try:
            trade(stack)
            fill(stack)
            browser = launch_browser(playwright)
            yield stack, browser
            browser.close()
        finally:
            stack.stop()


def picture(page: Page, stack: Stack, name: str, path: str, file: Path) -> None:
    """Open a page, let it settle, and store how it looks, whole."""
    page.goto(stack.url + path)
    page.wait_for_timeout(SETTLE_MS if name in LIVE_PAGES else SHORT_MS)
    page.screenshot(path=file, full_page=True)


def _take(browser: Browser, stack: Stack, folder: Path, only: Collection[str]) -> None:
    looks = itertools.product(THEMES, ("zh-hans", "en"), SIZES.items())
    for theme, language, (size, (width, height)) in looks:
        look = f"{size}-{theme}-{language}"
        wanted = {name for name in only if size != "phone" or name in WATCHED}
        for user, pages in PAGES.items():
            if not wanted.intersection({*pages, "login"}):
                continue
            viewport = ViewportSize(width=width, height=height)
            context = browser.new_context(viewport=viewport, color_scheme=theme, locale=language)
            page = context.new_page()
            if user == "alice" and "login" in wanted:
                picture(page, stack, "login", "/login/", folder / f"login-{look}.png")
            log_in(page, stack, user)
            context.add_cookies([{"name": "django_language", "value": language, "url": stack.url}])
            for name, path in pages.items():
                if name in wanted:
                    picture(page, stack, name, path, folder / f"{name}-{look}.png")
            context.close()


def main() -> None:
    every = ["login", *itertools.chain.from_iterable(PAGES.values())]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "screenshots")
    parser.add_argument("--only", nargs="+", choices=every, default=every, metavar="PAGE")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    with filled_desk() as (stack, browser):
        _take(browser, stack, folder, options.only)
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main()
