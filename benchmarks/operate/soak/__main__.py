"""The soak: the whole platform with its people at work, for minutes or hours, and everything that should have stayed as it was.

    python -m benchmarks.operate.soak                          five minutes on SQLite
    python -m benchmarks.operate.soak --minutes 120            two hours
    python -m benchmarks.operate.soak --minutes 5 --postgres   on a durable PostgreSQL of its own

`manage.py up` runs with the simulated market at its usual pace. From another process people place orders over REST, gRPC and the
portal's session, repeat and cancel them, try what they may not, follow their accounts on sockets, ask for bars that have to be
downloaded first, read the books and have them compared; exit plans and grids trade by themselves. Afterwards everything is brought to
rest and held against each other: the terminal's book, the databases, REST, what each caller was told. Ends with 1 when an order was
lost, doubled, unauthorised or is unexplained, when a comparison found a difference, an error was logged, an answer was none
of those that are right, a process ended, or one's memory grew: the median of the run's last third more than 5% above the first
third's, the warm-up apart. A missed budget is said; it fails with --budgets only, because a busy machine misses them too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from benchmarks.operate.soak.desk import Platform, platform  # noqa: E402
from benchmarks.operate.soak.judge import Budget, Course, Logged, budget, course, logged  # noqa: E402
from benchmarks.operate.soak.load import RATES  # noqa: E402
from benchmarks.operate.soak.watch import Watch, watching  # noqa: E402
from benchmarks.stand import say, table  # noqa: E402

SEED = 20_261_120
WARM_UP_SHARE = 0.2
LEAST_WARM_UP_SECONDS = 60.0
SAMPLES = 150
LEAST_ACCOUNTS = 12
"""Each person has rights on three accounts that lie apart by seven and eleven."""
LEAST_SECONDS_BETWEEN = 2.0
MOST_MINUTES = 200
"""The simulated trading day then ends, and the terminal's book with it."""
SLACK_SECONDS = 900.0
SHOWN = 12
#: Milliseconds, as docs/benchmarks.md has them; the p99 is that of orders beside repairs and reconciliation.
P50 = {"sqlite": 12.0, "postgresql": 18.0}
BUSY_P99 = 120.0
FRAME_P50 = 25.0


def soak(found: Platform, cast: Any, minutes: float) -> tuple[dict[str, Any], Watch]:
    """Let the people work for so long; what they saw, and what was sampled meanwhile."""
    plan, result = found.folder / "plan.json", found.folder / "result.json"
    facts = {
        "base": f"http://127.0.0.1:{found.port}",
        "rpc_port": found.rpc_port,
        "seconds": minutes * 60,
        "seed": SEED,
        "cast": cast,
        "result": str(result),
    }
    plan.write_text(json.dumps(facts), "utf-8")
    say(f"{minutes:g} minutes of work: " + ", ".join(f"{rate:g} {name}/s" for name, rate in RATES.items()))
    command = [sys.executable, "-m", "benchmarks.operate.soak.load", str(plan)]
    every = max(LEAST_SECONDS_BETWEEN, minutes * 60 / SAMPLES)
    with watching(found, every) as watch:
        subprocess.run(command, env=found.environment, cwd=ROOT, check=True, timeout=minutes * 60 + SLACK_SECONDS)
    told: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return told, watch


def prove(found: Platform) -> dict[str, Any]:
    """Hold everything that is stored against everything else, the platform's own proof included."""
    say("the books")
    held: dict[str, Any] = found.module("books", str(found.folder / "result.json"), str(found.terminal_state()))
    say("manage.py verify")
    verified = found.manage("verify")
    held["verify"] = verified.stdout.splitlines() if verified.returncode else []
    return held


def budgets(told: dict[str, Any], held: dict[str, Any], database: str) -> list[Budget]:
    """What was measured beside its goals."""
    measured = (
        budget("accepted → SDK call", held["accept_to_call"], p50=P50[database], p99=BUSY_P99),
        budget("push → frame", held["push_to_frame"], p50=FRAME_P50),
        *(budget(f"order by {door}", told["took"].get(door, []), p99=BUSY_P99) for door in ("rest", "rpc", "portal")),
        budget("reads", told["took"].get("read", [])),
    )
    return [one for one in measured if one is not None]


def memory_table(courses: list[Course]) -> str:
    """One row per process."""
    return table(
        [
            {
                "process": one.name,
                "first third MB": f"{one.first_mb:.1f}",
                "last third MB": f"{one.last_mb:.1f}",
                "growth": f"{one.growth:+.1%}",
                "slope MB/h": f"{one.slope_mb_per_hour:+.1f}",
                "spread MB": f"{one.spread_mb:.1f}",
                "files": "{} → {}".format(*one.files),
                "threads": "{} → {}".format(*one.threads),
                "": "restarted" if one.restarted else "flat" if one.flat else "GREW",
            }
            for one in courses
        ]
    )


