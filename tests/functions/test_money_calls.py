"""Money through a reader and the SDK over the simulated terminal: what an answer looks like, and what its absence does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from qmt.gateway import AccountRef
from qmt.reader import ReaderPool, ReadFailure
from qmt.registry import functions
from qmt.terminal.bank import BANK_NO, bank_account_of
from tests.contract.faces import FaceA

DAYS: dict[str, Any] = {"start_date": "20200101", "end_date": "20991231"}


@dataclass
class Counter:
    """The reader, asked about one account of the terminal."""

    reader: ReaderPool
    account: AccountRef

    def call(self, name: str, seconds: float = 15, **arguments: Any) -> Any:
        spec = functions()[f"xttrader.{name}"]
        return orjson.loads(self.reader.call(spec, arguments, account=self.account, seconds=seconds))

    def bank(self, name: str, balance: float, seconds: float = 15, **changes: Any) -> Any:
        number = bank_account_of(self.account.account_no)
        given = {"bank_no": BANK_NO, "bank_account": number, "balance": balance, "bank_pwd": "p", "fund_pwd": "q"}
        return self.call(name, seconds, **(given | changes))

    @property
    def cash(self) -> float:
        return float(self.call("query_stock_asset")["cash"])


@pytest.fixture(scope="module")
def counter(reader: ReaderPool, terminal: FaceA) -> Counter:
    """One account."""
    return Counter(reader, terminal.account())


def test_transfer_moves_cash_and_stands_on_the_statement(counter: Counter) -> None:
    before = counter.cash

    answer = counter.bank("bank_transfer_out_async", 1234.5)

    assert answer == {"moved": True, "words": ""}
    assert counter.cash == before - 1234.5
    last = counter.call("query_bank_transfer_stream", **DAYS)[-1]
    assert (last["transfer_direction"], last["balance"], last["transfer_status"]) == ("502", 1234.5, "成功")
    counter.bank("bank_transfer_in_async", 1234.5)
    assert counter.cash == before


def test_refused_transfer_comes_back_in_the_counter_s_words(counter: Counter) -> None:
    answer = counter.bank("bank_transfer_out_async", 9e11)

    assert answer["moved"] is False
    assert "可取资金不足" in answer["words"]


def test_bank_of_the_account_is_told(counter: Counter) -> None:
    (row,) = counter.call("query_bank_info")

    assert (row["bank_no"], row["bank_account"]) == (BANK_NO, bank_account_of(counter.account.account_no))


def test_transfer_between_nodes_is_not_simulated_and_says_so(counter: Counter) -> None:
    with pytest.raises(ReadFailure) as caught:
        counter.call("fund_transfer", transfer_direction=510, price=1.0)

    assert caught.value.code == "NOT_SIMULATED"


@pytest.mark.parametrize("name", ["bank_transfer_out", "secu_transfer", "order_stock"])
def test_reader_calls_nothing_else_that_acts(counter: Counter, name: str) -> None:
    with pytest.raises(ReadFailure) as caught:
        counter.bank(name, 1.0)

    assert caught.value.code == "FUNCTION_FAILED"


def test_lost_answer_is_a_timeout_although_the_money_moved(counter: Counter, terminal: FaceA) -> None:
    before = counter.cash
    terminal.arm("lose", "bankTransfer", count=1)

    with pytest.raises(ReadFailure) as caught:
        counter.bank("bank_transfer_out_async", 10.0, seconds=3)

    terminal.clear()
    assert caught.value.code == "FUNCTION_TIMEOUT"
    assert counter.cash == before - 10


def test_argument_that_the_sdk_cannot_take_is_uncertain_and_not_repeated(counter: Counter) -> None:
    with pytest.raises(ReadFailure) as caught:
        counter.bank("bank_transfer_out_async", 1.0, nonsense="top-secret")

    assert caught.value.code == "MONEY_UNCERTAIN"
    assert "top-secret" not in caught.value.words
