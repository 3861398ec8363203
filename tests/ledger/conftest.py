"""Fixtures of the ledger tests."""

from __future__ import annotations

import pytest

from tests.orders.bench import Bench, make_bench


@pytest.fixture
def bench(db: None) -> Bench:
    """A ready trading desk."""
    return make_bench()
