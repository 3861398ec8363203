"""What a client still has to get: no gap and no repetition for accounts, the newest for the rest."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from desk.live.streams import ACCOUNT_QUEUE_LIMIT, AccountStream, JobStream, SymbolStream
from desk.settings.schema import get_config
from ops.hub import Hub, Message
from tests.live.conftest import Valkey


def nothing() -> None:
    """No writer to wake."""


async def drain(stream: Any) -> list[dict[str, Any]]:
    return [json.loads(text) async for text in stream.frames()]


# ------------------------------------------------------------------------- accounts
class Ledger:
    """The database behind an account stream."""

    def __init__(self) -> None:
        self.version = 0
        self.reads: list[int | None] = []

    def batch(self, size: int = 1) -> Message:
        first = self.version + 1
        self.version += size
        events = [{"version": version} for version in range(first, self.version + 1)]
        return message("account:1", {"type": "delta", "version": self.version, "events": events})

    async def read(self, since: int | None) -> tuple[str, int]:
        self.reads.append(since)
        if since is None:
            return json.dumps({"type": "snapshot", "version": self.version}), self.version
        events = [{"version": version} for version in range(since + 1, self.version + 1)]
        text = json.dumps({"type": "delta", "version": self.version, "events": events})
        return text, self.version


def message(channel: str, payload: dict[str, Any]) -> Message:
    return Message(channel, orjson.dumps(payload))


def versions_seen(frames: list[dict[str, Any]]) -> list[int]:
    """Versions in the order a client learns of them; a snapshot stands for its own."""
    seen: list[int] = []
    for frame in frames:
        if frame["type"] == "snapshot":
            seen = list(range(1, frame["version"] + 1))
        else:
            seen += [event["version"] for event in frame["events"]]
    return seen


def account(ledger: Ledger, since: int | None = None) -> AccountStream:
    return AccountStream("account:1", since=since, read=ledger.read, wake=nothing)


async def test_account_first_frame_is_a_snapshot() -> None:
    ledger = Ledger()
    ledger.batch(3)
    assert await drain(account(ledger)) == [{"type": "snapshot", "version": 3}]


async def test_account_message_older_than_the_snapshot_is_left_out() -> None:
    ledger = Ledger()
    stream = account(ledger)
    stream.deliver(ledger.batch())
    assert versions_seen(await drain(stream)) == [1]
    assert ledger.reads == [None]


async def test_account_following_message_is_passed_on_without_a_read() -> None:
    ledger = Ledger()
    stream = account(ledger)
    await drain(stream)
    sent = ledger.batch(2)
    stream.deliver(sent)
    assert [text async for text in stream.frames()] == [sent.text]
    assert ledger.reads == [None]


async def test_account_gap_is_read() -> None:
    ledger = Ledger()
    stream = account(ledger)
    await drain(stream)
    ledger.batch()
    stream.deliver(ledger.batch())
    assert versions_seen(await drain(stream)) == [1, 2]
    assert ledger.reads == [None, 0]


async def test_account_overflow_is_read_instead() -> None:
    ledger = Ledger()
    stream = account(ledger)
    await drain(stream)
    for _ in range(ACCOUNT_QUEUE_LIMIT + 50):
        stream.deliver(ledger.batch())
    frames = await drain(stream)
    assert versions_seen(frames) == list(range(1, ledger.version + 1))
    assert len(ledger.reads) == 2


async def test_account_overflow_while_reading_is_read_again() -> None:
    ledger = Ledger()

    async def slow_read(since: int | None) -> tuple[str, int]:
        result = await ledger.read(since)
        if len(ledger.reads) == 1:
            for _ in range(ACCOUNT_QUEUE_LIMIT + 1):
                stream.deliver(ledger.batch())
        return result

    stream = AccountStream("account:1", since=0, read=slow_read, wake=nothing)
    assert versions_seen(await drain(stream)) == list(range(1, ledger.version + 1))


async def test_account_failed_read_is_tried_again() -> None:
    ledger = Ledger()
    ledger.batch()

    async def fails_once(since: int | None) -> tuple[str, int]:
        if not ledger.reads:
            ledger.reads.append(since)
            raise OSError("the database is away")
        return await ledger.read(since)

    stream = AccountStream("account:1", since=0, read=fails_once, wake=nothing)
    with pytest.raises(OSError, match="away"):
        await drain(stream)
    assert versions_seen(await drain(stream)) == [1]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_account_any_delivery_gives_every_version_once_and_in_order(data: st.DataObject) -> None:
    """Messages may be lost, doubled and swapped; Redis may come and go."""

    async def run() -> None:
        ledger = Ledger()
        stream = account(ledger, since=data.draw(st.sampled_from([None, 0])))
        frames: list[dict[str, Any]] = []
        held: list[Message] = []
        for _ in range(data.draw(st.integers(1, 25))):
            match data.draw(st.sampled_from(["send", "lose", "hold", "release", "drain", "link", "again"])):
                case "send":
                    held.append(ledger.batch(data.draw(st.integers(1, 3))))
                    stream.deliver(held[-1])
                case "lose":
                    ledger.batch()
                case "hold":
                    held.append(ledger.batch())
                case "release" if held:
                    stream.deliver(held.pop(data.draw(st.integers(0, len(held) - 1))))
                case "again" if held:
                    stream.deliver(data.draw(st.sampled_from(held)))
                case "drain":
                    frames += await drain(stream)
                case "link":
                    stream.link_changed(up=True)
        stream.link_changed(up=True)
        frames += await drain(stream)
        assert versions_seen(frames) == list(range(1, ledger.version + 1))

    asyncio.run(run())


# -------------------------------------------------------------------- quotes and bars
def quotes(**prices: float) -> Message:
    return message("quotes", {"t": 1, "q": {name: {"last": last} for name, last in prices.items()}})


def bars(**values: tuple[int, float]) -> Message:
    return message("bars", {name: {"ts": ts, "close": close} for name, (ts, close) in values.items()})


async def symbol_stream(channel: str, *symbols: str) -> SymbolStream:
    async def read() -> tuple[frozenset[str] | None, dict[str, Any]]:
        return (frozenset(symbols) or None), {}

    stream = SymbolStream(channel, read=read, wake=nothing)
    assert await drain(stream) == []
    return stream


async def test_quotes_unfiltered_text_is_the_same_object_for_every_client() -> None:
    first, second = await symbol_stream("quotes"), await symbol_stream("quotes")
    shared = quotes(A=1.0, B=2.0)
    first.deliver(shared)
    second.deliver(shared)
    one = [text async for text in first.frames()]
    two = [text async for text in second.frames()]
    assert one[0] is two[0]
    assert json.loads(one[0]) == {"type": "quotes", "data": {"A": {"last": 1.0}, "B": {"last": 2.0}}}


async def test_quotes_waiting_conflate_to_the_last_of_each_symbol() -> None:
    stream = await symbol_stream("quotes")
    for update in (quotes(A=1.0, B=1.0), quotes(A=2.0), quotes(A=3.0, C=9.0)):
        stream.deliver(update)
    assert await drain(stream) == [
        {"type": "quotes", "data": {"A": {"last": 3.0}, "B": {"last": 1.0}, "C": {"last": 9.0}}}
    ]
    assert await drain(stream) == []


async def test_quotes_filtered_leaves_others_out() -> None:
    stream = await symbol_stream("quotes", "A")
    stream.deliver(quotes(B=1.0))
    assert await drain(stream) == []
    stream.deliver(quotes(A=2.0, B=2.0))
    assert await drain(stream) == [{"type": "quotes", "data": {"A": {"last": 2.0}}}]


async def test_quotes_filtered_out_does_not_wake_the_writer() -> None:
    woken: list[bool] = []

    async def read() -> tuple[frozenset[str] | None, dict[str, Any]]:
        return frozenset({"A"}), {}

    stream = SymbolStream("quotes", read=read, wake=lambda: woken.append(True))
    await drain(stream)
    stream.deliver(quotes(B=1.0))
    assert woken == []


async def test_quotes_arriving_before_the_first_read_come_after_the_snapshot() -> None:
    async def read() -> tuple[frozenset[str] | None, dict[str, Any]]:
        return frozenset({"A"}), {"A": {"last": 1.0}}

    stream = SymbolStream("quotes", read=read, wake=nothing)
    stream.deliver(quotes(A=2.0, B=2.0))
    assert await drain(stream) == [
        {"type": "quotes", "snapshot": True, "data": {"A": {"last": 1.0}}},
        {"type": "quotes", "data": {"A": {"last": 2.0}}},
    ]


async def test_bars_a_closed_bar_is_not_replaced_by_the_next_one() -> None:
    stream = await symbol_stream("bars")
    for update in (bars(A=(60, 1.0)), bars(A=(60, 2.0)), bars(A=(120, 3.0), B=(60, 7.0))):
        stream.deliver(update)
    assert await drain(stream) == [
        {"type": "bars", "data": {"A": {"ts": 60, "close": 2.0}, "B": {"ts": 60, "close": 7.0}}},
        {"type": "bars", "data": {"A": {"ts": 120, "close": 3.0}}},
    ]


async def test_bars_waiting_are_bounded() -> None:
    stream = await symbol_stream("bars")
    for minute in range(100):
        stream.deliver(bars(A=(minute, 1.0)))
    assert [frame["data"]["A"]["ts"] for frame in await drain(stream)] == [97, 98, 99]


# ----------------------------------------------------------------------------- jobs
async def test_jobs_conflate_and_hide_those_of_others() -> None:
    async def read() -> list[dict[str, Any]]:
        return []

    stream = JobStream(may_see=lambda owner: owner in (None, 1), read=read, wake=nothing)
    await drain(stream)
    for job_id, owner, done in (("a", 1, 1), ("b", 2, 1), ("a", 1, 2), ("c", None, 5)):
        stream.deliver(message("jobs", {"id": job_id, "owner": owner, "done": done}))
    (frame,) = await drain(stream)
    assert [(job["id"], job["done"]) for job in frame["data"]] == [("a", 2), ("c", 5)]


# ------------------------------------------------------------------------------ hub
class Recorder:
    def __init__(self, *, fails: bool = False) -> None:
        self.got: list[Message] = []
        self.fails = fails

    def deliver(self, message: Message) -> None:
        self.got.append(message)
        if self.fails:
            raise RuntimeError("listener")

    def link_changed(self, *, up: bool) -> None:
        """Not asked here."""


async def test_hub_hands_a_message_to_its_channel_only() -> None:
    hub, ours, other = Hub("unix:///nowhere"), Recorder(), Recorder()
    hub.join("quotes", ours)
    hub.join("bars", other)
    sent = quotes(A=1.0)
    hub.dispatch(sent)
    assert (ours.got, other.got) == ([sent], [])


async def test_hub_one_failing_listener_does_not_cost_the_others() -> None:
    hub, bad, good = Hub("unix:///nowhere"), Recorder(fails=True), Recorder()
    hub.join("quotes", bad)
    hub.join("quotes", good)
    hub.dispatch(quotes(A=1.0))
    assert len(good.got) == 1


async def test_hub_left_channel_is_silent_and_leaves_nothing_behind() -> None:
    hub, listener = Hub("unix:///nowhere"), Recorder()
    hub.join("quotes", listener)
    hub.leave("quotes", listener)
    hub.leave("quotes", listener)
    hub.dispatch(quotes(A=1.0))
    assert listener.got == []
    assert hub._channels == {}
    assert hub._listeners == {}


class FrozenProxy:
    """A TCP way to Valkey that can stop passing anything on, without closing."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def freeze(self) -> None:
        self._flowing.clear()

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._path)
        for source, sink in ((reader, inner_writer), (inner_reader, writer)):
            self._tasks.append(asyncio.create_task(self._pass_on(source, sink)))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                await self._flowing.wait()
                sink.write(data)
        finally:
            sink.close()


