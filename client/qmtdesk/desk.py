"""`Desk` and `AsyncDesk`: the calls of `qmtdesk.flows`, carried out over HTTP."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from qmtdesk.errors import Unreachable
from qmtdesk.flows import jobs as downloads
from qmtdesk.flows import market, trading
from qmtdesk.live.aio import AsyncLive
from qmtdesk.live.link import Endpoint
from qmtdesk.live.sync import Live
from qmtdesk.models import Job
from qmtdesk.steps import Flow, Pause, Reply, Request, Settings

P = ParamSpec("P")
T = TypeVar("T")

API = "/api/v1"
CONNECT_SECONDS = 5.0


class _Client:
    """What both clients share: where the platform is, who calls, and how requests look."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        account: int | None = None,
        progress: bool | Callable[[Job], None] | None = None,
        timeout_seconds: float = 30.0,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        """See the class.

        Parameters
        ----------
        url
            Where the portal is, ``https://desk.example.com``.
        token
            ``desk_…``, made in the portal. Scopes: market:read, account:read, orders:write.
        account
            What calls mean that name no account.
        progress
            A bar while the platform downloads: True, False, None for where a person watches; or what to call with
            each state of the job.
        timeout_seconds
            How long a read may take without an answer.
        settings
            Everything in one; `account` and `progress` are then taken from it.
        options
            Of ``httpx.Client``: ``verify``, ``proxy``, ``transport`` …
        """
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"the address begins with http:// or https://, not {url!r}")
        self.url = url.rstrip("/")
        self.settings = settings or Settings(account=account, progress=progress)
        self._token = token
        self._timeout = timeout_seconds
        self._options: dict[str, Any] = {
            "base_url": self.url + API,
            "headers": {"Authorization": f"Bearer {token}", "User-Agent": "qmtdesk-python/1"},
            "follow_redirects": False,
            **options,
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @property
    def _endpoint(self) -> Endpoint:
        scheme, _, rest = self.url.partition("://")
        return Endpoint(f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws/v1", self._token)

    def _arguments(self, request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "url": request.path,
            "params": dict(request.params),
            "json": None if request.body is None else dict(request.body),
            "headers": {"Accept": request.accept},
            "timeout": httpx.Timeout(request.timeout_seconds or self._timeout, connect=CONNECT_SECONDS),
        }


def _sync(flow: Callable[Concatenate[Settings, P], Flow[T]]) -> Callable[Concatenate[Desk, P], T]:
    @functools.wraps(flow)
    def call(desk: Desk, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return desk.run(flow(desk.settings, *args, **kwargs))

    return call


def _async(flow: Callable[Concatenate[Settings, P], Flow[T]]) -> Callable[Concatenate[AsyncDesk, P], Awaitable[T]]:
    @functools.wraps(flow)
    async def call(desk: AsyncDesk, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await desk.run(flow(desk.settings, *args, **kwargs))

    return call


class Desk(_Client):
    """The platform, for scripts and notebooks. Threads may share one; ``with Desk(…) as desk`` closes its connections."""

    def __init__(self, url: str, token: str, **options: Any) -> None:
        super().__init__(url, token, **options)
        self._http = httpx.Client(**self._options)

    def run(self, flow: Flow[T]) -> T:
        """Carry out a flow."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = flow.send(None)
                    continue
                try:
                    reply = self._exchange(step)
                except Unreachable as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(reply)
        except StopIteration as end:
            value: T = end.value
            return value

    def _exchange(self, request: Request) -> Reply:
        try:
            return _reply(self._http.request(**self._arguments(request)))
        except httpx.RequestError as error:
            raise _unreachable(error) from error

    def live(self) -> Live:
        """A live socket: ``with desk.live() as live: live.quotes(["600519.SH"]); for message in live: …``."""
        return Live(self._endpoint)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    bars = _sync(market.bars)
    ticks = _sync(market.ticks)
    quotes = _sync(market.quotes)
    instruments = _sync(market.instruments)
    instrument = _sync(market.instrument)
    calendar = _sync(market.calendar)
    sectors = _sync(market.sectors)
    sector_members = _sync(market.sector_members)
    index_weights = _sync(market.index_weights)
    factors = _sync(market.factors)
    financials = _sync(market.financials)
    coverage = _sync(market.coverage)
    sync = _sync(downloads.sync)
    job = _sync(downloads.job)
    jobs = _sync(downloads.jobs)
    job_pause = _sync(downloads.job_pause)
    job_resume = _sync(downloads.job_resume)
    job_cancel = _sync(downloads.job_cancel)
    job_retry = _sync(downloads.job_retry)
    follow = _sync(downloads.follow)
    accounts = _sync(trading.accounts)
    asset = _sync(trading.asset)
    positions = _sync(trading.positions)
    orders = _sync(trading.orders)
    order = _sync(trading.order)
    order_by_key = _sync(trading.order_by_key)
    trades = _sync(trading.trades)
    executions = _sync(trading.executions)
    execution = _sync(trading.execution)
    submit = _sync(trading.submit)
    check = _sync(trading.check)
    cancel = _sync(trading.cancel)
    cancel_all = _sync(trading.cancel_all)
    execute = _sync(trading.execute)
    replace_order = _sync(trading.replace_order)
    execution_pause = _sync(trading.execution_pause)
    execution_resume = _sync(trading.execution_resume)
    execution_cancel = _sync(trading.execution_cancel)


class AsyncDesk(_Client):
    """The platform, for programs on an event loop: each call of `Desk`, awaited."""

    def __init__(self, url: str, token: str, **options: Any) -> None:
        super().__init__(url, token, **options)
        self._http = httpx.AsyncClient(**self._options)

    async def run(self, flow: Flow[T]) -> T:
        """Carry out a flow."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = flow.send(None)
                    continue
                try:
                    reply = await self._exchange(step)
                except Unreachable as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(reply)
        except StopIteration as end:
            value: T = end.value
            return value

    async def _exchange(self, request: Request) -> Reply:
        try:
            return _reply(await self._http.request(**self._arguments(request)))
        except httpx.RequestError as error:
            raise _unreachable(error) from error

    def live(self) -> AsyncLive:
        """A live socket: ``async with desk.live() as live: await live.quotes([…]); async for message in live: …``."""
        return AsyncLive(self._endpoint)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    bars = _async(market.bars)
    ticks = _async(market.ticks)
    quotes = _async(market.quotes)
    instruments = _async(market.instruments)
    instrument = _async(market.instrument)
    calendar = _async(market.calendar)
    sectors = _async(market.sectors)
    sector_members = _async(market.sector_members)
    index_weights = _async(market.index_weights)
    factors = _async(market.factors)
    financials = _async(market.financials)
    coverage = _async(market.coverage)
    sync = _async(downloads.sync)
    job = _async(downloads.job)
    jobs = _async(downloads.jobs)
    job_pause = _async(downloads.job_pause)
    job_resume = _async(downloads.job_resume)
    job_cancel = _async(downloads.job_cancel)
    job_retry = _async(downloads.job_retry)
    follow = _async(downloads.follow)
    accounts = _async(trading.accounts)
    asset = _async(trading.asset)
    positions = _async(trading.positions)
    orders = _async(trading.orders)
    order = _async(trading.order)
    order_by_key = _async(trading.order_by_key)
    trades = _async(trading.trades)
    executions = _async(trading.executions)
    execution = _async(trading.execution)
    submit = _async(trading.submit)
    check = _async(trading.check)
    cancel = _async(trading.cancel)
    cancel_all = _async(trading.cancel_all)
    execute = _async(trading.execute)
    replace_order = _async(trading.replace_order)
    execution_pause = _async(trading.execution_pause)
    execution_resume = _async(trading.execution_resume)
    execution_cancel = _async(trading.execution_cancel)


def _reply(response: httpx.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def _unreachable(error: httpx.RequestError) -> Unreachable:
    return Unreachable(f"{type(error).__name__}: {error}".rstrip(": "))
