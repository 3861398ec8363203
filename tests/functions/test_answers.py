"""What the simulated terminal answers, found out by calling all of it.

The registry says of each function and hook whether the simulated terminal answers it; docs/coverage.md counts that.
Here every one is really called: what the reader runs through the reader, the rest on the SDK itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from qmt.deadlines import bounded
from qmt.gateway import AccountRef
from qmt.reader import ReaderPool, ReadFailure
from qmt.registry import callbacks, functions
from qmt.sdk import Sdk
from qmt.terminal.bank import BANK_NO, bank_account_of
from tests.contract.conftest import CANDIDATES, wait_until
from tests.contract.faces import FaceA

BUY, LIMIT = 23, 11
#: There are no subscriptions, and no report of these downloads.
EMPTY_IS_TRUE = {
    "xtdata.get_current_connect_sub_info",
    "xtdata.get_all_sub_info",
    "xtdata.download_financial_data",
    "xtdata.download_sector_data",
    "xtdata.download_index_weight",
    "xtdata.download_cb_data",
    "xtdata.download_etf_info",
}
#: The SDK answers these although nobody told it anything: made up, so they count as not simulated.
MADE_UP = {
    "xtdata.get_his_st_data",
    "xtdata.get_option_detail_data",
    "xtdata.get_option_undl_data",
    "xtdata.get_option_list",
}


@dataclass
class Found:
    """What became of everything."""

    answered: set[str] = field(default_factory=set)
    hooks: set[str] = field(default_factory=set)
    reader: dict[str, Any] = field(default_factory=dict)

    def note(self, name: str, answer: Any, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The answer, which must fit."""
        assert fits(answer), (name, answer)
        self.answered.add(name)
        return answer


