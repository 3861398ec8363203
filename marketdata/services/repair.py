"""One round of repair: download, read back, validate, store, prove what the source lacks.

The database is the truth between the steps: what a round achieved is found by scanning again, so a round that was cut
short loses nothing and the next one fetches only what is still missing.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from marketdata.choices import Basis
from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes import reader, store
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import (
    DAY_MS,
    Int64Array,
    Period,
    bucket_days,
    bucket_first_day,
    day_date,
    day_numbers,
    day_start_ts,
)
from marketdata.services.axis import (
    calendar_days,
    first_open_day,
    minute_labels,
    open_day_labels,
)
from marketdata.services.differences import log_differences
from marketdata.services.evidence import evidence_record, evidence_withdraw, runs
from marketdata.services.gaps import find_gaps
from marketdata.services.proofs import Unproven, prove_holes
from marketdata.services.status import SyncNote, status_write
from marketdata.services.validation import CheckedFrame, Checks, Trouble, check_bars
from marketdata.services.windows import Window, plan_windows
from ops.clocks import MarketClock
from qmt.errors import DownloadFailed
from qmt.gateway import DownloadProgress, QuoteGateway
from qmt.gateway import Period as TerminalPeriod

logger = logging.getLogger(__name__)

_DAILY_LABEL = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Source:
    """Whose answers are stored: part of every proof."""

    host: str
    sdk_version: str
    basis: Basis


@dataclass(slots=True)
class Outcome:
    """What a round did for one instrument.

    Attributes
    ----------
    remaining
        Days that are neither stored nor proven empty, ascending.
    error
        Why, in words; empty when nothing remains.
    """

    rows: int = 0
    remaining: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    error: str = ""


@dataclass(slots=True)
class _Fetched:
    """What one window brought; the settling re-reads add to it."""

    window: Window
    error: str = ""
    finished_at: float = 0.0
    checked: dict[int, CheckedFrame] = field(default_factory=dict)


class Repairer:
    """Runs rounds against one terminal.

    Parameters
    ----------
    gateway
        A connected quote session.
    clock
        Reads the host's market clock.
    on_message
        Told what is going on, for people; may be called often.
    sleep
        Waits between read-backs; replaced in tests.
    """

    def __init__(
        self,
        *,
        gateway: QuoteGateway,
        source: Source,
        clock: Callable[[], MarketClock],
        on_message: Callable[[str], None] = lambda _message: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gateway = gateway
        self._source = source
        self._clock = clock
        self._on_message = on_message
        self._sleep = sleep

    def repair(
        self,
        *,
        instruments: Sequence[Instrument],
        period: Period,
        ranges: Mapping[int, Sequence[tuple[int, int]]],
        rounds: Mapping[int, int],
    ) -> dict[int, Outcome]:
        """Do one round.

        Parameters
        ----------
        ranges
            Wanted (first, last) day numbers per instrument id; what is there already is left out.
        rounds
            Number of this round per instrument id, from 1: some holes are believed only when seen twice.

        Raises
        ------
        TerminalDown
            What was stored before stays stored.
        """
        by_id = {instrument.pk: instrument for instrument in instruments}
        if period is Period.MINUTE_1:
            # Minute days are verified against day bars, so those come first.
            self._fetch_missing(by_id, Period.DAY_1, ranges, rounds)
        return self._fetch_missing(by_id, period, ranges, rounds)

    def _fetch_missing(
        self,
        by_id: Mapping[int, Instrument],
        period: Period,
        wanted: Mapping[int, Sequence[tuple[int, int]]],
        rounds: Mapping[int, int],
    ) -> dict[int, Outcome]:
        clock = self._clock()
        outcomes = {instrument_id: Outcome() for instrument_id in wanted}
        missing = self._missing(by_id, period, wanted, clock)
        if not missing:
            return outcomes
        calendar = calendar_days(
            min(int(days[0]) for days in missing.values()),
            max(int(days[-1]) for days in missing.values()),
        )
        ranges = {key: runs(days, calendar) for key, days in missing.items()}
        fetched = [
            self._fetch(window, by_id, period, calendar, clock, outcomes)
            for window in plan_windows(ranges, period, calendar)
        ]
        for part in fetched:
            self._settle(part, by_id, period, calendar, clock, outcomes)
            self._look_around(part, by_id, period, rounds)
        still = self._missing(by_id, period, wanted, clock)
        open_day = first_open_day(clock)
        closed = {key: days[days != open_day] for key, days in still.items() if (days != open_day).any()}
        proofs, unproven = prove_holes(
            missing=closed,
            period=period,
            downloads=[(part.window, part.error, part.checked) for part in fetched],
            rounds=rounds,
            calendar=calendar,
            host=self._source.host,
        )
        evidence_record(
            proofs=proofs,
            period=period,
            calendar=calendar,
            host=self._source.host,
            sdk_version=self._source.sdk_version,
        )
        self._conclude(fetched, period, outcomes, still, unproven, open_day, clock)
        return outcomes

    # ------------------------------------------------------------------------------- steps
    def _missing(
        self,
        by_id: Mapping[int, Instrument],
        period: Period,
        wanted: Mapping[int, Sequence[tuple[int, int]]],
        clock: MarketClock,
    ) -> dict[int, Int64Array]:
        """Missing day numbers per instrument id, inside what is wanted."""
        pairs = [pair for ranges in wanted.values() for pair in ranges]
        if not pairs:
            return {}
        first, last = min(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
        gaps = find_gaps(
            [by_id[key] for key in wanted],
            period,
            day_date(first),
            day_date(last),
            clock=clock,
        )
        found: dict[int, Int64Array] = {}
        for row, instrument_id in enumerate(gaps.instrument_ids.tolist()):
            days = gaps.axis.days[gaps.missing[row]]
            inside = np.zeros(len(days), dtype=np.bool_)
            for low, high in wanted[instrument_id]:
                inside |= (days >= low) & (days <= high)
            if inside.any():
                found[instrument_id] = days[inside]
        return found

    def _fetch(
        self,
        window: Window,
        by_id: Mapping[int, Instrument],
        period: Period,
        calendar: Int64Array,
        clock: MarketClock,
        outcomes: Mapping[int, Outcome],
    ) -> _Fetched:
        """Download one window and store what its first read-back shows."""
        part = _Fetched(window)
        symbols = [by_id[key].symbol for key in window.instrument_ids]
        label = f"{period.code} {day_date(window.first)} … {day_date(window.last)}"

        def report(progress: DownloadProgress) -> None:
            self._on_message(f"downloading {label}: {progress.finished}/{progress.total} {progress.symbol}")

        self._on_message(f"downloading {label}: {len(symbols)} instruments")
        try:
            self._gateway.download(
                symbols,
                TerminalPeriod(period.code),
                *_bounds(window),
                on_progress=report,
                deadline_seconds=get_marketdata_config().download_deadline_seconds,
            )
        except DownloadFailed as error:
            # What landed before the failure is on the terminal's disk and is kept.
            part.error = f"{type(error).__name__}: {error}"
            logger.warning("download of %s failed: %s", label, error)
        part.finished_at = time.monotonic()
        self._on_message(f"verifying {label}")
        self._read_back(part, window.instrument_ids, by_id, period, calendar, clock, outcomes)
        return part

    def _settle(
        self,
        part: _Fetched,
        by_id: Mapping[int, Instrument],
        period: Period,
        calendar: Int64Array,
        clock: MarketClock,
        outcomes: Mapping[int, Outcome],
    ) -> None:
        """Read incomplete instruments again until two reads agree: data may land after "finished"."""
        config = get_marketdata_config()
        give_up_at = part.finished_at + config.settle_deadline_seconds
        read_at = part.finished_at
        incomplete = self._incomplete(part, by_id, period, clock)
        while incomplete and not part.error and time.monotonic() < give_up_at:
            pause = read_at + config.settle_seconds - time.monotonic()
            if pause > 0:
                self._sleep(pause)
            before = {key: len(part.checked[key].rows) for key in incomplete}
            self._read_back(part, incomplete, by_id, period, calendar, clock, outcomes)
            read_at = time.monotonic()
            grown = [key for key in incomplete if len(part.checked[key].rows) != before[key]]
            if not grown:
                return
            incomplete = self._incomplete(part, by_id, period, clock, among=grown)

    def _look_around(
        self,
        part: _Fetched,
        by_id: Mapping[int, Instrument],
        period: Period,
        rounds: Mapping[int, int],
    ) -> None:
        """Judge a frame of nothing but padding together with the stored bars around it.

        A second round asks for suspended days alone, and those look like padding. Read with their neighbours, a
        terminal that really has the stretch shows bars on both sides.
        """
        for key, frame in list(part.checked.items()):
            if not frame.all_padding or rounds.get(key, 1) < 2:
                continue
            first, last = stored_neighbours(key, period, part.window.first, part.window.last)
            around = Window((key,), first, last)
            found = self._gateway.read_local([by_id[key].symbol], TerminalPeriod(period.code), *_bounds(around))
            days = calendar_days(first, last)
            labels = _DAILY_LABEL if period is Period.DAY_1 else minute_labels()
            bars = found.get(by_id[key].symbol)
            part.checked[key] = check_bars(pd.DataFrame() if bars is None else bars, Checks(period, days, labels))

    def _incomplete(
        self,
        part: _Fetched,
        by_id: Mapping[int, Instrument],
        period: Period,
        clock: MarketClock,
        among: Sequence[int] | None = None,
    ) -> list[int]:
        window = part.window
        keys = window.instrument_ids if among is None else among
        pair = [(window.first, window.last)]
        return list(self._missing(by_id, period, dict.fromkeys(keys, pair), clock))

    def _read_back(
        self,
        part: _Fetched,
        instrument_ids: Sequence[int],
        by_id: Mapping[int, Instrument],
        period: Period,
        calendar: Int64Array,
        clock: MarketClock,
        outcomes: Mapping[int, Outcome],
    ) -> None:
        window = part.window
        frames = self._gateway.read_local(
            [by_id[key].symbol for key in instrument_ids],
            TerminalPeriod(period.code),
            *_bounds(window),
        )
        days = calendar[(calendar >= window.first) & (calendar <= window.last)]
        labels = _DAILY_LABEL if period is Period.DAY_1 else minute_labels()
        for key in instrument_ids:
            frame = frames.get(by_id[key].symbol)
            raw = self._source.basis == Basis.RAW
            checks = Checks(period, days, labels, tick=by_id[key].tick if raw else None)
            part.checked[key] = check_bars(pd.DataFrame() if frame is None else frame, checks)
        self._store({key: part.checked[key] for key in instrument_ids}, period, clock, outcomes)

    def _store(
        self,
        checked: Mapping[int, CheckedFrame],
        period: Period,
        clock: MarketClock,
        outcomes: Mapping[int, Outcome],
    ) -> None:
        """Closed days straight into segments, the open day's finished minutes among the hot rows."""
        good = {key: item.rows for key, item in checked.items() if len(item.rows)}
        if not good:
            return
        rows = bars_of_frames(good)
        open_day = first_open_day(clock)
        days = day_numbers(rows.ts)
        closed = rows.take(days < open_day)
        if len(closed):
            log_differences(period=period, verified=closed)
            store.segments_merge(period=period, rows=closed)
            present = {key: np.unique(day_numbers(closed.ts[part])) for key, part in closed.group_slices()}
            for each in (Period.DAY_1, Period.MINUTE_1):
                evidence_withdraw(days=present, period=each)
        hot_count = 0
        if period is Period.MINUTE_1 and len(labels := open_day_labels(clock)):
            until = int(day_start_ts(open_day)) + int(labels[-1])
            hot = rows.take((days == open_day) & (rows.ts <= until))
            hot_count = len(hot)
            if hot_count:
                store.bars_upsert(period=period, rows=hot)
        logger.debug("stored %d closed and %d open rows", len(closed), hot_count)
        for key, frame in good.items():
            outcomes[key].rows = max(outcomes[key].rows, len(frame))

    def _conclude(
        self,
        fetched: Sequence[_Fetched],
        period: Period,
        outcomes: Mapping[int, Outcome],
        still: Mapping[int, Int64Array],
        unproven: Mapping[int, Unproven],
        open_day: int,
        clock: MarketClock,
    ) -> None:
        errors = {key: part.error for part in fetched for key in part.window.instrument_ids}
        troubles: dict[int, Counter[Trouble]] = {}
        for part in fetched:
            for key, frame in part.checked.items():
                troubles.setdefault(key, Counter()).update(frame.rejected + frame.findings)
        labels = open_day_labels(clock)
        verified = int(day_start_ts(open_day)) + int(labels[-1]) if len(labels) else None
        notes = []
        for key, counts in troubles.items():
            outcome = outcomes[key]
            if key in unproven:
                outcome.remaining = unproven[key].days
                outcome.error = unproven[key].reason
            open_read = not errors[key] and any(
                part.window.last >= open_day and key in part.checked for part in fetched
            )
            if not open_read and open_day in still.get(key, ()):
                outcome.remaining = np.append(outcome.remaining, open_day)
                outcome.error = outcome.error or errors[key]
            text = " ".join(f"{name}={number}" for name, number in sorted(counts.items()))
            notes.append(
                SyncNote(
                    instrument_id=key,
                    rows=outcome.rows,
                    note=" ".join(filter(None, [outcome.error, text])),
                    verified_until_ts=(verified if period is Period.MINUTE_1 and open_read else None),
                )
            )
        status_write(period=period, notes=notes)
        total: Counter[Trouble] = sum(troubles.values(), Counter())
        if total:
            text = " ".join(f"{name}={number}" for name, number in sorted(total.items()))
            logger.warning("checks of %d instruments, %s bars: %s", len(troubles), period.code, text)


