"""How soon the platform is whole again after ``kill -9`` of any one of its processes, orders coming all the while.

`manage.py up` as a person runs it; each of its processes is killed in turn. Whole means: the process was replaced and has
reported (where it writes a heartbeat), readiness says ready, an order at REST is accepted, filled by the terminal, and
heard of on the live socket. Afterwards the books must be equal, and every confirmed order a row.

    PYTHONPATH=platform:. python -m benchmarks.operate.kills --times 3
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import time

from tests.faults.harness import until
from tests.faults.whole import Floor, floor
from tests.postgres import temporary_postgres

GOAL_SECONDS = 15.0
MOST_SECONDS = 240.0


def kill(found: Floor, name: str) -> float:
    """Kill one process; seconds until everything works again."""
    gone = found.stack.send(name, signal.SIGKILL)
    began = time.monotonic()

    def replaced() -> bool:
        now = found.stack.children().get(name)
        return now not in (None, gone)

    def reported() -> bool:
        pid = found.stack.children()[name]
        rows = found.clerk.ask("heartbeats")
        mine = [row for row in rows.values() if row[0] == pid]
        return bool(mine) or not any(row[0] == gone for row in rows.values())

    until(replaced, MOST_SECONDS, f"a new {name}")
    until(reported, MOST_SECONDS, f"the heartbeat of {name}")
    until(found.whole_again, MOST_SECONDS, f"an order after {name}")
    return time.monotonic() - began


def measure(kind: str, found: Floor, names: list[str], times: int) -> float:
    """Kill each process so often; prints a line each, returns the worst time."""
    worst = 0.0
    for name in names or sorted(found.stack.children()):
        seconds = []
        for _ in range(times):
            with found.trader.trading():
                time.sleep(2)
                seconds.append(kill(found, name))
        worst = max(worst, *seconds)
        print(
            f"{kind:<12}{name:<14}median {statistics.median(seconds):5.1f} s, worst {max(seconds):5.1f} s", flush=True
        )
    found.settle()
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="processes, as the supervisor names them")
    arguments = parser.parse_args()
    kinds = ("sqlite", "postgresql") if arguments.database == "both" else (arguments.database,)
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    worst = 0.0
    for kind in kinds:
        if kind == "sqlite":
            with floor() as found:
                worst = max(worst, measure(kind, found, arguments.only, arguments.times))
        else:
            with temporary_postgres(durable=True) as environment, floor(environment) as found:
                worst = max(worst, measure(kind, found, arguments.only, arguments.times))
    print(f"worst {worst:.1f} s, goal ≤ {GOAL_SECONDS:g} s; books equal, nothing confirmed is missing")


if __name__ == "__main__":
    main()
