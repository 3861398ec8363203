"""TLS from a QMT host to PostgreSQL and Redis: who is trusted, and who this machine says it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError
from kombu import Connection
from psycopg.conninfo import make_conninfo

from desk.management import process
from desk.management.commands import worker
from desk.settings import tls
from desk.settings.celery import broker_url
from desk.settings.safety import problems
from desk.settings.schema import DeskConfig
from tests.hosts.tlsdoor import Authority, Identity, tls_door
from tests.postgres import SUPERUSER, postgres_server

HOST = {
    "QMT_HOST": "qmt1",
    "DATABASE_URL": "postgresql://desk_host_qmt1:pw@db.example.org/desk",
    "QUOTES_URL": "postgresql://desk_host_qmt1:pw@db.example.org/quotes",
    "REDIS_URL": "rediss://host.qmt1:pw@redis.example.org:6379/0",
    "LIVE_KEY": "ab" * 32,
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DESK_") and name != "DESK_STATE_DIR":
            monkeypatch.delenv(name)


def configured(monkeypatch: pytest.MonkeyPatch, **variables: str | Path) -> DeskConfig:
    for name, value in {"ENV": "production", **variables}.items():
        monkeypatch.setenv(f"DESK_{name}", str(value))
    return DeskConfig()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def server(authority: Authority) -> Identity:
    return authority.issue("server", hosts=("127.0.0.1",))


@pytest.fixture
def host(authority: Authority) -> Identity:
    return authority.issue("qmt1")


def test_host_in_production_needs_no_key_of_the_platform(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    assert problems(configured(monkeypatch, **HOST, TLS_CA=authority.file), {}) == []


def test_host_that_holds_the_platform_s_keys_is_refused(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    config = configured(monkeypatch, **HOST, TLS_CA=authority.file, SECRET_KEY="k" * 40, ENCRYPTION_KEY="e" * 40)
    assert problems(config, {}) == [
        f"{name} is set on a QMT host: take it away, a host never needs the platform's keys"
        for name in ("DESK_SECRET_KEY", "DESK_ENCRYPTION_KEY")
    ]


def test_host_whose_database_proves_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(configured(monkeypatch, **HOST), {}) == [
        f"{name} leaves this machine without proof of the server's name (DESK_TLS_CA, or sslmode=verify-full)"
        for name in ("DESK_DATABASE_URL", "DESK_QUOTES_URL")
    ]


def test_certificate_without_its_key_is_refused(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    config = configured(monkeypatch, **HOST, TLS_CA=authority.file, TLS_CERTIFICATE=authority.file)
    assert problems(config, {}) == ["DESK_TLS_CERTIFICATE and DESK_TLS_KEY belong together: one of them is not set"]


def test_postgres_with_an_authority_must_prove_its_name(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, host: Identity
) -> None:
    config = configured(monkeypatch, TLS_CA=authority.file, TLS_CERTIFICATE=host.certificate, TLS_KEY=host.key)
    assert tls.postgres_options(config, "db.example.org") == {
        "sslmode": "verify-full",
        "sslrootcert": str(authority.file),
        "sslcert": str(host.certificate),
        "sslkey": str(host.key),
    }
    assert tls.postgres_options(config, "/run/postgresql") == {}


def test_redis_over_tls_with_a_certificate_answers(
    monkeypatch: pytest.MonkeyPatch, valkey: str, authority: Authority, server: Identity, host: Identity
) -> None:
    with tls_door(Path(valkey.removeprefix("unix://")), server, authority.file) as door:
        config = configured(
            monkeypatch,
            REDIS_URL=f"rediss://127.0.0.1:{door.port}/0",
            TLS_CA=authority.file,
            TLS_CERTIFICATE=host.certificate,
            TLS_KEY=host.key,
        )
        client = redis.Redis.from_url(tls.redis_url(config), socket_timeout=30)
        assert client.ping() is True
        client.close()
        with Connection(broker_url(config.redis_url), ssl=tls.broker_ssl(config) or False) as broker:
            broker.SimpleQueue("tls").put({"over": "tls"})
        assert len(door.clients) >= 2
        assert set(door.clients) == {"qmt1"}


def test_redis_of_a_strange_authority_is_not_talked_to(
    monkeypatch: pytest.MonkeyPatch, valkey: str, authority: Authority, host: Identity, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    impostor = Authority(other, "impostor").issue("server", hosts=("127.0.0.1",))
    with tls_door(Path(valkey.removeprefix("unix://")), impostor, authority.file) as door:
        config = configured(
            monkeypatch,
            REDIS_URL=f"rediss://127.0.0.1:{door.port}/0",
            TLS_CA=authority.file,
            TLS_CERTIFICATE=host.certificate,
            TLS_KEY=host.key,
        )
        client = redis.Redis.from_url(tls.redis_url(config), socket_timeout=30)
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            client.ping()
        with (
            Connection(broker_url(config.redis_url), ssl=tls.broker_ssl(config) or False) as broker,
            pytest.raises(Exception, match="certificate verify failed"),
        ):
            broker.ensure_connection(max_retries=1)
        assert door.clients == []


def test_redis_without_our_certificate_is_refused_at_its_door(
    monkeypatch: pytest.MonkeyPatch, valkey: str, authority: Authority, server: Identity
) -> None:
    with tls_door(Path(valkey.removeprefix("unix://")), server, authority.file) as door:
        config = configured(monkeypatch, REDIS_URL=f"rediss://127.0.0.1:{door.port}/0", TLS_CA=authority.file)
        client = redis.Redis.from_url(tls.redis_url(config), socket_timeout=30)
        with pytest.raises(redis.ConnectionError):
            client.ping()
        assert door.clients == []


@pytest.mark.slow
def test_postgres_over_tls_with_a_certificate_answers_and_an_impostor_does_not(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, server: Identity, host: Identity, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    impostor = Authority(other, "impostor").issue("server", hosts=("127.0.0.1",))

    def connect(port: int) -> psycopg.Connection[tuple[Any, ...]]:
        config = configured(monkeypatch, TLS_CA=authority.file, TLS_CERTIFICATE=host.certificate, TLS_KEY=host.key)
        address = {"host": "127.0.0.1", "port": str(port), "user": SUPERUSER, "dbname": "desk"}
        return psycopg.connect(make_conninfo(**address, **tls.postgres_options(config, "127.0.0.1")))

    with postgres_server() as postgres:
        socket_file = postgres.home / ".s.PGSQL.5432"
        with tls_door(socket_file, server, authority.file, postgres=True) as door:
            with connect(door.port) as connection:
                assert connection.execute("SELECT current_database()").fetchone() == ("desk",)
            assert door.clients == ["qmt1"]
        with tls_door(socket_file, impostor, authority.file, postgres=True) as door:
            with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
                connect(door.port)
            assert door.clients == []


@pytest.mark.parametrize("command", ["web", "beat", "up", "engine", "strategies", "rpc"])
def test_host_runs_nothing_of_the_platform(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(process, "get_config", lambda: configured(monkeypatch, QMT_HOST="qmt1"))
    loaded = load_command_class(get_commands()[command], command)
    with pytest.raises(SystemExit, match="This machine is the QMT host qmt1"):
        loaded.run_from_argv(["manage.py", command])


@pytest.mark.parametrize(("role", "host"), [("core", ""), ("trade", "other")])
def test_host_runs_no_other_host_s_workers(monkeypatch: pytest.MonkeyPatch, role: str, host: str) -> None:
    monkeypatch.setattr(worker, "get_config", lambda: configured(monkeypatch, QMT_HOST="qmt1"))
    with pytest.raises(CommandError, match="This machine is the QMT host qmt1"):
        worker.Command().handle(role=role, host=host)
