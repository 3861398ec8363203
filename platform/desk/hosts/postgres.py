"""The SQL that makes, changes or ends a QMT host's PostgreSQL role; a database's owner runs it.

Nothing in it is secret: the password travels as its SCRAM-SHA-256 verifier (RFC 5803), as PostgreSQL itself keeps it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

from desk.hosts.privileges import Database, privileges

ITERATIONS: Final = 4096
"""PostgreSQL's own `scram_iterations`; the passwords are random, so that more would protect nothing."""
MAX_CONNECTIONS: Final = 60


def role_name(host: str) -> str:
    """The role of a host; a host's name is a slug, so that the result needs no escaping inside its quotes."""
    return f"desk_host_{host}"


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for a password (ASCII, so that SASLprep changes nothing)."""
    salt = salt if salt is not None else secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(ITERATIONS, *parts)


def grant_sql(host: str, verifier: str, *, database: Database, name: str) -> str:
    """Make the role or give it a new password, with exactly its privileges; may be run again at any time.

    Parameters
    ----------
    name : str
        The database as its server knows it.
    """
    role = f'"{role_name(host)}"'
    lines = [
        f"-- QMT host {host}: its role and what it may do in {name}. Run as the database's owner: psql -d {name} -f FILE",
        "\\set ON_ERROR_STOP on",
        "BEGIN;",
        "DO $$ BEGIN",
        f"  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role_name(host)}') THEN CREATE ROLE {role}; END IF;",
        "END $$;",
        (
            f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT"
            f" CONNECTION LIMIT {MAX_CONNECTIONS} PASSWORD '{verifier}';"
        ),
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};",
        f'GRANT CONNECT ON DATABASE "{name}" TO {role};',
        f"GRANT USAGE ON SCHEMA public TO {role};",
        *_column_revokes(role, database),
    ]
    for one in privileges(database):
        columns = f" ({', '.join(one.columns)})" if one.columns else ""
        lines.append(f"GRANT {one.rights}{columns} ON public.{one.table} TO {role};")
    return "\n".join([*lines, "COMMIT;", ""])


def _column_revokes(role: str, database: Database) -> list[str]:
    """A table's REVOKE leaves the rights on single columns standing."""
    return [
        f"REVOKE {one.rights} ({', '.join(one.columns)}) ON public.{one.table} FROM {role};"
        for one in privileges(database)
        if one.columns
    ]


def revoke_sql(host: str, *, name: str) -> str:
    """End the role: no new connection, those that stand are cut, nothing is left that it may do in this database."""
    role = f'"{role_name(host)}"'
    exists = f"IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role_name(host)}') THEN"
    return "\n".join(
        [
            f"-- QMT host {host}: no way in any more. Run as the database's owner: psql -d {name} -f FILE",
            "\\set ON_ERROR_STOP on",
            f"DO $$ BEGIN {exists}",
            f"  ALTER ROLE {role} NOLOGIN PASSWORD NULL;",
            f"  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role_name(host)}';",
            f"  EXECUTE 'DROP OWNED BY {role}';",
            "END IF; END $$;",
            "",
        ]
    )
