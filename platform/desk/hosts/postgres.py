"""The SQL that makes, changes or ends a QMT host's PostgreSQL role; a database's owner runs it.

Nothing in it is secret: the password travels as its SCRAM-SHA-256 verifier (RFC 5803), as PostgreSQL itself keeps it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import BooleanField, DateTimeField, Field

from desk.hosts.privileges import PEOPLE, PERSON_COLUMNS, Database, privileges
from desk.hosts.rowsecurity import row_security_sql

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
    """Make the role, with exactly its privileges; may be run again at any time, as after an upgrade.

    Parameters
    ----------
    verifier : str
        Its new password's; blank leaves the password that it has.
    name : str
        The database as its server knows it.
    """
    role = f'"{role_name(host)}"'
    password = f" PASSWORD '{verifier}'" if verifier else ""
    attributes = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT"
    lines = [
        f"-- QMT host {host}: its role and what it may do in {name}. Run as the database's owner: psql -d {name} -f FILE",
        "\\set ON_ERROR_STOP on",
        "BEGIN;",
        "DO $$ BEGIN",
        f"  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role_name(host)}') THEN CREATE ROLE {role}; END IF;",
        "END $$;",
        f"ALTER ROLE {role} {attributes} CONNECTION LIMIT {MAX_CONNECTIONS}{password};",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};",
        *_column_revokes(role, database),
        f'GRANT CONNECT ON DATABASE "{name}" TO {role};',
        f"GRANT USAGE ON SCHEMA public TO {role};",
    ]
    for one in privileges(database):
        columns = f" ({', '.join(one.columns)})" if one.columns else ""
        lines.append(f"GRANT {one.rights}{columns} ON public.{one.table} TO {role};")
    if database == "default":
        lines += [*_people_view(role, name), *row_security_sql(host, role)]
    return "\n".join([*lines, "COMMIT;", ""])


def _column_revokes(role: str, database: Database) -> list[str]:
    """A table's REVOKE leaves the rights on single columns standing."""
    return [
        f"REVOKE {one.rights} ({', '.join(one.columns)}) ON public.{one.table} FROM {role};"
        for one in privileges(database)
        if one.columns
    ]


def _people_view(role: str, name: str) -> list[str]:
    """People without what proves who they are: a view under the table's name, in a schema that the role looks at first."""
    fields = [field for field in get_user_model()._meta.concrete_fields if field.column]
    columns = ", ".join(
        field.column if field.column in PERSON_COLUMNS else f"{_blank(field)} AS {field.column}" for field in fields
    )
    return [
        f"DROP SCHEMA IF EXISTS {role} CASCADE;",
        f"CREATE SCHEMA {role};",
        f"CREATE VIEW {role}.{PEOPLE} AS SELECT {columns} FROM public.{PEOPLE};",  # noqa: S608 - our own names
        f"GRANT USAGE ON SCHEMA {role} TO {role};",
        f"GRANT SELECT ON {role}.{PEOPLE} TO {role};",
        f'ALTER ROLE {role} IN DATABASE "{name}" SET search_path = {role}, public;',
    ]


def _blank(field: Field[Any, Any]) -> str:
    if field.null:
        return "NULL"
    if isinstance(field, BooleanField):
        return "false"
    return "now()" if isinstance(field, DateTimeField) else "''"


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
            f"  EXECUTE 'DROP SCHEMA IF EXISTS {role} CASCADE';",
            f"  EXECUTE 'DROP OWNED BY {role}';",
            "END IF; END $$;",
            "",
        ]
    )
