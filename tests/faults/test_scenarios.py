"""Composed faults over the SDK's own layer: each seed is one scenario with a named end, and the books compared afterwards.

`make test` plays a sample; `make faults` all of them (see `tests.faults.run`). One of them again:
``python -m tests.faults.run --seed 137``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.runtimes import RuntimeSlot
from qmt.terminal.seeded import SeededMarket
from tests.faults.play import play
from tests.faults.report import chosen, write_line
from tests.faults.rig import BOTH_DATABASES
from tests.faults.scenarios import compose

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240), BOTH_DATABASES]

#: What `make test` plays; `FAULT_SEEDS=1-420` names others.
SAMPLE = "1-16"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that got stuck takes none of the next ones with it; a hung SDK call is given up soon."""
    monkeypatch.setattr("trading.orders.runtime.worker._slot", RuntimeSlot("trade"))
    monkeypatch.setattr("qmt.session.CALL_SECONDS", 1.0)


@pytest.mark.parametrize("seed", chosen("FAULT_SEEDS", SAMPLE))
def test_scenario_ends_as_named_and_the_books_agree(seed: int, market: SeededMarket, tmp_path: Path) -> None:
    scenario = compose(seed)
    try:
        outcome = play(scenario, market=market, folder=tmp_path)
    except AssertionError as error:
        write_line(seed, str(scenario), "stuck", {}, [str(error)])
        raise AssertionError(f"{scenario}\nstuck: {error}") from error
    write_line(seed, str(scenario), outcome.end, vars(outcome.verdict), outcome.problems)
    assert outcome.passed, f"{scenario}\nended {outcome.end}\n{outcome.verdict}\n{outcome.problems}"
