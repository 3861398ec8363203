"""What a QMT host's machine is configured with, and the files with which the platform's servers let it in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pydantic import SecretStr

from desk.hosts import postgres, valkey
from desk.hosts.privileges import Database
from desk.settings.schema import DeskConfig
from ops.signing import host_key

#: Settings whose values are files of the bundle.
FILES: Final = ("DESK_TLS_CA", "DESK_TLS_CERTIFICATE", "DESK_TLS_KEY")
_TLS_OPTIONS: Final = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "password", "user"})


class NotShared(ValueError):
    """The platform's own services cannot be reached from another machine; the text says which."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the host reaches the servers, when that is not where the platform itself does (`HOST:PORT`)."""

    database: str = ""
    redis: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the host gets, and what the servers are told."""

    bundle: dict[str, Any]
    files: dict[str, str]


def make_credentials(
    config: DeskConfig, host: str, *, addresses: Addresses, pem_files: Mapping[str, Path]
) -> Credentials:
    """New passwords for a host, with the SQL and the access-control line that make them count.

    Raises
    ------
    NotShared
    OSError
        A PEM file cannot be read.
    """
    if config.database_url is None or config.quotes_url is None or config.redis_url_given is None:
        raise NotShared(
            "A QMT host on another machine needs the platform on PostgreSQL and Redis: "
            "DESK_DATABASE_URL, DESK_QUOTES_URL and DESK_REDIS_URL."
        )
    database_password, redis_password = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    role = postgres.role_name(host)
    urls = {
        "DESK_DATABASE_URL": config.database_url.get_secret_value(),
        "DESK_QUOTES_URL": config.quotes_url.get_secret_value(),
    }
    settings = {
        "DESK_ENV": config.env,
        "DESK_QMT_HOST": host,
        "DESK_LIVE_KEY": host_key(host),
        **{name: _with_login(url, role, database_password, addresses.database) for name, url in urls.items()},
        "DESK_REDIS_URL": _with_login(
            config.redis_url_given.get_secret_value(), valkey.user_name(host), redis_password, addresses.redis
        ),
    }
    if config.allow_live:
        settings["DESK_ALLOW_LIVE"] = "true"
    files = {
        f"{host}.acl": valkey.acl_line(host, redis_password) + "\n",
        **privilege_files(config, host, verifier=postgres.scram_verifier(database_password)),
    }
    pems = {name: path.read_text(encoding="ascii") for name, path in pem_files.items()}
    return Credentials({"host": host, "settings": settings, "files": pems}, files)


def privilege_files(config: DeskConfig, host: str, *, verifier: str = "") -> dict[str, str]:
    """The SQL of a host's role in both databases; without a verifier its password stays."""
    return {
        f"{host}.{database}.sql": postgres.grant_sql(host, verifier, database=database, name=name)
        for database, name in _names(config)
    }


def revocation_files(config: DeskConfig, host: str) -> dict[str, str]:
    """What ends a host's role and user."""
    return {
        f"{host}.revoke.redis": "\n".join(valkey.revoke_commands(host)) + "\n",
        **{f"{host}.{database}.revoke.sql": postgres.revoke_sql(host, name=name) for database, name in _names(config)},
    }


def _names(config: DeskConfig) -> list[tuple[Database, str]]:
    """Both databases, as their server knows them."""
    if config.database_url is None or config.quotes_url is None:
        raise NotShared("The platform's databases are SQLite files: no host on another machine can use them.")
    urls: list[tuple[Database, SecretStr]] = [("default", config.database_url), ("quotes", config.quotes_url)]
    return [(database, urlsplit(url.get_secret_value()).path.lstrip("/")) for database, url in urls]


def _with_login(url: str, user: str, password: str, address: str) -> str:
    """The platform's URL with the host's own login; options that name the platform's own files or login fall away."""
    parts = urlsplit(url)
    place = address or parts.netloc.rpartition("@")[2]
    options = [(name, value) for name, value in parse_qsl(parts.query) if name not in _TLS_OPTIONS]
    if address:
        options = [(name, value) for name, value in options if name not in ("host", "port")]
    query = urlencode(options, safe="/")
    return parts._replace(netloc=f"{quote(user, safe='.')}:{quote(password)}@{place}", query=query).geturl()
