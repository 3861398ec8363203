"""Views and messages have the same names, words and enumerations the same values."""

from __future__ import annotations

import pytest

from rpc.calls import address_of


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.7:51324", "10.0.0.7"),
        ("ipv6:%5B::1%5D:51324", "::1"),
        ("ipv6:[fe80::2]:1", "fe80::2"),
        ("unix:/run/desk.sock", ""),
        ("", ""),
    ],
)
def test_peer_is_read_to_its_address(peer: str, address: str) -> None:
    assert address_of(peer) == address
