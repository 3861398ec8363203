"""The socket's rows of the permission matrix: every channel and every person."""

from __future__ import annotations

import pytest

from accounts.choices import TradeRight
from accounts.models import Grant
from desk.live.protocol import PLAIN_CHANNELS, SYMBOL_CHANNELS
from tests.accounts.test_permission_matrix import PEOPLE, TABLE
from tests.live.conftest import Server, Socket
from tests.people import Team

CHANNELS = sorted(PLAIN_CHANNELS | {"account:<id>", "signals:<id>", "strategies:<id>"})
NAMES = {"none": "charlie", "own": "bob", "all": "alice", "confirmed": "admin"}
#: Channels that say nothing until something happens.
QUIET_SECONDS = 0.3


def rows() -> dict[str, dict[str, str]]:
    """Channel → person → ``open`` or the code of the refusal."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    parted = [line.removeprefix("WS ").split("|") for line in lines if line.startswith("WS ")]
    return {entry.strip(): dict(zip(PEOPLE, cells.split(), strict=True)) for entry, cells in parted}


def answer(socket: Socket, channel: str) -> str:
    socket.send(op="subscribe", channel=channel)
    while True:
        try:
            frame = socket.receive(QUIET_SECONDS if channel in SYMBOL_CHANNELS else 3.0)
        except TimeoutError:
            return "open"
        if frame["type"] == "error":
            return str(frame["code"])
        if frame["type"] not in {"hello", "stale", "live"}:
            return "open"


def test_socket_matrix_has_a_row_for_every_channel() -> None:
    assert sorted(rows()) == CHANNELS


@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
@pytest.mark.parametrize("person", PEOPLE)
def test_socket_matrix_every_channel_answers_as_the_table_says(server: Server, team: Team, person: str) -> None:
    Grant.objects.filter(user=team.bob).update(trade=TradeRight.OWN)
    Grant.objects.create(user=team.viewer, account=team.alpha)
    seen = {}
    for channel in CHANNELS:
        name = channel.replace("<id>", str(team.alpha.pk))
        if person == "anonymous":
            with server.anonymous() as socket:
                seen[channel] = answer(socket, name)
        else:
            with server.session(getattr(team, NAMES.get(person, person))) as socket:
                seen[channel] = answer(socket, name)
    assert seen == {channel: cells[person] for channel, cells in rows().items()}
