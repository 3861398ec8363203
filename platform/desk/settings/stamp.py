"""Which profile and installation a state folder belongs to.

A test run that meets production's files, or a restored copy that meets another installation's, must
not start: the folder says whose it is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from .schema import DeskConfig

STAMP_NAME = "installation.json"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stands in the state folder. `installation` is the code its database was made with."""

    env: str
    installation: str = ""


def stamp_path(config: DeskConfig) -> Path:
    """The stamp's file."""
    return config.state_dir / STAMP_NAME


def read_stamp(config: DeskConfig) -> Stamp | None:
    """The folder's stamp, or None before the first start.

    Raises
    ------
    ImproperlyConfigured
        The file is there and does not say whose folder this is.
    """
    path = stamp_path(config)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Stamp(env=str(content["env"]), installation=str(content["installation"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(f"{path} cannot be read, so whose state folder this is stays unknown.") from error


def folder_problem(config: DeskConfig, installation: str = "") -> str:
    """Say in one sentence why this process must not use the state folder; blank when it may.

    Parameters
    ----------
    installation
        The database's installation code, where it is known.
    """
    stamp = read_stamp(config)
    if stamp is None:
        return ""
    if stamp.env != config.env:
        return (
            f"The state folder {config.state_dir} belongs to the profile {stamp.env}, and this process runs as "
            f"{config.env}: name another folder with DESK_STATE_DIR."
        )
    if installation and stamp.installation and stamp.installation != installation:
        return (
            f"The state folder {config.state_dir} belongs to installation {stamp.installation}, and the database to "
            f"{installation}: check DESK_STATE_DIR and DESK_DATABASE_URL."
        )
    return ""


def refuse_foreign_folder(config: DeskConfig) -> None:
    """Raise `ImproperlyConfigured` when the folder is another profile's."""
    if problem := folder_problem(config):
        raise ImproperlyConfigured(problem)


def write_stamp(config: DeskConfig, installation: str) -> None:
    """Stamp the folder as this profile's and installation's; an existing stamp stays."""
    path = stamp_path(config)
    if read_stamp(config) is not None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(asdict(Stamp(config.env, installation))) + "\n", encoding="utf-8")
    aside.replace(path)
