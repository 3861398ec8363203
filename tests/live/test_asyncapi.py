"""The live socket's document: it is sound, it names every message, and every message is as it says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.services import account_halt, grant_withdraw
from desk.live import protocol
from desk.live.protocol import parse
from desk.settings.schema import ROOT
from marketdata.live.barstore import bar_message
from marketdata.minutes import MinuteBar
from marketdata.quotes.periods import Period
from ops.alerts import AlertKind, Severity, alert_raise
from ops.errors import Invalid
from ops.jobs import job_create
from ops.publish import publish
from tests.live.conftest import Server, Socket, Valkey
from tests.orders import approvals
from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.people import TEST_ACTOR
from tests.socketdocument import problems, socket_document, validators
from tests.strategies.runs import make_run
from trading.strategies.choices import Level
from trading.strategies.runtime.store import note

SPOKEN = re.compile(r"""\bframe\(\s*["'](\w+)["']""")
BAR = MinuteBar(MOUTAI, 1_795_397_640_000, 10.0, 10.1, 9.9, 10.05, 300, 3015.0, complete=True)
FEED = {"host": "sim", "stale_since": "2026-01-05T02:00:00Z", "last_quote_at": None}


def client_messages() -> set[str]:
    return {name for name in validators() if name in protocol._FIELDS}


def server_messages() -> set[str]:
    return set(validators()) - client_messages()


# ------------------------------------------------------------------------- the document
def test_document_is_json_schema_all_through_and_its_references_lead_somewhere() -> None:
    document = socket_document()
    for name, message in document["components"]["messages"].items():
        Draft202012Validator.check_schema(message["payload"])
        assert document["channels"]["live"]["messages"][name] == {"$ref": f"#/components/messages/{name}"}
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for validator in validators().values():
        list(validator.iter_errors({"type": "x", "data": {}, "events": [], "channel": "account:1", "code": "x"}))


def test_document_gives_each_message_a_direction() -> None:
    operations = socket_document()["operations"]
    names = {
        action: {message["$ref"].rsplit("/", 1)[1] for message in operations[action]["messages"]}
        for action in ("say", "hear")
    }
    assert names["say"] == client_messages()
    assert names["say"] | names["hear"] == set(socket_document()["components"]["messages"])


def test_document_names_every_message_that_the_code_writes() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "platform/desk/live").glob("*.py"))
    assert server_messages() == set(SPOKEN.findall(sources)) | protocol.SYMBOL_CHANNELS


def test_document_names_every_channel_and_every_op() -> None:
    assert client_messages() == set(protocol._FIELDS)
    for channel in (*protocol.PLAIN_CHANNELS, "account:3", "signals:3", "strategies:3"):
        assert problems({"op": "subscribe", "channel": channel}) == []
    assert problems({"op": "subscribe", "channel": "account:03"}) != []


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ('{"op": "subscribe", "channel": "account:3", "since": 17}', True),
        ('{"op": "subscribe", "channel": "quotes", "symbols": ["600519.SH"]}', True),
        ('{"op": "subscribe", "channel": "quotes", "symbols": []}', False),
        ('{"op": "subscribe", "channel": "account:3", "since": -1}', False),
        ('{"op": "subscribe", "channel": "jobs", "more": 1}', False),
        ('{"op": "unsubscribe", "channel": "quotes"}', True),
        ('{"op": "ping", "id": 5}', True),
        ('{"op": "ping", "id": []}', False),
        ('{"op": "authenticate", "token": "desk_x"}', True),
    ],
)
def test_document_and_parser_agree_about_what_a_client_may_say(text: str, sound: bool) -> None:
    assert (problems(json.loads(text)) == []) is sound
    if sound:
        parse(text)
    else:
        with pytest.raises(Invalid):
            parse(text)


@pytest.mark.django_db
def test_document_is_served_openly(client: Client) -> None:
    response = client.get("/api/asyncapi/")
    assert (response.status_code, response["Content-Type"]) == (200, "application/yaml")
    assert response.content.startswith(b"asyncapi: 3.0.0")


