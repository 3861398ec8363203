"""The worker that watches a back-test's process: whatever becomes of the process, row and job end."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from accounts.actors import actor_for_user
from accounts.models import QmtHost, User
from desk.settings.schema import get_config
from ops.models import Job
from tests.backtest.test_services import body
from trading.backtest.models import Backtest
from trading.backtest.services import backtest_start, work
from trading.backtest.services.run import backtest_run
from trading.strategies.models import Plugin

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def waiting(
    market: QmtHost, plugin: Plugin, alice: User, wakes: list[object], monkeypatch: pytest.MonkeyPatch
) -> Backtest:
    monkeypatch.setattr(work, "WATCH_SECONDS", 0.02)
    return backtest_start(actor=actor_for_user(alice), owner=alice, body=body())


def process(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A process in place of the run's own."""
    monkeypatch.setattr(work, "_command", lambda _row: [sys.executable, "-c", code])


def ended(waiting: Backtest) -> tuple[str, str, str]:
    assert work.backtest_work("worker") is not None
    waiting.refresh_from_db()
    return waiting.state, waiting.code, str(Job.objects.get().status)


def test_process_that_dies_leaves_a_failed_row_with_its_last_words(
    waiting: Backtest, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(monkeypatch, "import sys; sys.stderr.write('x' * 300_000 + chr(10) + 'the end'); sys.exit(3)")
    assert ended(waiting) == ("FAILED", "STRATEGY_FAILED", Job.Status.FAILED)
    assert waiting.message == "its process ended with exit code 3: the end"
    assert work.backtest_work("worker") is None


def test_process_that_takes_too_long_is_ended(waiting: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    process(monkeypatch, "import time; time.sleep(60)")
    config = get_config().model_copy(update={"backtest_seconds": 0.1})
    monkeypatch.setattr(work, "get_config", lambda: config)
    assert ended(waiting) == ("FAILED", "STRATEGY_TOO_SLOW", Job.Status.FAILED)


def test_run_that_was_given_up_is_ended(waiting: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    process(monkeypatch, "import time; time.sleep(60)")
    renewed: list[Any] = []

    def renew(**_: Any) -> int:
        renewed.append(1)
        if len(renewed) == 3:
            Backtest.objects.update(state="CANCELLED")
            Job.objects.update(status=Job.Status.CANCELLED)
        return 0 if len(renewed) >= 3 else 1

    monkeypatch.setattr(work, "jobs_renew", renew)
    assert ended(waiting) == ("CANCELLED", "", Job.Status.CANCELLED)


def test_run_that_is_done_ends_its_job(waiting: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    # The run itself, in this process: the other one only ends.
    monkeypatch.setattr(work, "_command", lambda row: (backtest_run(row.pk), [sys.executable, "-c", ""])[1])
    assert ended(waiting) == ("DONE", "", Job.Status.DONE)
    assert Job.objects.get().result["backtest"] == str(waiting.pk)
