"""Signals in the engine's process: quotes in, rows and orders out.

Three threads. The reading one screens each message (memory only). The writing one stores what was found and begins to carry it out. The
keeping one brings positions and plans up to date every second, stores what quotes have led to, and looks after signals under
way. A database that is away delays the last two; quotes go on being screened, and what they lead to waits in memory.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import Error as DatabaseTrouble
from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.db.models import Exists, OuterRef, Sum
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import STALE_AFTER, MarketClock, wall_now
from ops.heartbeats import Heartbeat
from trading.ledger.models import AccountBook
from trading.orders.services.context import account_clock
from trading.signals.executor import Executor
from trading.signals.inforce import Plans
from trading.signals.market import LiveQuote, StoredQuotes
from trading.signals.models import ExitPlan
from trading.signals.screen import Findings, Hit, Screen
from trading.signals.services.detections import conditions_to_tell_again, signals_record
from trading.signals.services.tracks import Prepared, high_reset, tracks_prepare, tracks_store

log = logging.getLogger(__name__)

SYNC_SECONDS: Final = 1.0
STORE_SECONDS: Final = 5.0
"""How often highest prices and stages are stored: a kill loses no more of them."""
FULL_SYNC_SECONDS: Final = 30.0
"""Everything is read again this often: what no version shows (day facts, factors that came late)."""
RETRY_SECONDS: Final = 0.5
MAX_TRIES: Final = 5
"""For what is not the database's absence, which is waited for."""
MAX_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Host:
    """One host's positions, the host that its quotes come from, and the clock by which they are judged."""

    clock: MarketClock
    offset: timedelta
    source: str
    screen: Screen

    @classmethod
    def of(cls, accounts: Sequence[BrokerAccount], screen: Screen) -> _Host:
        """The host of these accounts, by its clock as it was read with them."""
        host = accounts[0].host
        clock = account_clock(accounts[0])
        return cls(clock, clock.market_time - wall_now(), (host.fed_from or host).name, screen)

    def take(self, quotes: Mapping[str, Any]) -> Findings:
        """Screen quotes by the market time that it is now; nothing by a clock that was not heard of for a while."""
        now = wall_now()
        if self.clock.stale or now - self.clock.observed_at > STALE_AFTER:
            return Findings()
        return self.screen.take(quotes, int((now + self.offset).timestamp() * 1000))


