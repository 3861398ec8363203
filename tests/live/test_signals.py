"""Signals on the live socket: what is there, then each change; nothing to who may not see the account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ops.clocks import wall_now
from tests.live.conftest import Server
from tests.people import Team
from trading.signals.models import Signal
from trading.signals.services.detections import signal_change, tell

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])


def signal_of(team: Team) -> Signal:
    now = wall_now()
    return Signal.objects.create(
        account=team.alpha,
        user=team.alice,
        kind="STOP_LOSS",
        priority=10,
        symbol="600519.SH",
        instrument_id=1,
        side="SELL",
        quantity=100,
        price=Decimal("9.25"),
        quote_ts=Signal.objects.count(),
        trade_date=now.date(),
        detected_at=now,
        expires_at=now,
        state="DETECTED",
    )


def signals(socket: Any) -> list[tuple[int, str]]:
    while (frame := socket.receive(5.0))["type"] != "signals":
        continue
    return [(row["id"], row["state"]) for row in frame["data"]]


def test_signals_channel_shows_what_is_there_and_then_each_change(server: Server, team: Team) -> None:
    first = signal_of(team)
    channel = f"signals:{team.alpha.pk}"
    with server.session(team.alice) as socket:
        socket.send(op="subscribe", channel=channel)
        assert signals(socket) == [(first.pk, "DETECTED")]
        second = signal_of(team)
        tell([second])
        assert signals(socket) == [(second.pk, "DETECTED")]
        assert signal_change(second, state="WORKING")
        assert signals(socket) == [(second.pk, "WORKING")]


def test_signals_channel_beside_the_accounts_own(server: Server, team: Team) -> None:
    with server.session(team.alice) as socket:
        socket.send(op="subscribe", channel=f"account:{team.alpha.pk}")
        socket.send(op="subscribe", channel=f"signals:{team.alpha.pk}")
        kinds: set[str] = set()
        while not {"snapshot", "signals"} <= kinds:
            kinds.add(socket.receive(5.0)["type"])


def test_signals_channel_takes_no_version(server: Server, team: Team) -> None:
    with server.session(team.alice) as socket:
        socket.send(op="subscribe", channel=f"signals:{team.alpha.pk}", since=3)
        while (frame := socket.receive(5.0))["type"] != "error":
            continue
        assert (frame["code"], frame["field"]) == ("MESSAGE_MALFORMED", "since")
