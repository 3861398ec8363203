"""Streams over a real server: snapshots, events without gaps, resuming, slow readers, rights that end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import grpc
import pytest

from accounts.services import grant_withdraw, token_revoke
from ops.publish import publish
from rpc.v1 import common_pb2 as common
from rpc.v1 import live_pb2 as live
from tests.live.conftest import Valkey
from tests.live.test_socket_delivery import happen
from tests.people import TEST_ACTOR, Team
from tests.rpc.conftest import Client, Refusal, Server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])

MAOTAI = "600519.SH"
#: A right that was withdrawn ends a stream within this.
WITHIN_SECONDS = 1.0


class Stream:
    """A stream and what was read of it."""

    def __init__(self, client: Client, method: Any, request: Any, *, seconds: float = 20.0) -> None:
        self._call = method(request, metadata=client.headers, timeout=seconds)

    def next(self) -> live.LiveMessage:
        """The next message that is neither about the link or the silence nor about what was before."""
        while True:
            message: live.LiveMessage = next(self._call)
            # The newest quote that this process has seen, of an earlier test too, comes first.
            if message.WhichOneof("message") not in ("heartbeat", "link", "hello") and not message.quotes.snapshot:
                return message

    def ends(self) -> Refusal:
        """Read to the end; how it ended."""
        with pytest.raises(grpc.RpcError) as caught:
            list(self._call)
        return Refusal.of(caught.value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._call.cancel()


class Asking:
    """The requests of a bidirectional stream, sent when the test says so."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[live.SubscribeRequest | None] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[live.SubscribeRequest]:
        while (request := self._requests.get()) is not None:
            yield request

    def subscribe(self, **channel: Any) -> None:
        self._requests.put(live.SubscribeRequest(subscribe=live.Channel(**channel)))

    def unsubscribe(self, **channel: Any) -> None:
        self._requests.put(live.SubscribeRequest(unsubscribe=live.Channel(**channel)))

    def ping(self, number: int) -> None:
        self._requests.put(live.SubscribeRequest(ping=live.Ping(id=number)))

    def stop(self) -> None:
        self._requests.put(None)


def quotes(*prices: float) -> None:
    """Publish one quote after the other; each is stamped with its price."""
    for price in prices:
        assert publish("quotes", {"t": 1, "q": {MAOTAI: {"last": price, "ts": round(price), "volume": 100}}})


def account(team: Team, since: int | None = None) -> live.AccountChannel:
    return live.AccountChannel(account=team.alpha.pk, since=since)


def after(seconds: float, act: Callable[[], Any]) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


# ------------------------------------------------------------------------------ accounts
def test_account_stream_begins_with_a_snapshot_and_has_no_gap(connected: Server, team: Team) -> None:
    happen(team.alpha.pk, "before")
    client = connected.person(team.alice)
    with Stream(client, client.live.StreamAccount, account(team)) as stream:
        snapshot = stream.next().account_snapshot
        assert (snapshot.account_id, snapshot.version, snapshot.account.account) == (team.alpha.pk, 1, team.alpha.pk)
        happen(team.alpha.pk, "a", "b")
        happen(team.alpha.pk, "c")
        parts = [stream.next().account_events]
        while parts[-1].version < 4:  # a busy server may tell several commits at once
            parts.append(stream.next().account_events)
    assert [(event.version, event.order.id) for part in parts for event in part.events] == [
        (2, "a"),
        (3, "b"),
        (4, "c"),
    ]


def test_account_stream_resumes_with_what_was_missed(connected: Server, team: Team) -> None:
    happen(team.alpha.pk, "a", "b", "c")
    client = connected.person(team.alice)
    with Stream(client, client.live.StreamAccount, account(team, since=1)) as stream:
        events = stream.next().account_events
    assert [(event.version, event.order.id) for event in events.events] == [(2, "b"), (3, "c")]


def test_account_stream_without_redis_is_late_and_complete(server: Server, team: Team) -> None:
    """The database is the truth: versions are compared once a second."""
    client = server.person(team.alice)
    with Stream(client, client.live.StreamAccount, account(team)) as stream:
        assert stream.next().account_snapshot.version == 0
        happen(team.alpha.pk, "a")
        happen(team.alpha.pk, "b")
        seen = [event.order.id for event in stream.next().account_events.events]
        if len(seen) < 2:
            seen += [event.order.id for event in stream.next().account_events.events]
    assert seen == ["a", "b"]


