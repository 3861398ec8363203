"""Which of the days that are still missing after a round are proven holes, and which need another round.

A hole is proven by a download that succeeded and a read-back that still lacks the day. Whatever leaves doubt, an
error, an answer of padding, a rejected row, an answer without a single row, costs another round first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from django.db.models import Min

from marketdata.choices import EvidenceReason, RepairTrouble
from marketdata.config import get_marketdata_config
from marketdata.models import InstrumentDay, SourceDepth
from marketdata.quotes import reader
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import (
    DAY_MS,
    Int64Array,
    Period,
    day_date,
    day_number,
    day_numbers,
    day_start_ts,
    ts_date,
)
from marketdata.services.evidence import EMPTY_REASONS, Proof, evidence_in_force
from marketdata.services.validation import Verdict
from marketdata.services.windows import Window
from ops.clocks import wall_now

# What an answer lacks at its end, or in full, is believed when a second download in a row brought nothing new either.
REPEATS_TO_BELIEVE = 1
# Fewer empty days than this before the first minute are gaps, not the end of the source's history.
MIN_DEPTH_DAYS = 3

_EMPTY = "EMPTY"
_NO_MINUTES = "no minutes of a day that traded"

Download = tuple[Window, str, Mapping[int, Verdict]]


@dataclass(slots=True)
class Unproven:
    """Days that need another round, and why."""

    days: Int64Array
    reason: str

    @property
    def trouble(self) -> RepairTrouble:
        """The kind of doubt, when the download itself went through."""
        return RepairTrouble.EMPTY if self.reason.startswith(_EMPTY) else RepairTrouble.UNVERIFIED


@dataclass(slots=True)
class _Ruling:
    """Sorting of one instrument's missing days."""

    proven: dict[tuple[EvidenceReason, str], list[int]] = field(default_factory=dict)
    doubtful: dict[int, str] = field(default_factory=dict)

    def prove(self, day: int, reason: EvidenceReason, detail: str = "") -> None:
        self.proven.setdefault((reason, detail), []).append(day)


def prove_holes(
    *,
    missing: Mapping[int, Int64Array],
    before: Mapping[int, Int64Array],
    period: Period,
    downloads: Sequence[Download],
    rounds: Mapping[int, int],
    repeats: Mapping[int, int],
    host: str,
) -> tuple[list[Proof], dict[int, Unproven]]:
    """Judge missing closed days.

    Parameters
    ----------
    missing, before
        Day numbers per instrument id, after the round and before it.
    downloads
        What was fetched in this round: window, error text, what the checks said per instrument id.
    rounds, repeats
        Number of this round per instrument id, and how many before it in a row went well and brought nothing new.
    """
    rulings = {key: _Ruling() for key in missing}
    explained = _Explanations.load(missing, period)
    for key, days in missing.items():
        for window, error, checked in downloads:
            if key not in checked:
                continue
            inside = days[(days >= window.first) & (days <= window.last)]
            wanted = before.get(key, days)
            grew = len(inside) < int(((wanted >= window.first) & (wanted <= window.last)).sum())
            repeated = not grew and repeats.get(key, 0) >= REPEATS_TO_BELIEVE
            last_round = repeated and rounds.get(key, 1) >= get_marketdata_config().repair.attempts
            _judge(rulings[key], inside, error, checked[key], explained, key, repeated=repeated, last_round=last_round)
    proofs = [
        Proof(key, np.array(days, dtype=np.int64), reason, detail)
        for key, ruling in rulings.items()
        for (reason, detail), days in ruling.proven.items()
    ]
    if period is not Period.DAY_1:
        _record_depth(proofs, period, host)
    unproven = {
        key: Unproven(
            np.array(sorted(ruling.doubtful), dtype=np.int64),
            next(iter(ruling.doubtful.values())),
        )
        for key, ruling in rulings.items()
        if ruling.doubtful
    }
    return proofs, unproven


def _judge(
    ruling: _Ruling,
    days: Int64Array,
    error: str,
    answer: Verdict,
    explained: _Explanations,
    key: int,
    *,
    repeated: bool,
    last_round: bool,
) -> None:
    for day in days.tolist():
        if error:
            ruling.doubtful[day] = error
        elif answer.all_padding:
            ruling.doubtful[day] = "PADDING_ONLY: every row the terminal gave was padding"
        elif day in answer.doubtful_days:
            if _is_suspension(answer, day, last_round=last_round) or (key, day) in explained.suspended:
                ruling.prove(day, EvidenceReason.SUSPENDED, "suspendFlag")
            else:
                troubles = ", ".join(sorted(answer.rejected))
                ruling.doubtful[day] = f"ROWS_REJECTED: {troubles}"
        elif answer.row_count == 0 and not repeated:
            ruling.doubtful[day] = f"{_EMPTY}: the terminal gave no row at all"
        else:
            # A download can say "finished" and have landed in part: a hole with bars on both sides in the same answer is
            # believed at once, one at its end when asking again brought nothing more.
            between = answer.span is not None and answer.span[0] < day < answer.span[1]
            explained.judge(ruling, key, day, confirmed=between or repeated, last_round=last_round)


