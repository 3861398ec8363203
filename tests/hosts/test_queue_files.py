"""What a killed session leaves with its terminal: only what belongs to an id that is ours at that moment is removed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qmt.session import TradeSession
from qmt.sessionpool import SessionPool


@pytest.fixture
def userdata(tmp_path: Path) -> Path:
    folder = tmp_path / "userdata_mini"
    folder.mkdir()
    for name in (
        "down_queue_win_813", "lock_down_queue_win_813", "down_queue_win_814", "lock_down_queue_win_814",
        "down_queue_win_8130", "up_queue_xtquant", "config.lua",
    ):  # fmt: skip
        (folder / name).write_bytes(b"x")
    return folder


def session(userdata: Path, native: str = "simulated") -> TradeSession:
    sdk: Any = SimpleNamespace(native=native)
    return TradeSession(sdk, userdata=userdata, pool=SessionPool(userdata.parent / "pool", (813, 815)), sink=print)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_files_of_the_leased_id_go_and_every_other_file_stays(userdata: Path) -> None:
    before = names(userdata)
    session(userdata)._clean_queue_files(813)
    assert before - names(userdata) == {"down_queue_win_813", "lock_down_queue_win_813"}


def test_file_that_the_terminal_holds_is_left_and_nobody_fails(userdata: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(f"{path} is in use")

    monkeypatch.setattr(Path, "unlink", held)
    session(userdata)._clean_queue_files(813)
    assert "down_queue_win_813" in names(userdata)


def test_id_that_another_process_holds_is_never_leased_so_its_files_are_never_touched(userdata: Path) -> None:
    pool = SessionPool(userdata.parent / "pool", (813, 815))
    theirs = next(iter(pool.leases()))
    ours = [lease.session_id for lease in SessionPool(userdata.parent / "pool", (813, 815)).leases()]
    assert theirs.session_id not in ours
    theirs.release()
