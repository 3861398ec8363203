"""Two databases: `quotes` holds bulk market data, so that a bulk load never blocks an order.

SQLite by default, PostgreSQL with `DESK_DATABASE_URL` and `DESK_QUOTES_URL`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import SecretStr

from .marketdata_file import get_marketdata
from .schema import get_config
from .tls import postgres_options

_config = get_config()
_pools = get_marketdata().pools

SQLITE_BUSY_TIMEOUT_SECONDS = 20
#: One connection may cache 16 MB; a process has dozens, one or two a thread, and all of them together as much as this.
SQLITE_CACHE_KILOBYTES = 16_000
SQLITE_MEMORY_BYTES = 32_000_000
CONNECT_SECONDS = 5
RECONNECT_SECONDS = 5.0
#: A server's machine that loses its power says nothing: its connections are given up after some 15 seconds, not two hours.
SILENT_LINK = {"keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 15_000}
# Tests that touch one database create only that one.
INDEPENDENT: dict[str, Any] = {"DEPENDENCIES": []}


def sqlite_database(path: Path, *, synchronous: str) -> dict[str, Any]:
    """Settings of one SQLite file.

    IMMEDIATE makes a writing transaction take the write lock at its start: it waits its turn
    instead of failing half-way. `synchronous=FULL` keeps committed rows over a power cut.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # Opening a file and setting its pragmas costs a millisecond or two, each request and task.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": SQLITE_BUSY_TIMEOUT_SECONDS,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL;"
                f"PRAGMA synchronous={synchronous};"
                "PRAGMA temp_store=MEMORY;"
                f"PRAGMA cache_size=-{SQLITE_CACHE_KILOBYTES};"
                f"PRAGMA soft_heap_limit={SQLITE_MEMORY_BYTES};"
            ),
        },
        # A file, not memory: shared-cache memory databases lock per table and ignore the timeout.
        "TEST": {"NAME": path.with_name(f"test-{path.name}"), **INDEPENDENT},
    }


def postgres_database(url: str) -> dict[str, Any]:
    """Settings of one PostgreSQL database from a `postgresql://` URL (query: libpq options)."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(
            "DESK_DATABASE_URL and DESK_QUOTES_URL take postgresql://USER:PASSWORD@HOST:PORT/NAME"
        )
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("The PostgreSQL URL names no database")
    query = dict(parse_qsl(parts.query))
    # A unix socket folder cannot stand in the URL's host part; libpq spells it ?host=/folder.
    host = query.pop("host", unquote(parts.hostname or ""))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or query.pop("port", "")),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Without a pool every request and every task reconnects (19 ms against 11).
            "pool": {
                "min_size": _pools.min_size,
                "max_size": _pools.max_size,
                "timeout": _pools.timeout_seconds,
                # Its pauses between attempts double. Given up early, the next who needs a connection tries at once:
                # after a minute without the server nobody waits for another one.
                "reconnect_timeout": RECONNECT_SECONDS,
            },
            "connect_timeout": CONNECT_SECONDS,
            **({} if _is_local(host) else SILENT_LINK),
            **postgres_options(_config, host),
            # What the hot paths ask again and again is planned once per connection (`ops.prepared`); the ORM's own
            # statements carry their values in their text and are not affected.
            "prepare_threshold": 2,
            **query,
        },
        "TEST": {**INDEPENDENT},
    }


def _is_local(host: str) -> bool:
    """A socket of this machine knows at once that its server has died."""
    return not host or host.startswith("/")


def _database(url: SecretStr | None, path: Path, synchronous: str) -> dict[str, Any]:
    if url is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        return sqlite_database(path, synchronous=synchronous)
    return postgres_database(url.get_secret_value())


DATABASES = {
    "default": _database(_config.database_url, _config.state_dir / "desk.sqlite3", "FULL"),
    "quotes": _database(_config.quotes_url, _config.state_dir / "quotes.sqlite3", "NORMAL"),
}
DATABASE_ROUTERS = ["desk.routers.QuotesRouter"]
