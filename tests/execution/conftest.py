"""Fixtures of the execution tests."""

from __future__ import annotations

import pytest

from tests.execution.floor import Floor
from tests.orders.bench import make_bench


@pytest.fixture
def floor(db: None) -> Floor:
    """A trading bench with executions and a broker's hand."""
    return Floor(make_bench())
