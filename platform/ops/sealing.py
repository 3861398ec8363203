"""Secrets that must be read back (second factors, channel passwords), sealed at rest.

Each purpose has a key of its own, derived from the installation's secret key: a value
copied from one column into another cannot be opened there. Who has the database alone
has nothing; a new `DESK_SECRET_KEY` makes what was sealed before unreadable.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SealBroken(ValueError):
    """The text was not sealed here, for this purpose, with the present key."""


def seal(plain: str, *, purpose: str) -> str:
    """Encrypt and authenticate `plain`; the result is ASCII."""
    return _cipher(settings.SECRET_KEY, purpose).encrypt(plain.encode()).decode("ascii")


def unseal(sealed: str, *, purpose: str) -> str:
    """Open what `seal` made for the same purpose.

    Raises
    ------
    SealBroken
        Another key, another purpose, or a changed text.
    """
    try:
        return _cipher(settings.SECRET_KEY, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBroken(f"the sealed {purpose} cannot be opened with the present secret key") from error


@lru_cache(maxsize=16)
def _cipher(secret: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"desk:{purpose}".encode()).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
