"""Making a backup: both databases as they were at one moment, the archives they name, the signed anchors."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connections

from desk.backup.crypt import new_salt
from desk.backup.errors import refused
from desk.backup.manifest import FILE_NAME, Manifest, Part, read_manifest, write_manifest
from desk.backup.postgres import PostgresSnapshot, postgres_snapshot
from desk.backup.sqlite import SqliteSnapshot, database_file, sqlite_rows, sqlite_snapshot
from desk.backup.staging import applied
from desk.backup.streams import Seal, check_stored, file_chunks, write_part
from marketdata.models import TickArchive
from marketdata.services.archive import archive_folder
from ops.anchor_file import FILE_NAME as ANCHORS
from ops.clocks import wall_now
from ops.errors import Code, DeskError, Unavailable
from ops.installation import database_profile
from ops.sealing import key_fingerprints
from ops.version import VERSION

ALIASES: Final = ("default", "quotes")
PREFIX: Final = "desk-"
MAKING: Final = ".making-"
_PINS: Final = 5

Say = Callable[[str], None]
Snapshot = SqliteSnapshot | PostgresSnapshot


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup."""

    folder: Path
    manifest: Manifest


@dataclass(slots=True)
class _Work:
    """What gathers while a backup is made."""

    folder: Path
    seal: Seal | None
    say: Say
    parts: list[Part] = field(default_factory=list)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def backup_create(root: Path, *, passphrase: str = "", say: Say = lambda _text: None) -> Made:
    """Make a backup in a new folder below `root`. The platform may go on working.

    Both databases are pinned first and read afterwards, each in its own snapshot that no writer waits for. An archive that lies
    unchanged in an older backup is linked, not copied.

    Parameters
    ----------
    passphrase
        Encrypts every part and authenticates the manifest; blank: neither.

    Raises
    ------
    Unavailable
        DISK_FULL: there is not enough room at `root`.
    """
    began, made_at = time.monotonic(), wall_now()
    _code, env = database_profile()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{PREFIX}{made_at:%Y%m%d-%H%M%S}"
    folder = root / name
    if folder.exists():
        raise refused("there is a backup of this second already", folder=name)
    draft = root / f"{MAKING}{name}-{os.getpid()}"
    draft.mkdir(mode=0o700)
    work = _Work(draft, Seal(passphrase, new_salt()) if passphrase else None, say)
    try:
        migrations = {alias: applied(connections[alias]) for alias in ALIASES}
        anchors = _anchors()
        with ExitStack() as stack:
            pinned = _pin(stack)
            _require_room(root, pinned)
            for snapshot in pinned.values():
                _database(work, snapshot)
            archives = _archives(pinned["default"])
        earlier = _earlier(root, work.seal)
        for path, sha256 in archives:
            _archive(work, path, sha256, earlier)
        if anchors:
            stored = write_part(draft / "anchors" / ANCHORS, [anchors], work.seal)
            work.parts.append(Part(f"anchors/{ANCHORS}", "anchors", stored, name=ANCHORS))
        manifest = Manifest(
            made_at=made_at,
            env=env,
            installation=_code,
            version=VERSION,
            engines={alias: connections[alias].vendor for alias in ALIASES},
            migrations=migrations,
            rows=work.rows,
            key_fingerprints=key_fingerprints(),
            parts=tuple(work.parts),
            seconds=round(time.monotonic() - began, 1),
            problems=tuple(work.problems),
            salt="" if work.seal is None else work.seal.salt.hex(),
        )
        if work.seal is not None:
            manifest = manifest.signed(passphrase)
        write_manifest(draft, manifest)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Made(folder, manifest)


def _anchors() -> bytes:
    """The signed anchors, read before the databases are pinned: none of them may be newer than its chain."""
    try:
        return (settings.STATE_DIR / ANCHORS).read_bytes()
    except FileNotFoundError:
        return b""


def _pin(stack: ExitStack) -> dict[str, Snapshot]:
    """Snapshots of both databases, of moments between which no day of ticks was archived.

    What is archived leaves `quotes` after `default` has its row; between the two pins it would be in neither.
    """
    for _attempt in range(_PINS):
        pinned: dict[str, Snapshot] = {}
        with ExitStack() as inner:
            for alias in ALIASES:
                pinned[alias] = _pinned(inner, alias)
            now = set(TickArchive.objects.values_list("path", "sha256"))
            if set(_archives(pinned["default"])) == now:
                stack.enter_context(inner.pop_all())
                return pinned
    raise Unavailable(Code.UNAVAILABLE, "days of ticks are being archived without a pause; try again later")


