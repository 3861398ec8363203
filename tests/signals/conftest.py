"""Fixtures of the signal tests."""

from __future__ import annotations

import pytest

from tests.orders.bench import Bench, make_bench
from tests.signals.pit import Pit


@pytest.fixture
def bench(db: None) -> Bench:
    """The cast, a ready host, instruments."""
    return make_bench()


@pytest.fixture
def pit(bench: Bench) -> Pit:
    """An account with 1,000 Moutai at 10.00 under the default plan, at ten in the morning, automatic trading off."""
    pit = Pit(bench)
    pit.plan()
    pit.hold()
    pit.at("10:00:00")
    return pit
