"""An installation of its own for a test: databases in a folder, under the platform's usual aliases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from desk.backup import staging
from desk.backup.create import ALIASES, Made, backup_create
from desk.backup.restore import Restored, restore
from desk.settings.schema import DeskConfig, get_config
from ops.models import Installation

CODE = "HOME"


@dataclass
class Home:
    """Where the installation lives, and how a test speaks to it."""

    config: DeskConfig

    @property
    def folder(self) -> Path:
        return self.config.state_dir

    @property
    def backups(self) -> Path:
        return self.config.backup_folder

    def backup(self, passphrase: str = "") -> Made:
        return backup_create(self.backups, passphrase=passphrase)

    def restore(self, made: Made, *, replace: bool = True, **options: object) -> Restored:
        return restore(made, self.config, replace=replace, **options)  # type: ignore[arg-type]

    def file(self, alias: str) -> Path:
        return Path(connections[alias].settings_dict["NAME"])

    def content(self) -> dict[str, bytes]:
        """Every file of the installation but its backups, by name; the databases are closed for it."""
        for alias in ALIASES:
            connections[alias].close()
        found = (path for path in self.folder.rglob("*") if path.is_file() and self.backups not in path.parents)
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found if path.name != "up.lock"}


@contextmanager
def home_at(folder: Path, patch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Home]:
    """Make an installation out of the test run's empty, migrated databases, and live in it for a block."""
    folder.mkdir()
    config = get_config().model_copy(update={"state_dir": folder, "backup_dir": None})
    settings.STATE_DIR = folder
    patch.setattr("marketdata.services.archive.get_config", lambda: config)
    with ExitStack() as stack:
        for alias, name in (("default", "desk.sqlite3"), ("quotes", "quotes.sqlite3")):
            # On a connection of its own: the test's is inside a transaction.
            source = sqlite3.connect(connections[alias].settings_dict["NAME"])
            target = sqlite3.connect(folder / name)
            source.backup(target)
            target.close()
            source.close()
            stack.enter_context(staging.connected(alias, {"NAME": folder / name}))
        Installation.objects.update_or_create(pk=1, defaults={"code": CODE, "env": config.env})
        yield Home(config)
