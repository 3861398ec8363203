"""What must not stand in a log: tokens, passwords, keys. Replaced wherever text leaves a process.

Three nets, because none catches everything: the shapes of our own secrets, names that secrets go by (``password=…``), and
the very values that this process was configured with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

MASK: Final = "••••"
_SHORTEST: Final = 8
"""A configured value shorter than this would be found in innocent words."""

_NAME = (
    r"(?:[\w-]*(?:password|passwd|passphrase|secret|api[_-]?key|credential|otp)[\w-]*"
    r"|(?:access|refresh|bearer|auth|csrf\w*)?[_-]?token|authorization|cookie|sessionid|signature)"
)
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_SHAPES: Final = (
    # Our bearer tokens: `accounts.tokens`.
    (re.compile(r"desk_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), f"desk_{MASK}"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    # postgresql://desk:word@host, rediss://:word@host
    (re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+(?=@)"), rf"\1:{MASK}"),
    # "password": "word", password='word', secret=word: quoted as JSON and Python do it, or bare
    (
        re.compile(
            rf"""(?P<name>(?<![\w-]){_NAME}(?:\\?["'])?\s*[:=]\s*)(?:(?P<quote>\\?["'])(?P<quoted>.*?)(?P=quote)|[^\s,;&}}\])]+)""",
            re.IGNORECASE,
        ),
        rf"\g<name>\g<quote>{MASK}\g<quote>",
    ),
)

_known: re.Pattern[str] | None = None


def remember_secrets(values: Iterable[str]) -> None:
    """Mask these very values from now on, wherever they turn up; replaces what was remembered before."""
    global _known
    words = sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True)
    _known = re.compile("|".join(map(re.escape, words))) if words else None


def redact(text: str) -> str:
    """`text` without secrets."""
    if _known is not None:
        text = _known.sub(MASK, text)
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


def redact_value(name: str, value: Any) -> Any:
    """A named value as it may be shown: masked by its name, or its texts redacted, however deep they lie.

    What JSON has no word for becomes text.
    """
    if _SECRET_NAME.fullmatch(name) and value not in (None, ""):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): redact_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_value("", inner) for inner in value]
    return value if value is None or isinstance(value, (bool, int, float)) else redact(str(value))
