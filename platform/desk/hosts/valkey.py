"""The access-control line of a QMT host for Redis or Valkey (7 or newer: rights of keys are told apart there).

Redis decides nothing in this platform: whoever reaches it can wake, not order. A host still gets no more of it than
its own queues, its own bell, the answers of its reads worker, and the right to say what is new.
"""

from __future__ import annotations

import hashlib


def user_name(host: str) -> str:
    """The user of a host."""
    return f"host.{host}"


def acl_line(host: str, password: str) -> str:
    """One line for `users.acl`, or for `ACL SETUSER` without its first word; holds the password's SHA-256 only."""
    celery = "desk:celery:"
    keys = (
        f"~{celery}qmt.{host}.*",  # its queues, with the suffixes of their priorities
        *(f"~{celery}probe.worker.{role}@{host}*" for role in ("trade", "data", "reads")),
        f"%W~{celery}core*",  # what it has others look at: an alert's row
        f"~{celery}_kombu.binding*",
        f"~{celery}unacked*",
        "~desk:reads:*",
    )
    channels = ("&desk:live:*", f"&desk:wake:{host}", "&/0.celery*", f"&{celery}/0.celery*")
    commands = (
        "-@all", "+@read", "+@write", "+@connection", "+@transaction", "+@pubsub", "+@scripting", "+@blocking",
        "-@dangerous", "-@admin", "+ping", "+info", "+client|setname", "+client|setinfo",
    )  # fmt: skip
    digest = hashlib.sha256(password.encode()).hexdigest()
    words = ("reset", "on", f"#{digest}", "resetkeys", *keys, "resetchannels", *channels, *commands)
    return f"user {user_name(host)} {' '.join(words)}"


def revoke_commands(host: str) -> list[str]:
    """What ends a host's user on a running server; `users.acl` loses its line as well."""
    name = user_name(host)
    return [f"ACL SETUSER {name} reset off", f"CLIENT KILL USER {name}", f"ACL DELUSER {name}"]
