"""The keeper: processes follow the rows; one that hangs is seen, killed, started again and told of."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from desk.settings.schema import get_config
from desk.strategies import GIVE_UP_AFTER, Keeper
from desk.supervisor.child import BACKOFF_SECONDS
from ops.models import Alert
from tests.orders.bench import make_bench
from tests.strategies.runs import make_run
from trading.strategies.models import Plugin, Run
from trading.strategies.runtime.process import heartbeat_name

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(sys.platform == "win32", reason="stops a process by a signal")]

BEATING = """
import pathlib, sys, time
path = pathlib.Path(sys.argv[1])
while True:
    path.write_text("beat")
    time.sleep(0.05)
"""


class Lines:
    """Children's output, kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, name: str, text: str) -> None:
        self.lines.append(text)


class Hall:
    """A keeper whose runs' processes are small scripts that beat into a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = BEATING
        self.bench = make_bench()
        self.run = make_run(self.bench.account, self.bench.alice, wanted=True, mode="PAPER", state="STARTING")
        config = get_config().model_copy(update={"state_dir": folder, "strategies_dir": folder / "strategies"})
        config.run_dir.mkdir(parents=True)
        self.keeper = Keeper(
            config, ages=self.ages, lines=Lines(), command=self.command, silent_seconds=1.0, start_seconds=20.0
        )
        self.keeper._next_catalogue = float("inf")

    def command(self, run_id: int) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", "-c", self.code, str(self.beat(run_id)))

    def beat(self, run_id: int) -> Path:
        return self.folder / f"beat-{run_id}"

    def ages(self) -> Mapping[str, float]:
        path = self.beat(self.run.pk)
        return {heartbeat_name(self.run.pk): time.time() - path.stat().st_mtime} if path.exists() else {}

    def until(self, met: Callable[[], object], seconds: float = 20.0) -> None:
        """Turn until something is so."""
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, "it never came to that"
            self.keeper._next_look = 0.0
            self.keeper.turn()
            time.sleep(0.02)

    @property
    def pid(self) -> int | None:
        return self.keeper.pids.get(self.run.pk)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path)
    yield hall
    hall.keeper.end()


def test_wanted_run_gets_one_process_and_an_unwanted_one_loses_it(hall: Hall) -> None:
    hall.until(lambda: hall.beat(hall.run.pk).exists())
    first = hall.pid
    hall.keeper.turn()
    assert hall.pid == first
    assert first is not None
    Run.objects.update(wanted=False)
    hall.keeper._unwanted_since[hall.run.pk] = time.monotonic() - 60
    hall.until(lambda: hall.pid is None)
    hall.until(lambda: Run.objects.get().state == "STOPPED")


def test_stopped_process_is_seen_killed_started_again_and_told_of(
    hall: Hall, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """A real process, stopped by a signal: alive, and without a successful pass."""
    hall.until(lambda: hall.beat(hall.run.pk).exists())
    hung = hall.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    with django_capture_on_commit_callbacks(execute=True):
        hall.until(lambda: hall.pid not in (None, hung))
    texts = [line.text for line in hall.run.lines.order_by("number")]
    assert texts[0] == "its process hung and was killed"
    assert texts[1] == "its process ended (killed by SIGKILL) and starts again"
    alert = Alert.objects.get()
    assert (alert.kind, alert.account_id, alert.dedup_key) == (
        "process.restarted",
        hall.bench.account.pk,
        f"process.restarted:strategy.{hall.run.pk}",
    )
    assert Run.objects.get().wanted is True


def test_process_that_ends_again_and_again_is_given_up(
    hall: Hall,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr("desk.supervisor.child.BACKOFF_SECONDS", (0.01,) * len(BACKOFF_SECONDS))
    hall.code = "raise SystemExit(3)"
    with django_capture_on_commit_callbacks(execute=True):
        hall.until(lambda: Run.objects.get().state == "FAULTED")
    run = Run.objects.get()
    assert (run.wanted, run.code, run.message) == (
        False,
        "STRATEGY_UNSTABLE",
        f"its process ended {GIVE_UP_AFTER} times in a row",
    )
    assert Alert.objects.get(kind="strategy.failed").account_id == hall.bench.account.pk
    assert hall.pid is None


def test_process_that_ends_in_order_is_not_started_while_unwanted(hall: Hall) -> None:
    hall.code = "pass"
    Run.objects.update(wanted=True)
    hall.until(lambda: hall.pid is not None)
    Run.objects.update(wanted=False)
    hall.until(lambda: not hall.keeper._children)
    assert hall.run.lines.count() == 0


def test_catalogue_follows_the_folder(hall: Hall) -> None:
    folder = hall.folder / "strategies"
    folder.mkdir()
    (folder / "broken.py").write_text("def broken(:")
    (folder / "mine.py").write_text(
        "from trading.strategies.interface import Strategy\nclass Mine(Strategy):\n    '''Text.'''\n    title = 'Mine'\n"
    )
    Plugin.objects.exclude(pk=hall.run.plugin_id).delete()
    hall.keeper._next_catalogue = 0.0
    hall.keeper.turn()
    rows = {row.name: row for row in Plugin.objects.filter(present=True)}
    assert set(rows) == {"broken", "mine"}
    assert (rows["mine"].title, rows["mine"].text, rows["mine"].problem) == ("Mine", "Text.", "")
    assert rows["broken"].problem.startswith("SyntaxError")
    (folder / "mine.py").unlink()
    hall.keeper._next_catalogue = 0.0
    hall.keeper.turn()
    assert [row.name for row in Plugin.objects.filter(present=True)] == ["broken"]


def test_children_end_with_the_keeper(hall: Hall) -> None:
    hall.until(lambda: hall.beat(hall.run.pk).exists())
    pid = hall.pid
    assert pid is not None
    hall.keeper.end()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert Run.objects.get().wanted is True
