"""Routing between the two databases."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connections

from desk.routers import QuotesRouter


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
