"""Fixtures of the browser tests: one running platform a module, people at browsers of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.e2e.platform_stack import Stack, launch_browser, log_in, make_stack
from tests.postgres import temporary_postgres


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running platform for the module; it and the browser end with it: both would disturb other tests.

    On SQLite; with `TESTS_STACK_POSTGRES` on a PostgreSQL of its own.
    """
    on_server = "TESTS_STACK_POSTGRES" in os.environ
    where: AbstractContextManager[dict[str, str]] = temporary_postgres() if on_server else nullcontext({})
    with where as databases:
        stack = make_stack(tmp_path_factory.mktemp("stack"), **databases)
        stack.start()
        yield stack
        stack.stop()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch_browser(playwright)
    yield browser
    browser.close()


@dataclass
class Visitor:
    """One person at a browser of their own, and what went wrong on their page."""

    page: Page
    context: BrowserContext
    problems: list[str]


@pytest.fixture
def visit(stack: Stack, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Log in somebody and open a page; scripts errors and refused requests fail the test."""
    contexts: list[Visitor] = []

    def visitor_of(user: str, path: str = "/", *, locale: str = "en-US") -> Visitor:
        context = browser.new_context(locale=locale, viewport={"width": 1440, "height": 1000})
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on(
            "console",
            lambda line: problems.append(f"console: {line.text}") if line.type == "error" else None,
        )
        log_in(page, stack, user, path)
        visitor = Visitor(page, context, problems)
        contexts.append(visitor)
        return visitor

    yield visitor_of
    for visitor in contexts:
        visitor.context.close()
    problems = [problem for visitor in contexts for problem in visitor.problems]
    assert problems == []
