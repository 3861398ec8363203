"""TLS towards PostgreSQL and Redis, from `DESK_TLS_CA`, `DESK_TLS_CERTIFICATE` and `DESK_TLS_KEY`.

One authority vouches for both servers, and one certificate proves this machine to both. With the authority named,
nothing connects to a server that cannot prove its name: PostgreSQL's own default would take any certificate, or none.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlencode, urlsplit

from .schema import DeskConfig

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
VERIFIED = "verify-full"


def redis_url(config: DeskConfig) -> str:
    """The Redis URL as redis-py reads it, with the files its TLS connections use."""
    url = config.redis_url
    options = {
        "ssl_ca_certs": config.tls_ca,
        "ssl_certfile": config.tls_certificate,
        "ssl_keyfile": config.tls_key,
    }
    given = {name: str(path) for name, path in options.items() if path is not None}
    if urlsplit(url).scheme != "rediss" or not given:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(given)}"


def broker_ssl(config: DeskConfig) -> dict[str, Any] | None:
    """The same for Celery's broker, which takes no files in its URL; None without TLS."""
    if urlsplit(config.redis_url).scheme != "rediss":
        return None
    options: dict[str, Any] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    for name, path in (
        ("ssl_ca_certs", config.tls_ca),
        ("ssl_certfile", config.tls_certificate),
        ("ssl_keyfile", config.tls_key),
    ):
        if path is not None:
            options[name] = str(path)
    return options


def postgres_options(config: DeskConfig, host: str) -> dict[str, str]:
    """libpq's options of a connection to `host`; none for a socket on this machine."""
    if config.tls_ca is None or not host or host.startswith("/"):
        return {}
    options = {"sslmode": VERIFIED, "sslrootcert": str(config.tls_ca)}
    if config.tls_certificate is not None and config.tls_key is not None:
        options |= {"sslcert": str(config.tls_certificate), "sslkey": str(config.tls_key)}
    return options


def file_problem(config: DeskConfig) -> str:
    """Why the three files cannot be used; blank when they can, or when none is named."""
    if (config.tls_certificate is None) != (config.tls_key is None):
        return "DESK_TLS_CERTIFICATE and DESK_TLS_KEY belong together: one of them is not set"
    for name, path in (
        ("DESK_TLS_CA", config.tls_ca),
        ("DESK_TLS_CERTIFICATE", config.tls_certificate),
        ("DESK_TLS_KEY", config.tls_key),
    ):
        if path is not None and not path.is_file():
            return f"{name} names {path}, and there is no such file"
    return ""
