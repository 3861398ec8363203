"""The process of a run around its session: a plug-in from a file, its faults, its stop; examples at work."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketdata.quotes.periods import Period
from ops.clocks import wall_now
from ops.models import AuditEvent
from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.strategies.runs import make_plugin, make_run
from tests.strategies.stage import PING_AN, Stage
from tests.strategies.test_feed import ms, store
from tests.strategies.test_session import report
from trading.ledger.models import OwnerPosition
from trading.orders.models import Order as DeskOrder
from trading.strategies.limits import EXIT_TOO_SLOW, Guard
from trading.strategies.loading import find_file, load
from trading.strategies.models import Plugin, Run, RunOrder
from trading.strategies.runtime import process as process_module
from trading.strategies.runtime.history import History
from trading.strategies.runtime.preparing import market_of
from trading.strategies.runtime.process import run_process
from trading.strategies.runtime.session import RunSession
from trading.strategies.runtime.store import claim
from trading.strategies.selectors import run_figures

EXAMPLES = Path(__file__).parents[2] / "examples" / "strategies"

CODE = """
from decimal import Decimal
from trading.strategies.interface import Strategy

class Mine(Strategy):
    warm_up = 2

    def on_start(self, context):
        context.log("hello", bars=len(context.history("600519.SH", 2)))

    def on_bar(self, context, bars):
        {bar}

    def on_stop(self, context):
        context.log("bye")
