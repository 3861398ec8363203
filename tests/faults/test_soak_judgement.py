"""What the soak calls flat, what it calls an error, and when it says that all is well."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from benchmarks.operate.soak.judge import budget, course, logged
from benchmarks.operate.soak.watch import Sample

WARM_UP = 60.0


def samples(memory: Callable[[float], float], *, pid: Callable[[float], int] = lambda _at: 1) -> list[Sample]:
    """Five minutes of one process, a sample every two seconds."""
    return [Sample(float(at), "web", memory(at), memory(at), 10 + at // 100, 4, (pid(at),)) for at in range(0, 300, 2)]


def test_memory_that_only_grows_while_warming_up_is_flat() -> None:
    found = course(samples(lambda at: 100.0 + min(at, WARM_UP)), WARM_UP)
    assert found is not None
    assert (found.first_mb, found.last_mb, found.flat) == (160.0, 160.0, True)
    assert found.slope_mb_per_hour == pytest.approx(0.0, abs=1e-6)


def test_memory_that_grows_by_more_than_five_percent_is_not_flat() -> None:
    found = course(samples(lambda at: 100.0 + at / 10), WARM_UP)
    assert found is not None
    # Medians of 40 samples each: 60 to 138 s and 220 to 298 s.
    assert found.first_mb == pytest.approx(109.9)
    assert found.last_mb == pytest.approx(125.9)
    assert found.slope_mb_per_hour == pytest.approx(360.0)
    assert not found.flat


def test_memory_within_five_percent_or_given_back_is_flat() -> None:
    for memory in (lambda at: 100.0 + at / 60, lambda at: 200.0 - at / 10):
        found = course(samples(memory), WARM_UP)
        assert found is not None
        assert found.flat


def test_a_process_that_was_started_again_is_not_flat() -> None:
    found = course(samples(lambda _at: 100.0, pid=lambda at: 1 if at < 200 else 2), WARM_UP)
    assert found is not None
    assert found.restarted
    assert not found.flat


def test_a_process_that_was_hardly_seen_is_not_judged() -> None:
    assert course(samples(lambda _at: 100.0)[:5], 0.0) is None


def test_errors_tracebacks_and_exceptions_are_found_and_warnings_counted() -> None:
    lines = [
        json.dumps({"level": "INFO", "process": "web", "logger": "a", "message": "well"}),
        json.dumps({"level": "WARNING", "process": "worker.trade@sim", "logger": "b", "message": "hm"}),
        json.dumps({"level": "WARNING", "process": "worker.trade@sim", "logger": "b", "message": "hm"}),
        json.dumps({"level": "ERROR", "process": "web", "logger": "c", "message": "oh"}),
        json.dumps({"level": "WARNING", "logger": "d", "message": "oh", "exception": "Traceback…\nValueError: 7"}),
        "Fatal Python error: Segmentation fault",
        "some library says hello",
    ]
    found = logged(lines)
    assert found.errors == [
        "web: c: oh",
        "None: d: oh ValueError: 7",
        "None: None: Fatal Python error: Segmentation fault",
    ]
    assert dict(found.warnings) == {"worker.trade: b: hm": 2}
    assert found.lines == 7


def test_a_budget_is_kept_up_to_its_figure_and_missed_above_it() -> None:
    found = [float(value) for value in range(101)]
    kept, missed = budget("a", found, p50=50.0, p99=99.0), budget("a", found, p50=49.9)
    assert kept is not None
    assert missed is not None
    assert (kept.kept, missed.kept) == (True, False)
    assert str(missed) == "a p50 50.0, p99 99.0 ms of 101 (goal p50 ≤ 49.9: missed)"
    assert budget("a", []) is None