# ------------------------------------------------------------------------- the messages
@pytest.fixture
def bench(server: Server) -> Bench:
    return make_bench()


class Listener:
    """What a client heard: all of it as documented."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.heard: dict[str, list[dict[str, Any]]] = {}

    def until(self, kind: str) -> dict[str, Any]:
        """The next message of a type; those before it count as heard too."""
        while True:
            frame = self.socket.receive(5)
            assert problems(frame) == [], frame
            self.heard.setdefault(frame["type"], []).append(frame)
            if frame["type"] == kind:
                return frame

    def subscribe(self, kind: str, channel: str, **more: Any) -> dict[str, Any]:
        self.socket.send(op="subscribe", channel=channel, **more)
        return self.until(kind)


@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
def test_every_message_of_the_server_is_as_the_document_says(
    server: Server, bench: Bench, own_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.alerts.store.wake", lambda alert_id: None)
    account = f"account:{bench.account.pk}"
    bench.hold(300)
    bench.apply(bench.asset(), bench.fill(bench.reported(), 100))
    approvals.quote(bench, "10.00")
    approvals.set_rule(bench)
    waits = approvals.held(bench)

    with server.anonymous(additional_headers={"Cookie": _cookie(bench)}) as socket:
        client = Listener(socket)
        client.until("hello")
        socket.send(op="ping", id="a")
        client.until("pong")
        client.subscribe("error", "nothing")
        data = client.subscribe("snapshot", account)["data"]
        assert all(data[part] for part in ("asset", "positions", "orders", "trades", "market_clock"))
        bench.reported(price="10.01")
        bench.apply(bench.position(400), bench.asset("900000"))
        while {event["kind"] for frame in client.heard.get("delta", ()) for event in frame["events"]} < {
            "order",
            "position",
            "asset",
        }:
            client.until("delta")

        assert client.subscribe("quotes", "quotes", symbols=[MOUTAI])["data"][MOUTAI]["last"] == 10.0
        publish("feeds", FEED)
        client.until("feeds")
        client.subscribe("jobs", "jobs")
        job_create(kind="bars", owner=bench.alice.pk)
        socket.send(op="subscribe", channel="bars")
        socket.send(op="subscribe", channel="bars:5m")
        socket.send(op="ping", id="joined")
        client.until("pong")
        for channel, period in (("bars", Period.MINUTE_1), ("bars:5m", Period.MINUTE_5)):
            publish(channel, {MOUTAI: bar_message(period, BAR)})
            client.until(channel)
        client.subscribe("alerts", "alerts")
        alert_raise(AlertKind.ORDER_UNKNOWN, Severity.CRITICAL, "it waits", dedup_key="k", account_id=bench.account.pk)
        assert client.until("alerts")["data"][0]["title"] == "it waits"
        assert [order["id"] for order in client.subscribe("approvals", "approvals")["data"]["orders"]] == [
            str(waits.pk)
        ]
        client.subscribe("signals", f"signals:{bench.account.pk}")
        run = make_run(bench.account, bench.alice)
        client.subscribe("strategies", f"strategies:{bench.account.pk}")
        note(run, (Level.INFO, "hello", {"n": 1}))
        assert [line["text"] for line in client.until("strategies")["data"]["lines"]] == ["hello"]

        account_halt(actor=TEST_ACTOR, account=bench.account)
        assert client.until("account")["data"]["state"] == "HALTED"
        grant_withdraw(actor=TEST_ACTOR, user=bench.alice, account=bench.account)
        client.until("revoked")
        own_valkey.stop()
        client.until("stale")
        own_valkey.start()
        client.until("live")
        monkeypatch.setattr("desk.live.session.IDLE_SECONDS", 0.1)
        socket.send(op="ping")
        client.until("heartbeat")

    assert set(client.heard) == server_messages()


def _cookie(bench: Bench) -> str:
    browser = Client()
    browser.force_login(bench.alice)
    return f"sessionid={browser.cookies['sessionid'].value}"
