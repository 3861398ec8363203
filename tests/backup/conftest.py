"""Fixtures of the backup tests. They copy SQLite files; PostgreSQL has tests of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from tests.backup.home import Home, home_at
from tests.orders.bench import Bench, make_bench


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, db: None) -> Iterator[Home]:
    """An empty installation."""
    if connection.vendor != "sqlite":
        pytest.fail("these tests are about SQLite files")
    with home_at(tmp_path / "state", monkeypatch, settings) as made:
        yield made


@pytest.fixture
def bench(home: Home) -> Bench:
    """A ready trading desk in it."""
    return make_bench()
