"""Accessibility of a page as it stands, in both themes."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SETTLE_MS = 300
"""Colours may fade from one theme to the other."""


def violations(page: Page) -> list[tuple[str, str, list[Any]]]:
    """Theme, rule and places of every violation that axe finds."""
    found: list[tuple[str, str, list[Any]]] = []
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.wait_for_timeout(SETTLE_MS)
        rules = Axe().run(page).response["violations"]
        found += [(theme, rule["id"], [node["target"] for node in rule["nodes"]]) for rule in rules]
    return found
