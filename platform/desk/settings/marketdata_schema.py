"""Keys of `config/market_data.yaml`, typed and documented; one model per section."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_FORBID = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=100_000_000)]


class BarsConfig(BaseModel):
    """What one request for bars may ask, and how long it waits."""

    model_config = _FORBID

    minute_bars: Literal[240, 241] = 241
    """One-minute bars of a full day. 241: right-edge labels 09:30 (the opening auction), 09:31 … 11:30 and 13:01 … 15:00,
    which is what QMT delivers. 240: the same without 09:30, for a source that folds the auction into the first minute."""
    live_grace_seconds: Annotated[int, Field(ge=0, le=600)] = 15
    """How long after its right edge a minute of the open day may still be on its way from the live feed."""
    wait_seconds: Seconds = 8.0
    """How long an answer waits for a repair unless the caller says otherwise."""
    max_rows: Count = 3_000_000
    """Most bars one request may ask for."""
    max_symbols: Count = 6_000
    """Most instruments one request may name."""


class RepairConfig(BaseModel):
    """How holes are downloaded: batches, rounds, rates."""

    model_config = _FORBID

    batch_symbols: Annotated[int, Field(ge=1, le=10_000)] = 50
    """Most instruments in one download call, and in one claim of a worker."""
    batch_rows: Count = 250_000
    """Expected bars in one download call, over all its instruments; longer stretches are cut by trading days, with a month's
    end where one lies within a quarter of it."""
    download_deadline_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Time one download call may take before it is told to stop."""
    settle_seconds: Seconds = 0.5
    """"Finished" does not mean landed: an incomplete read-back is repeated at this interval until two reads agree."""
    settle_deadline_seconds: Seconds = 10.0
    """Longest time spent on such repeated read-backs of one call."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Rounds an instrument gets before its hole is left as failed, with a note and an alert."""
    backoff_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)] = (1.0, 5.0, 15.0)
    """Pause before the second, third, … round; the last one repeats, each is varied by ±20%."""
    lease_seconds: Annotated[int, Field(ge=1, le=3_600)] = 20
    """A worker that has not renewed its claim for so long is taken for dead, and another host takes its work."""
    failed_cooldown_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """After a repair has failed, plain requests answer with what is there instead of trying again at once."""
    recheck_days: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1, 7, 30)
    """After the first, second and every later proof, a hole counts as missing again after so many days."""
    calls_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 240
    """Most download calls per minute to one terminal."""
    pause_seconds: Seconds = 0.0
    """Rest between two download calls to one terminal."""
    throttled_pause_seconds: Seconds = 30.0
    """Rest of a terminal that says it is asked too much; doubled each time it says so again, up to eight times this."""


class SyncConfig(BaseModel):
    """What scheduled sync jobs cover."""

    model_config = _FORBID

    periods: Annotated[tuple[Literal["1d", "1m", "5m"], ...], Field(min_length=1)] = ("1d", "1m")
    """Periods that the repair after the close completes for instruments we keep bars of."""
    history_days: Annotated[int, Field(ge=1, le=20_000)] = 30
    """How many trading days back the repair after the close looks."""
    sample_symbols: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Instruments the sampling check compares with the terminal."""
    sample_days: Annotated[int, Field(ge=1, le=250)] = 5
    """Trading days of each that it compares."""


class ScheduleConfig(BaseModel):
    """When one scheduled job runs, by the market clock."""

    model_config = _FORBID

    enabled: bool = True
    """Whether it runs at all."""
    every: Literal["day", "week"] = "day"
    """Each trading day, or once a week."""
    weekday: Annotated[int, Field(ge=1, le=7)] = 5
    """Day of the weekly run, 1 is Monday; a holiday moves it to the next trading day."""
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "16:00"
    """Market time of the run, HH:MM."""


class SchedulesConfig(BaseModel):
    """Scheduled jobs. A run that was missed because the machine was off is made up for once."""

    model_config = _FORBID

    after_close: ScheduleConfig = ScheduleConfig(at="15:30")
    """Repair after the close."""
    sampling: ScheduleConfig = ScheduleConfig(every="week", weekday=5, at="16:30")
    """Comparison of a sample with the terminal's own bars."""
    static: ScheduleConfig = ScheduleConfig(at="08:30")
    """Instruments, sectors, calendar and factors."""
    report: ScheduleConfig = ScheduleConfig(at="17:00")
    """Status report: coverage, failures, evidence."""
    integrity: ScheduleConfig = ScheduleConfig(at="18:00")
    """Integrity check of what changed since the last one."""
    financials: ScheduleConfig = ScheduleConfig(every="week", weekday=5, at="19:00")
    """Financial tables of every share; a real terminal takes its time, repairs go first."""


