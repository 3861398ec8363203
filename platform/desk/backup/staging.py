"""Working on another database under the platform's own alias: migrations, models and services then mean that one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


@contextmanager
def connected(alias: str, settings: dict[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    """Let `alias` mean the database of these settings, for this thread and block."""
    usual = connections[alias]
    stand_in = type(usual)({**usual.settings_dict, **settings}, alias)
    connections[alias] = stand_in
    try:
        yield stand_in
    finally:
        stand_in.close()
        connections[alias] = usual


def applied(connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    """Every applied migration, as `app.name`, sorted."""
    return tuple(sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()))


def unknown_migrations(names: tuple[str, ...]) -> list[str]:
    """Migrations that this code does not have: they were made by newer code."""
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    return [name for name in names if tuple(name.split(".", 1)) not in graph.nodes]


def migrate_to(connection: BaseDatabaseWrapper, names: tuple[str, ...]) -> None:
    """Migrate an empty database to the state in which exactly these migrations were applied."""
    executor = MigrationExecutor(connection)
    wanted = {(app, name) for app, name in (text.split(".", 1) for text in names)}
    graph = executor.loader.graph
    leaves = [key for key in wanted if not any(child.key in wanted for child in graph.node_map[key].children)]
    executor.migrate(sorted(leaves))


def migrate_to_head(connection: BaseDatabaseWrapper) -> int:
    """Apply what is missing; returns how many migrations that were."""
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes()
    plan = executor.migration_plan(targets)
    executor.migrate(targets, plan=plan)
    return len(plan)
