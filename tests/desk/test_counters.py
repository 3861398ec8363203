"""Where processes count: in memory, one folder an installation, and nothing left of those that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.supervisor import counters
from desk.supervisor.counters import counters_folder


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(counters, "MEMORY", folder)
    return folder


def run_folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_processes_of_one_installation_count_in_one_folder_in_memory(tmp_path: Path, memory: Path) -> None:
    run_dir = run_folder(tmp_path, "one")
    first = counters_folder(run_dir)
    assert first == counters_folder(run_dir)
    assert first.parent == memory
    assert first.stat().st_mode & 0o077 == 0
    assert counters_folder(run_folder(tmp_path, "other")) != first


def test_folder_of_an_installation_that_is_gone_is_removed_by_the_next_start(tmp_path: Path) -> None:
    gone, stays = run_folder(tmp_path, "gone"), run_folder(tmp_path, "stays")
    left, kept = counters_folder(gone), counters_folder(stays)
    gone.rmdir()
    counters_folder(run_folder(tmp_path, "next"))
    assert not left.exists()
    assert kept.exists()


def test_machine_without_such_a_folder_counts_below_the_run_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "MEMORY", tmp_path / "absent")
    run_dir = run_folder(tmp_path, "one")
    assert counters_folder(run_dir) == run_dir / "metrics"
    assert (run_dir / "metrics").is_dir()