class LiveConfig(BaseModel):
    """Live quotes: what is subscribed, how fast they are published and stored."""

    model_config = _FORBID

    feed: Literal["market", "singles"] = "market"
    """market: the terminal pushes every instrument. singles: only what somebody subscribed to, at most 50 instruments (the
    SDK's own limit for single subscriptions)."""
    publish_gap_seconds: Annotated[float, Field(ge=0, le=10)] = 0.05
    """Quotes that come within this time go out together."""
    store_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Longest time the newest quote of an instrument waits for its row."""
    stale_after_seconds: Annotated[int, Field(ge=5, le=3_600)] = 30
    """Without a quote for so long in continuous trading a host's feed is stale: subscribed anew, flagged, alerted."""
    hot_bar_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """Live-built bars that the terminal never confirmed are deleted after so many days."""


class TicksConfig(BaseModel):
    """Ticks: what is captured, how it is written, how long it is kept."""

    model_config = _FORBID

    capture: Literal["none", "subscribed", "market"] = "subscribed"
    """Which pushed quotes are stored as ticks: none, those of subscribed instruments, or every one (about 26 million rows a
    day)."""
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000
    """A batch is written when it has so many rows …"""
    batch_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    """… or when its oldest row is so old."""
    buffer_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 250_000
    """Rows kept in memory while the database is away (about 0.3 kB each); what comes on top is spilled to disk."""
    spill_megabytes: Annotated[int, Field(ge=0, le=1_000_000)] = 2_048
    """Most disk space for spilled ticks, read back in order once the database is there. Beyond it ticks are dropped and
    counted."""
    spill_folder: str = ""
    """Where they are spilled; empty: `spill` in the state folder."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    """Days of ticks kept in the database."""
    archive: bool = True
    """Whether older ones are archived to Parquet before they are deleted."""
    archive_folder: str = ""
    """Where they are archived; empty: `archive` in the state folder."""


class PoolsConfig(BaseModel):
    """Connections of one process to a PostgreSQL database; SQLite has none to share."""

    model_config = _FORBID

    min_size: Annotated[int, Field(ge=0, le=1_000)] = 1
    """Connections kept open."""
    max_size: Annotated[int, Field(ge=1, le=1_000)] = 12
    """Most connections at a time."""
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    """How long to wait for a free one."""

    @model_validator(mode="after")
    def _ordered(self) -> PoolsConfig:
        if self.max_size < self.min_size:
            raise ValueError(f"max_size ({self.max_size}) must not be below min_size ({self.min_size})")
        return self


class MarketDataConfig(BaseModel):
    """Everything in `config/market_data.yaml`."""

    model_config = _FORBID

    bars: BarsConfig = BarsConfig()
    repair: RepairConfig = RepairConfig()
    sync: SyncConfig = SyncConfig()
    schedules: SchedulesConfig = SchedulesConfig()
    live: LiveConfig = LiveConfig()
    ticks: TicksConfig = TicksConfig()
    pools: PoolsConfig = PoolsConfig()

    def changed(self, **sections: dict[str, Any]) -> MarketDataConfig:
        """A copy with some keys replaced, checked like the file: `config.changed(repair={"attempts": 5})`."""
        content = self.model_dump()
        for name, values in sections.items():
            content[name] = {**content[name], **values}
        return MarketDataConfig.model_validate(content)
