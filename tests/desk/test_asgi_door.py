"""What stands in front of Django: the body limit and the static files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest
from django.conf import settings

from desk import body_limit
from desk.asgi_types import Message, Receive, Scope, Send
from desk.body_limit import BodyLimit
from desk.static import StaticFiles


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body, answer its length."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def ask(
    application: Any, *, path: str = "/", method: str = "POST", headers: dict[str, str] | None = None, chunks: int = 1
) -> tuple[int, dict[str, str], bytes]:
    """Call an ASGI application with `chunks` body parts of 100 bytes."""
    parts = [{"type": "http.request", "body": b"x" * 100, "more_body": n < chunks - 1} for n in range(chunks)]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(key.lower().encode(), value.encode()) for key, value in (headers or {}).items()]
    await application({"type": "http", "method": method, "path": path, "headers": raw}, receive, send)
    answered = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


async def test_body_within_the_limit_passes_whole() -> None:
    assert await ask(BodyLimit(inner, limit=300), chunks=3) == (200, {}, b"300")


async def test_body_declared_too_large_is_refused() -> None:
    status, headers, body = await ask(BodyLimit(inner, limit=300), headers={"Content-Length": "10000000"})
    assert (status, headers["content-type"]) == (413, "application/json")
    assert orjson.loads(body) == {
        "code": "BODY_TOO_LARGE",
        "message": "BODY_TOO_LARGE: bytes=10000000 limit=300",
        "details": {"bytes": 10000000, "limit": 300},
    }


async def test_body_without_a_length_is_cut_at_the_limit() -> None:
    status, _, body = await ask(BodyLimit(inner, limit=300), chunks=9)
    assert status == 413
    assert orjson.loads(body)["details"] == {"bytes": 400, "limit": 300}


@pytest.mark.parametrize(("parts", "read"), [(9, 9), (100, 13)])
async def test_body_too_large_is_thrown_away_before_the_answer_but_not_for_ever(parts: int, read: int) -> None:
    """A client that sends everything before it listens gets the answer; one that never ends does not get us."""
    events: list[str] = []

    async def receive() -> Message:
        events.append("read")
        return {"type": "http.request", "body": b"x" * 100, "more_body": events.count("read") < parts}

    async def send(message: Message) -> None:
        events.append(message["type"])

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"10000000")]}
    await BodyLimit(inner, limit=300)(scope, receive, send)
    assert events == ["read"] * read + ["http.response.start", "http.response.body"]


async def test_body_that_dribbles_in_is_ended_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(body_limit, "SPARE_SECONDS", 0.05)
    sent: list[Message] = []
    arrived = [{"type": "http.request", "body": b"x" * 10, "more_body": True}]

    async def receive() -> Message:
        # Ten bytes, and then nothing for ever.
        return arrived.pop() if arrived else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "client": ("10.1.2.3", 5)}
    with caplog.at_level(logging.WARNING):
        await BodyLimit(inner, limit=300)(scope, receive, send)
    assert (sent[0]["status"], (b"connection", b"close") in sent[0]["headers"]) == (408, True)
    assert orjson.loads(sent[1]["body"])["code"] == "BODY_TOO_SLOW"
    assert "a body from 10.1.2.3 was refused: BODY_TOO_SLOW: bytes=10" in caplog.text


async def test_body_that_came_whole_may_be_answered_as_late_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "SPARE_SECONDS", 0.0)
    left = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        left.set()
        assert (await waiting)["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200, "headers": []})

    parts: list[Message] = [{"type": "http.request", "body": b"x", "more_body": False}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await BodyLimit(slow, limit=300)({"type": "http", "headers": []}, receive, send)
    assert sent[0]["status"] == 200


@pytest.fixture(scope="module")
def static() -> StaticFiles:
    return StaticFiles(inner)


async def test_static_file_is_cacheable_for_ever_and_unchanged(static: StaticFiles) -> None:
    status, headers, body = await ask(static, method="GET", path=settings.STATIC_URL + "admin/css/base.css")
    assert status == 200
    assert headers["content-type"] == 'text/css; charset="utf-8"'
    assert headers["cache-control"] == "max-age=315360000, public, immutable"
    assert headers["x-content-type-options"] == "nosniff"
    assert len(body) == int(headers["content-length"])


async def test_static_file_known_to_the_browser_is_not_sent_again(static: StaticFiles) -> None:
    path = settings.STATIC_URL + "admin/css/base.css"
    _, headers, _ = await ask(static, method="GET", path=path)
    status, _, body = await ask(static, method="GET", path=path, headers={"If-None-Match": headers["etag"]})
    assert (status, body) == (304, b"")


async def test_static_head_has_no_body(static: StaticFiles) -> None:
    status, _, body = await ask(static, method="HEAD", path=settings.STATIC_URL + "admin/css/base.css")
    assert (status, body) == (200, b"")


@pytest.mark.parametrize("name", ["none.css", "../desk/apps.py", "admin/css/../../../manage.py", ""])
async def test_static_name_that_is_no_file_is_not_found(static: StaticFiles, name: str) -> None:
    status, _, _ = await ask(static, method="GET", path=settings.STATIC_URL + name)
    assert status == 404


async def test_static_post_is_not_allowed(static: StaticFiles) -> None:
    status, _, _ = await ask(static, path=settings.STATIC_URL + "admin/css/base.css")
    assert status == 405


async def test_path_outside_the_prefix_reaches_the_application(static: StaticFiles) -> None:
    assert await ask(static, path="/static/other/admin/css/base.css") == (200, {}, b"100")
