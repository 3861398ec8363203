"""A data worker that is killed in the middle of a batch: a real process, ended without a word."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from datetime import timedelta

import pandas as pd
import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import QmtHost
from marketdata.models import Instrument, RepairItem
from marketdata.quotes.models import QuoteSegment
from marketdata.services import DataRequest, MarketDataService
from ops.models import Job
from qmt.gateway import Period, ProgressCallback
from tests.marketdata.conftest import MAOTAI, PINGAN, RunnerFactory
from tests.marketdata.fakes import WEEK, FakeTerminal, day_bars, minute_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"], transaction=True)]

KILLED = 9


class DeadlyTerminal(FakeTerminal):
    """Ends the process in the middle of its second download."""

    def download(
        self,
        symbols: Sequence[str],
        period: Period,
        start: str,
        end: str,
        on_progress: ProgressCallback | None = None,
        deadline_seconds: float = 600.0,
    ) -> None:
        if len(self.downloads) == 1:
            os._exit(KILLED)
        super().download(symbols, period, start, end, on_progress, deadline_seconds)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="ends a forked process")
def test_worker_killed_in_a_batch_loses_nothing_and_what_is_stored_is_not_fetched_again(
    maotai: Instrument,
    pingan: Instrument,
    host: QmtHost,
    service: MarketDataService,
    make_runner: RunnerFactory,
) -> None:
    request = DataRequest([MAOTAI, PINGAN], "1m", WEEK[0], WEEK[-1])
    source = {(symbol, "1d"): day_bars(WEEK) for symbol in (MAOTAI, PINGAN)}
    for symbol in (MAOTAI, PINGAN):
        source |= {(symbol, "1m"): _week_of_minutes()}
    service.get(request, wait_seconds=0)
    connections.close_all()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        # The day bars are downloaded and stored; the minutes' download is where the process ends.
        make_runner(gateway=DeadlyTerminal(source=source), holder="data@dead").run_all()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == KILLED
    assert set(RepairItem.objects.values_list("status", flat=True)) == {"RUNNING"}
    assert set(QuoteSegment.objects.values_list("period", flat=True)) == {1440}
    versions = dict(QuoteSegment.objects.values_list("pk", "version"))
    alive = FakeTerminal(source=source)
    assert make_runner(gateway=alive, holder="data@next").run_all() == 0

    RepairItem.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    make_runner(gateway=alive, holder="data@next").run_all()

    assert {period for _symbols, period, _start, _end in alive.downloads} == {"1m"}
    assert {pk: QuoteSegment.objects.get(pk=pk).version for pk in versions} == versions
    assert service.get(request, wait_seconds=0).complete
    assert [job.status for job in Job.objects.all()] == ["DONE"]


def _week_of_minutes() -> pd.DataFrame:
    return pd.concat([minute_bars(day) for day in WEEK], ignore_index=True)
