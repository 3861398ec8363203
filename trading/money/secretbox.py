"""Passwords on their way from the approver to the terminal, in two halves.

The row holds them sealed; the key exists only in the wake-up that is sent once, and is not stored by us anywhere. Who
reads the database (or a backup of it) has nothing, who reads Redis has nothing, and a QMT host needs none of the
installation's keys. The claim empties the row, so the halves never meet twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from cryptography.fernet import Fernet, InvalidToken


class SealBroken(ValueError):
    """The key does not belong to this row."""


def seal(secrets: Mapping[str, str]) -> tuple[str, str]:
    """The secrets sealed, and the one key that opens them."""
    key = Fernet.generate_key()
    return Fernet(key).encrypt(orjson.dumps(dict(secrets))).decode("ascii"), key.decode("ascii")


def unseal(sealed: str, key: str) -> dict[str, str]:
    """What was sealed.

    Raises
    ------
    SealBroken
        With another key, or after the row was emptied.
    """
    try:
        opened: dict[str, str] = orjson.loads(Fernet(key.encode()).decrypt(sealed.encode()))
    except (InvalidToken, ValueError) as error:
        raise SealBroken("the key does not open this transfer") from error
    return opened


def scrubbed(words: str, secrets: Mapping[str, str]) -> str:
    """A broker's words without what they must not repeat."""
    for secret in sorted(secrets.values(), key=len, reverse=True):
        if secret:
            words = words.replace(secret, "•••")
    return words
