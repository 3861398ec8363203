"""How bearer tokens are made, recognised and looked up.

A token is ``desk_`` and 43 characters of base64url: 32 random bytes. With 256 bits
of entropy a plain SHA-256 is the right digest: there is nothing to slow down a
search for, and every request pays for it. The lookup goes by the digest of the
whole token; what an attacker can steer by timing is the digest of a guess, which
says nothing about the token.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db import DatabaseError
from django.db.models import CharField, Q

from accounts.models import ApiToken, User
from ops.clocks import wall_now
from ops.prepared import Prepared

logger = logging.getLogger(__name__)

TOKEN_LEAD = "desk_"  # noqa: S105 - what every token begins with
_SHAPE = re.compile(r"desk_[A-Za-z0-9_-]{43}")
#: `last_used_at` is for people ("is this token still in use?"); writing it on every
#: request would make each read a database write.
LAST_USED_RESOLUTION = timedelta(minutes=5)


_TOKEN = Prepared(lambda digest: ApiToken.objects.select_related("user").filter(digest=digest), CharField())


def token_generate() -> str:
    """A new token in plain text."""
    return TOKEN_LEAD + secrets.token_urlsafe(32)


def token_digest(plain: str) -> str:
    """The digest under which a token is stored."""
    return hashlib.sha256(plain.encode()).hexdigest()


def token_prefix(plain: str) -> str:
    """The characters by which people recognise a token."""
    return plain[len(TOKEN_LEAD) : len(TOKEN_LEAD) + 8]


def token_authenticate(plain: str, *, address: str) -> ApiToken | None:
    """The usable token with this text, its person loaded; None for any other reason.

    Parameters
    ----------
    address
        Where the caller connects from; a token with an allow-list refuses any other
        place, and one that cannot be told.

    Notes
    -----
    Side effect: `last_used_at` is renewed at most every five minutes.
    """
    if not _SHAPE.fullmatch(plain):
        return None
    digest = token_digest(plain)
    token = _TOKEN.first(digest)
    if token is None or not hmac.compare_digest(token.digest, digest):
        return None
    now = wall_now()
    if not token_is_usable(token, now):
        return None
    if not address_is_allowed(token, address):
        logger.warning("Token %s (%s) was used from outside its networks.", token.pk, token.prefix)
        return None
    _note_use(token, now, address)
    return token


def token_is_usable(token: ApiToken, now: datetime) -> bool:
    """Whether a token still opens anything: not revoked, not expired, person active."""
    expired = token.expires_at is not None and token.expires_at <= now
    return token.revoked_at is None and not expired and token.user.is_active


def token_user(token: ApiToken) -> User:
    """The token's person, limited to the token's accounts."""
    user = token.user
    user.account_limit = None if token.account_ids is None else frozenset(token.account_ids)
    return user


def address_is_allowed(token: ApiToken, address: str) -> bool:
    """Whether the token may be used from `address`."""
    if not token.networks:
        return True
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    if isinstance(caller, IPv6Address) and caller.ipv4_mapped is not None:
        caller = caller.ipv4_mapped
    return any(caller in ip_network(network) for network in token.networks)


def _note_use(token: ApiToken, now: datetime, address: str) -> None:
    stale = now - LAST_USED_RESOLUTION
    if token.last_used_at is not None and token.last_used_at > stale:
        return
    unused = Q(last_used_at=None) | Q(last_used_at__lte=stale)
    try:
        ApiToken.objects.filter(unused, pk=token.pk).update(last_used_at=now, last_used_from=address[:64])
    except DatabaseError as error:
        # A locked database must not turn a valid token away.
        logger.warning("Could not note the use of token %s: %s", token.pk, error)
