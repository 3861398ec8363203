"""Functions as gRPC methods.

`Methods` collects the functions of one service under the names of its `.proto` file and makes the handlers that gRPC calls.
A name that the file does not have, and a method that has no function, stop the start.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from accounts.choices import Scope
from desk.live.identity import still_valid
from ops.errors import Code, DeskError, Forbidden
from rpc.calls import REQUEST_ID, Call, Caller, Context, admit, bind_request, caller_of, end_with, refusal_of
from rpc.metrics import measured, streaming
from rpc.threads import Threads

#: Longest time a call without a stream may take, whatever deadline the caller set.
CALL_SECONDS = 90.0
#: A long answer is a stream too: between its messages the token is looked at again this often.
CHECK_SECONDS = 0.5

One = TypeVar("One", bound=Callable[[Call, Any], Message])
Many = TypeVar("Many", bound=Callable[[Call, Any], Iterator[Message]])
Guard = Callable[["Method", Threads], Callable[..., Any]]
"""Makes of a function what gRPC calls: lets the caller in, runs it where it belongs, tells how it ended."""
Live = TypeVar("Live", bound=Callable[[Call, Any, Context], Awaitable[None]])


@dataclass(frozen=True, slots=True)
class Method:
    """One function and what a caller needs for it."""

    name: str
    scope: Scope | None
    rated: bool
    run: Callable[..., Any]
    guard: Guard


class Methods:
    """The methods of one service."""

    def __init__(self, service: ServiceDescriptor) -> None:
        self.service = service
        self.methods: dict[str, Method] = {}

    @property
    def full_name(self) -> str:
        """``desk.v1.DataService``."""
        return self.service.full_name

    def method(self, *, scope: Scope | None, rated: bool = True) -> Callable[[One], One]:
        """The function answers one message; it runs on a thread."""
        return self._register(scope, _guarded_one, rated=rated)

    def streaming(self, *, scope: Scope | None) -> Callable[[Many], Many]:
        """The function answers messages one after the other; each is made on a thread."""
        return self._register(scope, _guarded_many)

    def live(self, *, scope: Scope | None) -> Callable[[Live], Live]:
        """The function answers messages from the event loop, where it must never wait for a database."""
        return self._register(scope, _guarded_live)

    def _register(self, scope: Scope | None, guard: Guard, *, rated: bool = True) -> Callable[[Any], Any]:
        def register(run: Any) -> Any:
            name = camel(run.__name__)
            if name not in self.service.methods_by_name:
                raise LookupError(f"{self.full_name} has no method {name}")
            self.methods[name] = Method(f"{self.full_name}/{name}", scope, rated, run, guard)
            return run

        return register

    def handler(self, threads: Threads) -> grpc.GenericRpcHandler:
        """Everything gRPC needs to serve the service.

        Raises
        ------
        LookupError
            A method of the `.proto` file has no function.
        """
        missing = [name for name in self.service.methods_by_name if name not in self.methods]
        if missing:
            raise LookupError(f"{self.full_name} does not serve {', '.join(missing)}")
        handlers = {
            name: _handler(described, self.methods[name], threads)
            for name, described in self.service.methods_by_name.items()
        }
        return grpc.method_handlers_generic_handler(self.full_name, handlers)


def camel(name: str) -> str:
    """``get_bars`` as ``GetBars``."""
    return re.sub(r"(?:^|_)([a-z])", lambda found: found[1].upper(), name)


def _handler(described: MethodDescriptor, method: Method, threads: Threads) -> grpc.RpcMethodHandler[Any, Any]:
    read = GetMessageClass(described.input_type).FromString
    guarded = method.guard(method, threads)
    if described.client_streaming:
        return grpc.stream_stream_rpc_method_handler(guarded, read, as_bytes)
    if described.server_streaming:
        return grpc.unary_stream_rpc_method_handler(guarded, read, as_bytes)
    return grpc.unary_unary_rpc_method_handler(guarded, read, as_bytes)


def as_bytes(message: Message | bytes) -> bytes:
    """A message as it travels; live messages were written once, for every client."""
    return message if isinstance(message, bytes) else message.SerializeToString()


def _guarded_one(method: Method, threads: Threads) -> Callable[[Any, Context], Any]:
    def work(caller: Caller, request: Any) -> Message:
        # The cancellation of a call may come after its turn: nobody waits for this answer any more.
        if caller.ends_at is not None and time.monotonic() >= caller.ends_at:
            raise DeskError(Code.UNAVAILABLE, "The deadline passed while the call waited for its turn.", status=504)
        answer: Message = method.run(admit(caller, scope=method.scope, rated=method.rated), request)
        return answer

    async def call(request: Any, context: Context) -> Message:
        caller = caller_of(context)
        bind_request(caller)
        context.set_trailing_metadata(((REQUEST_ID, caller.request_id),))
        with measured(method.name, context):
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    answer = await threads.run(work, caller, request)
            except TimeoutError:
                error = DeskError(Code.UNAVAILABLE, f"The call took longer than {CALL_SECONDS:g} s.", status=504)
                await end_with(context, error, request_id=caller.request_id)
            except Exception as raised:  # noqa: BLE001 - told to the caller and logged there
                await end_with(context, refusal_of(raised, method.name), request_id=caller.request_id)
        return answer

    return call


def _guarded_many(method: Method, threads: Threads) -> Callable[[Any, Context], AsyncIterator[Message]]:
    async def call(request: Any, context: Context) -> AsyncIterator[Message]:
        caller = caller_of(context)
        bind_request(caller)
        with measured(method.name, context):
            try:
                admitted = await threads.run(admit, caller, scope=method.scope, rated=method.rated)
                checked_at = time.monotonic()
                messages = method.run(admitted, request)
                while (message := await threads.run(next, messages, None)) is not None:
                    yield message
                    if time.monotonic() - checked_at > CHECK_SECONDS:
                        checked_at = time.monotonic()
                        if await threads.run(still_valid, admitted.identity) is None:
                            raise Forbidden(Code.TOKEN_INVALID, "The token is not valid any more.")
            except Exception as raised:  # noqa: BLE001 - told to the caller and logged there
                await end_with(context, refusal_of(raised, method.name), request_id=caller.request_id)

    return call


def _guarded_live(method: Method, threads: Threads) -> Callable[[Any, Context], Awaitable[None]]:
    async def call(request: Any, context: Context) -> None:
        caller = caller_of(context)
        bind_request(caller)
        try:
            admitted = await threads.run(admit, caller, scope=method.scope, rated=method.rated)
            with streaming(method.name):
                await method.run(admitted, request, context)
        except Exception as raised:  # noqa: BLE001 - told to the caller and logged there
            await end_with(context, refusal_of(raised, method.name), request_id=caller.request_id)

    return call
