"""What arrives on the live socket: snapshots, deltas without gaps, conflated quotes, jobs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.utils import timezone
from websockets.sync.client import connect

from marketdata.models import Instrument
from marketdata.quotes.models import LatestQuote
from ops.jobs import job_create, job_fail
from ops.publish import publish
from tests.live.conftest import Server, Socket, Valkey, eventually, session_cookie
from tests.people import Team
from trading.ledger.choices import EventKind
from trading.ledger.journal import account_journal

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])

MAOTAI, PINGAN = "600519.SH", "000001.SZ"


def happen(account_id: int, *names: str) -> None:
    """One transaction of the account in which an order event per name is written."""
    with account_journal(account_id) as journal:
        for name in names:
            journal.record(EventKind.ORDER, name, lambda name=name: {"id": name})  # type: ignore[misc]


def ids(frame: dict[str, Any]) -> list[str]:
    return [event["data"]["id"] for event in frame["events"]]


def quote(last: float, ts: int) -> dict[str, Any]:
    return {"last": last, "ts": ts, "volume": 100}


def publish_quotes(**prices: float) -> None:
    symbols = {"maotai": MAOTAI, "pingan": PINGAN}
    data = {symbols[name]: quote(price, int(price)) for name, price in prices.items()}
    assert publish("quotes", {"t": 1, "q": data})


@pytest.fixture
def instruments(server: Server) -> dict[str, Instrument]:
    rows = {}
    for symbol in (MAOTAI, PINGAN):
        rows[symbol] = Instrument.objects.create(
            symbol=symbol,
            name=symbol,
            market=symbol[-2:],
            board="MAIN",
            kind="STOCK",
            lot_size=100,
            min_quantity=100,
            quantity_step=100,
            tick="0.01",
            volume_unit=100,
            max_limit_quantity=1_000_000,
            max_market_quantity=500_000,
            updated_at=timezone.now(),
        )
    return rows


# ------------------------------------------------------------------------- accounts
def test_account_snapshot_then_deltas_without_a_gap(server: Server, team: Team) -> None:
    channel = f"account:{team.alpha.pk}"
    happen(team.alpha.pk, "before")
    with server.session(team.alice) as socket:
        snapshot = socket.subscribe(channel)
        assert (snapshot["type"], snapshot["version"]) == ("snapshot", 1)
        assert {"asset", "positions", "orders", "trades", "market_clock"} <= set(snapshot["data"])
        happen(team.alpha.pk, "a", "b")
        happen(team.alpha.pk, "c")
        deltas = [socket.until("delta")]
        while deltas[-1]["version"] < 4:  # a busy server may tell several commits at once
            deltas.append(socket.until("delta"))
    assert {delta["channel"] for delta in deltas} == {channel}
    assert [name for delta in deltas for name in ids(delta)] == ["a", "b", "c"]
    assert [event["version"] for delta in deltas for event in delta["events"]] == [2, 3, 4]
    assert all(delta["version"] == delta["events"][-1]["version"] for delta in deltas)


def test_account_resume_brings_what_was_missed(server: Server, team: Team) -> None:
    happen(team.alpha.pk, "a", "b", "c")
    with server.session(team.alice) as socket:
        frame = socket.subscribe(f"account:{team.alpha.pk}", since=1)
    assert (frame["type"], frame["version"], ids(frame)) == ("delta", 3, ["b", "c"])


def test_account_resume_up_to_date_says_so(server: Server, team: Team) -> None:
    happen(team.alpha.pk, "a")
    with server.session(team.alice) as socket:
        frame = socket.subscribe(f"account:{team.alpha.pk}", since=1)
    assert (frame["type"], frame["version"], frame["events"]) == ("delta", 1, [])


@pytest.mark.parametrize("since", [99, 2**62])
def test_account_resume_from_a_version_that_never_was_brings_a_snapshot(server: Server, team: Team, since: int) -> None:
    happen(team.alpha.pk, "a")
    with server.session(team.alice) as socket:
        frame = socket.subscribe(f"account:{team.alpha.pk}", since=since)
    assert (frame["type"], frame["version"]) == ("snapshot", 1)


def test_account_event_whose_message_was_lost_is_read_with_the_next(
    server: Server, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.session(team.alice) as socket:
        socket.subscribe(f"account:{team.alpha.pk}")
        with monkeypatch.context() as patch:
            patch.setattr("trading.ledger.journal.publish", lambda channel, payload: False)
            happen(team.alpha.pk, "lost")
        happen(team.alpha.pk, "next")
        frame = socket.until("delta")
    assert (frame["version"], ids(frame)) == (2, ["lost", "next"])


def test_account_event_whose_message_was_lost_and_none_follows_arrives_anyway(
    server: Server, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.session(team.alice) as socket:
        socket.subscribe(f"account:{team.alpha.pk}")
        monkeypatch.setattr("trading.ledger.journal.publish", lambda channel, payload: False)
        happen(team.alpha.pk, "lost")
        frame = socket.until("delta")
    assert (frame["version"], ids(frame)) == (1, ["lost"])


def test_account_events_of_others_never_arrive(server: Server, team: Team) -> None:
    with server.session(team.charlie) as socket:
        socket.subscribe(f"account:{team.beta.pk}")
        happen(team.alpha.pk, "secret")
        assert socket.silent()


def test_account_unsubscribed_is_silent(server: Server, team: Team) -> None:
    channel = f"account:{team.alpha.pk}"
    with server.session(team.alice) as socket:
        socket.subscribe(channel)
        socket.send(op="unsubscribe", channel=channel)
        socket.send(op="ping")
        socket.until("pong")
        happen(team.alpha.pk, "a")
        assert socket.silent()


# --------------------------------------------------------------------------- quotes
def test_quotes_snapshot_then_only_the_chosen_symbols(
    server: Server, team: Team, instruments: dict[str, Instrument]
) -> None:
    LatestQuote.objects.create(
        instrument_id=instruments[MAOTAI].pk,
        ts=5,
        last=1700.5,
        open=1.0,
        high=1.0,
        low=1.0,
        pre_close=1.0,
        volume=100,
        amount=1.0,
        bid=[1700.4],
        received_at=6,
    )
    with server.session(team.alice) as socket:
        snapshot = socket.subscribe("quotes", symbols=[MAOTAI])
        assert snapshot["snapshot"] is True
        assert list(snapshot["data"]) == [MAOTAI]
        assert (snapshot["data"][MAOTAI]["last"], snapshot["data"][MAOTAI]["bid"]) == (1700.5, [1700.4])
        publish_quotes(pingan=11.0)
        publish_quotes(pingan=12.0, maotai=1701.0)
        frame = socket.until("quotes")
    assert frame["data"] == {MAOTAI: quote(1701.0, 1701)}


def test_quotes_without_symbols_brings_all(server: Server, team: Team, instruments: dict[str, Instrument]) -> None:
    with server.session(team.alice) as socket:
        socket.send(op="subscribe", channel="quotes")
        socket.send(op="ping")
        socket.until("pong")
        publish_quotes(pingan=13.0, maotai=1702.0)
        frame = socket.until("quotes")
        while set(frame["data"]) != {MAOTAI, PINGAN}:
            frame = socket.until("quotes")
    assert frame["data"][PINGAN]["last"] == 13.0


def test_quotes_received_but_not_stored_yet_are_in_the_snapshot(
    server: Server, team: Team, instruments: dict[str, Instrument]
) -> None:
    with server.session(team.alice) as early, server.session(team.bob) as late:
        early.send(op="subscribe", channel="quotes", symbols=[PINGAN])
        early.send(op="ping")
        early.until("pong")
        publish_quotes(pingan=5000.0)
        while early.until("quotes")["data"][PINGAN]["last"] != 5000.0:
            pass
        assert late.subscribe("quotes", symbols=[PINGAN])["data"][PINGAN]["last"] == 5000.0


def test_bars_brings_the_chosen_symbols(server: Server, team: Team, instruments: dict[str, Instrument]) -> None:
    with server.session(team.alice) as socket:
        socket.send(op="subscribe", channel="bars", symbols=[MAOTAI])
        time.sleep(0.1)
        publish("bars", {MAOTAI: {"ts": 60_000, "close": 3.0}, PINGAN: {"ts": 60_000, "close": 4.0}})
        assert socket.until("bars")["data"] == {MAOTAI: {"ts": 60_000, "close": 3.0}}


# ----------------------------------------------------------------------------- jobs
def test_jobs_shows_own_and_common_ones_only(server: Server, team: Team) -> None:
    own = job_create(kind="bars", owner=team.alice.pk)
    common = job_create(kind="sync")
    hers = job_create(kind="bars", owner=team.charlie.pk)
    with server.session(team.alice) as socket:
        snapshot = socket.subscribe("jobs")
        assert {job["id"] for job in snapshot["data"]} == {str(own.pk), str(common.pk)}
        job_fail(hers.pk, error="secret")
        job_fail(own.pk, error="no terminal")
        frame = socket.until("jobs")
    assert [(job["id"], job["status"]) for job in frame["data"]] == [(str(own.pk), "FAILED")]


def test_jobs_administrator_sees_everybodys(server: Server, team: Team) -> None:
    job = job_create(kind="bars", owner=team.charlie.pk)
    with server.session(team.admin) as socket:
        assert [row["id"] for row in socket.subscribe("jobs")["data"]] == [str(job.pk)]


# ------------------------------------------------------------------- Redis away
def test_redis_away_events_still_arrive_and_the_client_is_told(server: Server, team: Team, own_valkey: Valkey) -> None:
    channel = f"account:{team.alpha.pk}"
    with server.session(team.alice) as socket:
        assert socket.subscribe(channel)["version"] == 0
        own_valkey.stop()
        try:
            assert socket.until("stale")
            happen(team.alpha.pk, "while away")
            frame = socket.until("delta")
            assert (frame["version"], ids(frame)) == (1, ["while away"])
        finally:
            own_valkey.start()
        assert socket.until("live", seconds=8)
        happen(team.alpha.pk, "after")
        while not ids(frame := socket.until("delta")):
            pass
        assert (frame["version"], ids(frame)) == (2, ["after"])


def test_redis_away_new_client_is_told_and_still_gets_a_snapshot(
    server: Server, team: Team, own_valkey: Valkey
) -> None:
    own_valkey.stop()
    try:
        with server.session(team.alice) as socket:
            assert socket.until("stale")
            assert socket.subscribe(f"account:{team.alpha.pk}")["type"] == "snapshot"
    finally:
        own_valkey.start()


# ----------------------------------------------------------------- slow clients
def test_slow_client_delays_nobody_and_loses_no_event(
    server: Server, team: Team, instruments: dict[str, Instrument]
) -> None:
    channel = f"account:{team.alpha.pk}"
    url = f"ws://127.0.0.1:{server.port}/ws/v1"
    headers = {"Cookie": session_cookie(team.bob)}
    padding = "x" * 200_000
    with (
        # Its small window fills at once; nothing is read until the flood is over.
        connect(url, additional_headers=headers, compression=None, max_queue=1, max_size=None) as raw,
        server.session(team.alice, max_size=None) as quick,
    ):
        slow = Socket(raw)
        slow.until("hello")
        slow.subscribe(channel)
        slow.send(op="subscribe", channel="quotes", symbols=[PINGAN])
        quick.subscribe(channel)
        quick.send(op="subscribe", channel="quotes", symbols=[PINGAN])
        # 60 MB of quotes for a client that does not read.
        for number in range(300):
            publish("quotes", {"t": 1, "q": {PINGAN: {**quote(float(number), number), "pad": padding}}})
            if number % 60 == 0:
                happen(team.alpha.pk, f"order {number}")
                assert ids(quick.until("delta", seconds=2)) == [f"order {number}"]
        publish("quotes", {"t": 1, "q": {PINGAN: quote(9999.0, 9999)}})
        eventually(lambda: quick.until("quotes")["data"][PINGAN]["last"] == 9999.0)
        versions: list[int] = []
        quotes = 0
        last = 0.0
        while last != 9999.0:
            frame = json.loads(slow.connection.recv(timeout=5))
            if frame["type"] == "delta":
                versions += [event["version"] for event in frame["events"]]
            elif frame["type"] == "quotes":
                quotes += 1
                last = frame["data"][PINGAN]["last"]
        while len(versions) < 5:
            versions += [event["version"] for event in slow.until("delta")["events"]]
    assert versions == [1, 2, 3, 4, 5]
    assert quotes < 301
