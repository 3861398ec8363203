"""A database that takes nothing ends no socket: it says "stale", and "live" once it is over."""

from __future__ import annotations

import sqlite3

import pytest
from django.db import connections

from ops import health
from tests.live.conftest import Server
from tests.people import Team

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])


def test_socket_while_the_database_is_locked_is_stale_and_lives_on(
    server: Server, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connections["default"].vendor != "sqlite":
        pytest.skip("a server's absence is proven with real processes")
    monkeypatch.setattr(health, "LOCK_SECONDS", 0.2)
    with server.session(team.alice) as socket:
        other = sqlite3.connect(connections["default"].settings_dict["NAME"], isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        socket.until("stale", 30)
        socket.send(op="ping", id="still here")
        assert socket.until("pong", 30)["id"] == "still here"
        other.execute("ROLLBACK")
        other.close()
        socket.until("live", 30)
