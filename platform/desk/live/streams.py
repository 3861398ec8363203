"""What one client still has to get, per channel.

Delivering puts a message into the stream and never waits; the client's writer takes
frames out as fast as the client reads. Meanwhile quotes, bars and jobs conflate (the
newest value per key survives), and account events queue. An account queue that
overflows is thrown away and read again from the database: events are never lost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from desk.live import metrics
from desk.live.encoding import JSON, Encoding, Frame
from ops.hub import Message

#: Events that a slow client may have waiting before we re-read instead.
ACCOUNT_QUEUE_LIMIT = 256
#: Frames of one account sent in a row before other channels get their turn.
ACCOUNT_BURST = 100
#: Messages about hosts' feeds, which every subscription to quotes gets as well.
FEEDS = "feeds"
#: Signals that a slow client may have waiting before we re-read instead.
SIGNAL_QUEUE_LIMIT = 1000
#: A client that cannot keep up still gets the last bars of each symbol, not only one.
BAR_SLOTS = 3

T = TypeVar("T")
Wake = Callable[[], None]
AccountRead = Callable[[int | None], Awaitable[tuple[Frame, int]]]
SymbolsRead = Callable[[], Awaitable[tuple[frozenset[str] | None, dict[str, Any]]]]
JobsRead = Callable[[], Awaitable[list[dict[str, Any]]]]
FeedsRead = Callable[[], Awaitable[list[dict[str, Any]]]]
ApprovalsRead = Callable[[], Awaitable[dict[str, list[dict[str, Any]]]]]
StrategiesRead = Callable[[Mapping[int, int] | None], Awaitable[dict[str, Any]]]
SignalsRead = Callable[[], Awaitable[list[dict[str, Any]]]]
AlertsRead = Callable[[frozenset[int] | None], Awaitable[list[dict[str, Any]]]]


class Stream(Protocol):
    """One channel of one client."""

    channel: str

    def deliver(self, message: Message) -> None: ...

    def link_changed(self, *, up: bool) -> None: ...

    def read_again(self) -> None:
        """Read from the database before anything else is sent."""
        ...

    def frames(self) -> AsyncIterator[Frame]:
        """Take out what is due. Raises what its first database read raises."""
        ...


class _Reread:
    """What channels share that are read at first, after a lost link, and when they are asked to."""

    def __init__(self, wake: Wake, encoding: Encoding) -> None:
        self._wake = wake
        self._encoding = encoding
        self._must_read = True

    def link_changed(self, *, up: bool) -> None:
        if up:
            self.read_again()

    def read_again(self) -> None:
        self._must_read = True
        self._wake()


class _ReadWhole(_Reread):
    """Those whose read is made again when it failed, or when something changed while it ran."""

    async def _whole(self, reading: Awaitable[T]) -> T:
        """Read what is due. The mark goes before the read: what changes while it runs asks for another one."""
        self._must_read = False
        try:
            return await reading
        except BaseException:
            self._must_read = True
            raise


class AccountStream(_ReadWhole):
    """An account's versioned events: no gap, no repetition, whatever Redis does."""

    def __init__(
        self, channel: str, *, since: int | None, read: AccountRead, wake: Wake, encoding: Encoding = JSON
    ) -> None:
        super().__init__(wake, encoding)
        self.channel = channel
        self._version = since
        self._read = read
        self._queue: deque[Message] = deque()

    def deliver(self, message: Message) -> None:
        if len(self._queue) >= ACCOUNT_QUEUE_LIMIT:
            metrics.READ_AGAIN.inc()
            self._queue.clear()
            self._must_read = True
        else:
            self._queue.append(message)
        self._wake()

    def catch_up(self, version: int) -> None:
        """Read again if `version` has not come by: its message was lost and none followed."""
        if self._version is not None and self._version < version and not self._queue:
            self.read_again()

    async def frames(self) -> AsyncIterator[Frame]:
        for _ in range(ACCOUNT_BURST):
            if self._must_read:
                yield await self._from_database()
            elif self._queue:
                text = self._next(self._queue.popleft())
                if text is not None:
                    yield text
            else:
                return
        self._wake()

    async def _from_database(self) -> Frame:
        text, self._version = await self._whole(self._read(self._version))
        return text

    def _next(self, message: Message) -> Frame | None:
        """The message's frame if it is what comes next; a gap asks for a read."""
        first, last = message.derive(_versions)
        if self._version is not None and last <= self._version:
            return None
        if self._version is None or first != self._version + 1:
            self._must_read = True
            return None
        self._version = last
        if (committed := message.derive(_committed)) is not None:
            metrics.EVENT_TO_FRAME.observe(max(0.0, time.time() - committed))
        return message.derive(self._encoding.delta)


