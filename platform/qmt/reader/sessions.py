"""The sessions of a reader process: they can call anything by name, and so belong to no other process.

What may be called is decided by the registry before a call gets here, and once more here: of the trader only queries, and
the three calls that move money, which `trading.money` alone asks for.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, cast

import pandas as pd

from qmt.deadlines import bounded
from qmt.errors import QueryFailed, TerminalDown
from qmt.gateway import AccountRef, Disconnected, TradeEvent
from qmt.hooks import Hooks
from qmt.quotes import QuoteSession
from qmt.reader.encoding import encode
from qmt.reader.money import MoneyHooks, move
from qmt.reader.setup import ReaderSetup
from qmt.registry import FunctionClass, FunctionSpec, Kind
from qmt.sdk import Sdk, load_sdk
from qmt.session import TradeSession
from qmt.sessionpool import SessionPool
from qmt.terminal.announced import announced_address

#: What moves money here; nothing else that acts is called.
TRANSFERS: Final = frozenset({"bank_transfer_in_async", "bank_transfer_out_async", "fund_transfer"})
CALL_SECONDS: Final = 600.0
"""The parent ends this process long before: its deadline is the one that counts."""


class ReadingQuotes(QuoteSession):
    """A quote session that calls any function of xtdata."""

    def invoke(self, name: str, arguments: Mapping[str, Any]) -> bytes:
        """Call, wait, and give the answer as JSON; raises `QueryFailed` or `TerminalDown`."""
        return encode(self._call(lambda: getattr(self._xtdata, name)(**arguments), name, CALL_SECONDS))

    @property
    def is_linked(self) -> bool:
        """Whether the link stands, as far as this side knows."""
        return self._client is not None and bool(self._client.is_connected())


class ReadingTrader(TradeSession):
    """A trade session that follows no account and only asks."""

    def invoke(self, spec: FunctionSpec, arguments: Mapping[str, Any]) -> bytes:
        """Ask, wait, and give the answer as JSON; raises `QueryFailed` or `TerminalDown`."""
        link = self._link
        if link is None:
            raise TerminalDown("there is no session to ask through")
        if spec.kind is FunctionClass.MONEY and spec.name in TRANSFERS:
            return move(link.trader, cast(MoneyHooks, link.hooks), spec, arguments, CALL_SECONDS)
        if spec.kind is not FunctionClass.READ and not spec.is_run:
            raise QueryFailed(f"{spec.name} is no query")
        ask = getattr(link.trader, spec.name)
        if not spec.calls_back:
            return encode(bounded(lambda: ask(**arguments), CALL_SECONDS, spec.name))
        answer: Future[bytes] = Future()

        def receive(found: Any) -> None:
            # On the SDK's thread: its structs are copied there.
            try:
                answer.set_result(encode(found))
            except Exception as error:  # noqa: BLE001 - it goes to whoever waits
                answer.set_exception(error)

        ask(**arguments, callback=receive)
        return answer.result(CALL_SECONDS)

    def _hooks(self) -> Hooks:
        return MoneyHooks(self._sink)

    def stock_account(self, account: AccountRef) -> Any:
        """The SDK's own object of an account."""
        return self._stock_account(account)


class Sessions:
    """Both sessions of one reader, opened when they are first needed and again when they were lost."""

    def __init__(self, setup: ReaderSetup) -> None:
        self._setup = setup
        self._sdk: Sdk | None = None
        self._quotes: ReadingQuotes | None = None
        self._trader: ReadingTrader | None = None
        self._trader_lost = threading.Event()
        self._lock = threading.Lock()

    def call(self, spec: FunctionSpec, arguments: Mapping[str, Any], account: AccountRef | None) -> bytes:
        """Call one function.

        Parameters
        ----------
        arguments
            As `qmt.registry.arguments.check_arguments` gives them; the account's parameter is set here.

        Raises
        ------
        QmtError
        """
        if spec.module == "xtdata":
            return self._linked_quotes().invoke(spec.name, self._prepared(spec, arguments))
        trader = self._open_trader()
        given = self._prepared(spec, arguments)
        if spec.account_parameter is not None:
            if account is None:
                raise QueryFailed(f"{spec.name} needs an account")
            given[spec.account_parameter.name] = trader.stock_account(account)
        return trader.invoke(spec, given)

    def warm(self) -> None:
        """Load the SDK and connect the quotes, so that the first caller need not wait for it; raises `QmtError`.

        A trade session costs the terminal a file of some 72 MB: that waits until somebody asks.
        """
        self._linked_quotes()

    def _loaded(self) -> Sdk:
        if self._sdk is None:
            self._sdk = load_sdk(self._setup.native)
        return self._sdk

    def _linked_quotes(self) -> ReadingQuotes:
        with self._lock:
            if self._quotes is None:
                self._quotes = ReadingQuotes(self._loaded())
            if not self._quotes.is_linked:
                self._quotes.connect(self._setup.address or announced_address(Path(self._setup.userdata)))
            return self._quotes

    def _open_trader(self) -> ReadingTrader:
        with self._lock:
            if self._trader is None:
                pool = SessionPool(Path(self._setup.pool_dir), self._setup.session_ids)
                self._trader = ReadingTrader(
                    self._loaded(), userdata=Path(self._setup.userdata), pool=pool, sink=self._told
                )
                self._trader_lost.set()
            if self._trader_lost.is_set():
                self._trader.open([])
                self._trader_lost.clear()
            return self._trader

    def _told(self, event: TradeEvent) -> None:
        if isinstance(event, Disconnected):
            self._trader_lost.set()

    def _prepared(self, spec: FunctionSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments with what is ours: files get their folder, tables their form, progress somebody who hears it."""
        made = dict(arguments)
        for one in spec.parameters:
            if one.kind is Kind.FILE and one.name in made:
                made[one.name] = self._setup.file(made[one.name])
            elif one.name == "df" and one.name in made:
                made[one.name] = pd.DataFrame(made[one.name])
            elif one.name == "callback" and not spec.calls_back:
                made[one.name] = lambda _: None
        return made
