"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qmt.terminal.inprocess import InProcessTerminal
from tests.faults.rig import Rig


@pytest.fixture
def rig(transactional_db: None) -> Iterator[Rig]:
    """A host over the in-process terminal; the runtime is not started yet."""
    with InProcessTerminal() as terminal:
        made = Rig(terminal)
        try:
            yield made
        finally:
            made.close()