def sizes_table(watch: Watch) -> str:
    """First and last size of what grows with what is stored."""
    names = list(dict.fromkeys(what for _at, what, _size in watch.sizes))
    found = {name: [size for _at, what, size in watch.sizes if what == name] for name in names}
    return table(
        [{"size": name, "first MB": f"{of[0]:.1f}", "last MB": f"{of[-1]:.1f}", "most MB": f"{max(of):.1f}"}
         for name, of in found.items()]
    )  # fmt: skip


def show(told: dict[str, Any], held: dict[str, Any], log: Logged, courses: list[Course], watch: Watch) -> None:
    """Everything but the closing line."""
    print(memory_table(courses))
    print(sizes_table(watch))
    print("acts:", _counted(told["acts"]))
    print("refused as expected:", _counted(told["refused"]))
    print("orders:", _counted(held["orders"]), "· by:", _counted(held["sources"]))
    print("frames:", _counted(told["frames"]), "· sockets opened:", told["connections"])
    print("alerts:", _counted(held["alerts"]) or "none")
    print(f"log: {log.lines} lines; warnings:", _counted(dict(log.warnings.most_common(SHOWN))) or "none")
    findings = {
        **held["wrong"],
        "difference": held["differences"],
        "verify": held["verify"],
        "logged": log.errors,
        "wrong answer": told["faults"],
    }
    for kind, words in findings.items():
        for one in words[:SHOWN]:
            print(f"{kind}: {one}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(counts).most_common())


def closing(
    minutes: float,
    cast: Any,
    told: dict[str, Any],
    held: dict[str, Any],
    log: Logged,
    courses: list[Course],
    goals: list[Budget],
) -> tuple[str, bool]:
    """The run in one sentence, and whether nothing was wrong with it (budgets apart)."""
    counts = {kind: len(found) for kind, found in held["wrong"].items()}
    counts |= {
        "differences": len(held["differences"]),
        "findings of verify": len(held["verify"]),
        "errors logged": len(log.errors),
        "wrong answers": len(told["faults"]),
    }
    flat = sum(one.flat for one in courses)
    words = ", ".join(
        (
            f"soak: {minutes:g} min",
            f"{len(cast['people'])} people",
            f"{len(cast['accounts'])} accounts",
            f"{sum(held['orders'].values()):,} orders",
            f"{told['acts'].get('trespass tried', 0)} trespasses refused",
            *(f"{count} {name}" for name, count in counts.items()),
            f"{told['hindered']} asked again",
            f"memory flat in {flat} of {len(courses)} processes",
            *(f"{goal.what} p99 {goal.p99:.0f} ms{'' if goal.kept else ' (budget missed)'}" for goal in goals[:3]),
        )
    )
    return words, not any(counts.values()) and bool(courses) and flat == len(courses)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--postgres", action="store_true", help="databases on a durable PostgreSQL of its own")
    parser.add_argument("--budgets", action="store_true", help="a missed budget fails the run")
    parser.add_argument("--keep", type=Path, help="a folder for the samples and the log")
    given = parser.parse_args()
    if (
        given.accounts < LEAST_ACCOUNTS
        or given.users < given.accounts + LEAST_ACCOUNTS
        or not 0 < given.minutes <= MOST_MINUTES
    ):
        parser.error(
            f"at least {LEAST_ACCOUNTS} accounts, as many people and {LEAST_ACCOUNTS} more, at most {MOST_MINUTES} minutes"
        )
    with platform(users=given.users, accounts=given.accounts, on_postgres=given.postgres, keep=given.keep) as (
        found,
        cast,
    ):
        told, watch = soak(found, cast, given.minutes)
        held = prove(found)
        with found.log.open(encoding="utf-8", errors="replace") as lines:
            log = logged(lines)
    if given.keep is not None:
        watch.write(given.keep / "samples.csv")
    warm_up = max(LEAST_WARM_UP_SECONDS, given.minutes * 60 * WARM_UP_SHARE)
    courses = [one for name in watch.names if (one := course(watch.of(name), warm_up)) is not None]
    goals = budgets(told, held, "postgresql" if given.postgres else "sqlite")
    show(told, held, log, courses, watch)
    for goal in goals:
        print(goal)
    words, well = closing(given.minutes, cast, told, held, log, courses, goals)
    print(words, flush=True)
    return 0 if well and (not given.budgets or all(goal.kept for goal in goals)) else 1


if __name__ == "__main__":
    sys.exit(main())
