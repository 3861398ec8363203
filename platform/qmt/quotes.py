"""A quote session over the SDK's xtdata module.

xtdata keeps one connection per process in module variables, reconnects silently on the next call
(to any terminal it finds, if it never connected to an explicit address), forgets subscriptions when
it does, and can wait for ever in a download. So a session here connects to an explicit address,
verifies who answers, never lets a call through on a dead link, and replays its own registry of
subscriptions after each connect.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pandas as pd

from qmt import frames
from qmt.calendar import SHANGHAI, phase_at
from qmt.capabilities import Capabilities, capabilities
from qmt.deadlines import CallTimeout, DisposableCall, bounded
from qmt.errors import (
    DownloadTimeout,
    QueryFailed,
    QueryTimeout,
    SubscriptionLimit,
    TerminalDown,
    WrongTerminal,
    download_failure,
)
from qmt.gateway import (
    MAX_SINGLE_SUBSCRIPTIONS,
    ClockReading,
    DividendFactor,
    DownloadProgress,
    InstrumentDetail,
    Period,
    ProgressCallback,
    Quote,
    QuoteCallback,
)
from qmt.referencecalls import SdkReference

if TYPE_CHECKING:
    from qmt.sdk import QuoteSdk

logger = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0
CALL_SECONDS: Final = 15.0
READ_SECONDS: Final = 120.0
STOP_SECONDS: Final = 3.0
SIMULATED_CLOCK: Final = "simulatedclock"
"""The one call that only simulated terminals answer."""

_POLL_SECONDS: Final = 0.02


@dataclass(slots=True)
class _Subscription:
    """A registered subscription and the SDK's number for it on the present link (0: none)."""

    targets: tuple[str, ...]
    callback: QuoteCallback
    single: bool = False
    number: int = 0


