"""Plays one scenario on a desk of its own and says what the books are like afterwards."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from accounts.models import HostStatus
from accounts.services import account_halt, grant_withdraw
from marketdata.models import InstrumentDay
from ops.audit import Actor
from ops.clocks import database_now
from ops.errors import Conflict, DeskError
from qmt.terminal.market import Market
from qmt.terminal.types import AccountConfig
from tests.faults.books import TerminalBook, Verdict, compare, own_cash
from tests.faults.mortal import Mortals, away
from tests.faults.rig import ALPHA, BETA, FAST, Rig, until
from tests.faults.scenarios import ARMED, Act, Fate, Scenario, Shape, Trouble
from tests.faults.served import ServedTerminal
from trading.ledger.models import AccountBook, TradeDate
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.runtime import crashpoints
from trading.orders.runtime.lanes import Stopping
from trading.orders.runtime.lease import HostLease
from trading.orders.services import order_cancel, order_submit
from trading.orders.states import BROKER_STATUS, OPEN, TERMINAL, WORKING

SYMBOL: Final = "600000.SH"
OPENING_CASH: Final = Decimal("50000000.00")
OPENING_SHARES: Final = 200_000
SETTLE_SECONDS: Final = 20.0
#: Everything a scenario waits for: short, and long enough for a machine that does other things beside.
TIMES: Final = {
    "hung_call_seconds": 1.2,
    "query_timeout_seconds": 1.0,
    "response_deadline_seconds": 1.0,
    "reconcile_seconds": 1.0,
    "poll_seconds": 0.25,
}
#: How old a claim may get where the scenario is about that.
CLAIM_SECONDS: Final = 0.5
SYSTEM: Final = Actor.system("test")


@dataclass(frozen=True)
class Outcome:
    """How a scenario ended: the order's named end, and what is wrong."""

    end: str
    verdict: Verdict
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.verdict.clean and not self.problems


def play(scenario: Scenario, *, market: Market, folder: Path) -> Outcome:
    """Run a scenario in this process over the SDK's own layer; the database must be empty."""
    accounts = [
        AccountConfig(ALPHA, opening_cash=OPENING_CASH, opening_positions={SYMBOL: OPENING_SHARES}),
        AccountConfig(BETA, opening_cash=OPENING_CASH),
    ]
    with ExitStack() as stack:
        terminal = stack.enter_context(ServedTerminal(folder, market=market, accounts=accounts))
        mortals = stack.enter_context(Mortals(cut=lambda: terminal.drop_link(announce=False)))
        player = _Player(scenario, terminal, mortals)
        stack.callback(player.close)
        return player.play()