"""


class Scene:
    """A run of a file, whose process runs on the test's thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bench: Bench = make_bench()
        self.plugin: Plugin = make_plugin(location=str(folder / "mine.py"), name="mine", parameters=[])
        self.run: Run = make_run(
            self.bench.account, self.bench.alice, plugin=self.plugin, wanted=True, mode="PAPER", state="STARTING"
        )

    def write(self, bar: str = "pass") -> None:
        path = self.folder / "mine.py"
        path.write_text(CODE.format(bar=bar))
        Plugin.objects.filter(pk=self.plugin.pk).update(digest=find_file(path).digest)

    def minute(self, text: str, close: float = 10.0) -> None:
        store(Period.MINUTE_1, [(self.bench.instruments[MOUTAI].pk, ms(text), close)])

    def work(self, *, stop_when: str = "", seconds: float = 10.0) -> int:
        """Run the process until it ends, or the log says something."""
        stop = threading.Event()
        end = time.monotonic() + seconds

        class Watch(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                stop.wait(min(timeout or 0.0, 0.02))
                return time.monotonic() > end or (bool(stop_when) and stop_when in texts())

        code = run_process(self.run.pk, Watch())
        assert time.monotonic() < end, texts()
        return code


def texts() -> list[str]:
    return [str(line.text) for line in Run.objects.get().lines.order_by("number")]


@pytest.fixture
def scene(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    # The process of the tests is bounded by nobody, and its connections are the tests' own.
    monkeypatch.setattr(process_module, "bound_process", lambda _mb: False)
    monkeypatch.setattr(process_module, "connections", type("Kept", (), {"close_all": staticmethod(lambda: None)}))
    monkeypatch.setattr(process_module, "close_old_connections", lambda: None)
    return Scene(tmp_path)


def test_process_hands_bars_over_and_places_until_it_is_stopped(scene: Scene) -> None:
    scene.write('context.buy("600519.SH", 100, price=Decimal("9.99")); context.log("asked")')
    scene.minute("09:58")
    scene.minute("09:59")
    scene.run.bar_ts = ms("09:59")
    scene.run.save()
    scene.minute("10:00")

    assert scene.work(stop_when="asked") == 0
    assert texts()[:3] == ["hello", "started", "asked"]
    assert Run.objects.get().lines.get(text="hello").facts == {"bars": 2}
    run = Run.objects.get()
    assert (run.state, run.bar_ts, run.wanted, run.events) == ("RUNNING", ms("10:00"), True, 2)
    Run.objects.update(wanted=False)
    assert scene.work() == 0
    assert Run.objects.get().wanted is False


def test_process_of_a_run_nobody_wants_ends_at_once(scene: Scene) -> None:
    scene.write()
    Run.objects.update(wanted=False)
    assert scene.work() == 0
    assert texts() == []


def test_process_stops_in_order_when_the_wish_goes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.write('context.log("asked")')
    scene.run.bar_ts = ms("09:59")
    scene.run.save()
    scene.minute("10:00")
    original = RunSession.place

    def place(self: RunSession, clock: Any) -> int:
        Run.objects.update(wanted=False)
        return original(self, clock)

    monkeypatch.setattr(RunSession, "place", place)
    assert scene.work() == 0
    assert texts() == ["hello", "started", "asked", "bye", "stopped"]
    assert Run.objects.get().state == "STOPPED"


def test_process_outside_of_its_hours_waits(scene: Scene) -> None:
    scene.write()
    Run.objects.update(opens_at="13:00", closes_at="14:00")
    assert scene.work() == 0
    assert (Run.objects.get().state, Run.objects.get().wanted) == ("WAITING", True)


def test_fault_stops_the_run_cancels_what_is_open_and_is_audited(scene: Scene) -> None:
    scene.write("context.missing")
    scene.run.bar_ts = ms("09:59")
    scene.run.save()
    scene.minute("10:00")
    order = scene.bench.reported(strategy="mine")
    RunOrder.objects.create(
        run=scene.run,
        number=1,
        key="1m:1/1",
        symbol=MOUTAI,
        side="BUY",
        quantity=100,
        price_type="LIMIT",
        price="10",
        decided_ts=1,
        place_until_ts=1,
        state="WORKING",
        order=order,
        created_at=wall_now(),
    )
    assert scene.work() == 0
    run = Run.objects.get()
    assert (run.state, run.wanted, run.code) == ("FAULTED", False, "STRATEGY_FAILED")
    assert "on_bar: AttributeError" in run.message
    assert any("line" in text and "on_bar" in text for text in texts())
    assert DeskOrder.objects.get().cancel_requested_at is not None
    assert AuditEvent.objects.filter(action="strategy.failed", account_id=run.account_id).count() == 1
    assert run.events == 1


@pytest.mark.parametrize(
    ("bar", "changed", "code"),
    [("pass", "# another version", "STRATEGY_UNUSABLE"), ("pass", "raise OSError", "STRATEGY_UNUSABLE")],
)
def test_version_that_changed_since_the_start_is_not_run(scene: Scene, bar: str, changed: str, code: str) -> None:
    scene.write(bar)
    path = scene.folder / "mine.py"
    path.write_text(path.read_text() + "\n" + changed)
    assert scene.work() == 0
    run = Run.objects.get()
    assert (run.state, run.code) == ("FAULTED", code)


def test_guard_ends_the_process_when_a_handler_does_not_return() -> None:
    told: list[str] = []
    ended: list[int] = []
    guard = Guard(0.05, lambda: told.append("late"), end=ended.append)
    with guard.handler():
        deadline = time.monotonic() + 5
        while not ended and time.monotonic() < deadline:
            time.sleep(0.01)
    assert (told, ended) == (["late"], [EXIT_TOO_SLOW])


def test_guard_leaves_handlers_that_return_alone() -> None:
    ended: list[int] = []
    guard = Guard(0.2, lambda: None, end=ended.append)
    for _ in range(3):
        with guard.handler():
            time.sleep(0.05)
    time.sleep(0.4)
    guard.stop()
    assert ended == []


# ------------------------------------------------------------------------------- examples
def example(stage: Stage, name: str, **parameters: Any) -> RunSession:
    """A session of an example instead of the puppet."""
    made = load(find_file(EXAMPLES / f"{name}.py"))
    strategy = made(parameters)
    run = claim(stage.run.pk)
    stage.session = RunSession(run, strategy, market=market_of(run), history=History(run.symbols, strategy.warm_up))
    stage.session.start(stage.clock("09:59:00"))
    return stage.session


def requests() -> list[tuple[str, str, int, str]]:
    rows = RunOrder.objects.order_by("number")
    return [(row.symbol, row.side, row.quantity, row.reason) for row in rows]


def test_crossover_buys_above_and_sells_below(stage: Stage) -> None:
    example(stage, "ma_crossover", fast=1, slow=2, amount="5000")
    for text, close in (("10:00", 10.0), ("10:01", 9.9), ("10:02", 9.9), ("10:03", 10.0)):
        stage.minute(text, close, None)
    assert requests() == [(MOUTAI, "BUY", 500, "cross above")]
    stage.round("10:03:05")
    order = stage.desk_order()
    fill(stage, order, 500)
    stage.round("10:03:06")
    stage.minute("15:00", 9.8, None)
    assert requests()[1:] == [(MOUTAI, "SELL", 500, "cross below")]


def test_reversion_bids_below_the_band_and_cancels_with_the_next_bar(stage: Stage) -> None:
    example(stage, "mean_reversion", window=5, width=1.5, amount="5000")
    for text, close in (("10:00", 10.0), ("10:01", 10.0), ("10:02", 10.0), ("10:03", 10.0), ("10:04", 9.5)):
        stage.minute(text, None, close)
    assert requests() == [(PING_AN, "BUY", 500, "below the band")]
    assert RunOrder.objects.get().price == Decimal("9.50")
    stage.minute("10:05", None, 9.5)
    assert RunOrder.objects.get().cancel_wanted is True


def fill(stage: Stage, order: DeskOrder, quantity: int) -> None:
    report(stage)
    order = stage.desk_order()
    stage.bench.apply(stage.bench.fill(order, quantity), stage.bench.update(order, 56, traded_quantity=quantity))


def test_figures_of_the_ledger_are_those_of_the_virtual_book(stage: Stage) -> None:
    example(stage, "ma_crossover", fast=1, slow=2, amount="5000")
    for text, close in (("10:00", 9.9), ("10:01", 9.9), ("10:02", 10.0)):
        stage.minute(text, close, None)
    stage.round("10:02:05")
    fill(stage, stage.desk_order(), 500)
    stage.round("10:02:06")
    figures = run_figures(Run.objects.get())
    book = stage.session.context.book
    assert Decimal(figures["cash"]) == book.cash
    assert Decimal(figures["fees"]) == book.fees
    assert [(held["symbol"], held["quantity"]) for held in figures["positions"]] == [(MOUTAI, 500)]
    assert OwnerPosition.objects.get(strategy="puppet").quantity == 500
