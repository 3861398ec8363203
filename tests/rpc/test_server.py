"""The server itself: health that tells the truth, reflection, encryption, and where it may listen."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from accounts.choices import SessionState
from accounts.models import HostStatus
from desk.settings.safety import rpc_problem
from desk.settings.schema import DeskConfig
from ops.clocks import wall_now
from ops.health import Check
from ops.models import ProcessHeartbeat
from rpc import health
from rpc.server import RpcServer
from tests.live.conftest import Valkey
from tests.people import Team
from tests.rpc.conftest import Server, ThreadServer

DATABASES = ["default", "quotes"]
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health_of(channel: Any) -> Any:
    """A client of the standard service; its published types know no methods."""
    return HealthStub(channel)


def ready(team: Team) -> HostStatus:
    return HostStatus.objects.update_or_create(
        host=team.host, defaults={"session_state": SessionState.READY, "updated_at": wall_now()}
    )[0]


# ------------------------------------------------------------------------------- health
@pytest.mark.django_db(databases=DATABASES)
def test_service_serves_while_what_it_needs_works(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.people import make_team

    team = make_team()
    every = dict.fromkeys((health.DATA, health.TRADING, health.LIVE, health.SERVER), True)
    every |= {health.FUNCTIONS: False}
    assert health.serving(live=True) == every | {health.TRADING: False, health.SERVER: False}
    status = ready(team)
    assert health.serving(live=True) == every
    assert health.serving(live=False) == every | {health.LIVE: False, health.SERVER: False}
    HostStatus.objects.filter(pk=status.pk).update(updated_at=wall_now() - dt.timedelta(minutes=1))
    assert not health.serving(live=True)[health.TRADING]


@pytest.mark.django_db(databases=DATABASES)
def test_trading_does_not_need_the_store_of_quotes(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.people import make_team

    ready(make_team())
    monkeypatch.setattr("ops.health.check_database", lambda alias: Check(alias, alias == "default"))
    told = health.serving(live=True)
    assert told == {health.TRADING: True} | dict.fromkeys(
        (health.DATA, health.LIVE, health.FUNCTIONS, health.SERVER), False
    )
    ProcessHeartbeat.objects.create(name="worker.reads@sim", pid=1, started_at=wall_now(), last_loop_at=wall_now())
    assert health.serving(live=True)[health.FUNCTIONS]


@pytest.mark.django_db(transaction=True, databases=DATABASES)
def test_watcher_is_told_when_a_session_is_lost(
    server: Server, running: ThreadServer, team: Team, own_valkey: Valkey
) -> None:
    def look() -> None:
        assert running.server is not None
        asyncio.run_coroutine_threadsafe(running.server.look(), running.loop).result(10)

    status = ready(team)
    look()
    stub: Any = HealthStub(server.anonymous().channel)
    watched = stub.Watch(health_pb2.HealthCheckRequest(service=health.TRADING), timeout=10)
    assert next(watched).status == SERVING
    status.session_state = SessionState.SICK
    status.save()
    look()
    assert next(watched).status == NOT_SERVING
    watched.cancel()
    assert stub.Check(health_pb2.HealthCheckRequest(service=health.TRADING)).status == NOT_SERVING
    assert ProcessHeartbeat.objects.filter(pk="rpc").exists()


@pytest.mark.django_db(transaction=True, databases=DATABASES)
def test_service_that_is_not_there_is_not_found(server: Server) -> None:
    stub: Any = HealthStub(server.anonymous().channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="desk.v1.Nothing"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    watched = stub.Watch(health_pb2.HealthCheckRequest(service="desk.v1.Nothing"), timeout=5)
    assert next(watched).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watched.cancel()


async def test_watchers_beyond_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        async def abort(self, code: grpc.StatusCode, details: str) -> None:
            raise PermissionError(code.name)

    monkeypatch.setattr(health, "MAX_WATCHERS", 1)
    state, context = health.Health(), Refusing()
    first = state.watch(health_pb2.HealthCheckRequest(), context)  # type: ignore[arg-type]
    assert (await anext(first)).status == NOT_SERVING
    with pytest.raises(PermissionError, match="RESOURCE_EXHAUSTED"):
        await anext(state.watch(health_pb2.HealthCheckRequest(), context))  # type: ignore[arg-type]
    state.tell({health.SERVER: True})
    assert (await anext(first)).status == SERVING


# --------------------------------------------------------------------------- reflection
@pytest.mark.django_db(transaction=True, databases=DATABASES)
def test_reflection_describes_every_service_to_whoever_has_a_token(server: Server, team: Team) -> None:
    client = server.person(team.viewer, "market:read")
    channel = grpc.intercept_channel(client.channel, WithToken(client.headers))
    names = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert {health.DATA, health.TRADING, health.LIVE, health.SERVICE} <= set(names)


class WithToken(grpc.StreamStreamClientInterceptor):
    """Adds metadata to calls of libraries that take none."""

    def __init__(self, headers: tuple[tuple[str, str], ...]) -> None:
        self._headers = headers

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(client_call_details._replace(metadata=self._headers), request_iterator)


# ------------------------------------------------------------------ where it may listen
@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No looks at health: these tests have no database."""

    async def never(self: RpcServer) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(RpcServer, "_look_again_and_again", never)


async def test_server_with_a_certificate_speaks_to_nobody_in_the_clear(
    certificate: tuple[Path, Path], quiet: None
) -> None:
    server = RpcServer("127.0.0.1:0", certificate=certificate[0], key=certificate[1])
    port = await server.start()
    request = health_pb2.HealthCheckRequest()
    try:
        async with grpc.aio.secure_channel(
            f"localhost:{port}", grpc.ssl_channel_credentials(certificate[0].read_bytes())
        ) as channel:
            told = await health_of(channel).Check(request, timeout=5)
        assert told.status == NOT_SERVING
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await health_of(channel).Check(request, timeout=1)
        assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    finally:
        await server.stop(0)


async def test_port_of_another_server_is_not_shared(quiet: None) -> None:
    first = RpcServer("127.0.0.1:0")
    port = await first.start()
    second = RpcServer(f"127.0.0.1:{port}")
    try:
        with pytest.raises(RuntimeError):
            await second.start()
    finally:
        await second.stop(0)
        await first.stop(0)


def config(**values: Any) -> DeskConfig:
    return DeskConfig(_env_file=None, **values)  # type: ignore[call-arg]


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_may_be_served_in_the_clear(bind: str) -> None:
    assert rpc_problem(config(), bind) == ""


def test_other_machines_are_served_with_a_certificate_only(tmp_path: Path) -> None:
    files = {"rpc_tls_certificate": tmp_path / "c.pem", "rpc_tls_key": tmp_path / "k.pem"}
    assert "tokens would travel in the clear" in rpc_problem(config(), "0.0.0.0")
    assert rpc_problem(config(**files), "0.0.0.0") == ""


def test_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    assert "belong together" in rpc_problem(config(rpc_tls_certificate=tmp_path / "c.pem"), "127.0.0.1")


@pytest.mark.parametrize(("web", "rpc"), [(8000, 9000), (65000, 64000), (64535, 65535)])
def test_port_follows_the_web_processes(web: int, rpc: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(web))
    assert config().rpc_port == rpc
    monkeypatch.setenv("DESK_RPC_PORT", "7001")
    assert config().rpc_port == 7001
