"""How often one terminal is asked."""

from __future__ import annotations

import pytest

from desk.settings.marketdata_schema import RepairConfig
from marketdata.services.pace import Pace


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def pace_of(clock: Clock, **changes: float) -> Pace:
    config = RepairConfig.model_validate({"pause_seconds": 0, "calls_per_minute": 60, **changes})
    return Pace(lambda: config, sleep=clock.sleep, now=lambda: clock.now)


def test_a_minutes_worth_of_calls_waits_for_nothing_and_the_next_one_for_its_share() -> None:
    clock = Clock()
    pace = pace_of(clock, calls_per_minute=60)

    waits = [pace.wait() for _call in range(62)]

    assert waits[:60] == [0.0] * 60
    assert waits[60:] == pytest.approx([1.0, 1.0])


def test_rest_between_calls_is_kept() -> None:
    clock = Clock()
    pace = pace_of(clock, pause_seconds=3)

    assert pace.wait() == 0.0
    clock.now += 1
    assert pace.wait() == pytest.approx(2.0)


def test_complaints_in_a_row_double_the_rest_up_to_eight_times() -> None:
    clock = Clock()
    pace = pace_of(clock, throttled_pause_seconds=10)

    rests = [pace.complained() for _time in range(5)]

    assert rests == [10, 20, 40, 80, 80]
    assert (pace.complaints, pace.resting_seconds()) == (5, 80)
    clock.now += 81
    assert pace.resting_seconds() == 0.0


def test_answer_ends_the_row_of_complaints() -> None:
    pace = pace_of(Clock(), throttled_pause_seconds=10)
    pace.complained()
    pace.answered()
    assert (pace.complaints, pace.complained()) == (0, 10)