def test_account_of_somebody_else_ends_the_stream(connected: Server, team: Team) -> None:
    client = connected.person(team.charlie)
    with Stream(client, client.live.StreamAccount, account(team)) as stream:
        refusal = stream.ends()
    assert (refusal.status, refusal.code) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")


# --------------------------------------------------------------------------------- rights
def test_revoked_token_ends_its_streams_within_a_second(connected: Server, team: Team) -> None:
    client = connected.person(team.alice)
    with Stream(client, client.live.StreamAccount, account(team)) as stream:
        stream.next()
        began = time.monotonic()
        assert client.row is not None
        token_revoke(actor=TEST_ACTOR, token=client.row)
        refusal = stream.ends()
    assert (refusal.status, refusal.code) == (grpc.StatusCode.UNAUTHENTICATED, "NOT_AUTHENTICATED")
    assert time.monotonic() - began < WITHIN_SECONDS


def test_withdrawn_grant_ends_the_accounts_stream_within_a_second(connected: Server, team: Team) -> None:
    client = connected.person(team.bob)
    with Stream(client, client.live.StreamAccount, account(team)) as stream:
        stream.next()
        began = time.monotonic()
        grant_withdraw(actor=TEST_ACTOR, account=team.alpha, user=team.bob)
        refusal = stream.ends()
    assert (refusal.status, refusal.code) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert time.monotonic() - began < WITHIN_SECONDS


def test_withdrawn_grant_ends_one_channel_of_several(connected: Server, team: Team) -> None:
    client, asking = connected.person(team.bob), Asking()
    asking.subscribe(account=account(team))
    with Stream(client, client.live.Subscribe, iter(asking)) as stream:
        assert stream.next().account_snapshot.account_id == team.alpha.pk
        grant_withdraw(actor=TEST_ACTOR, account=team.alpha, user=team.bob)
        assert stream.next().revoked.channel == f"account:{team.alpha.pk}"
        asking.ping(7)
        assert stream.next().pong.id == 7
    asking.stop()


def test_stream_of_quotes_needs_the_scope_of_the_market(connected: Server, team: Team) -> None:
    client, asking = connected.person(team.alice, "account:read"), Asking()
    asking.subscribe(quotes=live.QuotesChannel())
    with Stream(client, client.live.Subscribe, iter(asking)) as stream:
        error = stream.next().error
        assert (error.code, error.channel, error.details["scope"]) == ("SCOPE_MISSING", "quotes", "market:read")
    asking.stop()
    refusal = client.refused(client.live.StreamQuotes, live.QuotesChannel())
    assert (refusal.status, refusal.code) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")


# --------------------------------------------------------------------------------- quotes
@pytest.fixture
def instrument(connected: Server) -> None:
    from tests.orders.bench import make_instruments

    make_instruments()


def test_quotes_of_chosen_symbols_arrive_in_units_of_a_ten_thousandth(
    connected: Server, team: Team, instrument: None
) -> None:
    client = connected.person(team.alice)
    with Stream(client, client.live.StreamQuotes, live.QuotesChannel(symbols=["600519"])) as stream:
        after(0.3, lambda: quotes(1700.01))
        told = stream.next().quotes
    assert [(quote.symbol, quote.last_e4, quote.ts_ms) for quote in told.quotes] == [(MAOTAI, 17000100, 1700)]


def test_quotes_of_an_unknown_symbol_end_the_stream(connected: Server, team: Team) -> None:
    client = connected.person(team.alice)
    refusal = client.refused(client.live.StreamQuotes, live.QuotesChannel(symbols=["600001"]))
    assert (refusal.status, refusal.code) == (grpc.StatusCode.INVALID_ARGUMENT, "SYMBOL_UNKNOWN")
    assert refusal.fields == ["symbols"]


