"""Fixtures of the grid tests."""

from __future__ import annotations

import pytest

from tests.grids.field import Field


@pytest.fixture
def field(db: None, monkeypatch: pytest.MonkeyPatch) -> Field:
    """An account that holds 2,000 shares at 10.00."""
    return Field(monkeypatch)
