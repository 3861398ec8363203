"""Parameters as the platform reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

#: A moment: text as the platform takes it, a date, or a datetime (without a zone: Shanghai's).
Moment = str | date | datetime
#: One symbol or several.
Symbols = str | Sequence[str]
#: A price or an amount. A float is taken as its shortest text: 11.2 is 11.2.
Number = str | int | float | Decimal


def moment_text(value: Moment) -> str:
    """``YYYYMMDD`` of a date, ``YYYYMMDDHHMMSS`` in Shanghai of a datetime, text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        local = value.astimezone(SHANGHAI) if value.tzinfo else value
        return local.strftime("%Y%m%d%H%M%S")
    return value.strftime("%Y%m%d")


def symbol_list(symbols: Symbols) -> list[str]:
    """Symbols as a list; text may name several, separated by commas."""
    parts = symbols.split(",") if isinstance(symbols, str) else symbols
    return [part.strip() for part in parts if part.strip()]


def batches(symbols: Symbols, size: int) -> Iterator[str]:
    """Comma-separated symbols, at most `size` at a time: addresses have a length."""
    names = symbol_list(symbols)
    for start in range(0, len(names), size):
        yield ",".join(names[start : start + size])


def number_text(value: Number | None) -> str | None:
    """A number as plain decimal text.

    Raises
    ------
    ValueError
        Not finite, or no number.
    """
    if value is None:
        return None
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except ArithmeticError:
        raise ValueError(f"not a number: {value!r}") from None
    if not exact.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return format(exact, "f")


def given(**values: str | float | Moment | None) -> dict[str, str]:
    """Query parameters without those that are None; flags as ``true`` and ``false``."""
    texts = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif isinstance(value, (date, datetime)):
            texts[name] = moment_text(value)
        else:
            texts[name] = str(value)
    return texts
