"""The way back: everything is loaded, proven, migrated and calmed beside the installation, and takes its place at the very end."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import DatabaseError, connections
from django.db.models import Max

from desk.backup import postgres, sqlite
from desk.backup.aftermath import calm
from desk.backup.create import ALIASES, Made, Say
from desk.backup.errors import refused, unfit
from desk.backup.exchange import exchange
from desk.backup.load import anchors_of, check_fits, check_parts, loaded, restore_archives, within
from desk.settings.schema import DeskConfig
from desk.settings.stamp import read_stamp, stamp_path, write_stamp
from desk.supervisor.lock import AlreadyRunning, SupervisorLock
from marketdata.services.archive import archive_folder
from ops.clocks import wall_now
from ops.errors import Code, Unavailable
from ops.health import HEARTBEAT_MAX_AGE
from ops.installation import database_profile
from ops.models import ProcessHeartbeat
from ops.sealing import key_fingerprints

#: SQLite lays out the same bytes again while it loads; PostgreSQL writes them to its log too.
_ROOM_FACTOR: Final = 1.2
_SCRATCH: Final = ".restore-"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did; `kept` says where what it replaced lies, blank when there was nothing."""

    facts: dict[str, Any]
    kept: str


def restore(
    made: Made,
    config: DeskConfig,
    *,
    passphrase: str = "",
    replace: bool = False,
    any_key: bool = False,
    as_copy: bool = False,
    say: Say = lambda _text: None,
) -> Restored:
    """Put a backup in this installation's place. On any failure the installation is as it was.

    Parameters
    ----------
    replace
        There may be an installation: it is kept aside.
    any_key
        The encryption key may be another one: second factors and the secrets of channels have to be set up anew.
    as_copy
        The backup's installation lives on elsewhere; this one becomes another.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED, BACKUP_UNFIT, RESTORE_REFUSED, DISK_FULL.
    """
    manifest = made.manifest
    check_fits(manifest, any_key=any_key, own_fingerprints=key_fingerprints())
    _check_owner(made, config, as_copy=as_copy)
    with _alone(config), ExitStack() as stack:
        _check_target(replace=replace)
        _require_room(config.state_dir, made)
        check_parts(made, passphrase, say)
        archives = archive_folder()
        scratch, archive_scratch = (
            stack.enter_context(_scratch(config.state_dir)),
            stack.enter_context(_scratch(archives)),
        )
        files = [(path, archives / name) for path, name in restore_archives(made, archive_scratch, passphrase, say)]
        anchors = anchors_of(made, passphrase)
        with loaded(made, scratch, passphrase=passphrase, say=say) as places:
            with within(made, places, say):
                facts = calm(manifest, folder=made.folder.name, as_copy=as_copy)
                code = database_profile()[0]
                for alias in ALIASES:
                    if connections[alias].vendor == "sqlite":
                        sqlite.settle(connections[alias])
            say("taking the place")
            kept = exchange(places, files, anchors, config.state_dir)
        if as_copy:
            stamp_path(config).unlink(missing_ok=True)
        write_stamp(config, code)
    return Restored(facts, kept)


def _check_owner(made: Made, config: DeskConfig, *, as_copy: bool) -> None:
    """The profile and the state folder have to be the backup's."""
    manifest = made.manifest
    if manifest.env and manifest.env != config.env:
        raise unfit("it is of another profile", backup=manifest.env, here=config.env)
    stamp = read_stamp(config)
    if stamp is not None and stamp.installation not in ("", manifest.installation) and not as_copy:
        raise unfit(
            "this state folder belongs to another installation (--as-copy makes one of its own)",
            backup=manifest.installation,
            here=stamp.installation,
        )


@contextmanager
def _alone(config: DeskConfig) -> Iterator[None]:
    """Nothing of the platform runs from this state folder, and nothing is started meanwhile."""
    try:
        with SupervisorLock(config.run_dir / "up.lock"):
            yield
    except AlreadyRunning as error:
        raise refused("the platform runs: stop it first", pid=error.pid) from error


def _check_target(*, replace: bool) -> None:
    """Refuse to replace an installation that nobody said may be replaced, or that is still at work."""
    if not any(_has_tables(alias) for alias in ALIASES):
        return
    if not replace:
        raise refused("there is an installation here already (--replace keeps it aside and goes on)")
    # What was stopped a moment ago has reported a moment ago; what still runs reports again.
    before = _newest_heartbeat()
    until = time.monotonic() + HEARTBEAT_MAX_AGE.total_seconds()
    while before is not None and wall_now() - before <= HEARTBEAT_MAX_AGE:
        if (now := _newest_heartbeat()) != before:
            raise refused("processes of the platform still report: stop them first", last_report=str(now))
        if time.monotonic() > until:
            break
        time.sleep(0.5)


def _has_tables(alias: str) -> bool:
    connection = connections[alias]
    if connection.vendor == "sqlite":
        # Asking SQLite would make the file.
        path = sqlite.database_file(connection)
        return path.exists() and path.stat().st_size > 0
    return bool(postgres.platform_tables(connection))


def _newest_heartbeat() -> datetime | None:
    try:
        newest: datetime | None = ProcessHeartbeat.objects.aggregate(newest=Max("last_loop_at"))["newest"]
    except DatabaseError:
        return None  # damaged, or half made: what a restore is for
    return newest


def _require_room(folder: Path, made: Made) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    needed = int(made.manifest.content_bytes * _ROOM_FACTOR)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(Code.DISK_FULL, folder=str(folder), free_bytes=free, needed_bytes=needed)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A private folder on the disk where its files are to lie; what a killed restore left there goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
