"""The installation's own code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.installation import installation_code
from ops.models import Installation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    installation_code.cache_clear()
    yield
    installation_code.cache_clear()


def test_installation_code_is_generated_once_and_kept() -> None:
    first = installation_code()
    installation_code.cache_clear()
    assert installation_code() == first
    assert Installation.objects.count() == 1
    assert first.isascii()
    assert len(first) == 4


def test_installation_code_configured_wins_and_stores_nothing() -> None:
    assert installation_code("DESK9") == "DESK9"
    assert Installation.objects.count() == 0
