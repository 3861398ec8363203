"""The dashboard in a browser: until it is seen, until it can be used, and while 300 positions move.

    PYTHONPATH=platform:. python -m benchmarks.portal.dashboard                 # one minute of moving prices
    PYTHONPATH=platform:. python -m benchmarks.portal.dashboard --minutes 10    # the proof that memory stays

A platform of its own serves the page and its facts; the account's positions and prices come from `benchmarks.portal.feed`.
"Usable" is when every position has its row with a price and the ticket its quote. The first load is cold (an empty cache);
sizes are those of the answers as gzip packs them, which is what the proxy of an installation sends. "Busy" is the share of
the page's main thread that tasks took, as Chromium counts it.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Response, sync_playwright

from benchmarks.portal.feed import INSTRUMENTS, REDIRECT, Feed
from tests.e2e.platform_stack import Stack, launch_browser, log_in, make_stack

LOADS = 5
LOADED_POSITIONS = 200
MOVING_POSITIONS = 300
RATE = 5.0
SETTLE_MS = 10_000
GOALS = {"paint": 600.0, "usable": 1200.0, "kilobytes": 350.0, "frames": 50.0, "busy": 30.0}
USABLE = """count => {
  const rows = document.querySelectorAll("#positions tbody tr");
  const priced = [...rows].every((row) => row.querySelector(".col-last").textContent !== "—");
  return rows.length === count && priced && document.querySelector("#ladder button") !== null && performance.now();
}"""
PAINT = '() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime'
COUNT_FRAMES = """() => {
  window.frames_seen = 0;
  const count = () => { window.frames_seen += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


@dataclass(frozen=True)
class Load:
    """One cold load: milliseconds from the navigation on, kB as gzip packs them."""

    paint: float
    usable: float
    kilobytes: float


def _visitor(browser: Browser, stack: Stack, feed: Feed) -> BrowserContext:
    # The policy would forbid the page to speak to the feed.
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, bypass_csp=True)
    page = context.new_page()
    log_in(page, stack, "alice", "/preferences/")
    page.close()
    context.add_init_script(REDIRECT % feed.port)
    return context


def load(browser: Browser, stack: Stack, feed: Feed) -> Load:
    """Open the dashboard with an empty cache."""
    context = _visitor(browser, stack, feed)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.clearBrowserCache")
    answers: list[Response] = []

    def answered(answer: Response) -> None:
        answers.append(answer)

    page.on("response", answered)
    page.goto(stack.url + "/")
    usable = page.wait_for_function(USABLE, arg=len(feed.symbols), polling=20).json_value()
    paint = page.evaluate(PAINT)
    page.wait_for_load_state("networkidle")
    size = sum(len(gzip.compress(answer.body(), 6)) for answer in answers if answer.status == 200)
    context.close()
    return Load(float(paint), float(usable), size / 1000)


def _figures(session: CDPSession) -> dict[str, float]:
    answer: dict[str, Any] = session.send("Performance.getMetrics")
    return {row["name"]: float(row["value"]) for row in answer["metrics"]}


def _kept(session: CDPSession) -> tuple[float, float]:
    """MB of the heap and nodes of the document after everything that can go is gone."""
    session.send("HeapProfiler.collectGarbage")
    figures = _figures(session)
    return figures["JSHeapUsedSize"] / 1e6, figures["Nodes"]


def watch(page: Page, session: CDPSession, minutes: float) -> dict[str, float]:
    """What moving prices cost, and whether anything stays behind."""
    session.send("Performance.enable")
    page.wait_for_timeout(SETTLE_MS)
    heap, nodes = _kept(session)
    page.evaluate(COUNT_FRAMES)
    before = _figures(session)
    page.wait_for_timeout(minutes * 60_000)
    after = _figures(session)
    elapsed = after["Timestamp"] - before["Timestamp"]
    frames = float(page.evaluate("() => window.frames_seen")) / elapsed
    heap_after, nodes_after = _kept(session)
    busy = 100 * (after["TaskDuration"] - before["TaskDuration"]) / elapsed
    return {
        "frames": frames,
        "busy": busy,
        "heap": heap,
        "heap_after": heap_after,
        "nodes": nodes,
        "nodes_after": nodes_after,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-dashboard-") as state, sync_playwright() as playwright:
        stack = make_stack(Path(state))
        stack.start()
        still, moving = Feed(LOADED_POSITIONS, 0), Feed(MOVING_POSITIONS, RATE)
        try:
            stack.manage("shell", "-c", INSTRUMENTS.format(count=MOVING_POSITIONS))
            browser = launch_browser(playwright)
            loads = [load(browser, stack, still) for _load in range(LOADS)]
            context = _visitor(browser, stack, moving)
            page = context.new_page()
            page.goto(stack.url + "/")
            page.wait_for_function(USABLE, arg=MOVING_POSITIONS, polling=20)
            seen = watch(page, context.new_cdp_session(page), options.minutes)
            browser.close()
        finally:
            still.stop()
            moving.stop()
            stack.stop()
    paint, usable = (statistics.median(getattr(one, name) for one in loads) for name in ("paint", "usable"))
    print(
        f"first contentful paint: {paint:.0f} ms, worst {max(one.paint for one in loads):.0f} (goal {GOALS['paint']:.0f})"
    )
    print(
        f"usable with {LOADED_POSITIONS} positions: {usable:.0f} ms, worst {max(one.usable for one in loads):.0f}"
        f" (goal {GOALS['usable']:.0f})"
    )
    print(f"answers, compressed: {loads[-1].kilobytes:.0f} kB (goal {GOALS['kilobytes']:.0f})")
    print(
        f"{MOVING_POSITIONS} positions {RATE:.0f} times a second: {seen['frames']:.0f} frames/s (goal {GOALS['frames']:.0f}),"
        f" main thread {seen['busy']:.0f}% busy (goal {GOALS['busy']:.0f})"
    )
    print(
        f"kept after {options.minutes:g} min: {seen['heap']:.1f} -> {seen['heap_after']:.1f} MB,"
        f" {seen['nodes']:.0f} -> {seen['nodes_after']:.0f} nodes"
    )


if __name__ == "__main__":
    main()
