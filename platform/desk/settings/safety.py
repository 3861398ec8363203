"""What a production start refuses: each reason in words, all of them at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import SecretStr

from .schema import DeskConfig
from .tls import LOOPBACK as _LOOPBACK
from .tls import VERIFIED, file_problem

TIME_ZONE = "Asia/Shanghai"
_SHANGHAI_OFFSET = timedelta(hours=8)
_KEY_LENGTH = 32
_WEAK_KEYS = ("django-insecure", "changeme", "secret", "desk-test")


def problems(config: DeskConfig, environ: dict[str, str] | os._Environ[str]) -> list[str]:
    """List why `config` must not run in production (empty elsewhere)."""
    if config.env != "production":
        return []
    found = [*(host_doors(config) if config.qmt_host else _keys(config)), *_doors(config)]
    if config.debug:
        found.append("DESK_DEBUG is on")
    if environ.get("TZ") not in (None, "", TIME_ZONE):
        found.append(f"TZ is {environ['TZ']}, the platform runs in {TIME_ZONE}")
    return found


def _keys(config: DeskConfig) -> Iterator[str]:
    secret = _plain(config.secret_key)
    if not secret:
        yield "DESK_SECRET_KEY is not set"
    elif _is_weak(secret):
        yield f"DESK_SECRET_KEY is a default or shorter than {_KEY_LENGTH} characters"
    keys = [part.strip() for part in _plain(config.encryption_key).split(",") if part.strip()]
    if any(_is_weak(key) for key in keys):
        yield f"DESK_ENCRYPTION_KEY is a default or shorter than {_KEY_LENGTH} characters"
    if secret and secret in keys:
        yield "DESK_ENCRYPTION_KEY is the same as DESK_SECRET_KEY"
    if not keys and config.database_url is not None:
        yield (
            "DESK_ENCRYPTION_KEY is not set although the database is shared: each machine would seal with its own key"
        )


def _doors(config: DeskConfig) -> Iterator[str]:
    """What stands open to a network."""
    if "*" in config.hosts:
        yield "DESK_HOSTS allows every host name"
    if config.bind not in _LOOPBACK and not config.behind_tls_proxy:
        yield f"DESK_BIND is {config.bind} without DESK_BEHIND_TLS_PROXY: passwords would travel in the clear"
    if any(ip_network(part).prefixlen == 0 for part in config.trusted_proxies):
        yield "DESK_TRUSTED_PROXIES trusts every address: anybody could say where a request comes from"
    if problem := rpc_problem(config, config.rpc_bind):
        yield problem
    if problem := file_problem(config):
        yield problem
    for name, url in (("DESK_DATABASE_URL", config.database_url), ("DESK_QUOTES_URL", config.quotes_url)):
        if url is not None and _has_no_password(_plain(url)):
            yield f"{name} has no password"
    if config.redis_url_given is not None and _is_open_redis(_plain(config.redis_url_given)):
        yield "DESK_REDIS_URL leaves this machine without TLS (rediss://) and a password"
    if config.mail_host and config.mail_security == "none" and config.mail_host not in _LOOPBACK:
        yield "DESK_MAIL_SECURITY is none: mail would travel in the clear"


def host_doors(config: DeskConfig) -> Iterator[str]:
    """What a QMT host adds: it meets the platform over a network, and holds none of its keys."""
    for name, key in (("DESK_SECRET_KEY", config.secret_key), ("DESK_ENCRYPTION_KEY", config.encryption_key)):
        if key is not None:
            yield f"{name} is set on a QMT host: take it away, a host never needs the platform's keys"
    if config.live_key is None:
        yield "DESK_LIVE_KEY is not set: nobody would believe this host's quotes; enrol it again"
    for name, url in (("DESK_DATABASE_URL", config.database_url), ("DESK_QUOTES_URL", config.quotes_url)):
        if url is not None and _is_unproven_postgres(config, _plain(url)):
            yield f"{name} leaves this machine without proof of the server's name (DESK_TLS_CA, or sslmode=verify-full)"


def rpc_problem(config: DeskConfig, bind: str) -> str:
    """Why the gRPC server must not listen at `bind`, in any environment; blank when it may.

    There is no proxy before it that could end TLS unseen: tokens would travel in the clear.
    """
    files = (config.rpc_tls_certificate, config.rpc_tls_key)
    if any(files) and not all(files):
        return "DESK_RPC_TLS_CERTIFICATE and DESK_RPC_TLS_KEY belong together: one of them is not set"
    if bind not in _LOOPBACK and not all(files):
        return f"DESK_RPC_BIND is {bind} without DESK_RPC_TLS_CERTIFICATE and DESK_RPC_TLS_KEY: tokens would travel in the clear"
    return ""


def _plain(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()


def _is_weak(key: str) -> bool:
    return len(key) < _KEY_LENGTH or key.lower().startswith(_WEAK_KEYS) or len(set(key)) < 8


def _has_no_password(url: str) -> bool:
    parts = urlsplit(url)
    options = {name for name, _value in parse_qsl(parts.query)}
    # A socket on this machine, a password file or a client certificate authenticates too.
    remote = bool(parts.hostname) and parts.hostname not in _LOOPBACK
    return remote and not parts.password and not options & {"password", "passfile", "sslcert", "service"}


def _is_unproven_postgres(config: DeskConfig, url: str) -> bool:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    host = options.get("host", parts.hostname or "")
    if not host or host.startswith("/") or host in _LOOPBACK:
        return False
    mode = options.get("sslmode", VERIFIED if config.tls_ca is not None else "")
    return mode != VERIFIED


def _is_open_redis(url: str) -> bool:
    parts = urlsplit(url)
    remote = bool(parts.hostname) and parts.hostname not in _LOOPBACK
    return remote and not (parts.scheme == "rediss" and parts.password)


def refuse_unsafe(config: DeskConfig) -> None:
    """Raise `ImproperlyConfigured` naming every reason against a production start."""
    found = problems(config, os.environ)
    if found:
        raise ImproperlyConfigured("Production refuses to start: " + "; ".join(found) + ".")


def local_offset_is_shanghai() -> bool:
    """Whether this process's local time is the market's (Windows ignores `TZ`)."""
    return datetime.now().astimezone().utcoffset() == _SHANGHAI_OFFSET
