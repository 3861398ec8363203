"""The live protocol without a socket: each event once and in order, or a snapshot that contains it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmtdesk import AccountBook, NotAuthenticated
from qmtdesk.live.messages import Bars, Event, Jobs, Link, Notice, Quotes, Refused, Revoked, Snapshot
from qmtdesk.live.session import Received, Session
from qmtdesk.models import Position
from tests.client.players import order_body

ASSET = {
    "account": 1,
    "cash": "1.00",
    "frozen_cash": "0.00",
    "market_value": "0.00",
    "total_asset": "1.00",
    "at": "2026-11-20T02:00:00.000Z",
}


def position(quantity: int, symbol: str = "600519.SH") -> dict[str, Any]:
    prices = dict.fromkeys(("avg_price", "open_price", "last_price", "market_value"), "1.00")
    counts = dict.fromkeys(("sellable", "frozen", "on_road", "yesterday"), 0)
    return {"account": 1, "symbol": symbol, "quantity": quantity, **prices, **counts, "at": ASSET["at"]}


def data(*positions: dict[str, Any]) -> dict[str, Any]:
    return {"asset": ASSET, "positions": list(positions), "orders": [], "trades": [], "market_clock": None}


def told(session: Session, **frame: Any) -> Received:
    return session.receive(json.dumps(frame))


def snapshot(session: Session, version: int, *positions: dict[str, Any]) -> Received:
    return told(session, type="snapshot", channel="account:1", version=version, data=data(*positions))


def delta(session: Session, *versions: int, kind: str = "account") -> Received:
    events = [{"version": version, "kind": kind, "data": {"n": version}} for version in versions]
    return told(session, type="delta", channel="account:1", version=versions[-1], events=events)


def versions(received: Received) -> list[int]:
    return [message.version for message in received.messages if isinstance(message, Event)]


@pytest.fixture
def session() -> Session:
    made = Session()
    made.subscribe("account:1")
    snapshot(made, 5)
    return made


def test_events_follow_the_snapshot(session: Session) -> None:
    assert versions(delta(session, 6, 7)) == [6, 7]


def test_events_seen_already_are_dropped(session: Session) -> None:
    delta(session, 6, 7)
    assert versions(delta(session, 6, 7, 8)) == [8]


def test_hole_asks_for_a_snapshot_and_nothing_passes_until_it_has_come(session: Session) -> None:
    hole = delta(session, 6, 8)
    assert versions(hole) == [6]
    assert [json.loads(text) for text in hole.answers] == [{"op": "subscribe", "channel": "account:1"}]
    assert delta(session, 9) == Received()
    assert [type(message) for message in snapshot(session, 9).messages] == [Snapshot]
    assert versions(delta(session, 10)) == [10]


def test_new_connection_resumes_accounts_and_subscribes_the_rest_anew(session: Session) -> None:
    session.subscribe("quotes", symbols=["600519.SH"])
    session.subscribe("jobs")
    session.unsubscribe("jobs")
    delta(session, 6)
    assert [json.loads(text) for text in session.opening()] == [
        {"op": "subscribe", "channel": "account:1", "since": 6},
        {"op": "subscribe", "channel": "quotes", "symbols": ["600519.SH"]},
    ]


def test_restored_platform_whose_versions_are_older_is_believed(session: Session) -> None:
    (message,) = snapshot(session, 2).messages
    assert isinstance(message, Snapshot)
    assert versions(delta(session, 3)) == [3]


def test_refused_channel_is_told_and_not_asked_for_again(session: Session) -> None:
    (message,) = told(session, type="error", code="ACCOUNT_NOT_FOUND", message="no", channel="account:1").messages
    assert message == Refused("account:1", "ACCOUNT_NOT_FOUND", "no")
    assert session.opening() == []


def test_passing_trouble_of_the_platform_keeps_the_subscription(session: Session) -> None:
    (message,) = told(session, type="error", code="UNAVAILABLE", message="soon", channel="account:1").messages
    assert message == Link("stale", "soon")
    assert len(session.opening()) == 1


def test_withdrawn_right_ends_the_channel(session: Session) -> None:
    assert told(session, type="revoked", channel="account:1").messages == (Revoked("account:1"),)
    assert session.opening() == []


def test_bad_token_is_an_error(session: Session) -> None:
    with pytest.raises(NotAuthenticated):
        told(session, type="error", code="TOKEN_INVALID", message="no")


def test_quotes_bars_jobs_and_notices_are_typed(session: Session) -> None:
    quote = {"last": 10.5, "ts": 1, "bid": [10.4], "bidv": [100], "ask": [10.6], "askv": [200], "volume": 5}
    (quotes,) = told(session, type="quotes", snapshot=True, data={"600519.SH": quote}).messages
    assert isinstance(quotes, Quotes)
    assert quotes.snapshot
    assert (quotes.data["600519.SH"].ask, quotes.data["600519.SH"].ask_volume) == ((10.6,), (200,))
    bar = {"period": "5m", "ts": 1, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 100, "complete": True}
    (bars,) = told(session, type="bars:5m", data={"600519.SH": bar}).messages
    assert isinstance(bars, Bars)
    assert (bars.period, bars.data["600519.SH"].symbol, bars.data["600519.SH"].complete) == ("5m", "600519.SH", True)
    job = {"id": "j", "kind": "repair", "status": "RUNNING", "total": 4, "done": 1}
    (jobs,) = told(session, type="jobs", data=[job]).messages
    assert isinstance(jobs, Jobs)
    assert jobs.data[0].done == 1
    assert told(session, type="alerts", snapshot=True, data=[]).messages == (Notice("alerts", [], "", snapshot=True),)


def test_heartbeats_and_words_of_a_newer_platform_are_passed_over(session: Session) -> None:
    assert told(session, type="heartbeat", server_time=1) == Received()
    assert told(session, type="weather") == Received()


def test_book_keeps_what_the_messages_say() -> None:
    session, book = Session(), AccountBook(1)
    session.subscribe("account:1")
    (first,) = snapshot(session, 1, position(100), position(200, "000001.SZ")).messages
    book.apply(first)
    events = [
        {"version": 2, "kind": "position", "data": position(0)},
        {"version": 3, "kind": "order", "data": order_body()},
        {"version": 4, "kind": "asset", "data": ASSET | {"cash": "2.00"}},
    ]
    for message in told(session, type="delta", channel="account:1", version=4, events=events).messages:
        assert book.apply(message)
    assert list(book.positions) == ["000001.SZ"]
    assert list(book.orders) == ["0a0a"]
    assert book.version == 4
    assert book.asset is not None
    assert book.asset.cash == 2
    assert not book.apply(Event(2, 5, "account", {}))


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 3), max_size=30), st.randoms(use_true_random=False))
def test_book_after_any_loss_and_repetition_equals_a_fresh_snapshot(changes: list[int], chance: Any) -> None:
    """The platform sends events; some are lost, some come twice; whoever asks for a snapshot gets the present one."""
    session, book = Session(), AccountBook(1)
    session.subscribe("account:1")
    held: dict[str, int] = {}
    version = 0

    def apply(received: Received) -> None:
        for message in received.messages:
            book.apply(message)
        if received.answers:
            apply(answer())

    def answer() -> Received:
        rows = [position(quantity, symbol) for symbol, quantity in held.items() if quantity]
        return snapshot(session, version, *rows)

    apply(answer())
    for change in changes:
        version += 1
        symbol = f"{600000 + change % 2}.SH"
        held[symbol] = change
        event = {"version": version, "kind": "position", "data": position(change, symbol)}
        for _ in range(chance.choice((0, 1, 1, 2))):
            apply(told(session, type="delta", channel="account:1", version=version, events=[event]))
    # The next event always arrives; a loss before it is noticed then.
    version += 1
    event = {"version": version, "kind": "account", "data": {}}
    apply(told(session, type="delta", channel="account:1", version=version, events=[event]))
    assert {symbol: row.quantity for symbol, row in book.positions.items()} == {s: q for s, q in held.items() if q}
    assert book.version == version


def test_event_of_a_position_is_typed(session: Session) -> None:
    event = {"version": 6, "kind": "position", "data": position(100)}
    (message,) = told(session, type="delta", channel="account:1", version=6, events=[event]).messages
    assert isinstance(message, Event)
    assert isinstance(message.data, Position)
