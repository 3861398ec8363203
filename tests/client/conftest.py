"""The client against the platform as it listens: a real server, real sockets, a desk that is ready to trade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from qmtdesk import Desk, Settings
from tests.live.conftest import Server, _uvicorn, own_valkey, server
from tests.orders.bench import Bench, make_bench
from tests.people import make_token

__all__ = ["_uvicorn", "own_valkey", "server"]

#: One connection per request: what happens to one does not happen to the next.
FRESH = httpx.Limits(max_keepalive_connections=0)


@pytest.fixture
def bench(server: Server) -> Bench:
    """A ready trading desk, committed, so that the server sees it."""
    return make_bench()


@pytest.fixture
def token(bench: Bench) -> str:
    """A token of alice's, with every scope."""
    return make_token(bench.alice)[1]


@pytest.fixture
def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
def desk_at(bench: Bench, token: str) -> Iterator[Callable[..., Desk]]:
    """Make alice's client of the platform at an address."""
    made: list[Desk] = []

    def make(url: str, **options: Any) -> Desk:
        made.append(
            Desk(
                url,
                token,
                settings=Settings(bench.account.pk, progress=False, order_seconds=5),
                limits=FRESH,
                **options,
            )
        )
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def desk(desk_at: Callable[..., Desk], url: str) -> Desk:
    """Alice's client."""
    return desk_at(url)
