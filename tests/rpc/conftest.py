"""A real gRPC server on a free port of this machine, and clients that speak as people's tokens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from accounts.models import ApiToken, User
from ops.hub import _hubs
from rpc.server import RpcServer
from rpc.v1.data_pb2_grpc import DataServiceStub
from rpc.v1.live_pb2_grpc import LiveServiceStub
from rpc.v1.trading_pb2_grpc import TradingServiceStub
from tests.live.conftest import Valkey, eventually, own_valkey
from tests.people import Team, make_team, make_token

__all__ = ["own_valkey"]

ANSWER_SECONDS = 5.0
START_SECONDS = 10.0


class QuietServer(RpcServer):
    """Between tests nobody may read the database: each test of health looks for itself."""

    async def _look_again_and_again(self) -> None:
        await asyncio.Event().wait()


class ThreadServer:
    """The server on an event loop of its own, in a thread of the test process, so that tests can lower its limits."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.server: RpcServer | None = None
        self.port = 0

    def start(self) -> Self:
        started: Future[None] = Future()

        async def begin() -> None:
            try:
                self.server = QuietServer("127.0.0.1:0")
                self.port = await self.server.start()
                started.set_result(None)
            except BaseException as error:
                started.set_exception(error)
                raise

        def run() -> None:
            asyncio.set_event_loop(self.loop)
            self.loop.run_until_complete(begin())
            self.loop.run_forever()

        self._thread = threading.Thread(target=run, name="rpc-server", daemon=True)
        self._thread.start()
        started.result(START_SECONDS)
        return self

    def stop(self) -> None:
        assert self.server is not None
        asyncio.run_coroutine_threadsafe(self.server.stop(0.1), self.loop).result(START_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(START_SECONDS)
        self.loop.close()


@dataclass
class Refusal:
    """How a call ended: its status and what stands in its details."""

    status: grpc.StatusCode
    code: str
    message: str
    facts: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    retry_seconds: int | None = None

    @classmethod
    def of(cls, error: grpc.RpcError) -> Refusal:
        call: Any = error
        rich = rpc_status.from_call(call)
        refusal = cls(call.code(), "", call.details() or "")
        for packed in rich.details if rich is not None else ():
            info = error_details_pb2.ErrorInfo()
            bad = error_details_pb2.BadRequest()
            retry = error_details_pb2.RetryInfo()
            if packed.Unpack(info):
                refusal.code, refusal.facts = info.reason, dict(info.metadata)
            elif packed.Unpack(bad):
                refusal.fields = [violation.field for violation in bad.field_violations]
            elif packed.Unpack(retry):
                refusal.retry_seconds = retry.retry_delay.seconds
        return refusal


@dataclass
class Client:
    """A channel and the token that every call carries; none for a stranger."""

    channel: grpc.Channel
    token: str | None = None
    row: ApiToken | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        self.data = DataServiceStub(self.channel)  # type: ignore[no-untyped-call]  # generated
        self.trading = TradingServiceStub(self.channel)  # type: ignore[no-untyped-call]  # generated
        self.live = LiveServiceStub(self.channel)  # type: ignore[no-untyped-call]  # generated

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        own = () if self.token is None else (("authorization", f"Bearer {self.token}"),)
        return own + self.metadata

    def ask(self, method: Any, request: Message, *, seconds: float = ANSWER_SECONDS) -> Any:
        """The answer of a call without a stream."""
        return method(request, metadata=self.headers, timeout=seconds)

    def all(self, method: Any, request: Message, *, seconds: float = ANSWER_SECONDS) -> list[Any]:
        """Every message of an answer that ends by itself."""
        return list(method(request, metadata=self.headers, timeout=seconds))

    def refused(self, method: Any, request: Message, *, seconds: float = ANSWER_SECONDS) -> Refusal:
        """How a call was refused; fails when it was not."""
        with pytest.raises(grpc.RpcError) as caught:
            _to_its_end(method(request, metadata=self.headers, timeout=seconds))
        return Refusal.of(caught.value)


def _to_its_end(answer: Any) -> None:
    """A stream tells its end only when it is read."""
    if not isinstance(answer, Message):
        list(answer)


@dataclass
class Server:
    """Where the platform's gRPC listens."""

    port: int
    channels: list[grpc.Channel] = field(default_factory=list)

    def anonymous(self, **options: Any) -> Client:
        # A channel of its own: connections with equal options are shared otherwise.
        given = [("grpc.use_local_subchannel_pool", 1), *options.items()]
        channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=given)
        self.channels.append(channel)
        return Client(channel)

    def token(self, plain: str, **options: Any) -> Client:
        client = self.anonymous(**options)
        client.token = plain
        return client

    def person(self, user: User, *scopes: str, **options: Any) -> Client:
        """A client with a token of this person."""
        row, plain = make_token(user, *scopes)
        client = self.token(plain, **options)
        client.row = row
        return client


@pytest.fixture(scope="session")
def running() -> Iterator[ThreadServer]:
    server = ThreadServer().start()
    yield server
    server.stop()


@pytest.fixture
def server(transactional_db: None, running: ThreadServer) -> Iterator[Server]:
    """The platform, listening, without Redis."""
    server = Server(running.port)
    yield server
    for channel in server.channels:
        channel.close()


@pytest.fixture
def connected(server: Server, own_valkey: Valkey) -> Server:
    """The platform, listening, with live messages arriving."""
    if own_valkey.process is None:
        own_valkey.start()
    eventually(lambda: all(hub.is_up for loop, hub in _hubs.items() if loop.is_running()))
    return server


@pytest.fixture
def team(server: Server) -> Team:
    """The standing cast, committed, so that the server sees it."""
    return make_team()
