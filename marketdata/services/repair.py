"""One round of repair: download, read back, validate, store, prove what the source lacks.

The database is the truth between the steps: what a round achieved is found by scanning again, so a round that was cut
short loses nothing and the next one fetches only what is still missing.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pandas as pd

from marketdata.choices import Basis, RepairTrouble
from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes import store
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.periods import Int64Array, Period, day_date, day_numbers, day_start_ts
from marketdata.services.ahead import DownloadAhead
from marketdata.services.axis import calendar_days, first_open_day, minute_labels, open_day_labels
from marketdata.services.differences import differences_keep
from marketdata.services.evidence import evidence_record, evidence_withdraw, runs
from marketdata.services.figures import Counting
from marketdata.services.gaps import find_gaps
from marketdata.services.landed import Landed, stored_neighbours
from marketdata.services.outcome import Outcome, Source, Wanted
from marketdata.services.proofs import Unproven, prove_holes
from marketdata.services.status import SyncNote, status_write
from marketdata.services.tickrepair import repair_ticks
from marketdata.services.validation import Checked, Checks, Trouble, Verdict, check_bars
from marketdata.services.windows import Window, plan_windows
from ops.clocks import MarketClock
from qmt.errors import DownloadFailed, DownloadThrottled
from qmt.gateway import DownloadProgress, QuoteGateway
from qmt.gateway import Period as TerminalPeriod

logger = logging.getLogger(__name__)

_DAILY_LABEL = np.zeros(1, dtype=np.int64)
_NO_BARS = pd.DataFrame()


@dataclass(frozen=True, slots=True)
class Repairer:
    """Runs rounds against one terminal.

    Attributes
    ----------
    gateway
        A connected quote session.
    clock
        Reads the host's market clock.
    on_message
        Told what is going on, for people; may be called often.
    sleep
        Waits between read-backs; replaced in tests.
    before_call
        Waits for the next download call's turn.
    counting
        Where calls and writes are counted.
    """

    gateway: QuoteGateway
    source: Source
    clock: Callable[[], MarketClock]
    on_message: Callable[[str], None] = lambda _message: None
    sleep: Callable[[float], None] = time.sleep
    before_call: Callable[[], object] = lambda: None
    counting: Counting = field(default_factory=Counting)

    def repair(
        self,
        *,
        instruments: Sequence[Instrument],
        period: Period,
        ranges: Wanted,
        rounds: Mapping[int, int],
        repeats: Mapping[int, int],
    ) -> dict[int, Outcome]:
        """Do one round.

        Parameters
        ----------
        ranges
            What is wanted; what is there already is left out.
        rounds
            Number of this round per instrument id, from 1.
        repeats
            `Outcome.repeats` of the round before per instrument id: some holes are believed only when seen twice.

        Raises
        ------
        TerminalDown, DownloadThrottled
            What landed before is stored.
        """
        by_id = {instrument.pk: instrument for instrument in instruments}
        if period is not Period.DAY_1:
            # Minute days are verified against day bars, so those come first.
            _Round(self, by_id, Period.DAY_1, ranges, rounds, repeats).run()
        if period is Period.TICK:
            return repair_ticks(self, by_id, ranges, rounds)
        return _Round(self, by_id, period, ranges, rounds, repeats).run()


@dataclass(slots=True)
class _Fetched:
    """What one window brought; the settling re-reads add to it."""

    window: Window
    error: str = ""
    finished_at: float = 0.0
    verdicts: dict[int, Verdict] = field(default_factory=dict)


class _Round:
    """One period of one round."""

    def __init__(
        self,
        repairer: Repairer,
        by_id: Mapping[int, Instrument],
        period: Period,
        wanted: Wanted,
        rounds: Mapping[int, int],
        repeats: Mapping[int, int],
    ) -> None:
        self.repairer = repairer
        self.gateway = repairer.gateway
        self.source = repairer.source
        self.by_id = by_id
        self.period = period
        self.wanted = wanted
        self.rounds = rounds
        self.repeats = repeats
        self.clock = repairer.clock()
        self.open_day = first_open_day(self.clock)
        every = list(chain.from_iterable(wanted.values()))
        self.calendar = calendar_days(min(pair[0] for pair in every), max(pair[1] for pair in every))
        self.outcomes = {key: Outcome(repeats=repeats.get(key, 0)) for key in wanted}

    def run(self) -> dict[int, Outcome]:
        missing = self.missing(self.wanted)
        if not missing:
            return self.outcomes
        ranges = {key: runs(days, self.calendar) for key, days in missing.items()}
        fetched = self.fetch(plan_windows(ranges, self.period, self.calendar))
        for part in fetched:
            self.settle(part)
            self.look_around(part)
        still = self.missing(self.wanted)
        proofs, unproven = prove_holes(
            missing=_closed(still, self.open_day),
            before=missing,
            period=self.period,
            downloads=[(part.window, part.error, part.verdicts) for part in fetched],
            rounds=self.rounds,
            repeats=self.repeats,
            host=self.source.host,
        )
        evidence_record(
            proofs=proofs,
            period=self.period,
            calendar=self.calendar,
            host=self.source.host,
            sdk_version=self.source.sdk_version,
        )
        self.count_repeats(fetched, missing, still)
        self.conclude(fetched, still, unproven)
        return self.outcomes

    def missing(self, wanted: Wanted) -> dict[int, Int64Array]:
        """Missing day numbers per instrument id, inside what is wanted."""
        every = list(chain.from_iterable(wanted.values()))
        gaps = find_gaps(
            [self.by_id[key] for key in wanted],
            self.period,
            day_date(min(pair[0] for pair in every)),
            day_date(max(pair[1] for pair in every)),
            clock=self.clock,
        )
        found: dict[int, Int64Array] = {}
        for row, key in enumerate(gaps.instrument_ids.tolist()):
            days = gaps.axis.days[gaps.missing[row]]
            inside = np.zeros(len(days), dtype=np.bool_)
            for low, high in wanted[key]:
                inside |= (days >= low) & (days <= high)
            if inside.any():
                found[key] = days[inside]
        return found

    # ------------------------------------------------------------------- download and read back
    def fetch(self, windows: Sequence[Window]) -> list[_Fetched]:
        """Download windows and store what their first read-back shows; each is stored while the next one is downloaded."""
        fetched: list[_Fetched] = []
        seconds = get_marketdata_config().repair.download_deadline_seconds
        period = TerminalPeriod(self.period.code)
        with DownloadAhead(self.gateway, period, seconds, self.repairer.counting) as ahead:
            for place, window in enumerate(windows):
                if place == 0:
                    self.begin(ahead, window)
                part = _Fetched(window)
                self.finish(ahead, part)
                landed = self.read(window.instrument_ids, window.first, window.last)
                if place + 1 < len(windows):
                    self.begin(ahead, windows[place + 1])
                self.take(part, landed)
                fetched.append(part)
        return fetched

    def begin(self, ahead: DownloadAhead, window: Window) -> None:
        """Start a window's download when it is its turn."""
        self.repairer.before_call()
        ahead.begin(self.symbols(window.instrument_ids), *_bounds(window.first, window.last))

    def finish(self, ahead: DownloadAhead, part: _Fetched) -> None:
        """Wait for a window's download; a failure is noted, except those that end the round."""
        label = f"{self.period.code} {day_date(part.window.first)} … {day_date(part.window.last)}"

        def report(progress: DownloadProgress) -> None:
            self.repairer.on_message(f"downloading {label}: {progress.finished}/{progress.total} {progress.symbol}")

        self.repairer.on_message(f"downloading {label}: {len(part.window.instrument_ids)} instruments")
        try:
            ahead.finish(report)
        except DownloadThrottled:
            # The terminal wants its rest now; what landed is kept, the rest of the round is for later.
            self.read_back(part, part.window.instrument_ids)
            raise
        except DownloadFailed as error:
            # What landed before the failure is on the terminal's disk and is kept.
            part.error = f"{type(error).__name__}: {error}"
            logger.warning("download of %s failed: %s", label, error)
        part.finished_at = time.monotonic()
        self.repairer.on_message(f"verifying {label}")

    def settle(self, part: _Fetched) -> None:
        """Read incomplete instruments again until two reads agree: data may land after "finished"."""
        config = get_marketdata_config().repair
        give_up_at = part.finished_at + config.settle_deadline_seconds
        read_at = part.finished_at
        incomplete = self.incomplete(part, part.window.instrument_ids)
        while incomplete and not part.error and time.monotonic() < give_up_at:
            pause = read_at + config.settle_seconds - time.monotonic()
            if pause > 0:
                self.repairer.sleep(pause)
            before = {key: part.verdicts[key].row_count for key in incomplete}
            self.read_back(part, incomplete)
            read_at = time.monotonic()
            grown = [key for key in incomplete if part.verdicts[key].row_count != before[key]]
            incomplete = self.incomplete(part, grown)

    def incomplete(self, part: _Fetched, keys: Iterable[int]) -> list[int]:
        """Those of the instruments that still lack a day of the window."""
        pair = [(part.window.first, part.window.last)]
        wanted = dict.fromkeys(keys, pair)
        return list(self.missing(wanted)) if wanted else []

    def look_around(self, part: _Fetched) -> None:
        """Judge an answer of nothing but padding together with the stored bars around it.

        A second round asks for suspended days alone, and those look like padding. Read with their neighbours, a
        terminal that really has the stretch shows bars on both sides.
        """
        for key, verdict in list(part.verdicts.items()):
            if verdict.all_padding and self.rounds.get(key, 1) > 1:
                first, last = stored_neighbours(key, self.period, part.window.first, part.window.last)
                part.verdicts[key] = self.check(self.read([key], first, last), first, last).verdicts[key]

    def read_back(self, part: _Fetched, keys: Sequence[int]) -> None:
        """Read what landed of a window, check it and store what is good."""
        self.take(part, self.read(keys, part.window.first, part.window.last))

    def take(self, part: _Fetched, landed: Landed) -> None:
        """Check what was read of a window and store what is good; the verdicts alone are kept."""
        checked = self.check(landed, part.window.first, part.window.last)
        self.store(checked.rows)
        for key, verdict in checked.verdicts.items():
            self.outcomes[key].rows = max(self.outcomes[key].rows, verdict.row_count)
        part.verdicts.update(checked.verdicts)

    def read(self, keys: Sequence[int], first: int, last: int) -> Landed:
        """Read bars between two days, both included, from the terminal's disk."""
        frames = self.gateway.read_local(self.symbols(keys), TerminalPeriod(self.period.code), *_bounds(first, last))
        return Landed.of_frames({key: frames.get(self.by_id[key].symbol, _NO_BARS) for key in keys})

    def check(self, landed: Landed, first: int, last: int) -> Checked:
        """Check bars between two days, both included."""
        labels = _DAILY_LABEL if self.period is Period.DAY_1 else minute_labels(self.period)
        raw = self.source.basis == Basis.RAW
        ticks = {key: tick for key in landed.instrument_ids.tolist() if raw and (tick := self.by_id[key].tick)}
        units = {key: self.by_id[key].volume_unit for key in ticks}
        return check_bars(landed, Checks(calendar_days(first, last), labels, ticks, units))

    def symbols(self, keys: Iterable[int]) -> list[str]:
        return [self.by_id[key].symbol for key in keys]

    # -------------------------------------------------------------------------------- store
    def store(self, rows: QuoteColumns) -> None:
        """Closed days straight into segments, the open day's finished minutes among the hot rows."""
        days = day_numbers(rows.ts)
        past = days < self.open_day
        closed = rows if past.all() else rows.take(past)
        if len(closed):
            differences_keep(period=self.period, verified=closed, host=self.source.host)
            with self.repairer.counting.timing(count="writes", seconds="write_seconds"):
                store.segments_merge(period=self.period, rows=closed)
            present = {key: np.unique(days[past][part]) for key, part in closed.group_slices()}
            # A day with bars of one period cannot be empty in the others.
            for each in (Period.DAY_1, Period.MINUTE_1, Period.MINUTE_5):
                evidence_withdraw(days=present, period=each)
        until = self.due_until()
        if until is not None:
            hot = rows.take((days == self.open_day) & (rows.ts <= until))
            if len(hot):
                store.bars_upsert(period=self.period, rows=hot)

    def due_until(self) -> int | None:
        """Stamp of the open day's last finished minute bar; None when there is none."""
        if self.period is Period.DAY_1 or not len(labels := open_day_labels(self.clock, self.period)):
            return None
        return int(day_start_ts(self.open_day)) + int(labels[-1])

    # ----------------------------------------------------------------------------- conclude
    def count_repeats(
        self, fetched: Sequence[_Fetched], before: Mapping[int, Int64Array], still: Mapping[int, Int64Array]
    ) -> None:
        """Count the rounds that went well and brought no new day; a failed one says nothing either way."""
        troubled = {
            key for part in fetched for key, verdict in part.verdicts.items() if part.error or verdict.all_padding
        }
        for key, days in before.items():
            if len(still.get(key, ())) < len(days):
                self.outcomes[key].repeats = 0
            elif key not in troubled:
                self.outcomes[key].repeats += 1

    def conclude(
        self, fetched: Sequence[_Fetched], still: Mapping[int, Int64Array], unproven: Mapping[int, Unproven]
    ) -> None:
        """Fill in the outcomes and write the status rows."""
        until = self.due_until()
        open_read = {
            key
            for part in fetched
            for key in part.verdicts
            if not part.error and part.window.first <= self.open_day <= part.window.last
        }
        errors = {key: part.error for part in fetched for key in part.verdicts if part.error}
        troubles: dict[int, Counter[Trouble]] = {}
        for part in fetched:
            for key, verdict in part.verdicts.items():
                troubles.setdefault(key, Counter()).update(verdict.rejected + verdict.findings)
        notes = []
        for key, counts in troubles.items():
            outcome = self.outcomes[key]
            if key in unproven:
                outcome.remaining, outcome.error = unproven[key].days, unproven[key].reason
                outcome.trouble = RepairTrouble.DOWNLOAD_FAILED if key in errors else unproven[key].trouble
            # Minutes of the open day that a clean read lacks had no trade: nothing remains to be fetched.
            if key not in open_read and self.open_day in still.get(key, ()):
                outcome.remaining = np.append(outcome.remaining, self.open_day)
                outcome.error = outcome.error or errors.get(key, "the open day could not be read")
                outcome.trouble = outcome.trouble or RepairTrouble.DOWNLOAD_FAILED
            text = " ".join(filter(None, [outcome.error, _counts_text(counts)]))
            notes.append(SyncNote(key, outcome.rows, text, until if key in open_read else None))
        status_write(period=self.period, host=self.source.host, notes=notes)
        if total := sum(troubles.values(), Counter[Trouble]()):
            logger.warning("checks of %d instruments, %s bars: %s", len(notes), self.period.code, _counts_text(total))


def _counts_text(counts: Counter[Trouble]) -> str:
    return " ".join(f"{name}={number}" for name, number in sorted(counts.items()))


def _closed(missing: Mapping[int, Int64Array], open_day: int) -> dict[int, Int64Array]:
    """Without the open day, whose holes prove nothing yet."""
    closed = {key: days[days < open_day] for key, days in missing.items()}
    return {key: days for key, days in closed.items() if len(days)}


def _bounds(first: int, last: int) -> tuple[str, str]:
    """Two days as the terminal wants them, whole to the second."""
    return f"{day_date(first):%Y%m%d}000000", f"{day_date(last):%Y%m%d}235959"
