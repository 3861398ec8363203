"""Works the repair queue: claims a batch, runs one round, writes what came of it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import numpy as np
from django.db import DatabaseError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from marketdata.choices import RepairTrouble
from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes.errors import SegmentConflict
from marketdata.quotes.periods import Period
from marketdata.services.axis import calendar_days
from marketdata.services.evidence import runs
from marketdata.services.figures import Counting
from marketdata.services.outcome import Outcome, Source
from marketdata.services.pace import Pace
from marketdata.services.progress import jobs_refresh
from marketdata.services.queue import Claim, Ended, failures_over, items_claim, items_end, items_release
from marketdata.services.repair import Repairer
from marketdata.services.sharing import helpers, reach_of
from marketdata.services.status import status_fail
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import MarketClock, wall_now
from qmt.errors import DownloadThrottled, QmtError, TerminalDown
from qmt.gateway import QuoteGateway

logger = logging.getLogger(__name__)

MESSAGE_INTERVAL_SECONDS = 0.5
#: A terminal that complains so often in a row is worth a person's attention.
COMPLAINTS_TO_TELL = 3


class RepairRunner:
    """Works the shared queue with one host's terminal, a batch at a time, on the caller's thread.

    Parameters
    ----------
    holder
        Names this process in leases.
    pace, counting
        How often the terminal may be asked, and what is counted; kept by the caller over several runners.
    """

    def __init__(
        self,
        *,
        gateway: QuoteGateway,
        source: Source,
        holder: str,
        clock: Callable[[], MarketClock],
        sleep: Callable[[float], None] = time.sleep,
        pace: Pace | None = None,
        counting: Counting | None = None,
    ) -> None:
        self._gateway = gateway
        self._source = source
        self._holder = holder
        self._clock = clock
        self._sleep = sleep
        self._counting = counting or Counting()
        self._pace = pace or Pace(lambda: get_marketdata_config().repair, sleep=sleep)

    def run_batch(self) -> int:
        """Claim and work one batch; returns how many items it had, 0 when nothing is due or the terminal is to rest.

        Raises
        ------
        TerminalDown
            The batch was given back to the queue, where another host may take it.
        """
        if self._pace.resting_seconds():
            return 0
        reach = reach_of(self._source.host, self._clock())
        claims = items_claim(
            reach=reach,
            holder=self._holder,
            limit=get_marketdata_config().repair.batch_symbols,
            helpers=helpers(reach),
        )
        if not claims:
            return 0
        item_ids = [claim.item_id for claim in claims]
        try:
            outcomes = self._round(claims)
        except TerminalDown as error:
            items_release(holder=self._holder, trouble=RepairTrouble.CONNECTION, error=str(error))
            jobs_refresh(item_ids, message=f"the terminal of {self._source.host} is down; waiting for it", force=True)
            raise
        except DownloadThrottled as error:
            items_release(holder=self._holder, trouble=RepairTrouble.THROTTLED, error=str(error))
            rest = self._pace.complained()
            self._counting.add(throttled=1)
            text = f"the terminal of {self._source.host} is asked too much and rests for {rest:.0f} s"
            logger.warning("%s: %s", text, error)
            jobs_refresh(item_ids, message=text, force=True)
            self._tell_throttled(str(error), rest)
            return 0
        self._pace.answered()
        self._end(claims, outcomes)
        jobs_refresh(item_ids)
        return len(claims)

    def run_all(self) -> int:
        """Work until nothing is due; returns the number of batches. For commands and tests."""
        batches = 0
        while self.run_batch():
            batches += 1
        return batches

    def _round(self, claims: Sequence[Claim]) -> Mapping[int, Outcome]:
        item_ids = [claim.item_id for claim in claims]
        told_at = 0.0

        def tell(message: str) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= MESSAGE_INTERVAL_SECONDS:
                told_at = time.monotonic()
                jobs_refresh(item_ids, message=message)

        repairer = Repairer(
            gateway=self._gateway,
            source=self._source,
            clock=self._clock,
            on_message=tell,
            sleep=self._sleep,
            before_call=self._pace.wait,
            counting=self._counting,
        )
        ids = [claim.instrument_id for claim in claims]
        try:
            return repairer.repair(
                instruments=list(Instrument.objects.filter(pk__in=ids)),
                period=claims[0].period,
                ranges={claim.instrument_id: claim.ranges for claim in claims},
                rounds={claim.instrument_id: claim.attempts for claim in claims},
                repeats={claim.instrument_id: claim.repeats for claim in claims},
            )
        except (TerminalDown, DownloadThrottled):
            raise
        except (QmtError, SegmentConflict, DatabaseError) as error:
            # The whole batch gets another round: which instrument it was about is not known.
            logger.warning("a repair round failed: %s: %s", type(error).__name__, error)
            trouble = RepairTrouble.DOWNLOAD_FAILED if isinstance(error, QmtError) else RepairTrouble.INTERNAL
            return _all_failed(claims, f"{type(error).__name__}: {error}", trouble)
        except Exception as error:
            # A bug in one batch must not end the worker; it fails visibly after its rounds.
            logger.exception("a repair round failed")
            return _all_failed(claims, f"internal error: {type(error).__name__}: {error}", RepairTrouble.INTERNAL)

    def _end(self, claims: Sequence[Claim], outcomes: Mapping[int, Outcome]) -> None:
        self._counting.add(
            rounds=len(claims),
            retries=sum(claim.attempts > 1 for claim in claims),
            rows=sum(outcome.rows for outcome in outcomes.values()),
        )
        items_end(_ended(claim, outcomes[claim.instrument_id]) for claim in claims)
        self._tell_failures(claims, outcomes)
        # What was told of is over: the terminal answers, and nothing that had failed is missing any more.
        alert_clear(_throttled_key(self._source.host))
        completed = [claim.instrument_id for claim in claims if not len(outcomes[claim.instrument_id].remaining)]
        for host in failures_over(completed, claims[0].period):
            alert_clear(_failed_key(host, claims[0].period))

    def _tell_failures(self, claims: Sequence[Claim], outcomes: Mapping[int, Outcome]) -> None:
        """A note on every instrument of this batch that has used up its rounds, and one alert for all of them."""
        failed = [
            claim
            for claim in claims
            if claim.attempts >= get_marketdata_config().repair.attempts and _left(claim, outcomes[claim.instrument_id])
        ]
        if not failed:
            return
        self._counting.add(failed=len(failed))
        status_fail(
            period=failed[0].period,
            notes={
                claim.instrument_id: f"{claim.attempts} rounds failed: {outcomes[claim.instrument_id].error}"
                for claim in failed
            },
        )
        period = failed[0].period.code
        alert_raise(
            AlertKind.REPAIR_FAILED,
            Severity.WARNING,
            format_lazy(
                _("{count} instruments of {period} could not be completed in {rounds} rounds"),
                count=len(failed),
                period=period,
                rounds=failed[0].attempts,
            ),
            {
                "instruments": ", ".join(_symbols(failed)),
                "period": period,
                "error": outcomes[failed[0].instrument_id].error,
            },
            dedup_key=_failed_key(self._source.host, failed[0].period),
            host=self._source.host,
        )

    def _tell_throttled(self, error: str, rest: float) -> None:
        if self._pace.complaints < COMPLAINTS_TO_TELL:
            return
        alert_raise(
            AlertKind.REPAIR_FAILED,
            Severity.WARNING,
            format_lazy(_("The terminal of {host} refuses downloads: it is asked too much"), host=self._source.host),
            {"complaints": self._pace.complaints, "rest_seconds": round(rest), "error": error},
            dedup_key=_throttled_key(self._source.host),
            host=self._source.host,
        )


def _failed_key(host: str, period: Period) -> str:
    return f"data.repair_failed:{host}:{period.code}"


def _throttled_key(host: str) -> str:
    return f"data.throttled:{host}"


def _symbols(claims: Sequence[Claim], limit: int = 10) -> list[str]:
    ids = [claim.instrument_id for claim in claims]
    rows = Instrument.objects.filter(pk__in=ids[:limit]).order_by("symbol")
    return [*rows.values_list("symbol", flat=True), *(["…"] if len(ids) > limit else [])]


def backoff_seconds(attempts: int) -> float:
    """Pause after so many rounds: 1 s, 5 s, 15 s, …, varied by ±20% so that hosts do not keep step."""
    pauses = get_marketdata_config().repair.backoff_seconds
    return pauses[min(attempts, len(pauses)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311


def _ended(claim: Claim, outcome: Outcome) -> Ended:
    again = claim.attempts < get_marketdata_config().repair.attempts
    return Ended(
        claim=claim,
        rows_stored=outcome.rows,
        remaining=_left(claim, outcome),
        remaining_days=len(outcome.remaining),
        error=outcome.error,
        trouble=outcome.trouble,
        repeats=outcome.repeats,
        retry_at=wall_now() + timedelta(seconds=backoff_seconds(claim.attempts)) if again else None,
    )


def _left(claim: Claim, outcome: Outcome) -> list[tuple[int, int]]:
    if not len(outcome.remaining):
        return []
    first, last = int(outcome.remaining.min()), int(outcome.remaining.max())
    return runs(outcome.remaining, calendar_days(first, last))


def _all_failed(claims: Sequence[Claim], error: str, trouble: RepairTrouble) -> dict[int, Outcome]:
    outcomes = {}
    for claim in claims:
        days = calendar_days(claim.ranges[0][0], claim.ranges[-1][1])
        wanted = np.zeros(len(days), dtype=np.bool_)
        for low, high in claim.ranges:
            wanted |= (days >= low) & (days <= high)
        outcomes[claim.instrument_id] = Outcome(
            remaining=days[wanted], error=error, trouble=trouble, repeats=claim.repeats
        )
    return outcomes