def _is_suspension(answer: Verdict, day: int, *, last_round: bool) -> bool:
    """Whether rows marked as suspended are believed: at once between real bars, else when every round brought them."""
    if answer.filled or day not in answer.suspended_days:
        return False
    return last_round or day in answer.between_days


class _Explanations:
    """What else is known about the missing days: suspensions, day bars, minutes already stored."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self.suspended: set[tuple[int, int]] = set()
        self.day_volume: dict[tuple[int, int], int] = {}
        self.minutes: dict[tuple[int, int], tuple[int, int]] = {}
        self.day_evidence: dict[int, list[tuple[int, int, str]]] = {}

    @classmethod
    def load(cls, missing: Mapping[int, Int64Array], period: Period) -> _Explanations:
        known = cls(period)
        if not missing:
            return known
        ids = list(missing)
        known.suspended = {
            (instrument_id, day_number(day))
            for instrument_id, day in InstrumentDay.objects.filter(instrument_id__in=ids, suspended=True).values_list(
                "instrument_id", "trade_date"
            )
        }
        if period is Period.DAY_1:
            return known
        first = min(int(days[0]) for days in missing.values())
        last = max(int(days[-1]) for days in missing.values())
        span = int(day_start_ts(first)), int(day_start_ts(last)) + DAY_MS - 1
        days = reader.read_bars(ids, Period.DAY_1, *span, columns=["volume"])
        keys = zip(days.instrument_id.tolist(), day_numbers(days.ts).tolist(), strict=True)
        known.day_volume = dict(zip(keys, days.values["volume"].tolist(), strict=True))
        minutes = reader.read_bars(ids, period, *span, columns=["volume"])
        numbers = day_numbers(minutes.ts)
        for instrument_id, part in minutes.group_slices():
            for day in np.intersect1d(numbers[part], missing[instrument_id]).tolist():
                hit = minutes.values["volume"][part][numbers[part] == day]
                known.minutes[instrument_id, day] = (len(hit), int(hit.sum()))
        for instrument_id, low, high, reason in evidence_in_force(ids, Period.DAY_1, day_date(first), day_date(last)):
            if reason in EMPTY_REASONS:
                known.day_evidence.setdefault(instrument_id, []).append((low, high, reason))
        return known

    def judge(self, ruling: _Ruling, key: int, day: int, *, confirmed: bool, last_round: bool) -> None:
        """Judge a day that a clean, successful answer lacks, in part or in full."""
        if (key, day) in self.suspended:
            ruling.prove(day, EvidenceReason.SUSPENDED, "instrument detail of the day")
        elif self.period is Period.DAY_1 and confirmed:
            ruling.prove(day, EvidenceReason.SOURCE_EMPTY)
        elif self.period is Period.DAY_1:
            ruling.doubtful[day] = "UNCONFIRMED: the answer ended before this day; it is asked for once more"
        else:
            self._judge_minutes(ruling, key, day, last_round=last_round)

    def _judge_minutes(self, ruling: _Ruling, key: int, day: int, *, last_round: bool) -> None:
        rows, volume = self.minutes.get((key, day), (0, 0))
        traded = self.day_volume.get((key, day))
        if traded is None:
            reason = self._day_reason(key, day)
            if rows or reason is None:
                ruling.doubtful[day] = "DAY_BAR_MISSING: minutes cannot be verified without it"
            else:
                ruling.prove(day, reason, "as the day bar")
        elif rows and volume == traded:
            ruling.prove(day, EvidenceReason.NO_TRADE, f"{rows} minutes hold the whole volume")
        elif last_round:
            detail = f"{rows} minutes hold {volume} of the day's {traded}" if rows else _NO_MINUTES
            ruling.prove(day, EvidenceReason.SOURCE_EMPTY, detail)
        else:
            ruling.doubtful[day] = f"VOLUME_DIFFERS: minutes={volume} day={traded} rows={rows}"

    def _day_reason(self, key: int, day: int) -> EvidenceReason | None:
        for low, high, reason in self.day_evidence.get(key, ()):
            if low <= day <= high:
                return EvidenceReason(reason)
        return None


def _record_depth(proofs: Sequence[Proof], period: Period, host: str) -> None:
    """Note the end of the source's minute history: older days traded, and no minute of them is served."""
    ids = [proof.instrument_id for proof in proofs]
    first_ts = QuoteSegment.objects.filter(period=period, instrument_id__in=ids).aggregate(first_ts=Min("first_ts"))[
        "first_ts"
    ]
    if first_ts is None:
        return
    oldest = ts_date(first_ts)
    empty_before = {
        day
        for proof in proofs
        if proof.detail.startswith(_NO_MINUTES)
        for day in proof.days.tolist()
        if day < day_number(oldest)
    }
    if len(empty_before) < MIN_DEPTH_DAYS:
        return
    now = wall_now()
    SourceDepth.objects.update_or_create(
        host=host,
        period=period.code,
        defaults={
            "first_date": oldest,
            "recorded_at": now,
            "recheck_at": now + timedelta(days=get_marketdata_config().repair.recheck_days[0]),
        },
    )
