"""Who a live message is from: a mark that only this platform's processes, and its QMT hosts, can make.

Redis passes live messages on and is trusted with nothing. Some of them lead to acts: a quote may set off an exit plan, a grid,
a strategy. So each begins with a line ``SIGNER MARK``, the mark being a keyed digest of channel and content, and whoever
listens drops what has none. The signer is blank for the platform's own processes, whose key follows from the installation's
encryption key, or the name of a QMT host: its key follows from the same and its name, and is all that it is given. So a host
can speak for itself and for nobody else.

A mark does not say when. What has been said can be said again by whoever heard it: those who act on messages look at the
times in them.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from ops.repeats import Repeats

PLATFORM = ""
"""The signer of messages that the platform's own processes publish."""
KEY_BYTES = 32
MARK_BYTES = 16
_LONGEST_HEAD = 32 + 1 + 2 * MARK_BYTES
TELL_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signed:
    """A message whose mark was proven.

    Attributes
    ----------
    signer
        Name of the QMT host that published it; `PLATFORM` for the platform's own processes.
    """

    signer: str
    body: bytes

    def speaks_for(self, host: str) -> bool:
        """Whether quotes of this host may come from the signer."""
        return self.signer in (PLATFORM, host)


def signed(channel: str, body: bytes) -> bytes:
    """`body` with this process's mark in front."""
    if settings.QMT_HOST:
        return with_mark(channel, body, signer=settings.QMT_HOST, key=bytes.fromhex(settings.LIVE_KEY))
    return with_mark(channel, body, signer=PLATFORM, key=_keys(settings.ENCRYPTION_KEYS, PLATFORM)[0])


def with_mark(channel: str, body: bytes, *, signer: str, key: bytes) -> bytes:
    """`body` with the mark of a signer in front."""
    return f"{signer} {_mark(key, channel, body)}\n".encode("ascii") + body


def opened(channel: str, raw: bytes) -> Signed | None:
    """What stands in a message and who published it; None, and a line in the log, when nobody of this platform did."""
    end = raw.find(b"\n", 0, _LONGEST_HEAD + 1)
    signer, _, mark = raw[: max(end, 0)].decode("ascii", "replace").partition(" ")
    body = raw[end + 1 :]
    if end > 0 and any(
        hmac.compare_digest(mark.encode(), _mark(key, channel, body).encode())
        for key in _keys(settings.ENCRYPTION_KEYS, signer)
    ):
        return Signed(signer, body)
    _tell_dropped(channel)
    return None


def host_key(host: str) -> str:
    """The key that a QMT host is given with its credentials (`DESK_LIVE_KEY`), as hexadecimal digits."""
    return _keys(settings.ENCRYPTION_KEYS, host)[0].hex()


@lru_cache(maxsize=64)
def _keys(keys: tuple[str, ...], signer: str) -> tuple[bytes, ...]:
    """A signer's keys: that of the present encryption key first, then those of the ones before."""
    return tuple(key_of(signer, encryption_key=key) for key in keys)


def key_of(signer: str, *, encryption_key: str) -> bytes:
    """The key that one of the installation's encryption keys gives a signer."""
    info = f"desk:live:{signer}".encode()
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=info).derive(encryption_key.encode())


def _mark(key: bytes, channel: str, body: bytes) -> str:
    digest = hashlib.blake2b(channel.encode() + b"\n", key=key, digest_size=MARK_BYTES)
    digest.update(body)
    return digest.hexdigest()


_dropped = Repeats(TELL_SECONDS)


def _tell_dropped(channel: str) -> None:
    if count := _dropped.note("dropped"):
        log.warning(
            "%s live messages that no process of this platform made were dropped, the last one on %.80r: "
            "somebody else writes to this Redis, or a process runs with another encryption key",
            count,
            channel,
        )
