"""Encrypted parts of a backup: AES-256-GCM over pieces of one MiB, keys from a passphrase by scrypt.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce of each piece holds its number and whether it is the
last one, so that a file cannot be cut, lengthened or reordered unnoticed. Every file has a key of its own, derived from the
backup's; a file names both salts, so it can be opened by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC: Final = b"DESKBAK1"
SALT_BYTES: Final = 16
PIECE_BYTES: Final = 1 << 20
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(MAGIC) + 2 * SALT_BYTES
#: RFC 7914's parameters for files: 128 MiB and a third of a second for each guess.
_SCRYPT_N: Final = 1 << 17


class SealBroken(ValueError):
    """Another passphrase, or a file that was changed, cut or lengthened."""


def new_salt() -> bytes:
    """A salt for one backup."""
    return secrets.token_bytes(SALT_BYTES)


@lru_cache(maxsize=8)
def _backup_key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(passphrase.encode())


def _derived(passphrase: str, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(_backup_key(passphrase, salt))


def authentication_code(passphrase: str, salt: bytes, text: bytes) -> str:
    """HMAC-SHA256 over a manifest: only who knows the passphrase can have written it."""
    return hmac.new(_derived(passphrase, salt, b"desk:backup:manifest"), text, hashlib.sha256).hexdigest()


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class SealingWriter:
    """Encrypts what is written to it; `finish` writes the last piece, without which the file cannot be opened."""

    def __init__(self, sink: IO[bytes], passphrase: str, salt: bytes) -> None:
        file_salt = new_salt()
        self._header = MAGIC + salt + file_salt
        self._cipher = AESGCM(_derived(passphrase, salt, b"desk:backup:file:" + file_salt))
        self._sink = sink
        self._waiting = bytearray()
        self._number = 0
        sink.write(self._header)

    def write(self, data: bytes) -> int:
        self._waiting += data
        # One piece is always kept back: only at the end it is known which one is the last.
        while len(self._waiting) > PIECE_BYTES:
            self._put(bytes(self._waiting[:PIECE_BYTES]), last=False)
            del self._waiting[:PIECE_BYTES]
        return len(data)

    def finish(self) -> None:
        self._put(bytes(self._waiting), last=True)

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._number, last=last), piece, self._header))
        self._number += 1


class OpeningReader:
    """Decrypts a sealed file; hands out only what was authenticated.

    Raises
    ------
    SealBroken
        While reading, at the first piece that is not what was written.
    """

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        self._header = source.read(_HEADER_BYTES)
        if len(self._header) != _HEADER_BYTES or not self._header.startswith(MAGIC):
            raise SealBroken("this is not an encrypted part of a backup")
        salt, file_salt = self._header[len(MAGIC) : -SALT_BYTES], self._header[-SALT_BYTES:]
        self._cipher = AESGCM(_derived(passphrase, salt, b"desk:backup:file:" + file_salt))
        self._source = source
        self._ahead = source.read(PIECE_BYTES + _TAG_BYTES)
        self._number = 0
        self._done = False

    def piece(self) -> bytes:
        """The next piece; empty at the end."""
        if self._done:
            return b""
        sealed, self._ahead = self._ahead, self._source.read(PIECE_BYTES + _TAG_BYTES)
        self._done = not self._ahead
        try:
            plain = self._cipher.decrypt(_nonce(self._number, last=self._done), sealed, self._header)
        except InvalidTag as error:
            raise SealBroken("another passphrase, or the file was changed") from error
        self._number += 1
        return plain
