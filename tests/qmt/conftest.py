"""Fixtures of the gateway's own tests: a terminal process and the SDK over its stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qmt.sdk import Sdk, load_sdk
from tests.contract.faces import FaceA


@pytest.fixture(scope="session")
def shared_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaceA]:
    """One terminal process for all tests that do not kill it."""
    face = FaceA(tmp_path_factory.mktemp("terminal"))
    yield face
    face.close()


@pytest.fixture
def terminal(shared_terminal: FaceA) -> Iterator[FaceA]:
    """The terminal process without armed faults."""
    shared_terminal.clear()
    yield shared_terminal
    shared_terminal.clear()


@pytest.fixture(scope="session")
def sdk() -> Sdk:
    """The SDK over the stand-ins."""
    return load_sdk("simulated")


@pytest.fixture
def xtdata(sdk: Sdk, terminal: FaceA) -> Iterator[Any]:
    """The SDK's quote module, connected."""
    host, _, port = terminal.address.partition(":")
    sdk.xtdata.reconnect(host, int(port))
    yield sdk.xtdata
    sdk.xtdata.disconnect()