class QuoteSession:
    """Implements `qmt.gateway.QuoteGateway` over the SDK. One per process, because xtdata is.

    Parameters
    ----------
    data_dir : Path or None
        The data directory the terminal must report; None takes the first one and insists on it.
    """

    def __init__(self, sdk: QuoteSdk, *, data_dir: Path | None = None) -> None:
        self._sdk = sdk
        self._xtdata: Any = sdk.xtdata
        self._data_dir = data_dir
        self._client: Any = None
        self._lifecycle = threading.RLock()
        self._registry: dict[int, _Subscription] = {}
        self._handles = itertools.count(1)
        self._units: dict[str, int] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do."""
        return capabilities(self._sdk.native)

    @property
    def reference(self) -> SdkReference:
        """Index weights, statements, bonds, funds, new issues."""
        return SdkReference(self._xtdata, self._call, self._fetch)

    # --- life -----------------------------------------------------------------------------------

    def connect(self, address: str) -> None:
        """Connect to ``host:port``, verify the terminal, replay the subscriptions."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise TerminalDown(f"{address!r} is not host:port")
        with self._lifecycle:
            self.close()
            try:
                client = bounded(lambda: self._xtdata.reconnect(host, int(port)), CONNECT_SECONDS, "connect")
                self._verify(client, address)
            except TerminalDown:
                self.close()
                raise
            except Exception as error:
                self.close()
                raise TerminalDown(f"no terminal answers on {address}: {error}") from error
            self._client = client
            for subscription in self._registry.values():
                self._subscribe(subscription)

    def close(self) -> None:
        """End the session; never raises."""
        with self._lifecycle:
            self._client = None
            for subscription in self._registry.values():
                subscription.number = 0
            with contextlib.suppress(Exception):
                bounded(self._xtdata.disconnect, STOP_SECONDS, "disconnect")

    def is_alive(self) -> bool:
        """One real round trip."""
        try:
            self._call(lambda: self._xtdata.get_market_last_trade_date("SH"), "get_market_last_trade_date", 3.0)
        except (QueryFailed, TerminalDown):
            return False
        return True

    def _verify(self, client: Any, address: str) -> None:
        """Is it the terminal we mean? Another one may listen on the port after a restart."""
        peer, folder = bounded(lambda: (client.get_peer_addr(), self._xtdata.get_data_dir()), CONNECT_SECONDS, "verify")
        if peer != address:
            raise WrongTerminal(f"connected to {peer}, not to {address}")
        found = Path(folder)
        if self._data_dir is None:
            self._data_dir = found
        elif os.path.normcase(found.resolve()) != os.path.normcase(self._data_dir.resolve()):
            raise WrongTerminal(f"the terminal on {address} keeps its data in {found}, not in {self._data_dir}")

    def _linked(self) -> Any:
        """The verified client. Checked before each call: on a dead link the SDK would look for any terminal."""
        client = self._client
        if client is None or not client.is_connected():
            raise TerminalDown("the quote link is down")
        return client

    def _call(self, function: Callable[[], T], name: str, seconds: float = CALL_SECONDS) -> T:
        client = self._linked()
        try:
            found = bounded(function, seconds, name)
        except CallTimeout as error:
            raise QueryTimeout(str(error)) from error
        except Exception as error:
            if not client.is_connected():
                raise TerminalDown(f"the quote link was lost during {name}") from error
            raise QueryFailed(f"{name}: {type(error).__name__}: {error}") from error
        if self._xtdata.get_client() is not client:
            self._client = None  # the SDK reconnected by itself: unverified, and without our subscriptions
            raise TerminalDown(f"the quote link was lost during {name}")
        return found

    # --- history --------------------------------------------------------------------------------

    def download(
        self,
        symbols: Sequence[str],
        period: Period,
        start: str,
        end: str,
        on_progress: ProgressCallback | None = None,
        deadline_seconds: float = 600.0,
    ) -> None:
        """Have the terminal fetch history to its disk; see `QuoteGateway.download`."""
        self._fetch(symbols, str(period), start, end, on_progress, deadline_seconds)

    def _fetch(
        self,
        symbols: Sequence[str],
        period: str | tuple[int, int],
        start: str,
        end: str,
        on_progress: ProgressCallback | None,
        deadline_seconds: float,
    ) -> None:
        """A download of anything that the SDK calls a period."""
        client = self._linked()
        abandoned = threading.Event()

        def report(progress: Mapping[str, Any]) -> None:
            if on_progress is not None and not abandoned.is_set():
                on_progress(
                    DownloadProgress(
                        finished=int(progress.get("finished", 0)),
                        total=int(progress.get("total", 0)),
                        symbol=str(progress.get("stockcode", "")),
                        message=str(progress.get("message", "")),
                    )
                )

        call = DisposableCall(
            lambda: self._xtdata.download_history_data2(list(symbols), period, start, end, report), "download"
        )
        limit = time.monotonic() + deadline_seconds
        while not call.is_done and time.monotonic() < limit and client.is_connected():
            time.sleep(_POLL_SECONDS)
        abandoned.set()
        if not call.is_done:
            self._stop_download(client)
            if not client.is_connected():
                raise TerminalDown("the quote link was lost during a download")
            raise DownloadTimeout(f"{len(symbols)} symbols of {period} did not arrive within {deadline_seconds:g} s")
        try:
            call.result(0)
        except Exception as error:
            if not client.is_connected():
                raise TerminalDown("the quote link was lost during a download") from error
            raise download_failure(str(error)) from error

    def _stop_download(self, client: Any) -> None:
        with contextlib.suppress(Exception):
            bounded(client.stop_supply_history_data2, STOP_SECONDS, "stop download")

    def read_local(self, symbols: Sequence[str], period: Period, start: str, end: str) -> dict[str, pd.DataFrame]:
        """Raw bars that have landed; see `QuoteGateway.read_local`."""
        lower, upper = frames.full_bounds(start, end)
        found = self._call(
            lambda: self._xtdata.get_local_data(
                field_list=list(frames.BAR_FIELDS),
                stock_list=list(symbols),
                period=str(period),
                start_time=lower,
                end_time=upper,
                count=-1,
                dividend_type="none",
                fill_data=False,
            ),
            "get_local_data",
            READ_SECONDS,
        )
        return {
            symbol: frames.bars_frame(
                {field: frame[field].to_numpy() for field in frames.BAR_FIELDS}, self._unit(symbol)
            )
            for symbol, frame in found.items()
        }

    def read_ticks(self, symbols: Sequence[str], start: str, end: str) -> dict[str, pd.DataFrame]:
        """Ticks that have landed; see `QuoteGateway.read_ticks`."""
        lower, upper = frames.full_bounds(start, end)
        found = self._call(
            lambda: self._xtdata.get_local_data(
                stock_list=list(symbols), period="tick", start_time=lower, end_time=upper, fill_data=False
            ),
            "get_local_data",
            READ_SECONDS,
        )
        return {
            symbol: frames.ticks_frame({name: frame[name].to_numpy() for name in frame.columns}, self._unit(symbol))
            for symbol, frame in found.items()
        }

    # --- reference ------------------------------------------------------------------------------

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentDetail]:
        """Details of the symbols that the terminal knows."""
        found = self._call(
            lambda: self._xtdata.get_instrument_detail_list(list(symbols), iscomplete=True),
            "get_instrument_detail_list",
            READ_SECONDS,
        )
        return [frames.instrument_detail(symbol, found[symbol]) for symbol in symbols if found.get(symbol)]

    def sectors(self) -> list[str]:
        """Names of the sectors."""
        return list(self._call(self._xtdata.get_sector_list, "get_sector_list"))

    def sector_members(self, name: str) -> list[str]:
        """Today's members; `QueryFailed` for an unknown name."""
        if name not in self.sectors():
            raise QueryFailed(f"the terminal has no sector {name!r}")
        return list(self._call(lambda: self._xtdata.get_stock_list_in_sector(name), "get_stock_list_in_sector"))

    def trading_days(self, market: str, start: str, end: str) -> list[dt.date]:
        """Trading days between two dates, as far as the terminal knows them."""
        stamps = self._call(lambda: self._xtdata.get_trading_dates(market, start, end, -1), "get_trading_dates")
        return [frames.day_of_stamp(stamp) for stamp in stamps]

    def holidays(self) -> list[dt.date]:
        """Published holidays; the terminal fetches the list first."""
        self._call(self._xtdata.download_holiday_data, "download_holiday_data")
        return [frames.day_of_text(text) for text in self._call(self._xtdata.get_holidays, "get_holidays")]

    def factors(self, symbol: str) -> list[DividendFactor]:
        """Ex-rights events, oldest first."""
        table: pd.DataFrame = self._call(lambda: self._xtdata.get_divid_factors(symbol), "get_divid_factors")
        rows: dict[str, dict[str, Any]] = {str(day): dict(row) for day, row in table.iterrows()}
        return [frames.dividend_factor(symbol, day, rows[day]) for day in sorted(rows)]

    # --- live -----------------------------------------------------------------------------------

    def full_tick(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Latest snapshots."""
        found = self._call(lambda: self._xtdata.get_full_tick(list(symbols)), "get_full_tick")
        return {symbol: frames.quote(symbol, tick, self._unit(symbol)) for symbol, tick in found.items()}

    def subscribe_quotes(self, targets: Sequence[str], callback: QuoteCallback) -> int:
        """Follow symbols or whole markets; survives reconnects."""
        return self._register(_Subscription(tuple(targets), callback))

    def subscribe_ticks(self, symbol: str, callback: QuoteCallback) -> int:
        """Follow one symbol tick by tick; survives reconnects."""
        with self._lifecycle:
            if sum(subscription.single for subscription in self._registry.values()) >= MAX_SINGLE_SUBSCRIPTIONS:
                raise SubscriptionLimit(f"{MAX_SINGLE_SUBSCRIPTIONS} single subscriptions are in use")
            return self._register(_Subscription((symbol,), callback, single=True))

    def _register(self, subscription: _Subscription) -> int:
        with self._lifecycle:
            self._subscribe(subscription)
            handle = next(self._handles)
            self._registry[handle] = subscription
        return handle

    def unsubscribe(self, handle: int) -> None:
        """End a subscription."""
        with self._lifecycle:
            subscription = self._registry.pop(handle, None)
            if subscription is not None and subscription.number and self._client is not None:
                with contextlib.suppress(QueryFailed, TerminalDown):
                    self._call(lambda: self._xtdata.unsubscribe_quote(subscription.number), "unsubscribe_quote")

    def _subscribe(self, subscription: _Subscription) -> None:
        targets = list(subscription.targets)
        receive = self._receiver(subscription)
        if subscription.single:
            number = self._call(
                lambda: self._xtdata.subscribe_quote(targets[0], period="tick", count=0, callback=receive),
                "subscribe_quote",
            )
        else:
            number = self._call(lambda: self._xtdata.subscribe_whole_quote(targets, receive), "subscribe_whole_quote")
        if not isinstance(number, int) or number <= 0:
            raise QueryFailed(f"subscribing to {targets[:5]} gave {number!r}")
        subscription.number = number

    def _receiver(self, subscription: _Subscription) -> Callable[[Mapping[str, Any]], None]:
        def receive(pushed: Mapping[str, Any]) -> None:
            for ticks in frames.pushes(pushed, single=subscription.single):
                batch = {}
                for symbol, tick in ticks.items():
                    try:
                        batch[symbol] = frames.quote(symbol, tick, self._unit(symbol))
                    except (KeyError, TypeError, ValueError) as error:
                        logger.warning("a quote of %s is not usable: %s", symbol, error)
                if batch:
                    try:
                        subscription.callback(batch)
                    except Exception:
                        logger.exception("a quote callback failed")

        return receive

    def market_clock(self) -> ClockReading:
        """The terminal's market clock."""
        if self.capabilities.has_market_clock:
            return self._simulated_clock()
        now = dt.datetime.now(SHANGHAI)
        trade_date = frames.day_of_stamp(
            self._call(lambda: self._xtdata.get_market_last_trade_date("SH"), "get_market_last_trade_date")
        )
        return ClockReading(
            trade_date=trade_date,
            phase=frames.real_phase(trade_date, now, phase_at(now.time())),
            market_time_ms=int(now.timestamp() * 1000),
            offset_ms=0,
            simulated=False,
        )

    def _simulated_clock(self) -> ClockReading:
        bson = self._sdk.xtbson
        asked_ms = time.time_ns() // 1_000_000
        client = self._linked()
        answer = self._call(lambda: client.commonControl(SIMULATED_CLOCK, bson.BSON.encode({})), SIMULATED_CLOCK)
        return frames.clock_reading(bson.BSON.decode(answer), asked_ms)

    def _unit(self, symbol: str) -> int:
        unit = self._units.get(symbol)
        if unit is None:
            unit = self._units[symbol] = frames.volume_unit(symbol)
        return unit
