"""One simulated market per state folder."""

from __future__ import annotations

from pathlib import Path

from desk.market_stamp import market_claim, market_problem
from desk.settings.schema import DeskConfig


def config(folder: Path, data: str = "") -> DeskConfig:
    return DeskConfig(state_dir=folder, sim_data=Path(data) if data else None)


def test_market_of_a_fresh_folder_may_run(tmp_path: Path) -> None:
    assert market_problem(config(tmp_path)) == ""


def test_market_that_claimed_the_folder_may_run_again(tmp_path: Path) -> None:
    market_claim(config(tmp_path))

    assert market_problem(config(tmp_path)) == ""


def test_other_market_on_a_claimed_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    market_claim(config(tmp_path))

    problem = market_problem(config(tmp_path, "/data/bars.csv.gz"))

    assert "holds the seeded market" in problem
    assert "the replayed market bars.csv.gz" in problem
    assert "DESK_STATE_DIR" in problem
