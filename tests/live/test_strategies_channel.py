"""The channel of an account's strategies: runs at the start, then each with its new lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from desk.live.streams import AlertStream, StrategyStream
from ops.hub import Message
from tests.live.conftest import Server
from tests.people import Team
from tests.strategies.runs import make_run
from trading.strategies.choices import Level
from trading.strategies.runtime.store import note


class Rows:
    """The database behind a stream: one run and the number of its newest line."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.batch = 2
        self.is_away = False

    @contextmanager
    def away(self) -> Iterator[None]:
        self.is_away = True
        yield
        self.is_away = False

    async def read(self, after: Mapping[int, int] | None) -> dict[str, Any]:
        if self.is_away:
            raise OSError("away")
        runs = [{"id": 7, "lines": self.lines}]
        if after is None:
            return {"runs": runs, "lines": []}
        numbers = range(after[7] + 1, min(after[7] + self.batch, self.lines) + 1)
        return {"runs": runs, "lines": [{"run": 7, "number": number} for number in numbers]}


def nothing() -> None:
    """No writer to wake."""


def news() -> Message:
    return Message("strategies:1", orjson.dumps({"run": 7}))


async def drain(stream: StrategyStream) -> list[dict[str, Any]]:
    return [json.loads(text) async for text in stream.frames()]


def numbers(frames: list[dict[str, Any]]) -> list[int]:
    return [line["number"] for frame in frames for line in frame["data"]["lines"]]


async def test_stream_begins_with_runs_and_leaves_old_lines_to_rest() -> None:
    rows = Rows(lines=40)
    frames = await drain(StrategyStream("strategies:1", read=rows.read, wake=nothing))
    assert [(frame["type"], frame["snapshot"], frame["data"]["runs"][0]["id"]) for frame in frames] == [
        ("strategies", True, 7)
    ]
    assert numbers(frames) == []


async def test_stream_sends_new_lines_once_and_the_rest_later() -> None:
    rows = Rows(lines=40)
    stream = StrategyStream("strategies:1", read=rows.read, wake=nothing)
    await drain(stream)
    rows.lines = 43
    stream.deliver(news())
    assert numbers(await drain(stream)) == [41, 42]
    assert numbers(await drain(stream)) == [43]
    assert await drain(stream) == []


async def test_stream_after_a_lost_link_goes_on_from_its_last_line() -> None:
    rows = Rows(lines=40)
    stream = StrategyStream("strategies:1", read=rows.read, wake=nothing)
    await drain(stream)
    rows.lines = 41
    stream.link_changed(up=True)
    assert numbers(await drain(stream)) == [41]


async def test_stream_whose_read_failed_still_brings_what_had_changed() -> None:
    rows = Rows(lines=40)
    stream = StrategyStream("strategies:1", read=rows.read, wake=nothing)
    await drain(stream)
    rows.lines = 41
    stream.deliver(news())
    with rows.away(), pytest.raises(OSError, match="away"):
        await drain(stream)
    assert numbers(await drain(stream)) == [41]


async def test_alerts_whose_read_failed_are_still_told() -> None:
    answers: list[list[dict[str, Any]] | OSError] = [[], OSError("away"), [{"id": 5}]]
    asked: list[frozenset[int] | None] = []

    async def read(wanted: frozenset[int] | None) -> list[dict[str, Any]]:
        asked.append(wanted)
        answer = answers[len(asked) - 1]
        if isinstance(answer, OSError):
            raise answer
        return answer

    stream = AlertStream(read=read, wake=nothing)
    assert [json.loads(text)["snapshot"] async for text in stream.frames()] == [True]
    stream.deliver(Message("alerts", orjson.dumps({"id": 5})))
    with pytest.raises(OSError, match="away"):
        [text async for text in stream.frames()]
    assert [json.loads(text)["data"] async for text in stream.frames()] == [[{"id": 5}]]
    assert asked == [None, frozenset({5}), frozenset({5})]


@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
def test_line_of_a_run_arrives_at_who_sees_the_account(server: Server, team: Team) -> None:
    run = make_run(team.alpha, team.alice)
    with server.session(team.alice) as socket:
        socket.send(op="subscribe", channel=f"strategies:{team.alpha.pk}")
        first = socket.until("strategies")
        assert first["data"]["runs"][0]["label"] == "puppet"
        note(run, (Level.INFO, "hello", {"n": 1}))
        told = socket.until("strategies")
    assert [(line["run"], line["number"], line["text"]) for line in told["data"]["lines"]] == [(run.pk, 1, "hello")]
