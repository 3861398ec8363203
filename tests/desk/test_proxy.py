"""The proxy's configuration against a real nginx: what it ends, passes, compresses, limits, and never sends twice."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Self

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from websockets.sync.client import connect

from desk.settings.static import STATIC_URL
from rpc.v1 import trading_pb2
from rpc.v1.trading_pb2_grpc import TradingServiceStub
from tests.desk.proxy import NGINX, SITE, Site, make_site
from tests.e2e.platform_stack import make_stack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        NGINX is None,
        reason="nginx is not installed: the proxy's configuration was NOT tested (apt-get install nginx-light)",
    ),
]
ACCOUNTS = "/api/v1/accounts"
READERS, WRITERS = 4, 2


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    stack = make_stack(folder / "state")
    site = make_site(stack, folder)
    try:
        site.start_web(1)
        site.start_web(2)
        site.start_rpc()
        site.start_proxy()
        yield site
    finally:
        site.stop_all()


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return made(site, "--rate", "60000")


def made(site: Site, *more: str) -> str:
    """A token of alice's."""
    scopes = "market:read,account:read,orders:write"
    text = site.stack.manage("token_create", "alice", "--scopes", scopes, *more)
    return next(word for word in text.split() if word.startswith("desk_"))


# ------------------------------------------------------------------------------- doors
def test_https_answers_with_one_hsts_header_and_plain_http_is_redirected(site: Site) -> None:
    with site.client() as client:
        answer = client.get("/login/")
    assert answer.status_code == 200
    assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000; includeSubDomains"]
    assert "Secure" in answer.headers["set-cookie"]
    assert "nginx/" not in answer.headers["server"]

    plain = httpx.get(f"http://{SITE}:{site.http_port}/login/?next=/risk/")
    assert (plain.status_code, plain.headers["location"]) == (301, f"https://{SITE}/login/?next=/risk/")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_name_that_is_not_ours_gets_nothing(site: Site, scheme: str) -> None:
    port = site.http_port if scheme == "http" else site.https_port
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{scheme}://127.0.0.1:{port}/login/", headers={"Host": "evil.example"}, verify=False)  # noqa: S501 - there is no name to prove


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(site: Site, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(site.certificate))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection((SITE, site.https_port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname=SITE)


def test_person_logs_in_through_the_proxy(site: Site) -> None:
    with site.client() as client:
        client.get("/login/")
        form = {"username": "alice", "password": "desk-demo", "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        answer = client.post("/login/", data=form, headers={"Origin": site.url, "Referer": f"{site.url}/login/"})
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        assert client.get("/").status_code == 200


# --------------------------------------------------------------------- whose word counts
def test_forwarded_address_of_a_client_is_not_believed(site: Site) -> None:
    elsewhere, here = made(site, "--networks", "203.0.113.0/24"), made(site, "--networks", "127.0.0.0/8")
    pretending = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
    with site.client(elsewhere, **pretending) as client:
        assert client.get(ACCOUNTS).json()["code"] == "TOKEN_INVALID"
    with site.client(here, **pretending) as client:
        assert client.get(ACCOUNTS).status_code == 200


def test_request_id_of_the_caller_is_kept_and_a_malformed_one_is_replaced(site: Site, token: str) -> None:
    with site.client(token) as client:
        assert client.get(ACCOUNTS, headers={"X-Request-ID": "my-request-1"}).headers["x-request-id"] == "my-request-1"
        made_here = client.get(ACCOUNTS, headers={"X-Request-ID": "a b"}).headers["x-request-id"]
    lines = (site.folder / "access.log").read_text(encoding="utf-8")
    assert "my-request-1" in lines
    assert made_here in lines


def test_keys_and_queries_stay_out_of_the_log(site: Site) -> None:
    with site.client() as client:
        client.get("/link/a-key-that-opens-an-account/")
        client.get("/login/?next=/a-query-of-somebody/")
    lines = (site.folder / "access.log").read_text(encoding="utf-8")
    assert "/link/..." in lines
    assert "a-key-that" not in lines
    assert "a-query-of" not in lines


# --------------------------------------------------------------------------- static files
def test_static_files_come_compressed_from_the_proxy_and_may_be_kept_for_ever(site: Site) -> None:
    path = f"{STATIC_URL}frontend/vendor/lightweight-charts.mjs"
    with site.client() as client:
        answer = client.get(path)
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        missing = client.get("/static/000000000000/frontend/vendor/lightweight-charts.mjs")
        posted = client.post(path)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == plain.content
    assert answer.headers["cache-control"] == "max-age=315360000, public, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" in answer.headers
    assert missing.status_code == 404
    assert posted.status_code == 403


# -------------------------------------------------------------------------------- limits
def test_body_that_is_too_large_is_refused_as_the_platform_refuses_it(site: Site, token: str) -> None:
    with site.client(token) as client:
        answer = client.post("/api/v1/orders", content=b"x" * 6_000_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /api/v1/accounts HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    ],
)
def test_request_that_never_ends_is_ended_and_reaches_no_web_process(site: Site, begun: bytes) -> None:
    context = ssl.create_default_context(cafile=str(site.certificate))
    with context.wrap_socket(socket.create_connection((SITE, site.https_port)), server_hostname=SITE) as link:
        link.settimeout(60)
        link.sendall(begun)
        answer = link.recv(4096)
        assert answer == b"" or b" 408 " in answer.splitlines()[0]


def test_many_tries_at_the_login_page_are_slowed_down(site: Site) -> None:
    with site.client() as client:
        codes = [client.get("/login/").status_code for _ in range(60)]
    assert codes[0] == 200
    assert 429 in codes


# -------------------------------------------------------------------------- socket, gRPC
def test_live_socket_passes(site: Site, token: str) -> None:
    trust = ssl.create_default_context(cafile=str(site.certificate))
    headers = {"Authorization": f"Bearer {token}"}
    with connect(f"wss://{SITE}:{site.https_port}/ws/v1", additional_headers=headers, ssl=trust) as socket_:
        hello = json.loads(socket_.recv(timeout=30))
        assert (hello["type"], hello["user"]["username"]) == ("hello", "alice")
        socket_.send(json.dumps({"op": "ping", "id": 5}))
        kinds = []
        while "pong" not in kinds:
            kinds.append(json.loads(socket_.recv(timeout=30))["type"])


def test_grpc_passes_with_the_client_s_address(site: Site, token: str) -> None:
    credentials = grpc.ssl_channel_credentials(site.certificate.read_bytes())
    with grpc.secure_channel(f"{SITE}:{site.https_port}", credentials) as channel:
        trading = TradingServiceStub(channel)  # type: ignore[no-untyped-call]
        request = trading_pb2.ListAccountsRequest()
        answer = trading.ListAccounts(request, metadata=(("authorization", f"Bearer {token}"),), timeout=30)
        assert len(answer.accounts) > 0

        elsewhere = made(site, "--networks", "203.0.113.0/24")
        metadata = (("authorization", f"Bearer {elsewhere}"), ("x-forwarded-for", "203.0.113.9"))
        with pytest.raises(grpc.RpcError) as refused:
            trading.ListAccounts(request, metadata=metadata, timeout=30)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED

        health = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=60)  # type: ignore[attr-defined]
        assert next(iter(watch)).status in (1, 2)
        watch.cancel()


