"""Secrets that must be read back (second factors, channel passwords), sealed at rest.

Each purpose has a key of its own, derived from the installation's encryption key: a value
copied from one column into another cannot be opened there. Who has the database alone
has nothing.

Rotation: put the new key in front (`DESK_ENCRYPTION_KEY=new,old`) and restart: new values are sealed
with the new key, old ones still open. `manage.py secrets_reseal` seals everything again; then the
old key can go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

#: Who keeps sealed values, by name: each seals its own again with the present key and says how many.
RESEALERS: dict[str, Callable[[], int]] = {}


class SealBroken(ValueError):
    """The text was not sealed here, for this purpose, with the present key."""


def seal(plain: str, *, purpose: str) -> str:
    """Encrypt and authenticate `plain`; the result is ASCII."""
    return _cipher(settings.ENCRYPTION_KEYS, purpose).encrypt(plain.encode()).decode("ascii")


def unseal(sealed: str, *, purpose: str) -> str:
    """Open what `seal` made for the same purpose.

    Raises
    ------
    SealBroken
        Another key, another purpose, or a changed text.
    """
    try:
        return _cipher(settings.ENCRYPTION_KEYS, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBroken(f"the sealed {purpose} cannot be opened with the present encryption key") from error


def key_fingerprints() -> tuple[str, ...]:
    """A name for each of the installation's keys, by which nobody can find the key itself."""
    return tuple(
        HKDF(SHA256(), length=8, salt=None, info=b"desk:fingerprint").derive(key.encode()).hex()
        for key in settings.ENCRYPTION_KEYS
    )


@lru_cache(maxsize=16)
def _cipher(keys: tuple[str, ...], purpose: str) -> MultiFernet:
    return MultiFernet([_fernet(key, purpose) for key in keys])


def _fernet(key: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"desk:{purpose}".encode()).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