class LinkWatch:
    """A listener that waits for the link to be lost."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def deliver(self, message: Message) -> None:
        """Not asked here."""

    def link_changed(self, *, up: bool) -> None:
        if not up:
            self.lost.set()


async def test_hub_half_open_link_is_noticed(own_valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.hub.SILENCE_SECONDS", 0.1)
    proxy = FrozenProxy(str(get_config().redis_socket))
    hub, link = Hub(await proxy.start()), LinkWatch()
    hub.join("quotes", link)
    hub.start()
    try:
        async with asyncio.timeout(5):
            await hub.wait_up()
            await asyncio.sleep(0.5)
            assert hub.is_up, "a quiet link is not a dead one"
            proxy.freeze()
            await link.lost.wait()
    finally:
        await hub.stop()
        await proxy.stop()


# -------------------------------------------------------------------------- what is counted
def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_account_stream_counts_the_time_from_commit_to_frame() -> None:
    stream = AccountStream("account:1", since=4, read=Ledger().read, wake=nothing)
    await drain(stream)
    before = counted("desk_order_event_to_frame_seconds_count")
    events = [{"version": 5}]
    stream._version = 4
    stream.deliver(message("account:1", {"type": "delta", "version": 5, "at": 1_700_000_000_000, "events": events}))
    await drain(stream)
    assert counted("desk_order_event_to_frame_seconds_count") - before == 1


async def test_account_queue_that_overflows_counts_one_reading_again() -> None:
    stream = AccountStream("account:1", since=None, read=Ledger().read, wake=nothing)
    before = counted("desk_live_dropped_total", what="read_again")
    for _ in range(ACCOUNT_QUEUE_LIMIT + 1):
        stream.deliver(message("account:1", {"events": [{"version": 1}]}))
    assert counted("desk_live_dropped_total", what="read_again") - before == 1
