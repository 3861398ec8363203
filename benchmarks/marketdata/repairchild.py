"""The measured processes of `benchmarks.marketdata.repair`; prints one line of JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts.models import QmtHost  # noqa: E402
from marketdata.choices import Basis  # noqa: E402
from marketdata.config import get_marketdata_config  # noqa: E402
from marketdata.models import Instrument  # noqa: E402
from marketdata.quotes.models import QuoteSegment  # noqa: E402
from marketdata.quotes.periods import Period, day_number  # noqa: E402
from marketdata.services.axis import calendar_days  # noqa: E402
from marketdata.services.gaps import find_gaps  # noqa: E402
from marketdata.services.outcome import Source  # noqa: E402
from marketdata.services.queue import repair_request  # noqa: E402
from marketdata.services.runner import RepairRunner  # noqa: E402
from marketdata.services.static import static_sync  # noqa: E402
from marketdata.services.windows import plan_windows  # noqa: E402
from ops.clocks import MarketClock, derive_market_clock, wall_now  # noqa: E402
from qmt.gateway import Period as TerminalPeriod  # noqa: E402
from qmt.gateway import QuoteGateway  # noqa: E402
from qmt.sdk import open_quote_gateway  # noqa: E402

HOST = "bench"


def connect(userdata: str) -> QuoteGateway:
    """A quote session of the real SDK layer with the terminal process."""
    facts = json.loads((Path(userdata) / "terminal.json").read_text("utf-8"))
    gateway = open_quote_gateway(native="simulated")
    gateway.connect(f"{facts['host']}:{facts['port']}")
    return gateway


def clock_of(gateway: QuoteGateway) -> MarketClock:
    """The terminal's market clock."""
    reading, now = gateway.market_clock(), wall_now()
    return derive_market_clock(
        host=HOST,
        trade_date=reading.trade_date,
        phase=reading.phase,
        offset_ms=reading.offset_ms,
        simulated=reading.simulated,
        observed_at=now,
        now=now,
    )


def prepare(gateway: QuoteGateway) -> None:
    """Databases and static data."""
    for database in ("default", "quotes"):
        call_command("migrate", database=database, verbosity=0)
    QmtHost.objects.get_or_create(name=HOST)
    static_sync(
        gateway=gateway,
        host=HOST,
        reading=gateway.market_clock(),
        sdk_version="simulated",
        basis=Basis.FRONT_ADJUSTED,
        on_message=lambda _text: None,
    )


def plain(gateway: QuoteGateway, facts: dict[str, Any]) -> dict[str, float]:
    """Download and read the windows that the repair will ask for, day bars included; nothing is kept."""
    first, last = day_number(date.fromisoformat(facts["first"])), day_number(date.fromisoformat(facts["last"]))
    calendar = calendar_days(first, last)
    batch = get_marketdata_config().repair.batch_symbols
    periods = dict.fromkeys((Period.DAY_1, Period.parse(facts["period"])))
    rows, began, used = 0, time.perf_counter(), time.process_time()
    for at in range(0, len(facts["symbols"]), batch):
        part = facts["symbols"][at : at + batch]
        for period in periods:
            ranges = {number: [(first, last)] for number in range(len(part))}
            for window in plan_windows(ranges, period, calendar):
                bounds = _text(window.first, "000000"), _text(window.last, "235959")
                gateway.download(part, TerminalPeriod(period.code), *bounds)
                found = gateway.read_local(part, TerminalPeriod(period.code), *bounds)
                rows += sum(map(len, found.values()))
    return {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - used, "rows": rows}


def repair(gateway: QuoteGateway, facts: dict[str, Any]) -> dict[str, float]:
    """Have the repair queue complete the bars."""
    period = Period.parse(facts["period"])
    start, end = date.fromisoformat(facts["first"]), date.fromisoformat(facts["last"])
    instruments = list(Instrument.objects.filter(symbol__in=facts["symbols"]))
    began, used = time.perf_counter(), time.process_time()
    clock = clock_of(gateway)
    gaps = find_gaps(instruments, period, start, end, clock=clock)
    counts = gaps.missing.sum(axis=1)
    days = {int(key): int(count) for key, count in zip(gaps.instrument_ids, counts, strict=True) if count}
    repair_request(ranges=gaps.ranges(), days=days, period=period, host=HOST)
    runner = RepairRunner(
        gateway=gateway,
        source=Source(HOST, "simulated", Basis.FRONT_ADJUSTED),
        holder="bench",
        clock=lambda: clock_of(gateway),
    )
    runner.run_all()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
    left = find_gaps(instruments, period, start, end, clock=clock_of(gateway))
    rows = sum(QuoteSegment.objects.values_list("rows", flat=True))
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "rows": rows, "missing": left.days_missing}


def _text(day: int, time_of_day: str) -> str:
    return f"{date.fromordinal(date(1970, 1, 1).toordinal() + day):%Y%m%d}{time_of_day}"


def main() -> None:
    """Do what the arguments say."""
    kind, facts = sys.argv[1], json.loads(sys.argv[2])
    gateway = connect(facts["userdata"])
    prepare(gateway)
    figures = {"plain": plain, "repair": repair}[kind](gateway, facts)
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    gateway.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