# ------------------------------------------------------------------------------- helpers
def bars_of_frames(frames: Mapping[int, pd.DataFrame]) -> QuoteColumns:
    """Join checked frames of the gateway's shape into rows of the store."""
    joined = pd.concat(frames.values(), ignore_index=True)
    ids = np.repeat(np.fromiter(frames, dtype=np.int64), [len(frame) for frame in frames.values()])
    return QuoteColumns.build(
        BAR,
        instrument_id=ids,
        ts=joined["time"].to_numpy(np.int64),
        columns={
            **{name: joined[name].to_numpy(np.float64) for name in ("open", "high", "low", "close")},
            "volume": joined["volume"].to_numpy(np.int64),
            "amount": np.ma.masked_invalid(joined["amount"].to_numpy(np.float64)),
            "pre_close": np.ma.masked_invalid(joined["pre_close"].to_numpy(np.float64)),
            "suspended": joined["suspended"].to_numpy() == 1,
        },
    )


def stored_neighbours(instrument_id: int, period: Period, first: int, last: int) -> tuple[int, int]:
    """The nearest days with stored bars around a window (day numbers); the window's own end where there is none."""
    sealed = QuoteSegment.objects.filter(instrument_id=instrument_id, period=period)
    low, high = int(day_start_ts(first)), int(day_start_ts(last)) + DAY_MS - 1
    before = sealed.filter(first_ts__lt=low).order_by("-bucket").values_list("bucket", flat=True).first()
    after = sealed.filter(last_ts__gt=high).order_by("bucket").values_list("bucket", flat=True).first()
    if before is not None:
        start = int(day_start_ts(bucket_first_day(period, before)))
        stamps = reader.read_bars([instrument_id], period, start, low - 1, columns=[]).ts
        first = int(day_numbers(stamps)[-1]) if len(stamps) else first
    if after is not None:
        end = int(day_start_ts(bucket_first_day(period, after) + bucket_days(period)))
        stamps = reader.read_bars([instrument_id], period, high + 1, end, columns=[]).ts
        last = int(day_numbers(stamps)[0]) if len(stamps) else last
    return first, last


def _bounds(window: Window) -> tuple[str, str]:
    """A window as the terminal wants it, whole days to the second."""
    return f"{day_date(window.first):%Y%m%d}000000", f"{day_date(window.last):%Y%m%d}235959"
