"""The installation's identity, created at first use."""

from __future__ import annotations

import secrets
from functools import lru_cache

from ops.models import Installation

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 4


@lru_cache(maxsize=1)
def installation_code(configured: str = "") -> str:
    """Return the ASCII prefix of this installation's order tags.

    Parameters
    ----------
    configured : str
        `DESK_INSTALLATION`; when blank, the database's row decides and is created if missing.
        Two installations restored from one backup must be given different codes by hand.
    """
    if configured:
        return configured
    row, _ = Installation.objects.get_or_create(id=Installation.SINGLETON, defaults={"code": new_code()})
    return row.code


def new_code() -> str:
    """A code that no other installation is likely to have."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def database_profile() -> tuple[str, str]:
    """The database's installation code and profile; blank where it has none yet."""
    row = Installation.objects.filter(pk=Installation.SINGLETON).values_list("code", "env").first()
    return ("", "") if row is None else row


def profile_claim(env: str, configured: str = "") -> bool:
    """Mark the database as belonging to the profile `env`; False when it is marked already."""
    installation_code(configured)
    Installation.objects.get_or_create(id=Installation.SINGLETON, defaults={"code": configured})
    return Installation.objects.filter(pk=Installation.SINGLETON, env="").update(env=env) == 1
