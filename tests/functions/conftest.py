"""Fixtures of the SDK's functions: a terminal process, the SDK over its stand-ins, a reader over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qmt.reader import ReaderPool, ReaderSetup
from qmt.sdk import Sdk, load_sdk
from tests.contract.faces import FaceA


@pytest.fixture(scope="session")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaceA]:
    """One terminal process."""
    face = FaceA(tmp_path_factory.mktemp("terminal"))
    yield face
    face.close()


@pytest.fixture(scope="session")
def sdk() -> Sdk:
    """The SDK over the stand-ins."""
    return load_sdk("simulated")


def setup_of(terminal: FaceA, folder: Path) -> ReaderSetup:
    """How a reader finds the terminal; its files are in `folder`."""
    return ReaderSetup(
        native="simulated",
        userdata=str(terminal.userdata),
        address="",
        session_ids=(701, 702, 703, 704),
        pool_dir=str(folder / "sessions"),
        folder=str(folder / "files"),
    )


@pytest.fixture(scope="module")
def reader(terminal: FaceA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReaderPool]:
    """A reader of the terminal."""
    pool = ReaderPool(setup_of(terminal, tmp_path_factory.mktemp("reader")))
    pool.start()
    yield pool
    pool.close()
