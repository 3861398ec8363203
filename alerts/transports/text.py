"""Small helpers around texts with a limit in bytes."""

from __future__ import annotations


def cut_bytes(text: str, limit: int) -> str:
    """`text` within `limit` bytes of UTF-8, never cut inside a character."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: limit - len("…".encode())].decode("utf-8", "ignore") + "…"
