"""Alerts, audit and configuration in browsers: what arrives live, for whom, and that the pages are sound."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visitor
from tests.e2e.platform_stack import Stack

pytestmark = pytest.mark.e2e
Visit = Callable[..., Visitor]
LIVE_MS = 10_000
RAISE = """
from accounts.models import BrokerAccount
from ops.alerts import AlertKind, Severity, alert_raise
account = BrokerAccount.objects.get(account_no="8000000001")
alert_raise(AlertKind.ORDER_UNKNOWN, Severity.CRITICAL, "BUY 100 600519.SH: <b>no answer</b>",
            {"symbol": "600519.SH"}, dedup_key="e2e", account_id=account.pk)
"""


def test_alert_rings_live_for_those_who_see_the_account_and_is_acknowledged_for_all(stack: Stack, visit: Visit) -> None:
    alice, bob, charlie = visit("alice", "/alerts/"), visit("bob", "/alerts/"), visit("charlie", "/alerts/")
    for person in (alice, bob, charlie):
        expect(person.page.locator("#alerts-empty")).to_be_visible(timeout=LIVE_MS)

    stack.manage("shell", "-c", RAISE)

    for person in (alice, bob):
        expect(person.page.locator("#alert-count")).to_have_text("1", timeout=LIVE_MS)
        # Text is text, whatever stands in it.
        expect(person.page.locator(".alert-title")).to_have_text("BUY 100 600519.SH: <b>no answer</b>")
    expect(bob.page.locator(".alert-end button")).to_have_count(0)
    alice.page.locator(".alert-end button").click()
    for person in (alice, bob):
        expect(person.page.locator("#alert-count")).to_be_hidden(timeout=LIVE_MS)
    expect(charlie.page.locator("#alert-count")).to_be_hidden()
    expect(charlie.page.locator(".alert")).to_have_count(0)


def test_channel_to_a_private_address_shows_why_its_test_failed(visit: Visit) -> None:
    page = visit("alice", "/alerts/settings/").page
    page.locator("#channel-kind").select_option("WECOM")
    page.locator("#channel-form [name=name]").fill("group")
    page.locator("#channel-address").fill("https://127.0.0.1:1/cgi-bin/webhook/send?key=very-secret")
    page.locator("#channel-form [type=submit]").click()
    expect(page.locator("#channels code")).to_have_text("https://127.0.0.1:1/…", timeout=LIVE_MS)

    page.locator("#channels .row-actions button").first.click()

    log = page.locator("#deliveries tbody")
    expect(log.locator(".delivery-failed")).to_be_visible(timeout=LIVE_MS)
    expect(log).to_contain_text("private network")
    assert "very-secret" not in page.content()


def test_audit_page_proves_the_trail_and_follows_one_object(visit: Visit) -> None:
    page = visit("admin", "/audit/").page
    page.locator("#verify").click()
    expect(page.locator("#verification")).to_have_class("notice notice-good", timeout=LIVE_MS)

    page.locator("#audit-form [name=action]").fill("account.added")
    page.locator("#audit-form [type=submit]").click()
    expect(page.locator("#audit tbody tr")).to_have_count(2, timeout=LIVE_MS)
    page.locator("#audit tbody tr").first.locator(".row-link").first.click()
    expect(page.locator("#audit .diff")).to_be_visible()
    page.locator("#audit tbody code").nth(1).click()
    expect(page.locator("#audit-form [name=target]")).to_have_value("account:2")


@pytest.mark.parametrize("path", ["/alerts/", "/alerts/settings/", "/audit/", "/configuration/"])
def test_page_has_no_accessibility_violation(visit: Visit, path: str) -> None:
    admin = visit("admin", path)
    admin.page.wait_for_timeout(1000)
    if path == "/audit/":
        admin.page.locator("#audit .row-link").first.click()
    assert violations(admin.page) == []
