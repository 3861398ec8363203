"""Fixtures of the strategies' tests."""

from __future__ import annotations

import pytest

from tests.strategies.stage import Stage


@pytest.fixture
def stage(db: None) -> Stage:
    """A trading bench whose account trades automatically, and a run on it."""
    return Stage()
