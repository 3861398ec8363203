"""Which seeds are played, and the line each scenario leaves for `tests.faults.run`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def chosen(variable: str, default: str) -> list[int]:
    """The seeds that `variable` names: "7", "1-36", or several of those with commas."""
    seeds: list[int] = []
    for part in os.environ.get(variable, default).split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def write_line(
    seed: int, scenario: str, end: str, wrong: Mapping[str, Sequence[str]], problems: Sequence[str] = ()
) -> None:
    """Append a scenario's result to the file that `FAULT_REPORT` names, if any.

    Parameters
    ----------
    end
        The end it came to, by name.
    wrong
        What is wrong with the books, by kind.
    problems
        What else is not as the scenario says.
    """
    path = os.environ.get("FAULT_REPORT")
    if not path:
        return
    passed = not problems and not any(wrong.values())
    line = {"seed": seed, "scenario": scenario, "end": end, "wrong": wrong, "problems": problems, "passed": passed}
    with Path(path).open("a", encoding="utf-8") as report:
        report.write(json.dumps(line, ensure_ascii=False) + "\n")