class Walk:
    """Calls what acts, follows or belongs to a session, on the SDK itself."""

    def __init__(self, sdk: Sdk, terminal: FaceA, found: Found) -> None:
        self.sdk, self.terminal, self.found = sdk, terminal, found
        self.account = sdk.xttype.StockAccount(terminal.account().account_no)
        self.hooks = _recorder(sdk, found.hooks)
        self.trader: Any = bounded(self._build, 5, "build")

    def _build(self) -> Any:
        return self.sdk.xttrader.XtQuantTrader(str(self.terminal.userdata), 721)

    def call(self, name: str, *arguments: Any, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """Call one method of the trader."""
        method = getattr(self.trader, name)
        return self.found.note(f"xttrader.{name}", bounded(lambda: method(*arguments), 8, name), fits)

    def quotes(self) -> None:
        """Everything of xtdata that the reader does not run."""
        xtdata, note = self.sdk.xtdata, self.found.note
        host, _, port = self.terminal.address.partition(":")
        told: list[Any] = []
        statuses: list[Any] = []
        note("xtdata.watch_xtquant_status", xtdata.watch_xtquant_status(statuses.append))
        note("xtdata.reconnect", xtdata.reconnect(host, int(port)), lambda client: client.is_connected())
        note("xtdata.connect", xtdata.connect(host, int(port)), lambda client: client.is_connected())
        assert wait_until(lambda: bool(statuses))
        for name, arguments in (
            ("subscribe_quote", (CANDIDATES[0],)),
            ("subscribe_quote2", (CANDIDATES[0], "1m")),
            ("subscribe_whole_quote", (["SH"],)),
        ):
            told.clear()
            number = note(
                f"xtdata.{name}", getattr(xtdata, name)(*arguments, callback=told.append), lambda seq: seq > 0
            )
            self.terminal.advance(6)
            assert wait_until(lambda: bool(told)), name
            note("xtdata.unsubscribe_quote", xtdata.unsubscribe_quote(number))

    def orders(self) -> tuple[int, str]:
        """Open the session and trade; the number of a filled order and its instrument."""
        self.call("register_callback", self.hooks)
        self.call("start")
        self.call("set_timeout", 10)
        self.call("set_relaxed_response_order_enabled", True)
        self.call("connect", fits=lambda result: result == 0)
        self.call("subscribe", self.account, fits=lambda result: result == 0)
        symbol, tick = next(
            (symbol, tick)
            for symbol, tick in self.sdk.xtdata.get_full_tick(list(CANDIDATES)).items()
            if tick["askPrice"][0] and tick["openInt"] == 13
        )
        far = round(tick["lastPrice"] * 0.96, 2)
        positive: Callable[[Any], bool] = lambda number: number > 0  # noqa: E731 - a predicate with a type
        order = ("order_stock", self.account, symbol, BUY, 100, LIMIT)
        bought = self.call(*order, tick["askPrice"][2], fits=positive)
        self.call("order_stock_async", *order[1:], far, fits=positive)
        resting = [self.call(*order, far, fits=positive) for _ in range(4)]
        self.call("cancel_order_stock", self.account, resting[0], fits=lambda result: result == 0)
        self.call("cancel_order_stock_async", self.account, resting[1], fits=positive)
        for name, order_id in (
            ("cancel_order_stock_sysid", resting[2]),
            ("cancel_order_stock_sysid_async", resting[3]),
        ):
            sysid = self._sysid(order_id)
            self.call(name, self.account, symbol[-2:], sysid, fits=lambda result: result >= 0)
        self.trader.order_stock_async(self.account, symbol, BUY, 90_000_000, LIMIT, far)
        self.trader.cancel_order_stock_async(self.account, 999_999_999)
        self.terminal.set_account_status(AccountRef(self.account.account_id), 3)
        self.terminal.advance(6)
        self.terminal.set_account_status(AccountRef(self.account.account_id), 0)
        bank = (BANK_NO, bank_account_of(self.account.account_id), 100.0, "bank", "fund")
        for name in ("bank_transfer_in_async", "bank_transfer_out_async"):
            self.call(name, self.account, *bank, fits=positive)
        assert wait_until(lambda: "on_bank_transfer_async_response" in self.found.hooks)
        return int(bought), symbol

    def _sysid(self, order_id: int) -> str:
        def told() -> str:
            return str(self.trader.query_stock_order(self.account, order_id).order_sysid)

        assert wait_until(lambda: bool(bounded(told, 5, "query")))
        return bounded(told, 5, "query")

    def leave(self) -> None:
        """End everything, the terminal's link first."""
        xtdata, note = self.sdk.xtdata, self.found.note
        self.call("unsubscribe", self.account, fits=lambda result: result == 0)
        ended: list[str] = []

        def run() -> None:
            try:
                xtdata.run()
            except Exception as error:  # noqa: BLE001 - that is how it ends
                ended.append(str(error))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.terminal.drop()
        assert wait_until(lambda: "on_disconnected" in self.found.hooks)
        thread.join(8)
        note("xtdata.run", ended, bool)
        note("xtdata.disconnect", xtdata.disconnect())
        self.call("stop")


def _recorder(sdk: Sdk, hooks: set[str]) -> Any:
    def hook(name: str) -> Callable[..., None]:
        return lambda *_: hooks.add(name)

    made = {name: hook(name) for name in callbacks()}
    return type("Recorder", (sdk.xttrader.XtQuantTraderCallback,), made)()


def ask_reader(reader: ReaderPool, account: AccountRef, order_id: int, symbol: str) -> dict[str, Any]:
    """The answer or the failure of every function that the reader runs, called with its example."""
    outcomes: dict[str, Any] = {}
    for spec in functions().values():
        if not spec.is_run:
            continue
        given = spec.example()
        given |= {"order_id": order_id} if "order_id" in given else {}
        given |= {"stock_code": symbol} if spec.name == "query_stock_position" else {}
        given |= {"end_date": "20991231"} if spec.name == "query_bank_transfer_stream" else {}
        if spec.account_parameter is not None:
            del given[spec.account_parameter.name]
        try:
            outcomes[spec.qualified] = orjson.loads(reader.call(spec, given, account=account, seconds=20))
        except ReadFailure as failure:
            outcomes[spec.qualified] = failure
    return outcomes


@pytest.fixture(scope="module")
def found(sdk: Sdk, terminal: FaceA, reader: ReaderPool) -> Found:
    """The walk through everything."""
    result = Found()
    walk = Walk(sdk, terminal, result)
    walk.quotes()
    order_id, symbol = walk.orders()
    result.reader = ask_reader(reader, AccountRef(walk.account.account_id), order_id, symbol)
    walk.leave()
    return result


def test_functions_of_the_reader_answer_as_the_registry_says(found: Found) -> None:
    wrong = {}
    for name, outcome in found.reader.items():
        answered = not isinstance(outcome, ReadFailure) and name not in MADE_UP
        if answered != functions()[name].simulated:
            wrong[name] = outcome
    assert wrong == {}


def test_answers_hold_something(found: Found) -> None:
    answers = {name: outcome for name, outcome in found.reader.items() if functions()[name].simulated}
    hollow = {name for name, answer in answers.items() if answer in (None, [], {}, "") or _is_empty_table(answer)}

    assert hollow == EMPTY_IS_TRUE


def test_refusals_of_the_simulated_terminal_say_so(found: Found) -> None:
    """Two functions fail in the SDK, on files and periods that are not there, before the terminal is asked."""
    codes = {name: outcome.code for name, outcome in found.reader.items() if isinstance(outcome, ReadFailure)}
    others = {name for name, code in codes.items() if code != "NOT_SIMULATED"}

    assert others == {"xtdata.get_broker_queue_data", "xtdata.get_sector_info"}
    assert {found.reader[name] for name in MADE_UP if isinstance(found.reader[name], ReadFailure)} == set()


def test_functions_of_a_session_answer_as_the_registry_says(found: Found) -> None:
    said = {name for name, spec in functions().items() if spec.simulated and not spec.is_run}

    assert found.answered == said


def test_hooks_are_called_as_the_registry_says(found: Found) -> None:
    assert found.hooks == {name for name, spec in callbacks().items() if spec.simulated}


def _is_empty_table(answer: Any) -> bool:
    tables = list(answer.values()) if isinstance(answer, dict) else []
    return bool(tables) and all(isinstance(one, dict) and one.get("index") == [] for one in [answer, *tables])
