"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qmt.calendar import load_sse_calendar
from qmt.terminal.inprocess import InProcessTerminal
from qmt.terminal.seeded import SeededMarket
from tests.faults.rig import Rig


@pytest.fixture(scope="session")
def market() -> SeededMarket:
    """The seeded market holds no state of its own: one serves every test."""
    return SeededMarket(seed=7, calendar=load_sse_calendar())


@pytest.fixture
def rig(market: SeededMarket) -> Iterator[Rig]:
    """A host over the in-process terminal; the runtime is not started yet."""
    with InProcessTerminal(market=market) as terminal:
        made = Rig(terminal)
        try:
            yield made
        finally:
            made.close()
