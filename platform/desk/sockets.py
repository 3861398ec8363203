"""The WebSocket side of the project: `/ws/v1` and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.conf import settings

from desk.live import reads
from desk.live.allowance import Allowance
from desk.live.encoding import JSON
from desk.live.identity import Credentials, authenticate, credentials_of, subprotocol_of
from desk.live.protocol import Authenticate, parse
from desk.live.session import CLOSE_TOO_FAST, CLOSE_UNAUTHORISED, LiveSession
from desk.live.watch import running_watch
from ops.errors import Code, DeskError, Forbidden, Invalid, Unavailable
from ops.hub import running_hub
from ops.logfacts import note_facts
from ops.requests import request_id_of, request_id_var

log = logging.getLogger(__name__)

PATHS = ("/ws/v1", "/ws/v1/")
#: How long a client without other credentials may take to send its token.
AUTHENTICATE_SECONDS = 5.0
HUB_START_SECONDS = 0.3
CLOSE_TRY_LATER = 1013

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Authorise, join, forward. Everything of substance is in `desk.live`."""

    # The process hub delivers; a channel layer would cost each socket a Redis link.
    channel_layer_alias = None

    def __init__(self) -> None:
        super().__init__()
        self._session: LiveSession | None = None
        self._writer: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._allowance = Allowance()

    async def connect(self) -> None:
        await self.accept(subprotocol=subprotocol_of(self.scope))
        credentials = credentials_of(self.scope)
        if credentials.given:
            await self._open(credentials)
        else:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(AUTHENTICATE_SECONDS, self._time_is_up)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self._allowance.take():
            await self._refuse_and_close(Forbidden(Code.RATE_LIMITED), CLOSE_TOO_FAST)
            return
        try:
            if text_data is None:
                raise Invalid(Code.MESSAGE_MALFORMED, "Messages are JSON text, not bytes.")
            command = parse(text_data)
        except DeskError as error:
            await self._refuse(error)
            return
        if self._session is not None:
            self._session.handle(command)
        elif isinstance(command, Authenticate):
            await self._open(Credentials(token=command.token, address=credentials_of(self.scope).address))
        else:
            await self._refuse_and_close(Forbidden(Code.NOT_AUTHENTICATED), CLOSE_UNAUTHORISED)

    async def disconnect(self, code: int) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if self._session is not None:
            running_watch(running_hub(settings.REDIS_URL)).remove(self._session)
            self._session.end(code)
        if self._writer is not None:
            self._writer.cancel()

    async def _open(self, credentials: Credentials) -> None:
        try:
            found = await reads.in_thread(authenticate, credentials)
        except Exception as error:  # noqa: BLE001 - whatever the database says, the client waits
            log.warning("a live socket could not be authenticated: %s", error)
            await self._refuse_and_close(Unavailable(Code.UNAVAILABLE), CLOSE_TRY_LATER)
            return
        if found is None:
            code = Code.TOKEN_INVALID if credentials.token is not None else Code.NOT_AUTHENTICATED
            await self._refuse_and_close(Forbidden(code), CLOSE_UNAUTHORISED)
            return
        if self._deadline is not None:
            self._deadline.cancel()
        identity, user = found
        note_facts(user_id=user.pk)
        hub = running_hub(settings.REDIS_URL)
        with suppress(TimeoutError):
            # The first socket of a process starts the hub; it need not be told "stale".
            async with asyncio.timeout(HUB_START_SECONDS):
                await hub.wait_up()
        session = LiveSession(identity=identity, user=user, hub=hub, send=self.send, close=self.close)
        self._session = session
        running_watch(hub).add(session)
        session.greet()
        self._writer = asyncio.get_running_loop().create_task(session.write(), name="live-writer")
        self._writer.add_done_callback(_note_failure)

    def _time_is_up(self) -> None:
        refusal = self._refuse_and_close(Forbidden(Code.NOT_AUTHENTICATED), CLOSE_UNAUTHORISED)
        task = asyncio.get_running_loop().create_task(refusal)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refuse(self, error: DeskError) -> None:
        if self._session is not None:
            self._session.refuse(error)
        else:
            await self.send(text_data=JSON.error(error))

    async def _refuse_and_close(self, error: DeskError, code: int) -> None:
        if self._session is not None:
            self._session.end(code, error)
        else:
            await self.send(text_data=JSON.error(error))
            await self.close(code=code)


def _note_failure(writer: asyncio.Task[None]) -> None:
    if writer.cancelled():
        return
    error = writer.exception()
    # A client that goes away in the middle of a send is no failure.
    if error is not None and not isinstance(error, OSError):
        log.error("a live writer failed", exc_info=error)


class OriginGate:
    """Browsers must come from one of our hosts; programs send no Origin and bring a token.

    Browsers always send the header on sockets, so its absence proves that no other
    site's page is behind the request.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._validated = AllowedHostsOriginValidator(application)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from_browser = any(name == b"origin" for name, _value in scope["headers"])
        await (self._validated if from_browser else self._application)(scope, receive, send)


_live = OriginGate(LiveConsumer.as_asgi())
_deny = WebsocketDenier.as_asgi()


async def websocket_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Route a socket by its path; an unknown one is refused in the handshake."""
    # A task of its own for each socket: what is set here ends with it.
    request_id_var.set(request_id_of(dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")))
    await (_live if scope["path"] in PATHS else _deny)(scope, receive, send)
