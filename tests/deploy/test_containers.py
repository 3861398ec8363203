"""The compose file under Docker: it builds, starts in its order, serves through the proxy, and its containers may do nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import httpx
import pytest

from rpc.v1 import trading_pb2
from rpc.v1.trading_pb2_grpc import TradingServiceStub
from tests.deploy.containers import SITE, START_SECONDS, Site, missing, running_site

REASON = missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(
        bool(REASON), reason=f"the images were NOT built and the compose file was NOT started: {REASON}"
    ),
]
ONE_SHOT = {"migrate", "roles"}
LASTING = {"proxy", "web-1", "web-2", "rpc", "core", "beat", "engine", "strategies", "postgres", "valkey"}
NONE = "0" * 16
ACCOUNTS = "/api/v1/accounts"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("containers")) as site:
        yield site


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    site.manage("createsuperuser", "--noinput", "--username", "root", "--email", "root@example.org")
    said = site.manage("token_create", "root", "--scopes", "account:read,admin:*", "--rate", "60000")
    return next(word for word in said.split() if word.startswith("desk_"))


def test_every_service_is_healthy_and_what_ends_has_succeeded(site: Site) -> None:
    states = site.states()
    assert set(states) == LASTING | ONE_SHOT
    assert {name: states[name][:2] for name in LASTING} == dict.fromkeys(LASTING, ("running", "healthy"))
    assert {name: states[name] for name in ONE_SHOT} == dict.fromkeys(ONE_SHOT, ("exited", "", 0))


@pytest.mark.parametrize("name", sorted(LASTING))
def test_container_is_nobody_without_rights_and_its_root_cannot_be_written(site: Site, name: str) -> None:
    script = "id -u; touch /etc/x 2>&1; grep -E '^(CapBnd|CapEff|NoNewPrivs):' /proc/1/status"
    said = site.compose("exec", "-T", name, "sh", "-c", script)
    words = said.split()
    assert words[0] == ("999" if name == "postgres" else "10001")
    assert "Read-only file system" in said
    status = dict(line.split() for line in said.splitlines()[-3:])
    assert status == {"CapEff:": NONE, "CapBnd:": NONE, "NoNewPrivs:": "1"}


def test_doctor_finds_nothing_wrong(site: Site) -> None:
    assert "Everything is as it should be." in site.manage("doctor")


def test_api_answers_through_the_proxy_to_who_has_a_token(site: Site, token: str) -> None:
    with site.client() as stranger, site.client(token) as person:
        assert stranger.get(ACCOUNTS).status_code == 401
        assert person.get(ACCOUNTS).status_code == 200
        assert person.get("/api/v1/health/web").json()["status"] == "ready"


def test_grpc_answers_through_the_proxy(site: Site, token: str) -> None:
    credentials = grpc.ssl_channel_credentials(site.certificate.read_bytes())
    with grpc.secure_channel(f"{SITE}:{site.https_port}", credentials) as channel:
        trading = TradingServiceStub(channel)  # type: ignore[no-untyped-call]
        metadata = (("authorization", f"Bearer {token}"),)
        answer = trading.ListAccounts(trading_pb2.ListAccountsRequest(), metadata=metadata, timeout=60)
    assert list(answer.accounts) == []


def test_proxy_does_not_reach_the_databases(site: Site) -> None:
    address = site.compose(
        "exec", "-T", "core", "python", "-c", "import socket; print(socket.gethostbyname('postgres'))"
    ).strip()
    reach = f"import socket; socket.create_connection(('{address}', 5432), 10)"
    site.compose("exec", "-T", "core", "python", "-c", reach)
    with pytest.raises(AssertionError):
        site.compose("exec", "-T", "proxy", "nc", "-z", "-w", "5", address, "5432")


@pytest.mark.parametrize("name", ["web-1", "web-2"])
def test_web_container_that_is_replaced_drops_no_read(site: Site, token: str, name: str) -> None:
    answers: list[int | str] = []
    stop = threading.Event()

    def read() -> None:
        with site.client(token) as client:
            while not stop.is_set():
                try:
                    answers.append(client.get(ACCOUNTS).status_code)
                except httpx.HTTPError as error:
                    answers.append(repr(error))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        words = ("up", "--detach", "--no-deps", "--force-recreate", "--wait", name)
        site.compose(*words, seconds=START_SECONDS)
    finally:
        stop.set()
        reader.join()
    assert set(answers) == {200}
