"""Live messages made up by somebody who reaches Redis: no screen shows them, no right follows, no socket ends."""

from __future__ import annotations

import logging

import orjson
import pytest
import redis

from desk.settings.schema import get_config
from ops import signing
from ops.publish import PREFIX
from ops.repeats import Repeats
from ops.signing import signed
from tests.live.conftest import Server
from tests.people import Team
from trading.ledger.choices import EventKind
from trading.ledger.journal import account_journal

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])


def test_forged_messages_show_nothing_and_end_nothing(
    server: Server, team: Team, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "_dropped", Repeats(0.0))
    channel = f"account:{team.alpha.pk}"
    forged = {
        "type": "delta", "channel": channel, "at": 1, "version": 99,
        "events": [{"version": 99, "kind": "ORDER", "data": {"id": "forged"}}],
    }  # fmt: skip
    with caplog.at_level(logging.WARNING), server.session(team.alice) as socket:
        version = socket.subscribe(channel)["version"]
        redis_client = redis.Redis.from_url(get_config().redis_url)
        for name, content in (
            (channel, orjson.dumps(forged)),
            (channel, b"{"),
            ("control", orjson.dumps({"kind": "user.deactivated", "user_id": team.alice.pk})),
            ("control", orjson.dumps({"kind": "grant.created", "user_id": team.charlie.pk, "account_id": team.alpha.pk})),
            # A real one, said again on a channel that it was not said on.
            (channel, signed("quotes", orjson.dumps(forged))),
        ):  # fmt: skip
            assert redis_client.publish(PREFIX + name, content) > 0
        redis_client.close()
        # What is true comes after it on the same link, and is the next thing that the person sees.
        with account_journal(team.alpha.pk) as journal:
            journal.record(EventKind.ORDER, "true", lambda: {"id": "true"})
        frame = socket.until("delta")
        assert [(event["version"], event["data"]["id"]) for event in frame["events"]] == [(version + 1, "true")]
    assert "live messages that no process of this platform made were dropped" in caplog.text
