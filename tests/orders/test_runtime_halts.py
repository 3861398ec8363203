"""Crash points exist in tests only."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading.orders.runtime import crashpoints


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    monkeypatch.setattr("trading.orders.runtime.crashpoints.os.kill", lambda pid, number: seen.append(number))
    crashpoints.arm({}, env="test")
    return seen


def test_crash_point_outside_of_a_test_installation_stays_unarmed(kills: list[int]) -> None:
    assert crashpoints.arm({"DESK_CRASH_POINT": "after-claim"}, env="production") == ""
    crashpoints.reach(crashpoints.AFTER_CLAIM)
    assert kills == []


def test_crash_point_fires_once_while_its_file_exists(kills: list[int], tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    armed.touch()
    crashpoints.arm({"DESK_CRASH_POINT": "after-claim", "DESK_CRASH_FILE": str(armed)}, env="test")
    try:
        crashpoints.reach(crashpoints.AFTER_SUBMIT)
        crashpoints.reach(crashpoints.AFTER_CLAIM)
        crashpoints.reach(crashpoints.AFTER_CLAIM)
    finally:
        crashpoints.arm({}, env="test")
    assert kills == [9]


def test_crash_point_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="known points are after-cancel, after-cancel-claim, after-claim"):
        crashpoints.arm({"DESK_CRASH_POINT": "somewhere"}, env="test")
    assert crashpoints.arm({}, env="test") == ""
