"""Market data in browsers: jobs watched and steered, coverage by month, findings settled, and that the pages are sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visitor
from tests.e2e.platform_stack import Stack

pytestmark = pytest.mark.e2e
Visit = Callable[..., Visitor]
LIVE_MS = 20_000
PAGES = ("/data/", "/data/coverage/", "/data/files/", "/data/integrity/", "/data/status/")
ORDER = """async () => {
  const { results } = await (await fetch("/api/v1/instruments?kind=STOCK&limit=200")).json();
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const start = document.querySelector("#bars-form [name=start]").value;
  const body = JSON.stringify({ symbols: results.map((row) => row.symbol), period: "1m", start });
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  return (await fetch("/api/v1/sync", { method: "POST", headers, body })).status;
}"""
FINDING = """
from datetime import date
from django.utils import timezone
from marketdata.models import Instrument, IntegrityFinding
now = timezone.now()
for check, severity in (("OHLC_ORDER", "SEVERE"), ("OFF_TICK", "INFO")):
    IntegrityFinding.objects.create(
        instrument=Instrument.objects.get(symbol="600000.SH"), period="1d", bucket=2026, check_name=check,
        severity=severity, start_date=date(2026, 3, 2), end_date=date(2026, 3, 2), rows=1,
        facts={"high": "<b>10</b>"}, found_at=now, seen_at=now,
    )
