"""Routing between the two databases."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.apps import apps
from django.db import connections

from desk.routers import QuotesRouter
from desk.settings.databases import SQLITE_MEMORY_BYTES
from desk.settings.schema import ROOT


def test_router_sends_every_model_of_quotes_to_quotes_and_no_other() -> None:
    router = QuotesRouter()
    aliases = {model._meta.label: router.db_for_write(model) for model in apps.get_models()}
    assert {alias for label, alias in aliases.items() if label.startswith("quotes.")} == {"quotes"}
    assert {alias for label, alias in aliases.items() if not label.startswith("quotes.")} == {"default"}


def test_router_refuses_migrations_across_databases() -> None:
    router = QuotesRouter()
    assert router.allow_migrate("quotes", "quotes") is True
    assert router.allow_migrate("default", "orders") is True
    assert router.allow_migrate("quotes", "orders") is False
    assert router.allow_migrate("default", "quotes") is False


@pytest.mark.django_db(databases=["default", "quotes"])
def test_sqlite_connections_run_with_the_promised_durability() -> None:
    if connections["default"].vendor != "sqlite":
        pytest.skip("SQLite only")
    found = {}
    for alias in ("default", "quotes"):
        with connections[alias].cursor() as cursor:
            journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
            synchronous = cursor.execute("PRAGMA synchronous").fetchone()[0]
        found[alias] = (journal, synchronous)
    assert found == {"default": ("wal", 2), "quotes": ("wal", 1)}


@pytest.mark.django_db(databases=["default", "quotes"])
def test_sqlite_connections_of_a_process_share_one_bound_of_memory() -> None:
    if connections["default"].vendor != "sqlite":
        pytest.skip("SQLite only")
    for alias in ("default", "quotes"):
        with connections[alias].cursor() as cursor:
            assert cursor.execute("PRAGMA soft_heap_limit").fetchone()[0] == SQLITE_MEMORY_BYTES
            assert cursor.execute("PRAGMA cache_size").fetchone()[0] * -1000 < SQLITE_MEMORY_BYTES


@pytest.mark.postgres
def test_pools_end_before_the_interpreter_does() -> None:
    # Functions for the end run in the opposite order: this one is the last.
    code = """
import atexit, threading
atexit.register(lambda: print([thread.name for thread in threading.enumerate() if thread.name.startswith("pool-")]))
import django
django.setup()
from django.db import connections
for connection in connections.all():
    connection.ensure_connection()
"""
    paths = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "desk.settings", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
