"""A backup brought to life beside the installation: proven, loaded, migrated. Nothing of the installation is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from desk.backup import postgres, sqlite, staging
from desk.backup.create import ALIASES, Made, Say
from desk.backup.errors import damaged, unfit
from desk.backup.manifest import FILE_NAME, Manifest, Part
from desk.backup.streams import check_stored, read_part


@dataclass(frozen=True, slots=True)
class Staged:
    """One database of a backup, ready to be worked on or to take the platform's place.

    Attributes
    ----------
    settings
        What connects to it, for `staging.connected`.
    place
        SQLite: its file. PostgreSQL: its schema.
    """

    alias: str
    settings: dict[str, Any]
    place: str


def check_fits(manifest: Manifest, *, any_key: bool = False, own_fingerprints: tuple[str, ...] = ()) -> None:
    """Refuse a backup that this code and configuration cannot bring back.

    Raises
    ------
    Conflict
        BACKUP_UNFIT: of another kind of database, of newer code, or sealed with a key that is not here (unless `any_key`).
    """
    for alias in ALIASES:
        vendor = connections[alias].vendor
        if manifest.engines.get(alias) != vendor:
            raise unfit(
                "it is of another kind of database", database=alias, backup=manifest.engines.get(alias), here=vendor
            )
        if unknown := staging.unknown_migrations(manifest.migrations[alias]):
            raise unfit("it was made by newer code", database=alias, migration=unknown[0], version=manifest.version)
    if not any_key and not set(manifest.key_fingerprints) & set(own_fingerprints):
        raise unfit(
            "its secrets are sealed with an encryption key that is not here",
            backup=",".join(manifest.key_fingerprints),
            here=",".join(own_fingerprints),
        )


def check_parts(made: Made, passphrase: str, say: Say) -> None:
    """Prove the manifest and every stored file.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED. BACKUP_UNFIT: it is encrypted, and there is no passphrase.
    """
    manifest = made.manifest
    if manifest.encrypted:
        if not passphrase:
            raise unfit("it is encrypted, and DESK_BACKUP_PASSPHRASE is not set")
        if not manifest.is_authentic(passphrase):
            raise damaged(made.folder / FILE_NAME, "another passphrase, or the manifest was changed")
    for part in manifest.parts:
        check_stored(made.folder / part.path, part.stored)
    say(f"{len(manifest.parts)} files have their checksums")


@contextmanager
def loaded(
    made: Made, scratch: Path, *, passphrase: str = "", say: Say = lambda _text: None
) -> Iterator[dict[str, Staged]]:
    """Load both databases of a proven backup into scratch places, row by row what the backup holds.

    Scratch places of PostgreSQL end with the block, tables that were moved out of them excepted; files below `scratch` are the
    caller's.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED.
    """
    with ExitStack() as stack:
        places = {}
        for alias in ALIASES:
            load = _load_sqlite if connections[alias].vendor == "sqlite" else _load_postgres
            places[alias] = stack.enter_context(load(made, alias, scratch, passphrase, say))
        yield places


@contextmanager
def within(made: Made, places: dict[str, Staged], say: Say = lambda _text: None) -> Iterator[None]:
    """Let the platform's aliases mean the loaded databases, migrated to this code's schema, in this thread.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED: the manifest says other migrations than the database.
    """
    with ExitStack() as stack:
        for alias in ALIASES:
            connection = stack.enter_context(staging.connected(alias, places[alias].settings))
            if staging.applied(connection) != made.manifest.migrations[alias]:
                raise damaged(made.folder / FILE_NAME, f"the migrations of {alias} are not those of the manifest")
            count = staging.migrate_to_head(connection)
            say(f"{alias}: {sum(made.manifest.rows[alias].values())} rows, {count} migrations applied")
        yield


@contextmanager
def _load_sqlite(made: Made, alias: str, scratch: Path, passphrase: str, say: Say) -> Iterator[Staged]:
    part = next(part for part in _parts(made, alias) if part.role == "database")
    path = scratch / f"{alias}.sqlite3"
    say(f"{alias}: loading")
    with path.open("xb") as file:
        for chunk in _content(made, part, passphrase):
            file.write(chunk)
    sqlite.sqlite_check(path)
    _compare(made, alias, sqlite.sqlite_rows(path))
    yield Staged(alias, {"NAME": path}, str(path))


@contextmanager
def _load_postgres(made: Made, alias: str, scratch: Path, passphrase: str, say: Say) -> Iterator[Staged]:
    with postgres.scratch_schema(alias) as schema:
        settings = postgres.plain_settings(connections[alias], schema)
        say(f"{alias}: loading")
        with staging.connected(alias, settings) as connection:
            staging.migrate_to(connection, made.manifest.migrations[alias])
            with transaction.atomic(using=alias):
                postgres.empty_tables(connection)
                for part in _parts(made, alias):
                    _fill(connection, made, part, passphrase)
            postgres.set_sequences(connection)
            counts = postgres.row_counts(connection)
        _compare(made, alias, counts)
        yield Staged(alias, settings, schema)


def _fill(connection: BaseDatabaseWrapper, made: Made, part: Part, passphrase: str) -> None:
    if part.name not in postgres.present_tables(connection):
        raise unfit("it has a table that its own migrations do not make", table=part.name)
    postgres.copy_in(connection, part.name, part.columns, _content(made, part, passphrase))


def _content(made: Made, part: Part, passphrase: str) -> Iterator[bytes]:
    return read_part(made.folder / part.path, part.stored, passphrase, sealed=made.manifest.encrypted)


def _parts(made: Made, alias: str) -> list[Part]:
    return [part for part in made.manifest.parts if part.database == alias]


def _compare(made: Made, alias: str, counts: dict[str, int]) -> None:
    expected = dict(made.manifest.rows[alias])
    if counts != expected:
        wrong = sorted(name for name in counts.keys() | expected.keys() if counts.get(name) != expected.get(name))
        raise damaged(made.folder / FILE_NAME, f"{alias} has another number of rows in {', '.join(wrong[:5])}")


def restore_archives(made: Made, scratch: Path, passphrase: str, say: Callable[[str], None]) -> list[tuple[Path, str]]:
    """Write the archived days of ticks below `scratch`; returns each file with its place in the archive's folder."""
    written = []
    for part in made.manifest.parts:
        if part.role != "archive":
            continue
        path = scratch / part.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for chunk in _content(made, part, passphrase):
                file.write(chunk)
        written.append((path, part.name))
    if written:
        say(f"{len(written)} archived days")
    return written


def anchors_of(made: Made, passphrase: str) -> bytes:
    """The signed anchors of the audit trail; empty when there were none."""
    return b"".join(
        chunk for part in made.manifest.parts if part.role == "anchors" for chunk in _content(made, part, passphrase)
    )