"""


def _english(visitor: Visitor, path: str) -> Page:
    """The page in English, whatever language the person has chosen."""
    page = visitor.page
    base = page.url.split("/data/")[0]
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": base}])
    page.goto(base + path)
    return page


def _request(page: Page, symbols: str, period: str, start: str) -> None:
    expect(page.locator("#bars-form [name=end]")).not_to_have_value("", timeout=LIVE_MS)
    page.locator("#bars-form [name=symbols]").fill(symbols)
    page.locator("#bars-form [name=period]").select_option(period)
    page.locator("#bars-form [name=start]").fill(start)
    page.locator("#bars-form [type=submit]").click()


def test_job_is_watched_to_its_end_with_its_parts(visit: Visit) -> None:
    page = _english(visit("alice", "/data/"), "/data/")

    _request(page, "600036.SH, 601318.SH", "1d", "2026-01-05")

    row = page.locator("#jobs tbody tr", has_text="600036.SH, 601318.SH").first
    row.locator(".row-link").click()
    expect(page.locator("#job")).to_be_focused()
    expect(page.locator("#job-status")).to_have_attribute("data-status", "DONE", timeout=60_000)
    expect(page.locator("#items [data-status=DONE]")).to_have_count(2, timeout=LIVE_MS)
    expect(page.locator("#job-figures")).to_have_text(re.compile(r"^(\d+) / \1 · took .+ · \d+ bars stored$"))
    expect(page.locator("#job-acts button")).to_have_count(0)


def test_coverage_shows_gaps_by_keyboard_and_follows_their_download(visit: Visit) -> None:
    page = _english(visit("alice", "/data/coverage/"), "/data/coverage/")
    heat = page.locator("#heat")
    expect(heat).to_be_visible(timeout=LIVE_MS)
    page.locator("#heat-form [name=q]").fill("300760")
    expect(page.locator("#heat-count")).to_have_text(re.compile(r"^1 of"), timeout=LIVE_MS)

    heat.focus()
    page.keyboard.press("End")
    expect(page.locator("#heat-cell")).to_have_text(re.compile(r"^300760\.SZ .*: nothing stored$"))
    assert heat.get_attribute("aria-activedescendant") == "heat-active"
    page.keyboard.press("Enter")
    expect(page.locator("#cover")).to_be_focused()
    expect(page.locator("[data-cover=gaps] tbody tr")).to_have_count(1)
    page.locator("[data-cover=complete]").click()

    # The job's end redraws both, without a hand.
    expect(page.locator("#heat-cell")).not_to_have_text("")
    expect(page.locator("[data-cover=words]")).to_have_text(re.compile(r" 0 missing\.$"), timeout=60_000)
    expect(heat.locator("[data-level=full]").last).to_be_visible()


def test_finding_is_acknowledged_by_an_administrator_and_only_shown_to_a_trader(stack: Stack, visit: Visit) -> None:
    stack.manage("shell", "-c", FINDING)
    admin, alice = (_english(visit(name, "/data/integrity/"), "/data/integrity/") for name in ("admin", "alice"))
    for page in (admin, alice):
        expect(page.locator("#findings tbody tr")).to_have_count(2, timeout=LIVE_MS)
    expect(alice.locator("#findings .acts button")).to_have_count(0)

    row = admin.locator("#findings tbody tr", has_text="A price off the tick")
    expect(row.locator(".acts button")).to_have_count(1)  # no download puts it right
    row.locator(".acts button").click()
    admin.locator("#acknowledge [name=note]").fill("front-adjusted once")
    admin.locator("#acknowledge [type=submit]").click()

    expect(admin.locator("#findings tbody tr")).to_have_count(1, timeout=LIVE_MS)
    admin.locator("[data-state=ACKNOWLEDGED]").click()
    expect(admin.locator("#findings tbody tr")).to_contain_text("front-adjusted once", timeout=LIVE_MS)


def test_file_is_looked_at_stored_and_exported_again(visit: Visit) -> None:
    page = _english(visit("admin", "/data/files/"), "/data/files/")
    rows = [f"600887.SH,201803{day:02d},10,10.2,9.9,10.1,500" for day in (1, 2, 5)]
    text = "\n".join(["symbol,date,open,high,low,close,volume", *rows, "600887.SH,20180306,10,9,9.9,10.1,500", ""])
    page.locator("#import-form [name=file]").set_input_files(
        {"name": "bars.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.locator("#import-form [name=basis]").select_option("RAW")
    page.locator("#import-form [name=volume_unit]").select_option("shares")
    page.locator("#import-form [type=submit]").click()

    expect(page.locator("#preview-words")).to_contain_text("3 of 4 rows can be stored", timeout=LIVE_MS)
    expect(page.locator("#problems tbody tr")).to_contain_text("5high9Open or close outside of low and high")
    expect(page.locator("#confirm")).to_be_disabled()
    page.locator("#skip").check()
    page.locator("#confirm").click()
    expect(page.locator("#preview-words")).to_contain_text("3 bars were stored", timeout=60_000)
    expect(page.locator("#imports tbody tr")).to_have_count(1)

    page.locator("#export-form [name=symbols]").fill("600887.SH")
    page.locator("#export-form [name=end]").fill("2018-12-31")
    page.locator("#export-form [type=submit]").click()
    with page.expect_download(timeout=60_000) as download:
        page.locator("#exports .acts a").click(timeout=60_000)
    assert len(Path(download.value.path()).read_text(encoding="utf-8").splitlines()) == 4


def test_job_is_paused_resumed_cancelled_and_tried_again(visit: Visit) -> None:
    # Last of the jobs: its minutes complete the days of many instruments too.
    page = visit("alice", "/data/").page
    page.on("dialog", lambda dialog: dialog.accept())
    expect(page.locator("#jobs-loading")).to_be_hidden(timeout=LIVE_MS)
    expect(page.locator("#bars-form [name=start]")).not_to_have_value("", timeout=LIVE_MS)
    # Long enough to be met under way: a year of minutes of many instruments.
    assert page.evaluate(ORDER) == 202
    # The plan's own jobs may stand above it.
    pausable = page.locator("#jobs tbody tr:has([data-act=pause])").first
    pausable.evaluate("row => { row.dataset.ours = ''; }", timeout=LIVE_MS)
    row = page.locator("#jobs tbody tr[data-ours]")
    status = row.locator("[data-status]")

    row.locator("[data-act=pause]").click()
    expect(status).to_have_attribute("data-status", "PAUSED", timeout=LIVE_MS)
    row.locator("[data-act=resume]").click()
    expect(status).to_have_attribute("data-status", "RUNNING", timeout=LIVE_MS)
    row.locator("[data-act=cancel]").click()
    expect(status).to_have_attribute("data-status", "CANCELLED", timeout=LIVE_MS)
    row.locator("[data-act=retry]").click()

    expect(page.locator("#job-status")).to_have_attribute("data-status", re.compile("PENDING|RUNNING"), timeout=LIVE_MS)
    page.locator("#job-acts [data-act=cancel]").click()
    expect(page.locator("#job-status")).to_have_attribute("data-status", "CANCELLED", timeout=LIVE_MS)


@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_accessibility_violation(visit: Visit, path: str) -> None:
    page = visit("admin", path).page
    page.wait_for_timeout(1000)
    if path == "/data/coverage/":
        page.locator("#heat").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#cover")).to_be_focused(timeout=LIVE_MS)
    assert violations(page) == []
