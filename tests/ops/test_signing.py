"""Marks of live messages: only who holds a key of this platform is heard, and a QMT host only as itself."""

from __future__ import annotations

import logging

import pytest
from pytest_django.fixtures import Settings

from ops import signing
from ops.repeats import Repeats
from ops.signing import PLATFORM, Signed, host_key, key_of, opened, signed, with_mark

BODY = b'{"host":"sim","q":{}}'


@pytest.fixture(autouse=True)
def tells_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "_dropped", Repeats(signing.TELL_SECONDS))


def as_host(settings: Settings, name: str, key: str) -> bytes:
    settings.QMT_HOST, settings.LIVE_KEY = name, key
    raw = signed("quotes", BODY)
    settings.QMT_HOST, settings.LIVE_KEY = "", ""
    return raw


def test_message_of_the_platform_is_opened_as_it_was() -> None:
    assert opened("quotes", signed("quotes", BODY)) == Signed(PLATFORM, BODY)


def test_message_of_a_host_says_which(settings: Settings) -> None:
    assert opened("quotes", as_host(settings, "qmt1", host_key("qmt1"))) == Signed("qmt1", BODY)


def test_host_speaks_for_itself_and_the_platform_for_all() -> None:
    assert [Signed(signer, b"").speaks_for("sim") for signer in ("sim", "qmt1", PLATFORM)] == [True, False, True]


@pytest.mark.parametrize("name", ["qmt2", PLATFORM])
def test_host_cannot_sign_as_somebody_else(name: str) -> None:
    forged = with_mark("quotes", BODY, signer=name, key=bytes.fromhex(host_key("qmt1")))
    assert opened("quotes", forged) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b" \n",
        BODY,
        b" " + b"0" * 32 + b"\n" + BODY,
        b"\xff\xfe " + b"0" * 32 + b"\n" + BODY,
        b"x" * 1000 + b"\n" + BODY,
        with_mark("quotes", BODY, signer=PLATFORM, key=b"a key of somebody else"),
        with_mark("quotes", BODY, signer=PLATFORM, key=b""),
    ],
)
def test_message_without_a_mark_of_ours_is_dropped_and_told(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert opened("quotes", raw) is None
    assert "that no process of this platform made were dropped" in caplog.text


def test_message_that_was_changed_or_moved_to_another_channel_is_dropped() -> None:
    raw = signed("quotes", BODY)
    assert opened("quotes", raw.replace(b"sim", b"six")) is None
    assert opened("control", raw) is None


def test_flood_of_forgeries_is_one_line_and_a_count(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            opened("quotes", BODY)
        monkeypatch.setattr(signing._dropped, "_seconds", 0.0)
        opened("quotes\nCRITICAL forged", BODY)
    assert [record.getMessage().split(" live")[0] for record in caplog.records] == ["1", "1000"]
    assert "\n" not in caplog.records[1].getMessage()


def test_rotated_key_opens_what_the_one_before_signed(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ("old" * 12,)
    before, given = signed("quotes", BODY), host_key("qmt1")
    settings.ENCRYPTION_KEYS = ("new" * 12, "old" * 12)
    assert opened("quotes", before) == Signed(PLATFORM, BODY)
    assert opened("quotes", as_host(settings, "qmt1", given)) == Signed("qmt1", BODY)
    settings.ENCRYPTION_KEYS = ("new" * 12,)
    assert opened("quotes", before) is None


def test_key_of_a_host_tells_nothing_of_the_platforms() -> None:
    keys = {key_of(signer, encryption_key="k" * 40) for signer in (PLATFORM, "qmt1", "qmt2")}
    assert len(keys) == 3
