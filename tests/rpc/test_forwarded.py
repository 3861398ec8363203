"""gRPC behind a proxy: whose word about the client's address is believed."""

from __future__ import annotations

import pytest

from desk.settings.schema import DeskConfig
from rpc.forwarded import client_address


def config(**settings: object) -> DeskConfig:
    return DeskConfig.model_validate(
        {"behind_tls_proxy": True, "trusted_proxies": ["10.9.0.2", "10.8.0.0/16"], **settings}
    )


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.9.0.2", ["203.0.113.9"], "203.0.113.9"),
        ("10.9.0.2", ["203.0.113.9, 10.8.3.4"], "203.0.113.9"),
        ("10.9.0.2", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("10.9.0.2", [], "10.9.0.2"),
        ("10.9.0.2", ["10.8.0.7"], "10.8.0.7"),
        ("10.9.0.3", ["203.0.113.9"], "10.9.0.3"),
        ("", ["203.0.113.9"], ""),
        ("10.9.0.2", ["nonsense"], "nonsense"),
    ],
)
def test_client_address_is_the_last_one_that_is_no_trusted_proxy(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(config(), peer, forwarded) == address


def test_client_address_without_a_proxy_is_the_connection_s() -> None:
    assert client_address(config(behind_tls_proxy=False), "10.9.0.2", ["203.0.113.9"]) == "10.9.0.2"
