"""Secrets never stand in a log, whatever shape they come in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.tokens import token_generate
from ops.redaction import MASK, redact, redact_value, remember_secrets

TOKEN = token_generate()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(f"used {TOKEN}.", f"used desk_{MASK}.", id="token"),
        ("Authorization: Bearer abc.DEF-123456", f"Authorization: {MASK} {MASK}"),
        ("sent Bearer abc.DEF-123456 along", f"sent Bearer {MASK} along"),
        ("postgresql://desk:w0rd!x@db.example.org/desk", f"postgresql://desk:{MASK}@db.example.org/desk"),
        ("rediss://:w0rd@cache:6380/0", f"rediss://:{MASK}@cache:6380/0"),
        ('{"password": "a b\'c", "user": "alice"}', f'{{"password": "{MASK}", "user": "alice"}}'),
        ("{'secret': 'x, y', 'n': 1}", f"{{'secret': '{MASK}', 'n': 1}}"),
        ("mail_password=hunter2, next", f"mail_password={MASK}, next"),
        ("webhook_secret: s3cr3t;", f"webhook_secret: {MASK};"),
        ("?token=abc&limit=5", f"?token={MASK}&limit=5"),
    ],
)
def test_secret_in_a_text_is_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "desk_order_accepted_to_claimed_seconds is a series, not a token",
        "order 12 of alice: 600519.SH 100 @ 1365.00, tag A1b2C3",
        "http://127.0.0.1:8000/api/v1/orders?account=1",
        "tokens were counted: 12; passwords changed",
    ],
)
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_values_are_masked_by_their_names_however_deep() -> None:
    facts = {"user": "bob", "webhook": {"url": "https://x", "secret": "abc"}, "tries": [{"Password": "p"}, 3]}
    assert redact_value("facts", facts) == {
        "user": "bob",
        "webhook": {"url": "https://x", "secret": MASK},
        "tries": [{"Password": MASK}, 3],
    }


@pytest.fixture
def _remembered() -> Iterator[None]:
    remember_secrets(["the+very/key==", "short"])
    yield
    remember_secrets([])


@pytest.mark.usefixtures("_remembered")
def test_configured_values_are_masked_wherever_they_stand() -> None:
    assert redact("opened with the+very/key== in short") == f"opened with {MASK} in short"
