"""One live socket per person: every event of an account in its turn, and when each fill's frame arrived."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

QUOTED: Final = 10
"""So many instruments each person follows."""
AGAIN_SECONDS: Final = 1.0


@dataclass
class Watching:
    """What all sockets saw together."""

    frames: Counter[str] = field(default_factory=Counter)
    arrivals: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By ``account/trade number``: when (seconds since 1970) the fill's frame arrived at each socket."""
    faults: list[str] = field(default_factory=list)
    connections: int = 0


async def watch(url: str, person: dict[str, Any], symbols: list[str], seen: Watching) -> None:
    """Follow a person's accounts, signals, alerts, jobs and some quotes until cancelled; a lost connection is a finding."""
    accounts = [*person["all"], *person["own"], *person["views"]]
    channels = [f"{kind}:{account}" for account in accounts for kind in ("account", "signals")] + ["jobs", "alerts"]
    headers = {"Authorization": f"Bearer {person['token']}"}
    while True:
        try:
            async with connect(url, additional_headers=headers, max_size=None) as connection:
                seen.connections += 1
                for channel in channels:
                    await connection.send(orjson.dumps({"op": "subscribe", "channel": channel}).decode())
                await connection.send(
                    orjson.dumps({"op": "subscribe", "channel": "quotes", "symbols": symbols[:QUOTED]}).decode()
                )
                await _follow(connection, person["name"], seen)
        except (OSError, WebSocketException) as error:
            seen.faults.append(f"{person['name']}'s socket was lost: {error!r}")
            await asyncio.sleep(AGAIN_SECONDS)


async def _follow(connection: ClientConnection, name: str, seen: Watching) -> None:
    versions: dict[str, int] = {}
    async for text in connection:
        arrived = time.time()
        frame = orjson.loads(text)
        kind, channel = frame["type"], frame.get("channel", "")
        seen.frames[kind] += 1
        if kind == "snapshot":
            versions[channel] = frame["version"]
        elif kind == "delta":
            for event in frame["events"]:
                if event["version"] != versions.get(channel, -1) + 1:
                    seen.faults.append(f"{name}, {channel}: {event['version']} after {versions.get(channel)}")
                versions[channel] = event["version"]
                if event["kind"] == "trade" and channel.startswith("account:"):
                    number = f"{channel.removeprefix('account:')}/{event['data']['traded_id']}"
                    seen.arrivals[number].append(arrived)
        elif kind in ("error", "revoked"):
            seen.faults.append(f"{name}: {text!r:.200}")


@contextlib.asynccontextmanager
async def sockets(url: str, people: list[dict[str, Any]], symbols: list[str], seen: Watching) -> Any:
    """A socket for everybody, for the length of a block."""
    tasks = [
        asyncio.create_task(watch(url, person, symbols[number % len(symbols) :] + symbols, seen))
        for number, person in enumerate(people)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                seen.faults.append(f"a socket's reader ended: {ended!r}")
