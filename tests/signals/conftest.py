"""Fixtures of the signal tests."""

from __future__ import annotations

import pytest

from tests.orders.bench import Bench, make_bench


@pytest.fixture
def bench(db: None) -> Bench:
    """The cast, a ready host, instruments."""
    return make_bench()
