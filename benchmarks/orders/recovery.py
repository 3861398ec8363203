"""How soon orders are taken and sent again after ``kill -9`` of the trade worker.

Real processes as in `latency`. The worker is killed and started again at once, as the supervisor does (its own
back-off not counted); an order is tried every 50 ms until one is accepted and reported by the terminal.

    PYTHONPATH=platform:. python -m benchmarks.orders.recovery --database sqlite --times 5
"""

from __future__ import annotations

import argparse
import os
import platform
import time

from benchmarks.orders.desk import SYMBOL, Desk, desk

GOAL_SECONDS = 10.0


def recover(found: Desk) -> tuple[float, float]:
    """Seconds from the kill to an accepted order, and to its report."""
    found.stack.stop("trade", kill=True)
    began = time.monotonic()
    found.stack.start_worker()
    while True:
        row = found.clerk.submit(
            symbol=SYMBOL, side="BUY", quantity=100, price_type="LIMIT", price=found.resting, account_no="8000000001"
        )
        # A session that the dead worker left READY takes orders for a moment: they wait, and lose their authority.
        if row["status"] != "DENIED":
            accepted = time.monotonic() - began
            ended = found.clerk.until_status(row["id"], "REPORTED", "EXPIRED", "NOT_FOUND", seconds=60)
            if ended["status"] == "REPORTED":
                return accepted, time.monotonic() - began
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    kinds = ("sqlite", "postgresql") if arguments.database == "both" else (arguments.database,)
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    worst = 0.0
    for kind in kinds:
        with desk(kind) as found:
            for number in range(arguments.times):
                accepted, reported = recover(found)
                worst = max(worst, accepted)
                print(
                    f"{kind:<12}kill {number + 1}: accepted after {accepted:5.1f} s, reported after {reported:5.1f} s",
                    flush=True,
                )
            if wrong := found.books():
                raise SystemExit(f"the books differ: {wrong[:5]}")
    print(f"worst {worst:.1f} s, goal ≤ {GOAL_SECONDS:g} s")


if __name__ == "__main__":
    main()
