"""What is flat, what was logged, what kept within its budget: pure functions over what was seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from benchmarks.operate.soak.watch import Sample

ALLOWED: Final = 0.05
"""The last third's median may lie so much above the first third's."""
SHORTEST: Final = 6
"""With fewer samples after the warm-up nothing is said."""
BROKEN: Final = ("ERROR", "CRITICAL")
_TRACES: Final = ("Traceback (most recent call last)", "Fatal Python error", "Segmentation fault")


@dataclass(frozen=True)
class Course:
    """How one process's memory went after the warm-up."""

    name: str
    first_mb: float
    last_mb: float
    slope_mb_per_hour: float
    spread_mb: float
    files: tuple[int, int]
    threads: tuple[int, int]
    restarted: bool

    @property
    def growth(self) -> float:
        """The share by which the last third's median lies above the first third's."""
        return self.last_mb / self.first_mb - 1

    @property
    def flat(self) -> bool:
        return self.growth <= ALLOWED and not self.restarted


def course(samples: Sequence[Sample], warm_up: float) -> Course | None:
    """Judge one name's samples; None when there are too few of them.

    Parameters
    ----------
    warm_up
        Seconds at the beginning that do not count.
    """
    warm = [sample for sample in samples if sample.at >= warm_up]
    if len(warm) < SHORTEST:
        return None
    third = len(warm) // 3
    at = np.array([sample.at for sample in warm])
    memory = np.array([sample.memory_mb for sample in warm])
    slope = float(np.polyfit(at, memory, 1)[0]) * 3600
    parts = warm[:third], warm[-third:]
    first_mb, last_mb = (median(sample.memory_mb for sample in part) for part in parts)
    files, threads = (
        [int(median(getattr(one, what) for one in part)) for part in parts] for what in ("files", "threads")
    )
    return Course(
        samples[0].name,
        first_mb,
        last_mb,
        slope,
        float(memory.max() - memory.min()),
        (files[0], files[1]),
        (threads[0], threads[1]),
        samples[0].pids[0] != samples[-1].pids[0],
    )


@dataclass(frozen=True)
class Logged:
    """What stood in the log of all processes."""

    errors: list[str]
    warnings: Counter[str]
    lines: int


def logged(lines: Iterable[str]) -> Logged:
    """Read a log of JSON lines; what is no JSON is an error where it looks like a traceback."""
    errors: list[str] = []
    warnings: Counter[str] = Counter()
    count = 0
    for line in lines:
        count += 1
        try:
            facts = json.loads(line)
        except ValueError:
            facts = {"level": "ERROR" if any(trace in line for trace in _TRACES) else "INFO", "message": line}
        message = str(facts.get("message", ""))
        if facts.get("level") in BROKEN or "exception" in facts or any(trace in message for trace in _TRACES):
            errors.append(f"{facts.get('process')}: {facts.get('logger')}: {_short(message, facts.get('exception'))}")
        elif facts.get("level") == "WARNING":
            warnings[f"{str(facts.get('process')).split('@')[0]}: {facts.get('logger')}: {message[:60]}"] += 1
    return Logged(errors, warnings, count)


def _short(message: str, exception: object) -> str:
    """A message and the last line of its traceback."""
    last = str(exception).strip().splitlines()[-1] if exception else ""
    return f"{message[:300]} {last}".strip()


@dataclass(frozen=True)
class Budget:
    """A figure in milliseconds beside what it may be."""

    what: str
    p50: float
    p99: float
    most_p50: float | None
    most_p99: float | None
    count: int

    @property
    def kept(self) -> bool:
        limits = ((self.p50, self.most_p50), (self.p99, self.most_p99))
        return all(limit is None or found <= limit for found, limit in limits)

    def __str__(self) -> str:
        goal = ", ".join(
            f"{name} ≤ {limit:g}"
            for name, limit in (("p50", self.most_p50), ("p99", self.most_p99))
            if limit is not None
        )
        measured = f"{self.what} p50 {self.p50:.1f}, p99 {self.p99:.1f} ms of {self.count}"
        return f"{measured} (goal {goal}{'' if self.kept else ': missed'})" if goal else measured


def budget(what: str, found: Sequence[float], *, p50: float | None = None, p99: float | None = None) -> Budget | None:
    """Percentiles beside their goals; None when nothing was measured."""
    if not found:
        return None
    middle, worst = (float(value) for value in np.percentile(found, (50, 99)))
    return Budget(what, middle, worst, p50, p99, len(found))