def test_client_that_does_not_read_gets_the_newest_quote_and_holds_nobody_up(
    connected: Server, team: Team, instrument: None
) -> None:
    """1,000 symbols a message, and a window that does not grow: transports take in some of these, not all."""
    slow, quick = connected.person(team.alice, **{"grpc.http2.bdp_probe": 0}), connected.person(team.bob)
    count = 60
    with (
        Stream(slow, slow.live.StreamQuotes, live.QuotesChannel()) as unread,
        Stream(quick, quick.live.StreamQuotes, live.QuotesChannel(symbols=[MAOTAI])) as read,
    ):
        time.sleep(0.3)
        seen = []
        for price in range(1, count + 1):
            names = (f"{600000 + number}.SH" for number in range(1000))
            assert publish("quotes", {"t": 1, "q": {name: {"last": price, "ts": price} for name in names}})
            seen.append(read.next().quotes.quotes[0].ts_ms)
        arrived = [unread.next().quotes.quotes[0].ts_ms]
        while arrived[-1] < count:
            arrived.append(unread.next().quotes.quotes[0].ts_ms)
    assert seen[-1] == count
    assert arrived == sorted(arrived)
    assert len(arrived) < count // 2


def test_subscriptions_come_and_go_on_one_stream(connected: Server, team: Team, instrument: None) -> None:
    client, asking = connected.person(team.alice), Asking()
    asking.subscribe(quotes=live.QuotesChannel(symbols=[MAOTAI]))
    with Stream(client, client.live.Subscribe, iter(asking)) as stream:
        asking.ping(1)
        assert stream.next().pong.id == 1
        time.sleep(0.2)
        quotes(10)
        assert stream.next().quotes.quotes[0].last_e4 == 100_000
        asking.unsubscribe(quotes=live.QuotesChannel())
        asking.subscribe(bars=live.BarsChannel(period="5m"))
        asking.ping(2)
        assert stream.next().pong.id == 2
        quotes(11)
        time.sleep(0.2)
        assert publish("bars:5m", {MAOTAI: {"ts": 5, "open": 1, "high": 2, "low": 1, "close": 2, "volume": 100}})
        bars = stream.next().bars
        assert (bars.period, bars.bars[0].symbol, bars.bars[0].close_e4) == ("5m", MAOTAI, 20_000)
    asking.stop()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (live.SubscribeRequest(), "request"),
        (live.SubscribeRequest(subscribe=live.Channel()), "channel"),
        (live.SubscribeRequest(subscribe=live.Channel(bars=live.BarsChannel(period="1d"))), "period"),
        (live.SubscribeRequest(subscribe=live.Channel(account=live.AccountChannel(account=0))), "account"),
        (live.SubscribeRequest(subscribe=live.Channel(account=live.AccountChannel(account=1, since=-1))), "since"),
    ],
)
def test_request_that_means_nothing_is_told_and_changes_nothing(request_: live.SubscribeRequest, field: str) -> None:
    from ops.errors import Invalid
    from rpc.live import command_of

    with pytest.raises(Invalid) as refusal:
        command_of(request_)
    assert refusal.value.field == field


def test_redis_that_goes_away_and_comes_back_is_told(connected: Server, team: Team, own_valkey: Valkey) -> None:
    client = connected.person(team.alice)
    stream = client.live.StreamQuotes(live.QuotesChannel(), metadata=client.headers, timeout=20)
    after(0.3, own_valkey.stop)
    try:
        assert next(message.link.up for message in stream if message.HasField("link")) is False
        own_valkey.start()
        assert next(message.link.up for message in stream if message.HasField("link")) is True
    finally:
        stream.cancel()


def test_side_of_an_event_is_a_word_of_the_enumeration(connected: Server, team: Team) -> None:
    from trading.ledger.choices import EventKind
    from trading.ledger.journal import account_journal

    client = connected.person(team.alice)
    with Stream(client, client.live.StreamAccount, account(team)) as stream:
        stream.next()
        with account_journal(team.alpha.pk) as journal:
            journal.record(EventKind.ORDER, "x", lambda: {"id": "x", "side": "SELL", "status": "FILLED"})
        order = stream.next().account_events.events[0].order
    assert (order.side, order.status) == (common.SIDE_SELL, common.ORDER_STATUS_FILLED)