def _committed(message: Message) -> float | None:
    at = message.payload.get("at")
    return at / 1000 if isinstance(at, int) else None


def _versions(message: Message) -> tuple[int, int]:
    events = message.payload["events"]
    return events[0]["version"], events[-1]["version"]


class SymbolStream(_Reread):
    """Quotes or bars of some or all symbols; a slow client gets the newest of each.

    With `read_feeds` the stream also says which hosts' feeds are stale, at the start and whenever that changes.
    """

    def __init__(
        self,
        channel: str,
        *,
        read: SymbolsRead,
        wake: Wake,
        read_feeds: FeedsRead | None = None,
        encoding: Encoding = JSON,
    ) -> None:
        super().__init__(wake, encoding)
        self.channel = channel
        self._read = read
        self._read_feeds = read_feeds
        self._feeds: dict[str, dict[str, Any]] = {}
        self._symbols: frozenset[str] | None = None
        # As long as nothing else waits, one whole message is kept: its text is shared
        # by every client that filters nothing.
        self._whole: Message | None = None
        self._waiting: dict[int, dict[str, bytes]] = {}

    def deliver(self, message: Message) -> None:
        if message.channel == FEEDS:
            self._feeds[message.payload["host"]] = message.payload
        elif self._must_read:
            self._merge(message)
        elif self._symbols is None and not self._waiting and self._whole is None:
            self._whole = message
        else:
            if self._whole is not None:
                self._merge(self._whole)
                self._whole = None
            if not self._merge(message):
                return
            metrics.CONFLATED.inc()
        self._wake()

    async def frames(self) -> AsyncIterator[Frame]:
        if self._must_read:
            self._symbols, data = await self._read()
            self._must_read = False
            if data:
                yield self._encoding.frame(self.channel, snapshot=True, data=data)
            if self._read_feeds is not None:
                # What was said meanwhile is newer than what was read.
                self._feeds = {feed["host"]: feed for feed in await self._read_feeds()} | self._feeds
        feeds, self._feeds = self._feeds, {}
        if feeds:
            yield self._encoding.frame("feeds", data=list(feeds.values()))
        if self._whole is not None:
            whole, self._whole = self._whole, None
            yield whole.derive(self._encoding.whole)
        waiting, self._waiting = self._waiting, {}
        for _slot, parts in sorted(waiting.items()):
            wanted = self._symbols
            chosen = [text for symbol, text in parts.items() if wanted is None or symbol in wanted]
            if chosen:
                yield self._encoding.joined(self.channel, chosen)

    def _merge(self, message: Message) -> bool:
        """Lay the message's parts over what waits; whether any concerned this client."""
        touched = False
        for slot, parts in message.derive(self._encoding.parts).items():
            if self._symbols is not None and not self._must_read:
                parts = {name: parts[name] for name in self._symbols.intersection(parts)}
            if parts:
                self._waiting.setdefault(slot, {}).update(parts)
                touched = True
        while len(self._waiting) > BAR_SLOTS:
            del self._waiting[min(self._waiting)]
        return touched


class JobStream(_ReadWhole):
    """Progress of the jobs a person may see; the newest state of each."""

    channel = "jobs"

    def __init__(
        self, *, may_see: Callable[[int | None], bool], read: JobsRead, wake: Wake, encoding: Encoding = JSON
    ) -> None:
        super().__init__(wake, encoding)
        self._may_see = may_see
        self._read = read
        self._waiting: dict[str, dict[str, Any]] = {}

    def deliver(self, message: Message) -> None:
        job = message.payload
        if self._may_see(job.get("owner")):
            self._waiting[str(job["id"])] = job
            self._wake()

    async def frames(self) -> AsyncIterator[Frame]:
        if self._must_read:
            jobs = await self._whole(self._read())
            yield self._encoding.frame("jobs", snapshot=True, data=jobs)
        waiting, self._waiting = self._waiting, {}
        if waiting:
            yield self._encoding.frame("jobs", data=list(waiting.values()))


