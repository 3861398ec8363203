"""Where alerts may be sent to: the public Internet, and what the configuration names. Nothing else.

An address that a person types must not make the platform knock on its own database, on a cloud's
metadata service or on the office printer (server-side request forgery). So names are resolved once,
every address must be allowed, and the connection goes to exactly the address that was checked: a name
that answers differently the second time gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from alerts.transports.base import SendFailed

Address = IPv4Address | IPv6Address

#: Addresses that carry an IPv4 address of their owner's choice inside.
_NAT64 = IPv6Network("64:ff9b::/96")
URL_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: connect to `ip`, speak as to `host`."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str


class TargetRefused(SendFailed):
    """The address must not be used; trying again changes nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, retry=False)


def check_url(url: str) -> SplitResult:
    """The address's parts, if it has the form of one we use; resolves nothing.

    Raises
    ------
    TargetRefused
        Not http(s), with credentials, without a host, too long, or unencrypted to the outside.
    """
    if len(url) > URL_LIMIT or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise TargetRefused("the address is not a web address")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise TargetRefused("the address is not a web address") from error
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise TargetRefused("the address has to begin with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise TargetRefused("the address must not carry a user name or password")
    if parts.scheme == "http" and not _is_named(host):
        raise TargetRefused("only https:// addresses are used (DESK_ALERT_TARGETS names exceptions)")
    return parts


def resolve(url: str) -> Target:
    """Check the address and everything its name resolves to.

    Raises
    ------
    TargetRefused
        One of the addresses is not public and not named in `DESK_ALERT_TARGETS`.
    SendFailed
        The name does not resolve now.
    """
    parts = check_url(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SendFailed("the host's name does not resolve") from error
    addresses = [ip_address(entry[4][0].split("%")[0]) for entry in found if isinstance(entry[4][0], str)]
    if not addresses:
        raise SendFailed("the host's name does not resolve")
    if not _is_named(host) and not all(_is_allowed(address) for address in addresses):
        raise TargetRefused("the host is inside a private network (DESK_ALERT_TARGETS names exceptions)")
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path, str(addresses[0]))


def _is_named(host: str) -> bool:
    """Whether the configuration names this host, or the network of this literal address."""
    names = {target.lower() for target in settings.ALERT_TARGETS}
    if host.lower() in names:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return _in_networks(address, settings.ALERT_TARGETS)


def _is_allowed(address: Address) -> bool:
    inner = _inner(address)
    return (inner.is_global and not inner.is_multicast) or _in_networks(inner, settings.ALERT_TARGETS)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _in_networks(address: Address, names: Iterable[str]) -> bool:
    for name in names:
        try:
            network = ip_network(name, strict=False)
        except ValueError:
            continue
        if address.version == network.version and address in network:
            return True
    return False
