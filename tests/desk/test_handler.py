"""The ASGI handler: a request stays on one thread, threads are used again, requests beside each other do not wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import MutableMapping
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from desk.asgi_types import Message
from desk.handler import OneThreadHandler, ThreadLender

together = threading.Barrier(2)


def here(request: HttpRequest) -> HttpResponse:
    """Say on which thread this runs."""
    return HttpResponse(str(threading.get_ident()))


def meet(request: HttpRequest) -> HttpResponse:
    """Wait for another request that is in here at the same time."""
    together.wait(timeout=10)
    return here(request)


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("a bug")


async def on_the_loop(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("asynchronous")


urlpatterns = [path("here", here), path("meet", meet), path("api/v1/broken", broken), path("loop", on_the_loop)]
handler500 = "desk.errors.server_error"
here_only = override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=["desk.middleware.RequestContextMiddleware"])


async def get(handler: OneThreadHandler, where: str) -> tuple[int, bytes]:
    sent: list[MutableMapping[str, Any]] = []
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await asyncio.Event().wait()
        raise AssertionError("nobody disconnects here")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": where, "query_string": b"", "headers": [(b"host", b"testserver")]}
    await handler(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def handler() -> Any:
    with here_only:
        yield OneThreadHandler()


async def test_handler_requests_one_after_another_share_a_thread(handler: OneThreadHandler) -> None:
    threads = {await get(handler, "/here") for _ in range(3)}
    assert len(threads) == 1
    assert threads != {(200, str(threading.get_ident()).encode())}


async def test_handler_requests_at_once_run_beside_each_other(handler: OneThreadHandler) -> None:
    (first, one), (second, other) = await asyncio.gather(get(handler, "/meet"), get(handler, "/meet"))
    assert (first, second) == (200, 200)
    assert one != other


async def test_handler_view_that_raises_answers_500_and_gives_its_thread_back(
    handler: OneThreadHandler, settings: Any
) -> None:
    _, thread = await get(handler, "/here")
    status, _ = await get(handler, "/api/v1/broken")
    assert status == 500
    assert await get(handler, "/here") == (200, thread)


async def test_handler_asynchronous_view_is_answered(handler: OneThreadHandler) -> None:
    assert await get(handler, "/loop") == (200, b"asynchronous")


def test_lender_keeps_the_last_used_and_ends_what_is_too_many() -> None:
    lender = ThreadLender(idle=1)
    first, second = lender.take(), lender.take()
    lender.give_back(first)
    lender.give_back(second)
    with pytest.raises(RuntimeError):
        second.submit(int)
    assert lender.take() is first
    first.shutdown()
