"""Download jobs: what a client asks for arrives on the terminal's disk in its own time, with progress, and not always all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qmt.calendar import midnight_ms
from qmt.reference import FinancialTable
from qmt.terminal import bson
from qmt.terminal.faults import FaultAction, FaultPlan
from qmt.terminal.history import BAR_PERIODS, TICK, HistoryError, bound_ms
from qmt.terminal.landed import LandedStore, Stretch
from qmt.terminal.market import Market
from qmt.terminal.staticdesk import METADATA

Progress = Callable[[dict[str, Any]], None]


@dataclass(eq=False)
class DownloadJob:
    """One running download."""

    symbols: Sequence[str]
    period: str
    start: str
    end: str
    incrementally: bool
    report: Progress
    stopped: threading.Event = field(default_factory=threading.Event)


class DownloadDesk:
    """Runs downloads in threads of their own.

    Parameters
    ----------
    now_ms : callable
        Market time.
    pace_seconds : float
        How long one symbol takes.
    """

    def __init__(
        self,
        market: Market,
        landed: LandedStore,
        faults: FaultPlan,
        now_ms: Callable[[], int],
        pace_seconds: float = 0.002,
    ) -> None:
        self._market = market
        self._landed = landed
        self._faults = faults
        self._now_ms = now_ms
        self._pace_seconds = pace_seconds

    def begin(self, job: DownloadJob) -> threading.Thread:
        """Start a job; its progress is reported from the job's thread."""
        thread = threading.Thread(target=self._run, args=(job,), name="terminal-download", daemon=True)
        thread.start()
        return thread

    def _run(self, job: DownloadJob) -> None:
        if self._faults.take("download", FaultAction.STALL) is not None:
            return  # the terminal never reports: the client's own deadline has to end it
        if (fault := self._faults.take("download", FaultAction.FAIL)) is not None:
            job.report(_failure("", fault.message or "服务器繁忙"))
            return
        if (fault := self._faults.take("download", FaultAction.THROTTLE)) is not None:
            job.report(_failure("", fault.message or "请求过于频繁，请稍后再试"))
            return
        if refusal := self._market.history_refusal:
            job.report(_failure("", refusal))
            return
        if job.period not in (*BAR_PERIODS, TICK, *FinancialTable, *METADATA.values()):
            job.report(_failure("", f"周期不支持: {job.period}"))
            return
        unknown = next((symbol for symbol in job.symbols if self._market.instrument(symbol) is None), None)
        if unknown is not None and job.period not in METADATA.values():
            job.report(_failure(unknown, f"合约不存在: {unknown}"))
            return
        try:
            self._transfer(job)
        except HistoryError as error:
            job.report(_failure("", str(error)))

    def _transfer(self, job: DownloadJob) -> None:
        total = len(job.symbols)
        partial = self._faults.take("download", FaultAction.PARTIAL)
        late = self._faults.take("download", FaultAction.SLOW_LANDING)
        ranges: dict[str, dict[str, int]] = {}
        for finished, symbol in enumerate(job.symbols, 1):
            if job.stopped.wait(self._pace_seconds):
                return
            stretch = self._stretch(job, symbol)
            if partial is not None:
                stretch = Stretch(stretch.start_ms, (stretch.start_ms + stretch.end_ms) // 2, stretch.seen_ms)
            if late is None:
                self._landed.add(symbol, job.period, stretch)
            else:
                self._land_later(late.seconds, symbol, job.period, stretch)
            ranges[symbol] = {"start_time": stretch.start_ms, "end_time": stretch.end_ms}
            report: dict[str, Any] = {
                "finished": finished,
                "total": total,
                "stockcode": symbol,
                "message": "",
            }
            if finished == total:
                report["result"] = bson.encode(ranges)
            job.report(report)
        if not total:
            job.report(
                {
                    "finished": 0,
                    "total": 0,
                    "stockcode": "",
                    "message": "",
                    "result": bson.encode({}),
                }
            )

    def _stretch(self, job: DownloadJob, symbol: str) -> Stretch:
        now = self._now_ms()
        first = midnight_ms(self._market.history_start)
        start = max(bound_ms(job.start, upper=False), first)
        if job.incrementally and (known := self._landed.last_end(symbol, job.period)) is not None:
            start = max(start, known)
        return Stretch(start, min(bound_ms(job.end, upper=True), now), now)

    def _land_later(self, seconds: float, symbol: str, period: str, stretch: Stretch) -> None:
        timer = threading.Timer(seconds, self._landed.add, (symbol, period, stretch))
        timer.daemon = True
        timer.start()


def _failure(symbol: str, message: str) -> dict[str, Any]:
    return {"finished": 0, "total": -1, "stockcode": symbol, "message": message}
