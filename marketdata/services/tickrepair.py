"""One round of repair for ticks: download a day, read it back, check it, store it, prove what the source lacks."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from marketdata.choices import EvidenceReason
from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes import store
from marketdata.quotes.columns import TICK, QuoteColumns
from marketdata.quotes.models import RawTick
from marketdata.quotes.periods import DAY_MS, Int64Array, Period, day_date, day_numbers, day_start_ts
from marketdata.services.axis import calendar_days
from marketdata.services.evidence import Proof, evidence_record, evidence_withdraw
from marketdata.services.outcome import Outcome, Wanted
from marketdata.services.status import SyncNote, status_write
from marketdata.services.tickdays import missing_tick_days
from qmt.errors import DownloadFailed, DownloadThrottled
from qmt.gateway import Period as TerminalPeriod

if TYPE_CHECKING:
    from marketdata.services.repair import Repairer

logger = logging.getLogger(__name__)


def repair_ticks(
    repairer: Repairer, by_id: Mapping[int, Instrument], wanted: Wanted, rounds: Mapping[int, int]
) -> dict[int, Outcome]:
    """Do one round; the daily bars that tell when a day is whole have been repaired before.

    Raises
    ------
    TerminalDown, DownloadThrottled
        What landed before is stored.
    """
    outcomes = {key: Outcome() for key in wanted}
    missing = _missing(repairer, by_id, wanted)
    errors: dict[int, str] = {}
    for day in sorted(set(chain.from_iterable(days.tolist() for days in missing.values()))):
        keys = [key for key, days in missing.items() if day in days]
        size = get_marketdata_config().repair.batch_symbols
        for at in range(0, len(keys), size):
            _fetch(repairer, [by_id[key] for key in keys[at : at + size]], day, outcomes, errors)
    still = _missing(repairer, by_id, wanted)
    _conclude(repairer, still, rounds, outcomes, errors)
    return outcomes


def tick_rows(frames: Mapping[int, pd.DataFrame], day: int) -> QuoteColumns:
    """A terminal's ticks of one day as rows of the store; what does not belong to the day is left out.

    Parameters
    ----------
    frames
        As `QuoteGateway.read_ticks` returns them, per instrument id. Equal stamps are numbered in the order they came.
    """
    parts = []
    for instrument_id, frame in frames.items():
        if frame.empty:
            continue
        frame = frame.sort_values("time", kind="stable", ignore_index=True)
        stamps = frame["time"].to_numpy(np.int64)
        good = (day_numbers(stamps) == day) & (frame["volume"].to_numpy() >= 0)
        good &= np.isfinite(frame[["last", "amount"]].to_numpy(np.float64)).all(axis=1)
        if not good.any():
            continue
        frame, stamps = frame[good], stamps[good]
        columns = {name: frame[name].to_numpy() for name in TICK.names if name in frame.columns}
        columns["seq"] = _numbers(stamps)
        parts.append(QuoteColumns.build(TICK, instrument_id=instrument_id, ts=stamps, columns=columns))
    return QuoteColumns.concat(parts) if parts else QuoteColumns.empty(TICK)


def _numbers(stamps: Int64Array) -> Int64Array:
    """Number of each tick among those of its stamp, from 0; the stamps ascend."""
    places = np.arange(stamps.size)
    begins = np.append(True, np.diff(stamps) != 0)
    numbers: Int64Array = places - np.maximum.accumulate(np.where(begins, places, 0))
    return numbers


def _missing(repairer: Repairer, by_id: Mapping[int, Instrument], wanted: Wanted) -> dict[int, Int64Array]:
    every = list(chain.from_iterable(wanted.values()))
    first, last = min(pair[0] for pair in every), max(pair[1] for pair in every)
    found = missing_tick_days([by_id[key] for key in wanted], first, last, repairer.clock())
    inside = {}
    for key, days in found.items():
        keep = np.zeros(len(days), dtype=np.bool_)
        for low, high in wanted[key]:
            keep |= (days >= low) & (days <= high)
        if keep.any():
            inside[key] = days[keep]
    return inside


def _fetch(
    repairer: Repairer,
    instruments: Sequence[Instrument],
    day: int,
    outcomes: dict[int, Outcome],
    errors: dict[int, str],
) -> None:
    config = get_marketdata_config().repair
    label = f"{day_date(day):%Y%m%d}"
    symbols = [instrument.symbol for instrument in instruments]
    repairer.on_message(f"downloading ticks of {label}: {len(symbols)} instruments")
    repairer.before_call()
    try:
        repairer.gateway.download(
            symbols,
            TerminalPeriod.TICK,
            f"{label}000000",
            f"{label}235959",
            deadline_seconds=config.download_deadline_seconds,
        )
    except DownloadThrottled:
        raise
    except DownloadFailed as error:
        # What landed before the failure is on the terminal's disk and is kept.
        errors.update(dict.fromkeys((item.pk for item in instruments), f"{type(error).__name__}: {error}"))
        logger.warning("download of ticks of %s failed: %s", label, error)
    give_up_at = time.monotonic() + config.settle_deadline_seconds
    before = -1
    while True:
        rows = _read(repairer, instruments, day)
        if len(rows) == before or (len(rows) and _all_whole(repairer, instruments, rows, day)):
            break
        # "Finished" does not mean landed: read again until two reads agree.
        before = len(rows)
        if time.monotonic() >= give_up_at:
            break
        repairer.sleep(config.settle_seconds)
    for key, part in rows.group_slices():
        outcomes[key].rows += part.stop - part.start


def _read(repairer: Repairer, instruments: Sequence[Instrument], day: int) -> QuoteColumns:
    """Read back what landed of a day and store it."""
    label = f"{day_date(day):%Y%m%d}"
    frames = repairer.gateway.read_ticks([item.symbol for item in instruments], f"{label}000000", f"{label}235959")
    rows = tick_rows({item.pk: frames[item.symbol] for item in instruments if item.symbol in frames}, day)
    if len(rows):
        store.segments_merge(period=Period.TICK, rows=rows)
        keys = np.unique(rows.instrument_id).tolist()
        # Captured ticks of the day go: of what both have the terminal's win, and what it lacks did not happen.
        start = int(day_start_ts(day))
        RawTick.objects.filter(instrument_id__in=keys, ts__range=(start, start + DAY_MS - 1)).delete()
        evidence_withdraw(
            days={key: np.array([day], dtype=np.int64) for key in keys},
            period=Period.TICK,
        )
    return rows.normalised()


def _all_whole(repairer: Repairer, instruments: Sequence[Instrument], rows: QuoteColumns, day: int) -> bool:
    return not missing_tick_days(instruments, day, day, repairer.clock())


def _conclude(
    repairer: Repairer,
    still: Mapping[int, Int64Array],
    rounds: Mapping[int, int],
    outcomes: dict[int, Outcome],
    errors: Mapping[int, str],
) -> None:
    proofs = []
    notes = []
    for key, outcome in outcomes.items():
        days = still.get(key)
        if days is not None:
            if key not in errors and rounds.get(key, 1) > 1:
                # Seen twice: the source has no more of these days than what is stored.
                proofs.append(Proof(key, days, EvidenceReason.SOURCE_EMPTY, "its ticks do not reach the day's volume"))
            else:
                outcome.remaining = days
                outcome.error = errors.get(key, "the ticks do not reach the day's volume")
        notes.append(SyncNote(key, outcome.rows, outcome.error))
    if proofs:
        every = np.concatenate([proof.days for proof in proofs])
        evidence_record(
            proofs=proofs,
            period=Period.TICK,
            calendar=calendar_days(int(every.min()), int(every.max())),
            host=repairer.source.host,
            sdk_version=repairer.source.sdk_version,
        )
    status_write(period=Period.TICK, host=repairer.source.host, notes=notes)
