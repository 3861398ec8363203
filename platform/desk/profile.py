"""Whether this process, its state folder and its database belong together."""

from __future__ import annotations

from django.db import DatabaseError

from desk.settings.schema import DeskConfig
from desk.settings.stamp import folder_problem, write_stamp
from ops.installation import database_profile, profile_claim


def profile_problem(config: DeskConfig) -> str:
    """Say in one sentence why this profile must not run on these databases; blank when it may.

    A database that is away or not migrated yet decides nothing: other checks say so better.
    """
    try:
        code, env = database_profile()
    except DatabaseError:
        return ""
    if env and env != config.env:
        return (
            f"The database belongs to the profile {env}, and this process runs as {config.env}: "
            f"check DESK_ENV and DESK_DATABASE_URL."
        )
    return folder_problem(config, code)


def profile_stamp(config: DeskConfig) -> None:
    """Mark the database and the state folder as this profile's, once; call it after `profile_problem`."""
    profile_claim(config.env, config.installation)
    code, _env = database_profile()
    write_stamp(config, code)
