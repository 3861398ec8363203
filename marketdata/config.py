"""Settings of the market-data service, with their reasons.

`settings.MARKETDATA` (a dict) overrides single fields; an unknown name or a value out of range stops the start
with a sentence that names it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class MarketDataConfig:
    """How gaps are found and repaired.

    Attributes
    ----------
    minute_bars
        One-minute bars of a full day. 241: right-edge labels 09:30 (the opening auction), 09:31 … 11:30 and
        13:01 … 15:00, which is what QMT delivers. 240: the same without 09:30, for a source that folds the auction
        into the first minute.
    live_grace_seconds
        How long after its right edge a minute of the open day may still be on its way from the live feed.
    batch_symbols, batch_rows
        Largest download in one call to the terminal: symbols, and expected bars over all of them.
    download_deadline_seconds
        Time one download call may take before it is told to stop.
    settle_seconds, settle_deadline_seconds
        "Finished" does not mean landed: an incomplete read-back is repeated at this interval until two reads agree,
        at most this long.
    attempts
        Rounds an instrument gets in one job before its hole is left as failed.
    backoff_seconds
        Pause before the second, third, … round; each is varied by ±20%.
    lease_seconds
        A worker that has not renewed its claim for so long is taken for dead.
    failed_cooldown_seconds
        After a repair has failed, plain requests answer with what is there instead of trying again at once.
    wait_seconds
        How long an answer waits for a repair unless the caller says otherwise.
    max_rows
        Most bars one request may ask for.
    max_symbols
        Most instruments one request may name.
    recheck_days
        After the first, second and every later proof, a hole counts as missing again after so many days.
    """

    minute_bars: int = 241
    live_grace_seconds: int = 15
    batch_symbols: int = 50
    batch_rows: int = 250_000
    download_deadline_seconds: float = 600.0
    settle_seconds: float = 0.5
    settle_deadline_seconds: float = 10.0
    attempts: int = 3
    backoff_seconds: tuple[float, ...] = (1.0, 5.0, 15.0)
    lease_seconds: int = 20
    failed_cooldown_seconds: int = 300
    wait_seconds: float = 8.0
    max_rows: int = 3_000_000
    max_symbols: int = 6_000
    recheck_days: tuple[int, ...] = (1, 7, 30)

    def __post_init__(self) -> None:
        if self.minute_bars not in (240, 241):
            raise ImproperlyConfigured("MARKETDATA['minute_bars'] must be 240 or 241")
        for name in (
            "batch_symbols",
            "batch_rows",
            "attempts",
            "lease_seconds",
            "max_rows",
            "max_symbols",
        ):
            if getattr(self, name) < 1:
                raise ImproperlyConfigured(f"MARKETDATA[{name!r}] must be at least 1")
        if not self.backoff_seconds or not self.recheck_days:
            raise ImproperlyConfigured("MARKETDATA['backoff_seconds'] and ['recheck_days'] must not be empty")


def get_marketdata_config() -> MarketDataConfig:
    """Return the settings in force."""
    overrides: dict[str, Any] = getattr(settings, "MARKETDATA", {})
    known = {item.name for item in fields(MarketDataConfig)}
    if unknown := sorted(set(overrides) - known):
        raise ImproperlyConfigured(f"MARKETDATA has unknown settings: {', '.join(unknown)}")
    return MarketDataConfig(**overrides)
