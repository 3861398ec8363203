"""What runs here: the project, Python, Django, the SDK, the schema."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import django
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from desk.system.storage import DATABASES
from ops.version import VERSION

_SDK = "xtquant"


@dataclass(frozen=True, slots=True)
class Versions:
    """`sdk` is that of this machine, blank where none is installed; a host's own stands with the host. `schema` has the
    last migration applied of each application."""

    project: str
    python: str
    django: str
    sdk: str
    schema: dict[str, str]


def versions() -> Versions:
    """The versions of this process and of the databases it uses."""
    return Versions(
        project=VERSION, python=platform.python_version(), django=django.get_version(), sdk=_sdk(), schema=_schema()
    )


@cache
def _sdk() -> str:
    try:
        return version(_SDK)
    except PackageNotFoundError:
        return ""


def _schema() -> dict[str, str]:
    last: dict[str, str] = {}
    for alias in DATABASES:
        for app, name in MigrationRecorder(connections[alias]).applied_migrations():
            # A file's number orders it: both databases have every application's, only the tables differ.
            last[app] = max(last.get(app, ""), name)
    return dict(sorted(last.items()))