class SignalEngine:
    """Detection and execution for every account with an exit plan; a `marketdata.engine.QuoteListener`."""

    name = "signals"

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._screening = threading.Lock()
        self._hosts: dict[str, _Host] = {}
        self._quotes: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._found: queue.Queue[Findings | None] = queue.Queue(MAX_WAITING)
        self._stored_quotes = StoredQuotes()
        self._prepared: dict[int, Prepared] = {}
        self._stamps: dict[int, tuple[Any, ...]] = {}
        self._troubled: set[int] = set()
        self._next_full = 0.0
        self._next_store = 0.0
        self._live = 0
        self._recorded = 0
        self._dropped = 0
        self._heartbeat = Heartbeat("signals")
        self.executor = Executor(self)
        self._threads = [
            threading.Thread(target=self._write, name="signals-write", daemon=True),
            threading.Thread(target=self._keep, name="signals-keep", daemon=True),
        ]

    # --------------------------------------------------------------- as a QuoteListener
    def start(self) -> None:
        """Begin; what the rows remember is read by the keeping thread before anything is detected."""
        for thread in self._threads:
            thread.start()

    def quotes(self, message: dict[str, Any]) -> None:
        """Screen one message, on the reading thread; see `marketdata.engine.QuoteListener`."""
        name, quotes = message["host"], message["q"]
        self._quotes[name].update(quotes)
        with self._screening:
            found = [host.take(quotes) for host in self._hosts.values() if host.source == name]
        for findings in found:
            if findings.hits or findings.bad:
                self._hand_over(findings)

    def interrupt(self) -> None:
        """Nothing to forget: a quote that never came only delays what it would have led to."""

    def stop(self, timeout_seconds: float) -> None:
        """Record what was found, store what quotes have led to, and end."""
        self._stop.set()
        try:
            self._found.put(None, timeout=timeout_seconds)
        except queue.Full:
            log.error("signals wait to be written, and the process ends")
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        try:
            self._store_memory()
        except DatabaseTrouble as error:
            log.warning("what quotes have led to could not be stored: %s", error)
        connections.close_all()

    def detail(self) -> dict[str, Any]:
        """What the engine's heartbeat says."""
        return {
            "positions": {name: len(host.screen.rows) for name, host in self._hosts.items()},
            "paused": sum(len(prepared.paused) for prepared in self._prepared.values()),
            "waiting": self._found.qsize(),
            "recorded": self._recorded,
            "dropped": self._dropped,
            "live": self._live,
            "failures": self.executor.failures,
        }

    # ---------------------------------------------------------------------- as Quotes
    def newest(self, host: str, symbol: str, instrument_id: int) -> LiveQuote | None:
        """The newest quote: from the stream, before its first message from the table."""
        quote = self._quotes[host].get(symbol)
        if quote is None:
            return self._stored_quotes.newest(host, symbol, instrument_id)
        return LiveQuote.of_message(quote)

    # ---------------------------------------------------------------- writing thread
    def _hand_over(self, findings: Findings) -> None:
        try:
            self._found.put_nowait(findings)
        except queue.Full:
            self._dropped += len(findings.hits)
            log.error("%s signals were dropped: too many wait to be written", len(findings.hits))

    def _write(self) -> None:
        while (findings := self._found.get()) is not None:
            close_old_connections()
            tries = 1
            while not self._write_one(findings, last=tries >= MAX_TRIES) and not self._stop.wait(RETRY_SECONDS):
                tries += 1
        connections.close_all()

    def _write_one(self, findings: Findings, *, last: bool) -> bool:
        """Record and begin to carry out; False when nothing was recorded and it is to be tried again."""
        try:
            signals = signals_record(findings.hits)
        except (OperationalError, InterfaceError) as error:
            log.warning("signals wait for the database: %s", error)
            connections.close_all()
            return False
        except Exception:
            # A twin that wrote the same signal at the same time is found by the next try.
            log.exception("signals could not be recorded: %s", [_named(hit) for hit in findings.hits])
            return last
        self._recorded += len(signals)
        try:
            self.executor.begin(signals)
            for bad in findings.bad:
                high_reset(bad.row.track_id, bad.row.account_id, bad.row.symbol, bad.hi, bad.reset_to)
        except DatabaseTrouble as error:
            log.warning("signals are carried out in the next round: %s", error)
        return True

    # ---------------------------------------------------------------- keeping thread
    def _keep(self) -> None:
        while True:
            close_old_connections()
            try:
                self.sync()
                if time.monotonic() >= self._next_store:
                    self._next_store = time.monotonic() + STORE_SECONDS
                    self._store_memory()
                self._live = self.executor.round()
            except DatabaseTrouble as error:
                log.warning("signals wait for the database: %s", error)
                connections.close_all()
            except Exception:
                log.exception("a round of signals failed")
            else:
                self._heartbeat.beat(self.detail())
            if self._stop.wait(SYNC_SECONDS):
                break
        connections.close_all()

    def sync(self) -> None:
        """Bring positions, plans and clocks up to date.

        Only accounts are read again in which something changed: an event, a plan, a switch, the trade date; all of them from time to time.
        """
        accounts = _accounts_with_plans()
        stamps = _stamps(accounts)
        full = time.monotonic() >= self._next_full
        changed = [account for account in accounts if full or self._stamps.get(account.pk) != stamps[account.pk]]
        anew = bool(changed) or self._stamps.keys() != stamps.keys()
        if changed:
            # First, so that what is read again is what quotes have led to.
            self._store_memory()
            self._prepare(changed)
        self._prepared = {account.pk: self._prepared[account.pk] for account in accounts}
        self._place(accounts, anew=anew)
        self._tell_again()
        self._stamps = stamps
        if full:
            self._next_full = time.monotonic() + FULL_SYNC_SECONDS

    def _prepare(self, accounts: Sequence[BrokerAccount]) -> None:
        plans = Plans([account.pk for account in accounts])
        for account in accounts:
            clock = account_clock(account)
            # While its trade date is not certain, and when it cannot be read, what was prepared before waits with it.
            self._prepared.setdefault(account.pk, Prepared())
            if not clock.stale:
                self._prepare_one(account, clock, plans)

    def _prepare_one(self, account: BrokerAccount, clock: MarketClock, plans: Plans) -> None:
        """Read one account again; what goes wrong with it stops no other."""
        key = f"signals.account:{account.pk}"
        try:
            self._prepared[account.pk] = tracks_prepare([account], clock, plans)
        except DatabaseTrouble:
            raise
        except Exception as error:
            log.exception("positions of account %s could not be brought up to date", account.pk)
            if account.pk not in self._troubled:
                self._troubled.add(account.pk)
                alert_raise(
                    AlertKind.SIGNALS_PAUSED,
                    Severity.CRITICAL,
                    format_lazy(_("The positions of {account} cannot be brought up to date"), account=account.name),
                    {"reason": type(error).__name__},
                    dedup_key=key,
                    account_id=account.pk,
                )
        else:
            if account.pk in self._troubled:
                self._troubled.discard(account.pk)
                alert_clear(key)

    def _place(self, accounts: Sequence[BrokerAccount], *, anew: bool) -> None:
        """Put clocks and, where rows were read again, new screens in place."""
        by_host: defaultdict[str, list[BrokerAccount]] = defaultdict(list)
        for account in accounts:
            by_host[account.host.name].append(account)
        hosts = {}
        for name, several in by_host.items():
            before = self._hosts.get(name)
            if before is None or anew:
                screen = Screen([row for account in several for row in self._prepared[account.pk].rows])
            else:
                screen = before.screen
            hosts[name] = _Host.of(several, screen)
        with self._screening:
            for name, host in hosts.items():
                before = self._hosts.get(name)
                if before is not None and before.screen is not host.screen:
                    host.screen.inherit(before.screen)
            self._hosts = hosts

    def _tell_again(self) -> None:
        with self._screening:
            told = [row for host in self._hosts.values() for row in host.screen.told()]
        again = conditions_to_tell_again(told)
        with self._screening:
            for host in self._hosts.values():
                host.screen.forget(again)

    def _store_memory(self) -> None:
        with self._screening:
            changed = [(host.screen, host.screen.changed()) for host in self._hosts.values()]
        try:
            tracks_store([memory for _screen, memories in changed for memory in memories])
        except DatabaseTrouble:
            with self._screening:
                for screen, memories in changed:
                    screen.keep_unstored(memories)
            raise


def _accounts_with_plans() -> list[BrokerAccount]:
    accounts = BrokerAccount.objects.filter(Exists(ExitPlan.objects.filter(account=OuterRef("pk"))))
    return list(accounts.select_related("host__status", "host__fed_from").order_by("pk"))


def _stamps(accounts: Sequence[BrokerAccount]) -> dict[int, tuple[Any, ...]]:
    """What shows that something of an account is to be read again."""
    ids = [account.pk for account in accounts]
    versions = dict(AccountBook.objects.filter(account__in=ids).values_list("account_id", "version"))
    plans = ExitPlan.objects.filter(account__in=ids).order_by().values("account_id")
    changes = dict(plans.annotate(changes=Sum("version")).values_list("account_id", "changes"))
    stamps = {}
    for account in accounts:
        clock = account_clock(account)
        stamps[account.pk] = (
            versions.get(account.pk),
            changes.get(account.pk),
            account.auto_trading,
            clock.trade_date,
            clock.stale,
        )
    return stamps


def _named(hit: Hit) -> str:
    return f"{hit.kind} {hit.row.symbol} of account {hit.row.account_id} at {hit.price}"
