"""The coverage heat map of a whole market in a browser: until it is seen, and while it is scrolled.

    python -m benchmarks.portal.heatmap [--instruments 5000] [--months 60]

A platform of its own serves the page; the answer of `coverage/months` is a generated one of the size asked, so that
the figures are the browser's: parsing it, the first picture, and the frames of scrolling from end to end. What the
server takes for a real answer of that size is measured by `benchmarks.marketdata.gapscan`.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.e2e.platform_stack import launch_browser, log_in, make_stack

RUNS = 5
SCROLL = """async () => {
  const grid = document.getElementById("heat");
  const steps = 120, times = [];
  for (let step = 1; step <= steps; step += 1) {
    const before = performance.now();
    grid.scrollTop = ((grid.scrollHeight - grid.clientHeight) * step) / steps;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return [times[steps / 2], times[Math.floor(steps * 0.95)], grid.querySelectorAll(".heat-row").length];
}"""


def answer(instruments: int, months: int) -> str:
    """A market of which most is complete."""
    chance = random.Random(1)
    ratios = [
        [chance.choice((100, 100, 100, 100, 95, 50, 0, -1)) for _month in range(months)] for _row in range(instruments)
    ]
    return json.dumps(
        {
            "period": "1d",
            "months": [f"{2022 + month // 12}-{month % 12 + 1:02d}" for month in range(months)],
            "symbols": [f"{600000 + row}.SH" for row in range(instruments)],
            "names": [f"Instrument {row}" for row in range(instruments)],
            "ratios": ratios,
        }
    )


def measure(page: Page, address: str) -> float:
    """Milliseconds from the answer's arrival to the rows' first frame."""
    page.goto(address)
    page.wait_for_selector(".heat-row")
    script = """() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
      const [entry] = performance.getEntriesByType("resource").filter((one) => one.name.includes("coverage/months"));
      done(performance.now() - entry.responseStart);
    })))"""
    return float(page.evaluate(script))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instruments", type=int, default=5000)
    parser.add_argument("--months", type=int, default=60)
    options = parser.parse_args()
    body = answer(options.instruments, options.months)
    with tempfile.TemporaryDirectory(prefix="desk-heatmap-") as state, sync_playwright() as playwright:
        stack = make_stack(Path(state))
        stack.start()
        try:
            browser = launch_browser(playwright)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.route("**/coverage/months*", lambda route: route.fulfill(body=body, content_type="application/json"))
            log_in(page, stack, "alice")
            shown = sorted(measure(page, f"{stack.url}/data/coverage/") for _run in range(RUNS))
            median, high, rows = page.evaluate(SCROLL)
            browser.close()
        finally:
            stack.stop()
    print(f"{options.instruments} instruments x {options.months} months, answer {len(body) / 1e6:.1f} MB")
    print(f"answer to picture: {shown[RUNS // 2]:.0f} ms (median of {RUNS}, worst {shown[-1]:.0f})")
    print(f"scrolling end to end: {median:.1f} ms a frame, 95% below {high:.1f}; {rows} rows exist")


if __name__ == "__main__":
    main()