class AlertStream(_ReadWhole):
    """The open alerts a person may see, then every one that is new or changed.

    A message only names an alert. What the client gets is read for its person: rights are then
    decided by the one rule, at that moment, and alerts are rare enough to afford it.
    """

    channel = "alerts"

    def __init__(self, *, read: AlertsRead, wake: Wake, encoding: Encoding = JSON) -> None:
        super().__init__(wake, encoding)
        self._read = read
        self._changed: set[int] = set()

    def deliver(self, message: Message) -> None:
        self._changed.add(int(message.payload["id"]))
        self._wake()

    async def frames(self) -> AsyncIterator[Frame]:
        if self._must_read:
            self._changed.clear()
            alerts = await self._whole(self._read(None))
            yield self._encoding.frame("alerts", snapshot=True, data=alerts)
        changed, self._changed = self._changed, set()
        if changed:
            try:
                alerts = await self._read(frozenset(changed))
            except BaseException:
                self._changed |= changed
                raise
            if alerts:
                yield self._encoding.frame("alerts", data=alerts)


class ApprovalStream(_ReadWhole):
    """What waits for approval: the whole queue, again whenever it changes.

    A message only says that it did. The queue is short, and who may decide about what is asked anew each time.
    """

    channel = "approvals"

    def __init__(self, *, read: ApprovalsRead, wake: Wake, encoding: Encoding = JSON) -> None:
        super().__init__(wake, encoding)
        self._read = read

    def deliver(self, message: Message) -> None:
        self.read_again()

    async def frames(self) -> AsyncIterator[Frame]:
        if not self._must_read:
            return
        waiting = await self._whole(self._read())
        yield self._encoding.frame("approvals", data=waiting)


class SignalStream(_ReadWhole):
    """Signals of one account: the newest ones at the start, then each as it stands after a change.

    Messages carry whole signals; of several that wait, the newest state of each is sent.
    """

    def __init__(self, channel: str, *, read: SignalsRead, wake: Wake, encoding: Encoding = JSON) -> None:
        super().__init__(wake, encoding)
        self.channel = channel
        self._read = read
        self._changed: dict[int, dict[str, Any]] = {}

    def deliver(self, message: Message) -> None:
        for signal in message.payload["signals"]:
            known = self._changed.get(signal["id"])
            if known is None or known["version"] <= signal["version"]:
                self._changed[signal["id"]] = signal
        if len(self._changed) > SIGNAL_QUEUE_LIMIT:
            self._must_read = True
        self._wake()

    async def frames(self) -> AsyncIterator[Frame]:
        if self._must_read:
            # Cleared before the read: what changes while it runs is in it, or comes after it.
            self._changed.clear()
            signals = await self._whole(self._read())
            yield self._encoding.frame("signals", channel=self.channel, snapshot=True, data=signals)
        changed, self._changed = self._changed, {}
        if changed:
            yield self._encoding.frame("signals", channel=self.channel, data=list(changed.values()))


class StrategyStream(_ReadWhole):
    """Runs of strategies of one account: all of them at the start, then each with its new lines as it changes.

    A message only names a run: what the client gets is read, from the line on that it had last.
    """

    def __init__(self, channel: str, *, read: StrategiesRead, wake: Wake, encoding: Encoding = JSON) -> None:
        super().__init__(wake, encoding)
        self.channel = channel
        self._read = read
        self._changed: set[int] = set()
        self._lines: dict[int, int] = {}

    def deliver(self, message: Message) -> None:
        self._changed.add(int(message.payload["run"]))
        self._wake()

    async def frames(self) -> AsyncIterator[Frame]:
        if self._must_read:
            shown = await self._whole(self._read(None))
            # What a client had before a lost link goes on from there.
            self._lines = {run["id"]: self._lines.get(run["id"], run["lines"]) for run in shown["runs"]}
            self._changed |= {run["id"] for run in shown["runs"] if run["lines"] > self._lines[run["id"]]}
            yield self._encoding.frame("strategies", channel=self.channel, snapshot=True, data=shown)
        changed, self._changed = self._changed, set()
        if changed:
            try:
                shown = await self._read({run: self._lines.get(run, 0) for run in changed})
            except BaseException:
                self._changed |= changed
                raise
            self._lines |= {line["run"]: line["number"] for line in shown["lines"]}
            # More lines than one read brings: the rest comes with the next frame.
            self._changed |= {run["id"] for run in shown["runs"] if run["lines"] > self._lines.get(run["id"], 0)}
            if self._changed:
                self._wake()
            yield self._encoding.frame("strategies", channel=self.channel, data=shown)
