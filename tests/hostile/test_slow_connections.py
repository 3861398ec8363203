"""Clients that open connections and say little: the web process waits for none of them for ever."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from desk import connections
from desk.connections import BoundedHttpProtocol

WAIT_SECONDS = 20.0
ANSWER = b"HTTP/1.1 200 OK"


class _Server(uvicorn.Server):
    """In a thread: signals belong to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, answer."""
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "HEAD_SECONDS", 0.2)
        config = uvicorn.Config(
            hello, port=0, http=BoundedHttpProtocol, lifespan="off", log_config=None, timeout_keep_alive=60
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        ready = threading.Event()
        startup = server.startup

        async def started(*args: Any, **kwargs: Any) -> None:
            await startup(*args, **kwargs)
            ready.set()

        patch.setattr(server, "startup", started)
        thread.start()
        assert ready.wait(WAIT_SECONDS)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True
        thread.join(WAIT_SECONDS)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    """What the server says until it closes; a server that never does fails the test."""
    said = b""
    while piece := connection.recv(4096):
        said += piece
    return said


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: 1"])
def test_head_that_never_ends_is_ended_without_an_answer(port: int, begun: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(begun)
        assert until_closed(connection) == b""


def test_head_that_dribbles_in_is_ended_and_told(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "desk.connections"), connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        connection.settimeout(0.02)
        for _ in range(1000):
            try:
                connection.sendall(b"X-Slow: 1\r\n")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("the server listens for ever")
    assert "a connection from 127.0.0.1 was closed: its request's head did not end" in caplog.text


def test_next_head_on_a_kept_connection_is_bounded_too(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        said = b""
        while not said.endswith(b"ok"):
            said += connection.recv(4096)
        connection.sendall(b"GET / HT")
        assert (said.startswith(ANSWER), until_closed(connection)) == (True, b"")


def test_body_behind_a_whole_head_is_not_the_heads_business(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")
        with connected(port) as other:
            # By the time another one's head has run out of time, this one's had as well.
            assert until_closed(other) == b""
        connection.sendall(b"x")
        assert connection.recv(4096).startswith(ANSWER)