def _pinned(stack: ExitStack, alias: str) -> Snapshot:
    if connections[alias].vendor == "sqlite":
        return stack.enter_context(sqlite_snapshot(alias))
    return stack.enter_context(postgres_snapshot(alias))


def _archives(snapshot: Snapshot) -> list[tuple[str, str]]:
    table = TickArchive._meta.db_table
    return [(str(path), str(sha)) for path, sha in snapshot.query(f'SELECT path, sha256 FROM "{table}" ORDER BY path')]  # noqa: S608


def _require_room(root: Path, pinned: dict[str, Snapshot]) -> None:
    needed = 0
    for alias, snapshot in pinned.items():
        if isinstance(snapshot, SqliteSnapshot):
            # A plain copy and its compressed form lie there together for a while.
            needed += database_file(connections[alias]).stat().st_size * 2
        else:
            needed += snapshot.size() // 2
    free = shutil.disk_usage(root).free
    if free < needed:
        raise Unavailable(Code.DISK_FULL, folder=str(root), free_bytes=free, needed_bytes=needed)


def _database(work: _Work, snapshot: Snapshot) -> None:
    work.say(f"{snapshot.alias}: reading")
    if isinstance(snapshot, SqliteSnapshot):
        copy = work.folder / f"{snapshot.alias}.copy"
        snapshot.copy_to(copy)
        work.rows[snapshot.alias] = sqlite_rows(copy)
        path = f"{snapshot.alias}.sqlite3.zst"
        stored = write_part(work.folder / path, file_chunks(copy), work.seal)
        copy.unlink()
        work.parts.append(Part(path, "database", stored, database=snapshot.alias))
        return
    counts = work.rows.setdefault(snapshot.alias, {})
    for table in snapshot.tables():
        columns = snapshot.columns(table)
        path = f"{snapshot.alias}/{table}.copy.zst"
        stored = write_part(work.folder / path, snapshot.rows(table, columns), work.seal)
        counts[table] = snapshot.count(table)
        work.parts.append(Part(path, "table", stored, database=snapshot.alias, name=table, columns=columns))


def _earlier(root: Path, seal: Seal | None) -> dict[str, tuple[Path, Part]]:
    """Archives of the newest backup that this one can share files with, by the SHA-256 of their content."""
    for folder in sorted(root.glob(f"{PREFIX}*/{FILE_NAME}"), reverse=True):
        try:
            manifest = read_manifest(folder.parent)
        except DeskError:
            continue
        fits = not manifest.encrypted if seal is None else manifest.encrypted and manifest.is_authentic(seal.passphrase)
        if fits:
            kept = [part for part in manifest.parts if part.role == "archive"]
            return {part.stored.content_sha256: (folder.parent / part.path, part) for part in kept}
    return {}


def _archive(work: _Work, relative: str, sha256: str, earlier: dict[str, tuple[Path, Part]]) -> None:
    path = f"archive/{relative}.zst"
    if sha256 in earlier and (part := _linked(work.folder / path, *earlier[sha256])) is not None:
        work.parts.append(Part(path, "archive", part.stored, name=relative))
        return
    source = archive_folder() / relative
    try:
        stored = write_part(work.folder / path, file_chunks(source), work.seal)
    except FileNotFoundError:
        work.problems.append(f"archive {relative} is not there")
        (work.folder / path).unlink(missing_ok=True)
        return
    if stored.content_sha256 != sha256:
        work.problems.append(f"archive {relative} does not have its SHA-256")
        (work.folder / path).unlink()
        return
    work.parts.append(Part(path, "archive", stored, name=relative))


def _linked(target: Path, source: Path, part: Part) -> Part | None:
    try:
        check_stored(source, part.stored)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    except (OSError, DeskError):
        return None
    return part


def backups(root: Path) -> Iterator[Made]:
    """Every readable backup below `root`, oldest first."""
    for path in sorted(root.glob(f"{PREFIX}*/{FILE_NAME}")):
        try:
            yield Made(path.parent, read_manifest(path.parent))
        except DeskError:
            continue
