"""Query parameters of the market-data addresses: strict parsing, and their description for OpenAPI."""

from __future__ import annotations

import math
from datetime import date

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from ops.errors import Code, Invalid
from ops.inputs import calendar_date, shown, whole_number

MAX_WAIT_SECONDS = 60.0
MAX_SEARCH_CHARACTERS = 64


def symbols_of(request: Request, *, at_most: int | None = None) -> list[str]:
    """Comma-separated symbols, one at least; empty parts are left out."""
    symbols = [part.strip() for part in request.query_params.get("symbols", "").split(",") if part.strip()]
    if not symbols:
        raise Invalid(Code.FIELD_REQUIRED, "name at least one symbol", field="symbols")
    if at_most is not None and len(symbols) > at_most:
        raise Invalid(Code.RANGE_TOO_LARGE, f"name at most {at_most} symbols", field="symbols")
    return symbols


def list_of(request: Request, name: str) -> list[str] | None:
    """A comma-separated list, None when the parameter is absent."""
    text = request.query_params.get(name)
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def int_of(request: Request, name: str, default: int, *, low: int, high: int) -> int:
    """A whole number within bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    value = whole_number(text)
    if value is None or not low <= value <= high:
        raise Invalid(Code.FIELD_INVALID, f"{name} must be a whole number from {low} to {high}", field=name)
    return value


def search_of(request: Request) -> str:
    """What a person typed into a search box."""
    text = request.query_params.get("q", "")
    if len(text) > MAX_SEARCH_CHARACTERS or not text.isprintable():
        raise Invalid(
            Code.FIELD_INVALID, f"q is printable text of at most {MAX_SEARCH_CHARACTERS} characters", field="q"
        )
    return text


def count_of(request: Request) -> int:
    """-1 for all, else a whole number from 1."""
    text = request.query_params.get("count")
    if text is None or text == "-1":
        return -1
    return int_of(request, "count", -1, low=1, high=10_000_000)


def seconds_of(request: Request, name: str) -> float | None:
    """A finite number of seconds up to `MAX_WAIT_SECONDS`; None when absent."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MAX_WAIT_SECONDS:  # NaN compares false
        raise Invalid(
            Code.FIELD_INVALID,
            f"{name} must be a number of seconds from 0 to {MAX_WAIT_SECONDS:g}",
            field=name,
        )
    return value


def flag_of(request: Request, name: str) -> bool:
    """``1``/``true`` or ``0``/``false``; absent is false."""
    text = request.query_params.get(name, "0").lower()
    if text not in ("0", "1", "false", "true"):
        raise Invalid(Code.FIELD_INVALID, f"{name} must be true or false", field=name)
    return text in ("1", "true")


def choice_of(request: Request, name: str, choices: tuple[str, ...]) -> str:
    """One of the choices; the first one when absent."""
    text = request.query_params.get(name, choices[0])
    if text not in choices:
        raise Invalid(Code.FIELD_INVALID, f"{name} must be one of {', '.join(choices)}", field=name)
    return text


def date_of(request: Request, name: str) -> date | None:
    """YYYYMMDD or YYYY-MM-DD; None when absent."""
    text = request.query_params.get(name)
    if text is None:
        return None
    named = calendar_date(text)
    if named is None:
        raise Invalid(Code.RANGE_INVALID, f"{name}={shown(text)} is not a date: use YYYYMMDD or YYYY-MM-DD", field=name)
    return named


def _text(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description, required=required)


SYMBOLS = _text(
    "symbols",
    "Comma-separated: 600519.SH, or bare codes, which the market rules complete.",
    required=True,
)
PERIOD = _text("period", "1m, 5m, 15m, 30m, 60m, 1d, 1w, 1mon, 1q, 1y or tick; 1d when absent.")
STORED_PERIOD = _text("period", "A stored one: 1d, 1m or 5m; 1d when absent.")
START = _text("start", "YYYYMMDD, YYYY-MM-DD or YYYYMMDDHHMMSS, Shanghai time; included.")
END = _text("end", "As start; included. Absent: until the market's now.")
LIMIT = OpenApiParameter("limit", int, description="At most so many results.")
CURSOR = _text("cursor", "`next` of the page before.")
COUNT = OpenApiParameter("count", int, description="Only the last so many rows of each instrument; -1 for all.")
WAIT = OpenApiParameter(
    "wait",
    float,
    description="Seconds to wait for what is missing before answering 202; a few when absent, at most 60.",
)
TIME = _text("time", "ms (epoch milliseconds, the default) or iso (2023-03-17, 2023-03-17T09:31:00+08:00).")

BAR_PARAMETERS = [
    SYMBOLS,
    PERIOD,
    START,
    END,
    COUNT,
    _text("adjust", "none, front, back, front_ratio or back_ratio; none when absent."),
    _text("fields", "Comma-separated columns besides symbol and time; all when absent."),
    _text(
        "fill",
        "none, or previous_close: flat bars (volume 0, suspended) on days of a proven suspension; none when absent.",
    ),
    OpenApiParameter(
        "open_day",
        bool,
        description="Add the open day's bar so far, marked `partial`, to daily bars and what is folded from them.",
    ),
    WAIT,
    TIME,
]
