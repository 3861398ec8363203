"""The moment of a restore: what was loaded takes the installation's place, all of it or nothing."""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from django.db import connections

from desk.backup import postgres, sqlite
from desk.backup.load import Staged
from ops.anchor_file import FILE_NAME as ANCHORS
from ops.clocks import wall_now

KEPT = "replaced-"


def exchange(places: dict[str, Staged], files: Sequence[tuple[Path, Path]], anchors: bytes, state_dir: Path) -> str:
    """Move everything to its place; a failure undoes what was moved.

    Parameters
    ----------
    places
        The loaded databases.
    files
        Archived days of ticks, each with its place.
    anchors
        Content of the file of signed anchors.

    Returns
    -------
    str
        Where what was there lies now; blank when nothing was.
    """
    moment = f"{wall_now():%Y%m%d_%H%M%S}"
    kept = state_dir / f"{KEPT}{moment}"
    kept.mkdir(mode=0o700)
    schema = f"{postgres.KEPT_PREFIX}{moment}"
    undo: list[Callable[[], object]] = []
    with ExitStack() as transactions:
        try:
            # The main database last: it names what the others have.
            order = sorted(places, reverse=True)
            served = [alias for alias in order if connections[alias].vendor == "postgresql"]
            commits = [
                transactions.enter_context(postgres.exchanging(alias, places[alias].place, schema)) for alias in served
            ]
            for staged, target in files:
                if not (target.exists() and filecmp.cmp(staged, target, shallow=False)):
                    _place(staged, target, target.with_name(f"{target.name}.{KEPT}{moment}"), undo)
            _anchors(anchors, state_dir, kept, undo)
            for alias in order:
                if connections[alias].vendor == "sqlite":
                    target = sqlite.database_file(connections[alias])
                    sqlite.settle(connections[alias])
                    for log in sqlite.beside(target):
                        if log.exists():
                            _aside(log, kept / log.name, undo)
                    _place(Path(places[alias].place), target, kept / target.name, undo)
            replaced = [commit() for commit in commits]
        except BaseException:
            for step in reversed(undo):
                step()
            kept.rmdir()
            raise
    if not any(kept.iterdir()):
        kept.rmdir()
    named = [str(kept)] * kept.exists() + [f"PostgreSQL schema {schema}"] * any(replaced)
    return ", ".join(named)


def _place(staged: Path, target: Path, kept: Path, undo: list[Callable[[], object]]) -> None:
    existed = target.exists()
    sqlite.put_in_place(staged, target, kept)
    undo.append((lambda: kept.replace(target)) if existed else (lambda: target.unlink(missing_ok=True)))


def _anchors(content: bytes, state_dir: Path, kept: Path, undo: list[Callable[[], object]]) -> None:
    """The anchors go with their chains: later ones would contradict the restored trail. Copies elsewhere keep saying so."""
    target = state_dir / ANCHORS
    if content:
        draft = target.with_suffix(".restoring")
        draft.write_bytes(content)
        _place(draft, target, kept / ANCHORS, undo)
    elif target.exists():
        _aside(target, kept / ANCHORS, undo)


def _aside(path: Path, kept: Path, undo: list[Callable[[], object]]) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    path.replace(kept)
    undo.append(lambda: kept.replace(path))
