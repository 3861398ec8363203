"""The live socket over real connections: resumed after cuts, from any thread, on an event loop, refused for good reasons."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from qmtdesk import AccountBook, AsyncDesk, Desk, NotAuthenticated
from qmtdesk.live.messages import Event, Link, Message, Quotes, Refused, Revoked, Snapshot
from qmtdesk.live.sync import Live
from qmtdesk.models import Order
from tests.client.cutting import cutting
from tests.live.conftest import Server
from tests.orders.bench import MOUTAI, Bench
from tests.people import TEST_ACTOR
from trading.ledger.selectors import account_snapshot
from trading.orders.models import Order as PlacedOrder

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])


@pytest.fixture
def live(desk: Desk) -> Iterator[Live]:
    with desk.live() as live:
        yield live


def until(live: Live, kind: type[Message]) -> Message:
    return next(message for message in live if isinstance(message, kind))


def up_to(live: Live, order: PlacedOrder) -> list[Message]:
    """Everything until the platform tells of this order."""
    told = [next(live)]
    while not (isinstance(told[-1], Event) and isinstance(told[-1].data, Order) and told[-1].data.id == str(order.pk)):
        told.append(next(live))
    return told


def test_account_is_a_snapshot_then_its_events(live: Live, bench: Bench) -> None:
    live.account(bench.account.pk)
    book = AccountBook(bench.account.pk)
    book.apply(until(live, Snapshot))
    order = bench.submit()
    while str(order.pk) not in book.orders:
        book.apply(until(live, Event))
    fresh = account_snapshot(bench.account)
    assert book.orders[str(order.pk)].status == "QUEUED"
    assert [row["id"] for row in fresh["data"]["orders"]] == list(book.orders)


def test_cut_connection_resumes_where_it_stopped(server: Server, bench: Bench, desk_at: Callable[..., Desk]) -> None:
    with cutting(server.port) as proxy, desk_at(proxy.url).live() as live:
        live.account(bench.account.pk)
        seen = [until(live, Snapshot), *up_to(live, bench.submit())]
        proxy.cut_all()
        told = up_to(live, bench.submit())
    states = [message.state for message in told if isinstance(message, Link)]
    assert states[:2] == ["down", "up"]
    assert not any(isinstance(message, Snapshot) for message in told)
    versions = [message.version for message in (*seen, *told) if isinstance(message, (Snapshot, Event))]
    assert versions == list(range(versions[0], versions[0] + len(versions)))


def test_platform_that_is_not_there_yet_is_waited_for(
    server: Server, bench: Bench, desk_at: Callable[..., Desk]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with desk_at(f"http://127.0.0.1:{port}").live() as live:
        live.account(bench.account.pk)
        first = next(live)
        assert isinstance(first, Link)
        assert (first.state, "refused" in first.reason) == ("down", True)
        with cutting(server.port, listen=port):
            assert isinstance(until(live, Snapshot), Snapshot)
    assert list(live) == []


def test_handlers_run_in_a_thread_and_subscriptions_change_meanwhile(live: Live, bench: Bench) -> None:
    seen: list[int] = []
    came = threading.Event()

    def note(message: Snapshot) -> None:
        seen.append(message.account)
        came.set()

    live.on(Snapshot, note)
    live.start()
    live.account(bench.account.pk)
    assert came.wait(5)
    live.close()
    assert seen == [bench.account.pk]


def test_account_of_others_is_refused_and_the_rest_goes_on(live: Live, bench: Bench) -> None:
    live.account(bench.team.beta.pk)
    refused = until(live, Refused)
    assert isinstance(refused, Refused)
    assert (refused.channel, refused.code) == (f"account:{bench.team.beta.pk}", "ACCOUNT_NOT_FOUND")
    live.account(bench.account.pk)
    assert isinstance(until(live, Snapshot), Snapshot)


def test_withdrawn_grant_ends_the_channel(live: Live, bench: Bench) -> None:
    from accounts.services.grants import grant_withdraw

    live.account(bench.account.pk)
    until(live, Snapshot)
    grant_withdraw(actor=TEST_ACTOR, user=bench.alice, account=bench.account)
    revoked = until(live, Revoked)
    assert revoked == Revoked(f"account:{bench.account.pk}")


def test_bad_token_ends_the_iteration(url: str) -> None:
    with Desk(url, "desk_nonsense") as stranger, stranger.live() as live:
        with pytest.raises(NotAuthenticated):
            next(message for message in live if not isinstance(message, Link))
        assert list(live) == []


def test_quotes_of_an_unknown_symbol_are_refused(live: Live) -> None:
    live.quotes("999999.SH")
    refused = until(live, Refused)
    assert isinstance(refused, Refused)
    assert refused.code == "SYMBOL_UNKNOWN"


def test_on_an_event_loop_quotes_and_accounts_arrive(server: Server, url: str, token: str, bench: Bench) -> None:
    from ops.publish import publish

    async def follow() -> tuple[int, float | None]:
        async with AsyncDesk(url, token) as desk, desk.live() as live:
            await live.account(bench.account.pk)
            await live.quotes([MOUTAI])
            version = -1
            async for message in live:
                if isinstance(message, Snapshot):
                    version = message.version
                    publish("quotes", {"t": 1, "q": {MOUTAI: {"last": 10.5, "ts": 4_102_444_800_000}}})
                elif isinstance(message, Quotes) and message.data[MOUTAI].last == 10.5:
                    return version, message.data[MOUTAI].last
        raise AssertionError("the socket ended")

    assert asyncio.run(asyncio.wait_for(follow(), 10)) == (0, 10.5)


def test_connections_that_end_at_once_are_made_ever_more_slowly(
    server: Server, bench: Bench, desk_at: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []

    def pause(failures: int) -> float:
        pauses.append(failures)
        return 0.0

    monkeypatch.setattr("qmtdesk.live.sync.pause_seconds", pause)
    with cutting(server.port) as proxy, desk_at(proxy.url).live() as live:
        live.account(bench.account.pk)
        for _ in range(3):
            until(live, Link)  # down, or up
            proxy.cut_all()
            while not (isinstance(message := next(live), Link) and message.state == "down"):
                pass
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 2
