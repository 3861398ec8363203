"""Lanes: one account's hung call is its own trouble only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from trading.orders.runtime.lanes import Lanes, Stopping


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    made = Lanes()
    yield made
    made.stop(1.0)


def appending(seen: list[int], number: int) -> Callable[[], str]:
    def run() -> str:
        seen.append(number)
        return "ran"

    return run


def test_lane_job_returns_its_result(lanes: Lanes) -> None:
    assert lanes.get("send", 1).submit("a", lambda: "sent").result(2.0) == "sent"


def test_lane_jobs_of_one_account_run_in_order(lanes: Lanes) -> None:
    seen: list[int] = []
    futures = [lanes.get("send", 1).submit(n, appending(seen, n)) for n in range(20)]
    for future in futures:
        future.result(2.0)
    assert seen == list(range(20))


def test_lane_hung_call_does_not_hold_another_account(lanes: Lanes) -> None:
    release = threading.Event()
    lanes.get("send", 1).submit("hung", lambda: str(release.wait(10)))
    assert lanes.get("send", 2).submit("other", lambda: "sent").result(1.0) == "sent"
    assert lanes.get("cancel", 1).submit("cancel", lambda: "cancelled").result(1.0) == "cancelled"
    release.set()


def test_lane_same_key_while_waiting_runs_once(lanes: Lanes) -> None:
    release = threading.Event()
    runs: list[int] = []
    lane = lanes.get("send", 1)
    lane.submit("first", lambda: str(release.wait(5)))
    one = lane.submit("order", appending(runs, 1))
    two = lane.submit("order", appending(runs, 1))
    release.set()
    one.result(2.0)
    two.result(2.0)
    assert runs == [1]


def test_lane_failure_reaches_the_caller_and_the_lane_goes_on(lanes: Lanes) -> None:
    def fail() -> str:
        raise ValueError("no")

    lane = lanes.get("send", 1)
    with pytest.raises(ValueError, match="no"):
        lane.submit("bad", fail).result(2.0)
    assert lane.submit("good", lambda: "sent").result(2.0) == "sent"


def test_lanes_abandon_hung_gives_the_account_a_new_lane(lanes: Lanes) -> None:
    release = threading.Event()
    behind: list[int] = []
    old = lanes.get("send", 1)
    old.submit("hung", lambda: str(release.wait(10)))
    old.submit("behind", appending(behind, 1))
    time.sleep(0.05)
    assert lanes.abandon_hung(0.01) == ["send-1"]
    assert lanes.get("send", 1).submit("next", lambda: "sent").result(1.0) == "sent"
    release.set()
    assert old.join(2.0)
    assert behind == []


def test_lanes_stopped_refuse_new_jobs(lanes: Lanes) -> None:
    lanes.get("send", 1)
    assert lanes.stop(1.0)
    with pytest.raises(Stopping):
        lanes.get("send", 1)
