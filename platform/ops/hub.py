"""The process hub: one Redis subscription per web process, fanned out to its sockets.

`ops.publish` puts live messages on Redis; the hub of every web process receives each of
them once and hands it to whoever joined the channel. What clients need of a message
(its text, its parts) is made once and shared. Handing over never waits: a listener
queues for itself, so a slow client slows nobody.

What no process of this platform published is dropped (`ops.signing`). The hub knows no channel's meaning and
nobody's rights; the project's socket does.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar, cast

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from ops.publish import PREFIX
from ops.signing import opened

log = logging.getLogger(__name__)

T = TypeVar("T")

RECONNECT_FIRST_SECONDS = 0.1
RECONNECT_MAX_SECONDS = 3.0
CONNECT_TIMEOUT_SECONDS = 2.0
#: Without traffic for this long the link is pinged; without an answer for as long
#: again it is given up. A half-open connection would stay silent for ever.
SILENCE_SECONDS = 5.0
_STABLE_SECONDS = 1.0


class Message:
    """One live message. Everything derived from it is made once, for all clients."""

    __slots__ = ("_derived", "channel", "raw")

    def __init__(self, channel: str, raw: bytes) -> None:
        self.channel = channel
        self.raw = raw
        self._derived: dict[Hashable, Any] = {}

    def derive(self, make: Callable[[Message], T]) -> T:
        """`make(self)`, computed at the first call and shared afterwards."""
        try:
            return cast(T, self._derived[make])
        except KeyError:
            value = self._derived[make] = make(self)
            return value

    @property
    def text(self) -> str:
        """The message as it was published."""
        return self.derive(_text)

    @property
    def payload(self) -> dict[str, Any]:
        """The parsed message; shared, so never change it."""
        return self.derive(_payload)


def _text(message: Message) -> str:
    return message.raw.decode()


def _payload(message: Message) -> dict[str, Any]:
    payload = orjson.loads(message.raw)
    if not isinstance(payload, dict):
        raise TypeError("a live message is a JSON object")
    return payload


class Listener(Protocol):
    """Takes the messages of the channels it joined. Must not wait and must not raise."""

    def deliver(self, message: Message) -> None: ...

    def link_changed(self, *, up: bool) -> None:
        """Redis went away (what is shown may be old) or came back (read what was missed)."""


class Hub:
    """Fan-out of one process. Used from one event loop only."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._channels: dict[str, set[Listener]] = {}
        self._listeners: dict[Listener, set[str]] = {}
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether messages are arriving at present."""
        return self._up.is_set()

    async def wait_up(self) -> None:
        """Wait until the subscription stands."""
        await self._up.wait()

    def start(self) -> None:
        """Begin to receive; harmless when it has begun."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="live-hub")

    async def stop(self) -> None:
        """Stop receiving."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._up.clear()

    # ------------------------------------------------------------------ listeners
    def join(self, channel: str, listener: Listener) -> None:
        """Deliver `channel` to `listener` from now on."""
        self._channels.setdefault(channel, set()).add(listener)
        self._listeners.setdefault(listener, set()).add(channel)

    def leave(self, channel: str, listener: Listener) -> None:
        """Deliver `channel` to `listener` no more; harmless when it had not joined."""
        joined = self._channels.get(channel)
        if joined is not None:
            joined.discard(listener)
            if not joined:
                del self._channels[channel]
        channels = self._listeners.get(listener)
        if channels is not None:
            channels.discard(channel)
            if not channels:
                del self._listeners[listener]

    def dispatch(self, message: Message) -> None:
        """Hand one message to the listeners of its channel."""
        for listener in tuple(self._channels.get(message.channel, ())):
            try:
                listener.deliver(message)
            except Exception:
                # One listener's mistake must not cost the others their message.
                log.exception("a listener failed on a message of %s", message.channel)

    # -------------------------------------------------------------------- receiving
    async def _run(self) -> None:
        delay = RECONNECT_FIRST_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._receive()
            except (RedisError, OSError, TimeoutError) as error:
                if self.is_up:
                    log.warning("live messages do not arrive, Redis is away: %s", error)
            except Exception:
                # Whatever it was, sockets without messages are worse: connect again.
                log.exception("the live hub failed")
            finally:
                self._set_up(False)
            if time.monotonic() - began > _STABLE_SECONDS:
                delay = RECONNECT_FIRST_SECONDS
            # Jitter: the web processes must not come back all in the same instant.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
            delay = min(delay * 2, RECONNECT_MAX_SECONDS)

    async def _receive(self) -> None:
        client = Redis.from_url(self._url, socket_connect_timeout=CONNECT_TIMEOUT_SECONDS)
        try:
            async with client.pubsub() as pubsub:
                async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                    await pubsub.psubscribe(f"{PREFIX}*")
                await self._pump(pubsub)
        finally:
            await client.aclose()

    async def _pump(self, pubsub: PubSub) -> None:
        pinged = False
        while True:
            item = await pubsub.get_message(timeout=SILENCE_SECONDS)
            if item is None:
                if pinged or not self.is_up:
                    raise ConnectionError("the link is silent")
                await pubsub.ping()
                pinged = True
                continue
            pinged = False
            if item["type"] == "psubscribe":
                self._set_up(True)
            elif item["type"] == "pmessage":
                channel = item["channel"].decode().removeprefix(PREFIX)
                if channel in self._channels and (message := opened(channel, item["data"])) is not None:
                    self.dispatch(Message(channel, message.body))

    def _set_up(self, up: bool) -> None:  # noqa: FBT001
        if up == self._up.is_set():
            return
        if up:
            self._up.set()
            log.info("live messages arrive")
        else:
            self._up.clear()
        for listener in tuple(self._listeners):
            try:
                listener.link_changed(up=up)
            except Exception:
                log.exception("a listener failed on a changed link")


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def running_hub(url: str) -> Hub:
    """The hub of the running event loop, started."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        for other in [known for known in _hubs if known.is_closed()]:
            del _hubs[other]
        hub = _hubs[loop] = Hub(url)
    hub.start()
    return hub