class _Player:
    def __init__(self, scenario: Scenario, terminal: ServedTerminal, mortals: Mortals) -> None:
        self.scenario = scenario
        self.terminal = terminal
        self.mortals = mortals
        self.rig = Rig(terminal, FAST)
        self.detail = self.rig.know(SYMBOL)
        # Alice may lose her grant on the way: dora clears up.
        self.dora = self.rig._trader("dora", self.rig.alpha)
        self.subject: UUID | None = None
        self.beside: list[UUID] = []
        self.later: list[threading.Thread] = []
        self.problems: list[str] = []
        self.new_day = False

    def close(self) -> None:
        self.terminal.faults.clear()
        if self.mortals.life.ended.is_set():
            self.mortals.bury()
        else:
            self.rig.stop()
        for thread in self.later:
            thread.join(5)

    # --- the play -------------------------------------------------------------------------------

    def play(self) -> Outcome:
        self.start()
        scenario = self.scenario
        for number in range(scenario.beside):
            self.beside.append(self.order(Shape.REST if number else Shape.CROSS, 1))
        for order_id in self.beside:
            self.until_known(order_id)
        if scenario.shape is Shape.JUNK:
            # The platform's own facts would refuse it: they are outdated, the exchange's are not.
            InstrumentDay.objects.update(pre_close=F("pre_close") * Decimal("1.08"))
        self.prepare()
        self.submit()
        self.provoke()
        self.settle()
        end = self.row().status if self.subject else "REFUSED"
        self.problems += self.mortals.trouble
        self.judge()
        verdict = self.end_day() if scenario.close_day and not self.new_day else self.end_orders()
        return Outcome(str(end), verdict, tuple(self.problems))

    def start(self) -> None:
        """A worker's life begins; returns once it takes orders."""
        self.rig.runtime = None
        self.live()
        self.until_ready()

    def live(self) -> None:
        times: dict[str, Any] = dict(TIMES)
        if self.scenario.trouble is Trouble.CLAIM_TOO_OLD:
            times |= {"claim_max_age_seconds": CLAIM_SECONDS, "response_deadline_seconds": 2.0}
        self.rig.config = replace(FAST, **times)
        self.rig.boot()
        self.mortals.life.runtime = self.rig.runtime

    def until_ready(self) -> None:
        def ready() -> bool:
            self.revive()
            runtime = self.rig.runtime
            return runtime is not None and runtime.session.ready() is not None and self.rig.session_state() == "READY"

        until(ready, SETTLE_SECONDS, "READY")

    def revive(self) -> bool:
        """Start the worker again where it died, as the supervisor does."""
        if self.mortals.life.ended.is_set():
            self.mortals.bury()
            self.rig.runtime = None
            self.live()
        return True

    # --- before the order ---------------------------------------------------------------------------

    def prepare(self) -> None:
        """Arm what has to be armed before the order is placed."""
        scenario, hooks = self.scenario, self.mortals.hooks
        for fault in ARMED.get(scenario.trouble, ()):
            self.terminal.faults.arm(fault)
        if scenario.act is Act.CANCEL_LOST:
            self.terminal.arm("lose", "cancelOrderStock")
        if scenario.trouble in (Trouble.LINK_DROPPED, Trouble.CONNECT_REFUSED):
            self.terminal.drop_link(announce=False)
        for point, do in (*self.interventions(), *self.interruptions()):
            hooks.setdefault(point, []).append(do)
        if scenario.crash:
            self.mortals.arm(scenario.crash, scenario.passes)
        if self.held:
            # What people do to a queued order must come before the worker meets it.
            runtime = self.rig.runtime
            assert runtime is not None
            runtime._sweeper.sweep = lambda: None  # type: ignore[method-assign]

    def interventions(self) -> Sequence[tuple[str, Callable[[], object]]]:
        """What people do at a place of the worker's way."""
        acts: dict[Act, tuple[str, Callable[[], object]]] = {
            Act.CANCEL_CLAIMED: (crashpoints.AFTER_CLAIM, self.cancel),
            Act.CANCEL_SENT: (crashpoints.AFTER_SUBMIT, self.cancel),
            Act.HALT_CLAIMED: (crashpoints.AFTER_CLAIM, self.halt),
            Act.HALT_SENT: (crashpoints.AFTER_SUBMIT, self.halt),
            Act.GRANT_CLAIMED: (crashpoints.AFTER_CLAIM, self.withdraw),
        }
        if self.scenario.act not in acts:
            return []
        point, do = acts[self.scenario.act]
        return [(point, partial(self.as_people, do))]

    def interruptions(self) -> Sequence[tuple[str, Callable[[], object]]]:
        """What goes wrong at a place of the worker's way; what takes time does so on another thread."""
        announce = self.scenario.seed % 2 == 0
        goes_wrong: dict[Trouble, list[tuple[str, Callable[[], object]]]] = {
            Trouble.LEASE_STOLEN: [(crashpoints.AFTER_CLAIM, self.steal_lease)],
            Trouble.CLAIM_TOO_OLD: [(crashpoints.AFTER_CLAIM, lambda: time.sleep(CLAIM_SECONDS * 1.2))],
            Trouble.DATABASE_AWAY: [(crashpoints.AFTER_CLAIM, lambda: self.soon(self.take_database))],
            Trouble.DATABASE_LOCKED: [(crashpoints.AFTER_SUBMIT, lambda: self.soon(self.lock_book))],
            Trouble.LINK_DROPPED_AFTER: [
                (crashpoints.AFTER_SUBMIT, lambda: self.terminal.drop_link(announce=announce)),
            ],
            Trouble.RESTARTED: [(crashpoints.AFTER_SUBMIT, lambda: self.soon(self.restart_terminal))],
        }
        return goes_wrong.get(self.scenario.trouble, [])

    @property
    def held(self) -> bool:
        queued = (Act.CANCEL_QUEUED, Act.HALT_QUEUED, Act.GRANT_QUEUED)
        return self.scenario.act in queued or self.scenario.trouble is Trouble.TOO_OLD

    # --- the order ----------------------------------------------------------------------------------

    def submit(self) -> None:
        scenario = self.scenario
        key = f"key-{scenario.seed}" if scenario.act is Act.TWIN_KEY else None
        self.subject = self.insist(key)
        if self.subject is None:
            return
        if key is not None:
            assert self.order(scenario.shape, scenario.lots, key) == self.subject
        if scenario.act is Act.CANCEL_QUEUED:
            self.cancel()
        elif scenario.act is Act.HALT_QUEUED:
            self.halt()
        elif scenario.act is Act.GRANT_QUEUED:
            self.withdraw()
        if scenario.trouble is Trouble.TOO_OLD:
            Order.objects.filter(pk=self.subject).update(expires_at=database_now())
        runtime = self.rig.runtime
        assert runtime is not None
        if self.held:
            del runtime._sweeper.sweep
            runtime.sweep()
        elif scenario.trouble is Trouble.WOKEN_OFTEN:
            wakes = [threading.Thread(target=self.wake, name=f"wake-{number}") for number in range(8)]
            for thread in wakes:
                thread.start()
            self.later += wakes
        elif scenario.trouble is not Trouble.NOT_WOKEN:
            self.wake()

    def insist(self, key: str | None) -> UUID | None:
        """Place the order; where it must get there, again and again, as people do while a session is refused."""
        patience = time.monotonic() + 5.0
        while True:
            try:
                return self.order(self.scenario.shape, self.scenario.lots, key)
            except Refused as refusal:
                # A session that was seen dying takes no order: nothing may be anywhere.
                if self.scenario.fate is not Fate.THERE:
                    return None
                if time.monotonic() > patience:
                    self.problems.append(f"refused: {refusal}")
                    return None
                self.revive()
                time.sleep(0.2)

    def wake(self) -> None:
        runtime = self.rig.runtime
        assert runtime is not None
        assert self.subject is not None
        try:
            with suppress(Stopping):  # as the bell does: the poll of the next life finds the order
                runtime.wake(self.subject)
        finally:
            if threading.current_thread() is not threading.main_thread():
                connection.close()

    def order(self, shape: Shape, lots: int, key: str | None = None) -> UUID:
        quote = self.rig._quotes.full_tick([SYMBOL])[SYMBOL]
        ask, bid = Decimal(str(quote.ask[0])), Decimal(str(quote.bid[0]))
        quantity = lots * 100
        match shape:
            case Shape.CROSS:
                side, price = "BUY", (ask * Decimal("1.01")).quantize(Decimal("0.01"))
            case Shape.REST:
                side, price = "BUY", (bid * Decimal("0.97")).quantize(Decimal("0.01"))
            case Shape.PART:
                side, price, quantity = "BUY", ask, int(quote.ask_volume[0]) // 100 * 100 + quantity
            case Shape.NEAR:
                side, price = "BUY", bid
            case Shape.JUNK:
                side, price = "BUY", (ask * Decimal("1.06")).quantize(Decimal("0.01"))
            case Shape.SELL_CROSS:
                side, price = "SELL", (bid * Decimal("0.99")).quantize(Decimal("0.01"))
            case Shape.SELL_REST:
                side, price = "SELL", (ask * Decimal("1.03")).quantize(Decimal("0.01"))
        try:
            answer = order_submit(
                user=self.rig.alice, account_id=self.rig.alpha.pk, symbol=SYMBOL, side=side, quantity=quantity,
                price_type="LIMIT", price=str(price), client_order_id=key,
            )  # fmt: skip
        except DeskError as error:
            raise Refused(str(error)) from error
        if answer.order.status == Status.DENIED:
            raise Refused(answer.order.message)
        return answer.order.pk

    # --- while it runs ------------------------------------------------------------------------------

    def provoke(self) -> None:
        """What happens once the order is under way."""
        if self.subject is None:
            return
        scenario = self.scenario
        if scenario.act in (Act.CANCEL_WORKING, Act.CANCEL_LOST, Act.CANCEL_RACES_FILL):
            self.until_known(self.subject, TERMINAL | {Status.UNKNOWN} | WORKING)
            if scenario.act is Act.CANCEL_RACES_FILL:
                self.soon(lambda: self.terminal.advance(30))
            self.cancel()
        elif scenario.act is Act.CANCEL_BY_HAND:
            self.until_known(self.subject, TERMINAL | {Status.UNKNOWN} | WORKING)
            with self.terminal.terminal.lock:
                numbers = [
                    view.order_id for view in self.terminal.exchange.orders(ALPHA) if view.remark == self.row().tag
                ]
            for number in numbers:
                self.terminal.terminal.cancel_by_hand(ALPHA, number)
        elif scenario.act is Act.ORDER_BY_HAND:
            self.terminal.terminal.place_by_hand(
                {"account_id": ALPHA, "account_type": 2, "stock_code": SYMBOL, "order_type": 23, "order_volume": 1700,
                 "price_type": 11, "price": float(self.detail.limit_down or 0)}
            )  # fmt: skip
        if scenario.crash == crashpoints.AFTER_QUERY:
            self.ask_again()
        if scenario.trouble is Trouble.NEXT_DAY:
            self.until_known(self.subject, TERMINAL | WORKING)
            self.next_day()
            return
        # The trouble lasts until the order has met it: it has an answer, or the platform has given up on one.
        until(lambda: self.revive() and self.row().status not in ("QUEUED", "SUBMITTING"), SETTLE_SECONDS, "its answer")
        time.sleep(0.05)

    def next_day(self) -> None:
        self.new_day = True
        self.terminal.stop()
        self.rig.next_day(dt.time(9, 35))
        self.terminal.start()
        self.rig.know(SYMBOL)

    def settle(self) -> None:
        """The trouble is over: wait until every order is what the terminal says, with the worker alive."""
        time.sleep(0.1)
        for thread in self.later:
            thread.join(10)
        self.terminal.faults.clear()

        def calm() -> bool:
            self.revive()
            self.terminal.step()
            return all(self.resolved(order_id) for order_id in self.orders())

        until(calm, SETTLE_SECONDS, "every order resolved")
        self.until_ready()

    def orders(self) -> list[UUID]:
        return [*self.beside, *([self.subject] if self.subject else [])]

    def resolved(self, order_id: UUID) -> bool:
        order = self.rig.order(order_id)
        if self.new_day:
            return order.status in TERMINAL
        if order.status in ("QUEUED", "SUBMITTING", "UNKNOWN", "SUBMITTED", "PENDING_CANCEL"):
            return False
        view = self.at_terminal(order)
        if view is None:
            return True
        wanted = order.cancel_requested_at is not None and not view.status.is_final
        return not wanted and BROKER_STATUS[int(view.status)] == order.status

    def at_terminal(self, order: Order) -> Any:
        with self.terminal.terminal.lock:
            views = self.terminal.exchange.orders(ALPHA)
        return next((view for view in views if view.remark == order.tag), None)

    # --- people, and other hands ----------------------------------------------------------------------

    def cancel(self) -> None:
        assert self.subject is not None or self.scenario.act in (Act.CANCEL_CLAIMED, Act.CANCEL_SENT)
        subject = self.subject or Order.objects.latest("submitted_at").pk
        try:
            order_cancel(user=self.rig.alice, order_id=subject)
        except Conflict:
            assert self.rig.order(subject).status in TERMINAL

    def halt(self) -> None:
        account_halt(actor=SYSTEM, account=self.rig.alpha)

    def withdraw(self) -> None:
        grant_withdraw(actor=SYSTEM, account=self.rig.alpha, user=self.rig.alice)

    def steal_lease(self) -> None:
        HostStatus.objects.update(lease_until=database_now(), lease_holder="gone")
        assert HostLease(self.rig.host, seconds=0.5, holder="thief").acquire()

    def take_database(self) -> None:
        with away(self.mortals.life):
            time.sleep(0.6)

    def lock_book(self) -> None:
        """SQLite: the whole file. PostgreSQL: the row that every change of the account needs."""
        with transaction.atomic():
            AccountBook.objects.select_for_update().get(account=self.rig.alpha)
            time.sleep(0.4)

    def restart_terminal(self) -> None:
        self.terminal.stop()
        time.sleep(0.2)
        self.terminal.start()

    def as_people(self, do: Callable[[], object]) -> None:
        """Do it on a thread of its own and wait: people do not die with the worker that they act beside."""
        self.soon(do).join(SETTLE_SECONDS)

    def soon(self, do: Callable[[], object]) -> threading.Thread:
        """Do it on another thread; what fails there is told."""

        def run() -> None:
            try:
                do()
            except Exception as error:  # noqa: BLE001 -- of whatever kind, it is the scenario's own
                self.mortals.trouble.append(f"other hands: {type(error).__name__}: {error}")
            finally:
                connection.close()

        thread = threading.Thread(target=run, name="other-hands")
        self.later.append(thread)
        thread.start()
        return thread

    # --- judging ----------------------------------------------------------------------------------------

    def row(self) -> Order:
        assert self.subject is not None
        return self.rig.order(self.subject)

    def until_known(self, order_id: UUID, statuses: frozenset[Status] = TERMINAL | WORKING) -> None:
        def known() -> bool:
            self.revive()
            self.terminal.step()
            return self.rig.order(order_id).status in statuses - {Status.SUBMITTED}

        until(known, SETTLE_SECONDS, f"order {order_id} in {sorted(statuses)}")

    def judge(self) -> None:
        """Whether the order is where the scenario says it must be."""
        if self.subject is None:
            return
        order = self.row()
        view = None if self.new_day else self.at_terminal(order)
        kinds = [f"{e.kind}:{e.to_status}" for e in order.events.order_by("seq")]
        story = f"{order.status} {order.deny_code} {order.message} {kinds}"
        scenario = self.scenario
        if self.new_day:
            ends = {Shape.CROSS: "FILLED", Shape.SELL_CROSS: "FILLED", Shape.REST: "DONE_FOR_DAY"}
            if order.status != ends[scenario.shape]:
                self.problems.append(f"ended {story}, not {ends[scenario.shape]}")
            return
        if scenario.fate is Fate.ABSENT and view is not None:
            self.problems.append(f"is at the terminal and must not be: {story}")
        if scenario.fate is Fate.THERE and view is None:
            self.problems.append(f"is not at the terminal: {story}")
        if view is None and scenario.fate is not Fate.THERE and order.status not in scenario.absent_ends:
            self.problems.append(f"ended {story}, not in {sorted(scenario.absent_ends)}")
        right = {
            Shape.CROSS: {"FILLED"}, Shape.SELL_CROSS: {"FILLED"}, Shape.JUNK: {"REJECTED"},
            Shape.REST: {"REPORTED"}, Shape.SELL_REST: {"REPORTED"}, Shape.PART: {"PARTIALLY_FILLED"},
            Shape.NEAR: {"REPORTED", "PARTIALLY_FILLED", "FILLED"},
        }[scenario.shape]  # fmt: skip
        if scenario.cancels or scenario.act is Act.CANCEL_BY_HAND:
            # A cancel that was lost with a dead worker or link is sent again by the next session.
            right = {
                Shape.REST: {"CANCELLED"}, Shape.SELL_REST: {"CANCELLED"}, Shape.PART: {"PARTIALLY_CANCELLED"},
                Shape.NEAR: {"CANCELLED", "PARTIALLY_CANCELLED", "FILLED"},
            }.get(scenario.shape, right)  # fmt: skip
        if view is not None and order.status not in right:
            self.problems.append(f"ended {story}, not in {sorted(right)}")

    def end_orders(self) -> Verdict:
        """Cancel what still works, and hold the books against each other once the last word is in."""

        def over() -> bool:
            self.revive()
            self.terminal.step()
            working = Order.objects.filter(account=self.rig.alpha, status__in=OPEN)
            # Asked again: an order placed in the terminal may only now have been adopted.
            for order in working.filter(cancel_requested_at=None):
                with suppress(Conflict):
                    order_cancel(user=self.dora, order_id=order.pk)
            return not working.exists()

        until(over, SETTLE_SECONDS, "every order final")
        return self.compare(day_over=False)

    def end_day(self) -> Verdict:
        """Close the trade date: every order final, every promise given back."""
        self.rig.jump_to(dt.time(15, 31))
        day = self.rig.trade_date
        until(
            lambda: (
                self.revive() and TradeDate.objects.filter(account=self.rig.alpha, date=day, state="CLOSED").exists()
            ),
            SETTLE_SECONDS,
            "the date's close",
        )
        return self.compare(day_over=True)

    def compare(self, *, day_over: bool) -> Verdict:
        def held() -> Verdict:
            with self.terminal.terminal.lock:
                core = self.terminal.exchange
                asset = core.asset(ALPHA)
                book = TerminalBook(
                    core.orders(ALPHA), core.trades(ALPHA), core.positions(ALPHA), asset.cash, asset.frozen_cash
                )
            if self.new_day:
                return _of_yesterday(self.rig, book)
            verdict = compare(self.rig.alpha, book, day_over=day_over)
            own = own_cash(OPENING_CASH, self.rig.alpha)
            if own != asset.cash + asset.frozen_cash:
                verdict.unexplained.append(f"{own} by our fills, {asset.cash + asset.frozen_cash} at the terminal")
            return verdict

        self.ask_again()
        end = time.monotonic() + 10.0
        while not (verdict := held()).clean and time.monotonic() < end:
            time.sleep(0.05)
            self.revive()
        return verdict

    def ask_again(self) -> None:
        """Have everything compared with the terminal now."""
        runtime = self.rig.runtime
        assert runtime is not None
        runtime.session.request_reconcile()


def _of_yesterday(rig: Rig, book: TerminalBook) -> Verdict:
    """The terminal shows today only: money and shares must still be what our fills of yesterday make of the opening."""
    verdict = Verdict()
    own = own_cash(OPENING_CASH, rig.alpha)
    if own != book.cash + book.frozen_cash:
        verdict.unexplained.append(f"{own} by our fills, {book.cash + book.frozen_cash} at the terminal")
    if open_orders := Order.objects.filter(account=rig.alpha, status__in=OPEN).count():
        verdict.unexplained.append(f"{open_orders} orders of yesterday are open")
    return verdict


class Refused(Exception):
    """The platform did not take the order."""
