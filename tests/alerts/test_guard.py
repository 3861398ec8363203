"""Where alerts are never sent to, however the address is written."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_django import Settings

from alerts.transports import SendFailed
from alerts.transports.guard import TargetRefused, check_url, resolve


def _names(monkeypatch: pytest.MonkeyPatch, **addresses: list[str]) -> None:
    """Resolve these names to these addresses and no others."""

    def getaddrinfo(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        found = addresses.get(host.replace(".", "_"), [host])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://10.0.0.8/x",
        "https://192.168.1.1/x",
        "https://172.16.0.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/x",
        "https://0.0.0.0/x",
        "https://224.0.0.1/x",
        "https://[::1]/x",
        "https://[fe80::1]/x",
        "https://[fd00::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://[2002:7f00:1::]/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://localhost/x",
    ],
)
def test_guard_private_addresses_are_refused(url: str) -> None:
    with pytest.raises(TargetRefused, match="private network"):
        resolve(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/x",
        "ftp://hooks.example.org/x",
        "file:///etc/passwd",
        "https://user:password@hooks.example.org/x",
        "https://hooks.example.org\r\nX-Evil: 1/x",
        "https://hooks.example.org/a b",
        "https://",
        "https://[::1",
        "https://hooks.example.org:99999/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
    ],
)
def test_guard_addresses_of_another_form_are_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        check_url(url)


def test_guard_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, hooks_example_org=["93.184.216.34", "10.0.0.8"])

    with pytest.raises(TargetRefused):
        resolve("https://hooks.example.org/x")


def test_guard_public_name_is_pinned_to_the_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, hooks_example_org=["93.184.216.34"])

    target = resolve("https://hooks.example.org/a?key=1")

    assert (target.host, target.ip, target.port, target.path) == ("hooks.example.org", "93.184.216.34", 443, "/a?key=1")


def test_guard_name_that_does_not_resolve_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    with pytest.raises(SendFailed) as failure:
        resolve("https://hooks.example.org/x")

    assert failure.value.retry is True


def test_guard_named_network_is_allowed(settings: Settings) -> None:
    settings.ALERT_TARGETS = ["10.1.2.0/24"]

    assert resolve("http://10.1.2.7:8080/x").ip == "10.1.2.7"
    with pytest.raises(TargetRefused):
        resolve("https://10.1.3.7/x")


def test_guard_named_host_is_allowed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALERT_TARGETS = ["hooks.internal"]
    _names(monkeypatch, hooks_internal=["10.0.0.8"])

    assert resolve("http://hooks.internal/x").ip == "10.0.0.8"
