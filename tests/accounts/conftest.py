"""Fixtures of this area."""

from __future__ import annotations

import pytest

from tests.people import Team, make_team


@pytest.fixture
def team(db: None) -> Team:
    """The standing cast."""
    return make_team()
