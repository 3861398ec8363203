"""Fixtures every area shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.settings.schema import get_config


@pytest.fixture
def state_dir() -> Path:
    """The test run's state folder (removed at its end)."""
    return get_config().state_dir
