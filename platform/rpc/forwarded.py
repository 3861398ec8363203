"""Where a call comes from, behind a reverse proxy: the networks of tokens are held against the client's address."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from desk.settings.schema import DeskConfig

HEADER = "x-forwarded-for"


def client_address(config: DeskConfig, peer: str, forwarded: Sequence[str]) -> str:
    """The address of a call's client.

    Parameters
    ----------
    peer
        Address at the other end of the connection; blank when it has none.
    forwarded
        The call's ``x-forwarded-for`` values. Believed only behind a proxy and from a trusted one: each proxy appends whom
        it heard, so the last address that is no trusted proxy is the client's.
    """
    if not config.behind_tls_proxy or not _is_trusted(config, peer):
        return peer
    heard = [part.strip() for value in forwarded for part in value.split(",") if part.strip()]
    others = [address for address in heard if not _is_trusted(config, address)]
    return others[-1] if others else (heard[0] if heard else peer)


def _is_trusted(config: DeskConfig, address: str) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in ip_network(network) for network in config.trusted_proxies)
