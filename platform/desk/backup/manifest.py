"""What a backup says about itself: `manifest.json`, written last, so that a folder without one is no backup."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from desk.backup.crypt import authentication_code
from desk.backup.errors import damaged, unfit
from desk.backup.streams import Stored

FORMAT: Final = 1
FILE_NAME: Final = "manifest.json"

Role = Literal["database", "table", "archive", "anchors"]


@dataclass(frozen=True, slots=True)
class Part:
    """One stored file.

    Attributes
    ----------
    path
        Within the backup's folder.
    role
        `database`: a whole SQLite file. `table`: rows of one PostgreSQL table. `archive`: a day of ticks. `anchors`: the signed
        anchors of the audit trail.
    database
        Alias, for the first two.
    name
        The table, or the file's path below the folder it belongs to.
    columns
        Of a table, in the order of its rows.
    """

    path: str
    role: Role
    stored: Stored
    database: str = ""
    name: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup. Times are UTC; `migrations` are all that were applied, `rows` the number of rows by database and table."""

    made_at: datetime
    env: str
    installation: str
    version: str
    engines: Mapping[str, str]
    migrations: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, Mapping[str, int]]
    key_fingerprints: tuple[str, ...]
    parts: tuple[Part, ...]
    seconds: float
    problems: tuple[str, ...] = ()
    """What could not be backed up, because it is damaged where it lies."""
    salt: str = ""
    """Of an encrypted backup, hexadecimal."""
    code: str = ""
    """Of an encrypted backup: proves that the manifest is its maker's."""
    format: int = FORMAT

    @property
    def encrypted(self) -> bool:
        return bool(self.salt)

    @property
    def stored_bytes(self) -> int:
        return sum(part.stored.size for part in self.parts)

    @property
    def content_bytes(self) -> int:
        return sum(part.stored.content_size for part in self.parts)

    def signed(self, passphrase: str) -> Manifest:
        """The same with its authentication code."""
        return replace(self, code=authentication_code(passphrase, bytes.fromhex(self.salt), _unsigned(self)))

    def is_authentic(self, passphrase: str) -> bool:
        """Whether an encrypted backup's manifest was written with this passphrase, and not changed since."""
        expected = authentication_code(passphrase, bytes.fromhex(self.salt), _unsigned(self))
        return hmac.compare_digest(expected, self.code)


def _unsigned(manifest: Manifest) -> bytes:
    return _text(replace(manifest, code="")).encode()


def _text(manifest: Manifest) -> str:
    content = asdict(manifest) | {"made_at": manifest.made_at.isoformat()}
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it durably, all or nothing."""
    draft = folder / f"{FILE_NAME}.new"
    with draft.open("w", encoding="ascii") as file:
        file.write(_text(manifest))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / FILE_NAME)


def read_manifest(folder: Path) -> Manifest:
    """Read what is in a folder.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED: there is no manifest, or it cannot be read. BACKUP_UNFIT: a newer format.
    """
    path = folder / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        form = int(content["format"])
        if form > FORMAT:
            raise unfit("its format is newer than this software", format=form, known=FORMAT)
        return _manifest(content)
    except OSError as error:
        raise damaged(path, f"it cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, f"it is not a manifest: {error}") from error


def _manifest(content: dict[str, Any]) -> Manifest:
    parts = tuple(
        Part(**{**part, "stored": Stored(**part["stored"]), "columns": tuple(part["columns"])})
        for part in content["parts"]
    )
    for part in parts:
        for text in (part.path, part.name):
            pure = Path(text)
            if pure.is_absolute() or ".." in pure.parts:
                raise ValueError(f"{text!r} leaves the folder")
    return Manifest(
        **{
            **content,
            "made_at": datetime.fromisoformat(content["made_at"]),
            "migrations": {alias: tuple(names) for alias, names in content["migrations"].items()},
            "key_fingerprints": tuple(content["key_fingerprints"]),
            "problems": tuple(content["problems"]),
            "parts": parts,
        }
    )
