"""Lanes: one account's hung call is its own trouble only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from django.db import OperationalError

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


@pytest.mark.parametrize(
    ("error", "level"), [(OperationalError("database is locked"), "WARNING"), (ValueError("a bug"), "ERROR")]
)
def test_lane_job_that_the_database_hinders_is_no_bug(
    lanes: Lanes, caplog: pytest.LogCaptureFixture, error: Exception, level: str
) -> None:
    def run() -> str:
        raise error

    with pytest.raises(type(error)):
        lanes.get("send", 1).submit("a", run).result(60.0)
    (record,) = [found for found in caplog.records if found.name == "trading.orders.runtime.lanes"]
    assert (record.levelname, record.exc_info is None) == (level, level == "WARNING")


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


class Rounds:
    """Work for several at once that keeps what it was given together; "bad" fails by itself."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []

    def prepare(self, items: Sequence[str]) -> list[Callable[[], str]]:
        self.rounds.append(list(items))
        if "broken" in items:
            raise ValueError("broken")
        return [partial(self.run, item) for item in items]

    def run(self, item: str) -> str:
        if item == "bad":
            raise ValueError(item)
        return item.upper()


def test_lane_prepares_what_has_gathered_together_and_no_more_than_asked(lanes: Lanes) -> None:
    release, rounds = threading.Event(), Rounds()
    lane = lanes.get("send", 1)
    lane.submit("first", lambda: str(release.wait(5)))
    futures = [lane.submit_together(name, name, rounds.prepare, most=2) for name in ("a", "b", "c")]
    release.set()
    assert [future.result(2.0) for future in futures] == ["A", "B", "C"]
    assert rounds.rounds == [["a", "b"], ["c"]]


def test_lane_one_failure_of_those_prepared_together_is_its_own(lanes: Lanes) -> None:
    release, rounds = threading.Event(), Rounds()
    lane = lanes.get("send", 1)
    lane.submit("first", lambda: str(release.wait(5)))
    futures = [lane.submit_together(name, name, rounds.prepare, most=8) for name in ("a", "bad", "c")]
    release.set()
    assert [type(future.exception(2.0)) for future in futures] == [type(None), ValueError, type(None)]
    assert rounds.rounds == [["a", "bad", "c"]]


def test_lane_failed_preparation_is_the_failure_of_all_and_the_lane_goes_on(lanes: Lanes) -> None:
    release, rounds = threading.Event(), Rounds()
    lane = lanes.get("send", 1)
    lane.submit("first", lambda: str(release.wait(5)))
    futures = [lane.submit_together(name, name, rounds.prepare, most=8) for name in ("a", "broken")]
    release.set()
    assert [type(future.exception(2.0)) for future in futures] == [ValueError, ValueError]
    assert lane.submit_together("a", "a", rounds.prepare, most=8).result(2.0) == "A"


def test_lane_does_other_work_behind_a_round_in_its_order(lanes: Lanes) -> None:
    release, rounds, others = threading.Event(), Rounds(), Rounds()
    lane = lanes.get("send", 1)
    lane.submit("first", lambda: str(release.wait(5)))
    for name, made in (("a", rounds), ("b", others), ("c", others)):
        last = lane.submit_together(name, name, made.prepare, most=8)
    release.set()
    assert last.result(2.0) == "C"
    assert (rounds.rounds, others.rounds) == ([["a"]], [["b", "c"]])


def test_lanes_stop_ends_after_a_round_that_met_the_end_of_the_queue(lanes: Lanes) -> None:
    release, rounds = threading.Event(), Rounds()
    lane = lanes.get("send", 1)
    lane.submit("first", lambda: str(release.wait(5)))
    future = lane.submit_together("a", "a", rounds.prepare, most=8)
    threading.Timer(0.05, release.set).start()
    assert lanes.stop(2.0)
    assert future.result(0) == "A"


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


def test_figures_count_what_has_not_ended_and_its_age(lanes: Lanes) -> None:
    release = threading.Event()
    hung = [lanes.get("send", account).submit("hung", lambda: str(release.wait(10))) for account in (1, 2)]
    waiting = lanes.get("send", 1).submit("next", lambda: "sent")
    figures = lanes.figures()
    release.set()
    for future in (*hung, waiting):
        future.result(10.0)
    assert (figures["send"]["waiting"], figures["cancel"]["waiting"]) == (3, 0)
    assert figures["send"]["oldest_seconds"] >= 0
    assert lanes.figures()["send"] == {"waiting": 0, "oldest_seconds": 0.0}