# ------------------------------------------------------------------------------- restarts
class Traffic:
    """People who read and who place orders without a key, so that one sent twice would be two rows."""

    def __init__(self, site: Site, token: str, account: int) -> None:
        self._site, self._token, self._account = site, token, account
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.reads: list[int | str] = []
        self.orders: dict[int, int | str] = {}
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]
        self._threads += [threading.Thread(target=self._order, args=(number,)) for number in range(WRITERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, reads: int, orders: int) -> None:
        """Wait until so many more of both were answered."""
        wanted = len(self.reads) + reads, len(self.orders) + orders
        deadline = time.monotonic() + 120
        while len(self.reads) < wanted[0] or len(self.orders) < wanted[1]:
            assert time.monotonic() < deadline, "nothing goes on"
            time.sleep(0.02)

    def _read(self) -> None:
        with self._site.client(self._token) as client:
            while not self._stop.is_set():
                try:
                    answer: int | str = client.get(ACCOUNTS).status_code
                except httpx.HTTPError as error:
                    answer = repr(error)
                with self._lock:
                    self.reads.append(answer)

    def _order(self, number: int) -> None:
        """Each order has a quantity of its own, by which it is found again."""
        with self._site.client(self._token) as client:
            turn = 0
            while not self._stop.is_set():
                turn += 1
                quantity = 100 * (2 * turn + number)
                wish = {
                    "account": self._account,
                    "symbol": "600519.SH",
                    "side": "BUY",
                    "quantity": quantity,
                    "price": "1.00",
                }
                try:
                    answer: int | str = client.post("/api/v1/orders", json=wish).status_code
                except httpx.HTTPError as error:
                    answer = repr(error)
                with self._lock:
                    self.orders[quantity] = answer


def stored(site: Site) -> dict[int, int]:
    """How many orders of each quantity there are."""
    with sqlite3.connect(site.stack.state_dir / "desk.sqlite3") as database:
        return dict(database.execute("SELECT quantity, count(*) FROM orders_order GROUP BY quantity"))


def test_restarts_drop_no_read_and_double_no_order(site: Site, token: str) -> None:
    # No terminal runs here: each order is stored as denied, once.
    site.stack.manage(
        "shell", "--no-imports", "-c", "from tests.orders.bench import make_instruments; make_instruments()"
    )
    with site.client(token) as client:
        account = client.get(ACCOUNTS).json()["results"][0]["id"]
    with Traffic(site, token, account) as traffic:
        traffic.go_on(40, 10)
        site.stop("web-1", signal.SIGKILL)
        traffic.go_on(40, 10)
        site.start_web(1)
        traffic.go_on(40, 10)
        site.stop("web-2")
        traffic.go_on(40, 10)
        site.start_web(2)
        traffic.go_on(40, 10)

    assert set(traffic.reads) == {200}
    rows = stored(site)
    answered = {quantity for quantity, answer in traffic.orders.items() if answer not in (502, 504)}
    assert {traffic.orders[quantity] for quantity in answered} == {422}
    assert {rows.get(quantity, 0) for quantity in answered} == {1}
    # Without an answer nobody knows; never twice.
    assert {rows.get(quantity, 0) for quantity in traffic.orders.keys() - answered} <= {0, 1}
    # What could be lost is what the killed process was doing at that moment.
    assert len(traffic.orders) - len(answered) <= WRITERS
