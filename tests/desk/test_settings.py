"""Configuration: what production refuses, how databases are spelled."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from desk.settings import databases
from desk.settings.celery import broker_url
from desk.settings.marketdata_file import get_marketdata
from desk.settings.safety import problems
from desk.settings.schema import UNIX_SOCKET_PATH_LIMIT, DeskConfig

STRONG_KEY = "kM3x-91hQz_72LbbW0vYtR5sPc8dNqEfGa4JuIo6"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DESK_") or name == "PORT":
            monkeypatch.delenv(name)


def production(monkeypatch: pytest.MonkeyPatch, **variables: str) -> DeskConfig:
    monkeypatch.setenv("DESK_ENV", "production")
    for name, value in variables.items():
        monkeypatch.setenv(f"DESK_{name}", value)
    return DeskConfig()


def test_production_with_a_strong_key_has_no_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(production(monkeypatch, SECRET_KEY=STRONG_KEY), {"TZ": "Asia/Shanghai"}) == []


def test_production_lists_every_problem_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    config = production(monkeypatch, DEBUG="1")
    assert problems(config, {"TZ": "UTC"}) == [
        "DESK_SECRET_KEY is not set",
        "DESK_DEBUG is on",
        "TZ is UTC, the platform runs in Asia/Shanghai",
    ]


@pytest.mark.parametrize("key", ["django-insecure-" + STRONG_KEY, "short", "a" * 64, "changeme" + STRONG_KEY])
def test_production_refuses_weak_keys(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    config = production(monkeypatch, SECRET_KEY=key)
    assert problems(config, {}) == ["DESK_SECRET_KEY is a default or shorter than 32 characters"]


def test_demo_with_everything_wrong_has_no_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_DEBUG", "1")
    assert problems(DeskConfig(), {"TZ": "UTC"}) == []


def test_secret_key_outside_production_is_generated_once_and_private(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DESK_STATE_DIR", str(tmp_path))
    key = DeskConfig().secret_key_value()
    assert DeskConfig().secret_key_value() == key
    assert len(key) >= 50
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_secret_values_do_not_show_in_a_printed_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_SECRET_KEY", STRONG_KEY)
    monkeypatch.setenv("DESK_DATABASE_URL", "postgresql://desk:hunter2@db/desk")
    assert STRONG_KEY not in repr(DeskConfig())
    assert "hunter2" not in repr(DeskConfig())


def test_port_is_read_from_the_bare_variable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8010")
    assert DeskConfig().port == 8010


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_port_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(ValidationError):
        DeskConfig()


def test_hosts_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_HOSTS", "desk.example.org, 10.0.0.5 ,")
    assert DeskConfig().hosts == ["desk.example.org", "10.0.0.5"]


def test_redis_without_a_url_is_the_bundled_server_s_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESK_STATE_DIR", "/srv/desk")
    assert DeskConfig().redis_url == "unix:///srv/desk/run/valkey.sock"
    assert DeskConfig().bundled_redis is True


def test_redis_socket_of_a_long_state_folder_still_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_STATE_DIR", "/srv/" + "x" * 120)
    assert len(str(DeskConfig().redis_socket)) <= UNIX_SOCKET_PATH_LIMIT


def test_broker_url_of_a_unix_socket_is_spelled_as_kombu_wants_it() -> None:
    assert broker_url("unix:///run/valkey.sock") == "redis+socket:///run/valkey.sock"
    assert broker_url("rediss://:secret@redis.example.org:6380/1") == "rediss://:secret@redis.example.org:6380/1"


def test_postgres_url_becomes_a_pooled_database() -> None:
    database = databases.postgres_database("postgresql://desk:p%40ss@db.example.org:5433/desk?sslmode=verify-full")
    assert database["USER"] == "desk"
    assert database["PASSWORD"] == "p@ss"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.org", "5433", "desk")
    assert database["OPTIONS"]["sslmode"] == "verify-full"
    assert database["OPTIONS"]["pool"]["max_size"] == get_marketdata().pools.max_size


def test_postgres_url_with_a_socket_folder_uses_it_as_host() -> None:
    assert databases.postgres_database("postgresql://desk@/desk?host=/run/pg")["HOST"] == "/run/pg"


@pytest.mark.parametrize("url", ["mysql://desk@db/desk", "postgresql://desk@db/", "desk"])
def test_database_url_that_is_not_postgres_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        databases.postgres_database(url)


def test_sqlite_keeps_sent_orders_over_a_power_cut(tmp_path: Path) -> None:
    options = databases.sqlite_database(tmp_path / "desk.sqlite3", synchronous="FULL")["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "PRAGMA journal_mode=WAL;" in options["init_command"]
    assert "PRAGMA synchronous=FULL;" in options["init_command"]
    assert options["timeout"] == 20


@pytest.mark.parametrize("value", ["*", "proxy.example.org", "10.0.0.1/8"])
def test_trusted_proxy_that_is_no_address_or_network_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DESK_TRUSTED_PROXIES", value)
    with pytest.raises(ValidationError, match="trusted_proxies"):
        DeskConfig()


PRODUCTION = {"SECRET_KEY": STRONG_KEY}


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"ENCRYPTION_KEY": "short"}, "DESK_ENCRYPTION_KEY is a default or shorter than 32 characters"),
        (
            {"ENCRYPTION_KEY": f"{STRONG_KEY}2,changeme"},
            "DESK_ENCRYPTION_KEY is a default or shorter than 32 characters",
        ),
        ({"ENCRYPTION_KEY": STRONG_KEY}, "DESK_ENCRYPTION_KEY is the same as DESK_SECRET_KEY"),
        (
            {"DATABASE_URL": "postgresql://desk:pw@db.example.org/desk"},
            "DESK_ENCRYPTION_KEY is not set although the database is shared: each machine would seal with its own key",
        ),
        ({"HOSTS": "*"}, "DESK_HOSTS allows every host name"),
        (
            {"BIND": "0.0.0.0"},
            "DESK_BIND is 0.0.0.0 without DESK_BEHIND_TLS_PROXY: passwords would travel in the clear",
        ),
        (
            {"TRUSTED_PROXIES": "10.0.0.2,0.0.0.0/0"},
            "DESK_TRUSTED_PROXIES trusts every address: anybody could say where a request comes from",
        ),
        (
            {"REDIS_URL": "redis://redis.example.org"},
            "DESK_REDIS_URL leaves this machine without TLS (rediss://) and a password",
        ),
        (
            {"MAIL_HOST": "smtp.example.org", "MAIL_SECURITY": "none"},
            "DESK_MAIL_SECURITY is none: mail would travel in the clear",
        ),
    ],
)
def test_production_names_each_unsafe_setting(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str
) -> None:
    assert problems(production(monkeypatch, **PRODUCTION, **variables), {}) == [problem]


def test_production_remote_database_without_a_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = production(
        monkeypatch, **PRODUCTION, QUOTES_URL="postgresql://desk@db.example.org/q", ENCRYPTION_KEY=STRONG_KEY[::-1]
    )
    assert problems(config, {}) == ["DESK_QUOTES_URL has no password"]


def test_production_with_everything_shared_and_safe_has_no_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    config = production(
        monkeypatch,
        **PRODUCTION,
        ENCRYPTION_KEY=STRONG_KEY[::-1],
        DATABASE_URL="postgresql://desk:pw@db.example.org/desk",
        QUOTES_URL="postgresql://desk:pw@db.example.org/quotes",
        REDIS_URL="rediss://:pw@redis.example.org",
        BIND="0.0.0.0",
        BEHIND_TLS_PROXY="1",
        MAIL_HOST="smtp.example.org",
    )
    assert problems(config, {}) == []
