"""The three doors of the platform that an order comes in by, with one kind of answer."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc.aio
import httpx

from rpc.v1 import common_pb2, trading_pb2
from rpc.v1.trading_pb2_grpc import TradingServiceStub

SECONDS: Final = 60.0
KEPT_SECONDS: Final = 2.0
_CSRF: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
#: As REST would have said it, so that one table of expectations serves every door.
_STATUS: Final[Mapping[grpc.StatusCode, int]] = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 422,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True)
class Answer:
    """What a door said: HTTP's status, the platform's code, the order, whether it is a new one, and how long it took."""

    status: int
    code: str
    order: str | None
    created: bool
    took_ms: float
    words: str = ""


class Rest:
    """The REST API with tokens: one pool of connections for all people."""

    name = "rest"

    def __init__(self, base: str) -> None:
        # Shorter than the server keeps a connection that rests: it never closes one that is just being used again.
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=20, keepalive_expiry=KEPT_SECONDS)
        self.client = httpx.AsyncClient(base_url=f"{base}/api/v1", timeout=SECONDS, limits=limits)

    async def call(self, token: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request in the name of a token."""
        return await self.client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **arguments)

    async def submit(self, token: str, body: dict[str, Any]) -> Answer:
        """Place an order."""
        began = time.perf_counter()
        return _of_http(await self.call(token, "POST", "/orders", json=body), began)

    async def cancel(self, token: str, order: str) -> Answer:
        """Ask for an order's cancel."""
        began = time.perf_counter()
        return _of_http(await self.call(token, "POST", f"/orders/{order}/cancel"), began)

    async def close(self) -> None:
        await self.client.aclose()


class Rpc:
    """gRPC, one channel for all people."""

    name = "rpc"

    def __init__(self, port: int) -> None:
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._stub = TradingServiceStub(self._channel)  # type: ignore[no-untyped-call]

    async def submit(self, token: str, body: dict[str, Any]) -> Answer:
        """Place an order."""
        began = time.perf_counter()
        side = common_pb2.Side.Value(f"SIDE_{body['side']}")
        request = trading_pb2.OrderRequest(**{**body, "side": side, "price_type": common_pb2.PRICE_TYPE_LIMIT})
        try:
            answer = await self._stub.SubmitOrder(
                request, metadata=(("authorization", f"Bearer {token}"),), timeout=SECONDS
            )
        except grpc.aio.AioRpcError as error:
            took = (time.perf_counter() - began) * 1000
            words = error.details() or ""
            return Answer(_STATUS.get(error.code(), 500), words.partition(":")[0], None, False, took, words)
        took = (time.perf_counter() - began) * 1000
        return Answer(201 if answer.created else 200, "", answer.order.id, answer.created, took)

    async def close(self) -> None:
        await self._channel.close()


class Portal:
    """One person's browser session: a cookie, and the token that the page's forms and calls carry."""

    name = "portal"

    def __init__(self, base: str) -> None:
        limits = httpx.Limits(keepalive_expiry=KEPT_SECONDS)
        self.client = httpx.AsyncClient(base_url=base, timeout=SECONDS, follow_redirects=True, limits=limits)

    async def log_in(self, name: str, password: str) -> None:
        """Sign in by the form; an error when that fails."""
        form = {"username": name, "password": password, "csrfmiddlewaretoken": _token_in(await self.page("/login/"))}
        answer = await self.client.post("/login/", data=form)
        if answer.status_code != httpx.codes.OK or answer.url.path.startswith("/login"):
            raise RuntimeError(f"{name} cannot sign in: {answer.status_code} {answer.url}")

    async def page(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.client.get(path)

    async def submit(self, body: dict[str, Any]) -> Answer:
        """Place an order as the dashboard's ticket does."""
        began = time.perf_counter()
        page = await self.page("/")
        if not page.is_success:
            return _of_http(page, began)
        headers = {"X-CSRFToken": _token_in(page)}
        began = time.perf_counter()
        return _of_http(await self.client.post("/api/v1/orders", json=body, headers=headers), began)

    async def close(self) -> None:
        await self.client.aclose()


def _token_in(page: httpx.Response) -> str:
    found = _CSRF.search(page.text)
    if found is None:
        raise RuntimeError(f"{page.url} has no form: {page.status_code}")
    return found[1]


def _of_http(answer: httpx.Response, began: float) -> Answer:
    took = (time.perf_counter() - began) * 1000
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    body: dict[str, Any] = answer.json() if is_json else {}
    created = answer.status_code == httpx.codes.CREATED
    return Answer(answer.status_code, body.get("code", ""), body.get("id"), created, took, answer.text[:200])
