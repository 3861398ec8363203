"""`make faults`: every composed fault, and what they cost, said in one line each.

    python -m tests.faults.run                        everything
    python -m tests.faults.run --outages              only the outages of a whole platform
    python -m tests.faults.run --without-soak         without the five minutes of a whole platform at work
    python -m tests.faults.run --seed 137             one scenario in this process, its story printed
    python -m tests.faults.run --processes --seed 5   one with real processes

In-process scenarios run on two cores: the first half of the seeds on SQLite, the second on a PostgreSQL of their own; the outages
(the database away, processes killed and hung, a full disk) two at a time; the soak (`benchmarks.operate.soak`) comes last and alone.
Ends with 1 if any scenario failed, was not played, or left the books apart, or if an outage or the soak found anything.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = "tests/faults/test_scenarios.py"
STREAMS = "tests/faults/test_process_scenarios.py"
OUTAGES = "tests/faults/test_outages.py"
IN_PROCESS = range(1, 421)
WITH_PROCESSES = range(1, 65)
SOAK_MINUTES = 5
KINDS = ("lost", "doubled", "unauthorised", "unexplained")


@dataclass(frozen=True)
class Run:
    """One pytest process and the seeds it plays."""

    file: str
    variable: str
    seeds: Sequence[int]
    postgres: bool = False

    def start(self, report: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--disable-warnings", self.file]
        if self.postgres:
            command = [sys.executable, "-m", "tests.postgres", *command]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
        environment |= {"FAULT_REPORT": str(report), self.variable: ",".join(map(str, self.seeds))}
        return subprocess.Popen(command, cwd=ROOT, env=environment)


def play(title: str, runs: Sequence[Run], *, story: bool = False) -> bool:
    """Run them side by side and print the closing line; returns whether all is well."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="desk-faults-report-") as folder:
        reports = [Path(folder) / f"{number}.jsonl" for number in range(len(runs))]
        children = [run.start(report) for run, report in zip(runs, reports, strict=True)]
        codes = [child.wait() for child in children]
        lines = [
            json.loads(line) for report in reports if report.exists() for line in report.read_text("utf-8").splitlines()
        ]
    seconds = time.monotonic() - began
    wanted = sum(len(run.seeds) for run in runs)
    _print(title, lines, wanted, seconds, story=story)
    return not any(codes) and len(lines) == wanted and all(line["passed"] for line in lines)


def _print(title: str, lines: list[dict[str, Any]], wanted: int, seconds: float, *, story: bool) -> None:
    for line in sorted(lines, key=lambda line: line["seed"]):
        if story or not line["passed"]:
            print(f"{'passed' if line['passed'] else 'FAILED'}: {line['scenario']} → {line['end']}")
            for words in (*line["problems"], *itertools.chain(*line["wrong"].values())):
                print(f"    {words}")
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update({kind: len(found) for kind, found in line["wrong"].items()})
    passed = sum(line["passed"] for line in lines)
    found = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS)
    print(f"{title}: {wanted} scenarios, {passed} passed, {found}, {seconds:.0f} s", flush=True)


def _halves(seeds: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Ranges, not every second one: each kind of trouble comes up in turn, and must meet both databases."""
    middle = len(seeds) // 2
    return seeds[:middle], seeds[middle:]


def outages() -> bool:
    """Whole platforms through what takes minutes; pytest prints its own closing line. Returns whether all is well."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--disable-warnings", "-n", "2", OUTAGES]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
    well = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    print(f"outages: {'all survived' if well else 'NOT all survived'}, {time.monotonic() - began:.0f} s", flush=True)
    return well


def soak() -> bool:
    """A whole platform at work for some minutes; it prints its own lines. Returns whether all is well."""
    command = [sys.executable, "-m", "benchmarks.operate.soak", "--minutes", str(SOAK_MINUTES)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="play one scenario")
    parser.add_argument("--processes", action="store_true", help="with --seed: the one with real processes")
    parser.add_argument("--postgres", action="store_true", help="with --seed: on PostgreSQL")
    parser.add_argument("--outages", action="store_true", help="the outages only")
    parser.add_argument("--without-soak", action="store_true", help="the composed faults only")
    options = parser.parse_args()
    if options.seed is not None:
        file, variable = (STREAMS, "FAULT_PROCESS_SEEDS") if options.processes else (SCENARIOS, "FAULT_SEEDS")
        return 0 if play("one", [Run(file, variable, [options.seed], options.postgres)], story=True) else 1
    if options.outages:
        return 0 if outages() else 1
    halves = _halves(IN_PROCESS)
    well = play(
        "in process",
        [Run(SCENARIOS, "FAULT_SEEDS", halves[0]), Run(SCENARIOS, "FAULT_SEEDS", halves[1], postgres=True)],
    )
    halves = _halves(WITH_PROCESSES)
    well &= play("real processes", [Run(STREAMS, "FAULT_PROCESS_SEEDS", half) for half in halves])
    well &= outages()
    if not options.without_soak:
        well &= soak()
    print("all faults survived" if well else "NOT all faults survived")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
