"""Fixtures of the subscription tests."""

from __future__ import annotations

import pytest

from tests.orders.bench import make_bench
from tests.subscriptions.window import Window


@pytest.fixture
def window(db: None) -> Window:
    """A trading bench whose terminal offers new issues."""
    return Window(make_bench())
