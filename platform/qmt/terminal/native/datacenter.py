"""Stand-in for ``xtquant.datacenter``: the quote client with the native signatures enforced."""

from __future__ import annotations

import ctypes
import functools
import itertools
import logging
import queue
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any, Final

from qmt.terminal import bson
from qmt.terminal.native import columns
from qmt.terminal.native.referencenatives import ReferenceNatives
from qmt.terminal.native.strict import check_call, manifest, native_call, uncovered
from qmt.terminal.native.wire import Link, LinkRefused
from qmt.terminal.protocol import Frame, LinkClosed, ProtocolError
from qmt.terminal.staticdesk import ETF_BASKETS, METADATA

logger = logging.getLogger(__name__)

MODULE: Final = "xtquant.datacenter"
COMMON_CONTROLS: Final = frozenset(
    {
        "downloadholidaydata",
        "getallsubinfo",
        "getapiversion",
        "getauthorizedmarketlist",
        "getcomingtradedate",
        "getcurrentsubinfo",
        "getdatafilepath",
        "getfullkline",
        "getopencloseallklinetime",
        "getopenclosealltradetime",
        "getopenclosetradetimebystock",
        "getopencloseklinetimebystock",
        "getperiodlist",
        "simulatedclock",
    }
)
"""The commands of ``commonControl`` that are answered."""

SIMULATED_VERSIONS: Final = frozenset({"v2", "v3", "v4"})
"""The shapes of ``get_market_data3`` that are answered; v5 is tabular, the nameless one level 2."""

_create_nparray: Callable[..., Any] | None = None


class IPythonApiClient(ReferenceNatives):
    """The quote client."""

    def __init__(self) -> None:
        self._address = ""
        self._link: Link | None = None
        self._callbacks: dict[int, Callable[[bytes], None]] = {}
        self._status_callbacks: dict[str, Callable[..., None]] = {}
        self._mail = _Mail("native-quotes")
        self._downloads: dict[int, tuple[_Mail, Callable[[Any], Any]]] = {}
        self._numbers = itertools.count(1)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in manifest("datacenter")["client"]:
            raise AttributeError(f"'{MODULE}.IPythonApiClient' object has no attribute '{name}'")
        return lambda *_: uncovered(f"IPythonApiClient.{name}")

    # --- connection -----------------------------------------------------------------------------

    @native_call("datacenter")
    def init(self) -> int:
        return 0

    @native_call("datacenter")
    def load_config(self, file: str, section: str) -> int:
        return 0

    @native_call("datacenter")
    def set_config_addr(self, address: str) -> None:
        self._address = address

    @native_call("datacenter")
    def get_config_addr(self) -> str:
        return self._address

    @native_call("datacenter")
    def connect(self) -> tuple[int, str]:
        host, _, port = self._address.rpartition(":")
        try:
            self._link = Link((host, int(port)), {"role": "quote"}, self._receive, self._lost)
        except (ValueError, LinkClosed, LinkRefused, ProtocolError) as error:
            return -1, str(error)
        self._tell_status("connected")
        return 0, ""

    @native_call("datacenter")
    def is_connected(self) -> bool:
        return self._link is not None and self._link.is_up

    @native_call("datacenter")
    def shutdown(self) -> int:
        if self._link is not None:
            self._link.close()
        self._mail.end()
        for mail, _ in self._downloads.values():
            mail.end()
        return 0

    @native_call("datacenter")
    def get_peer_addr(self) -> str:
        return self._address

    @native_call("datacenter")
    def get_data_dir(self) -> str:
        return str(self._welcome()["data_dir"])

    @native_call("datacenter")
    def get_app_dir(self) -> str:
        return str(self._welcome()["app_dir"])

    @native_call("datacenter")
    def get_server_tag(self) -> bytes:
        return bson.encode({"tag": "simulated", "version": str(self._welcome()["version"])})

    # --- commands -------------------------------------------------------------------------------

    @native_call("datacenter")
    def commonControl(self, name: str, parameters: bytes) -> bytes:  # noqa: N802 - the native name
        if name not in COMMON_CONTROLS:
            uncovered(f"commonControl {name}")
        given = bson.decode(bytes(parameters))
        if name == "getdatafilepath" and given["metaid"] != ETF_BASKETS:
            uncovered(f"commonControl {name} metaid {given['metaid']}")
        return bson.encode(self._ask("common_control", name=name, parameters=given))

    @native_call("datacenter")
    def registerCommonControlCallback(self, name: str, callback: Any) -> bool:  # noqa: N802 - the native name
        self._status_callbacks[name] = callback
        return True

    # --- history and quotes ---------------------------------------------------------------------

    @native_call("datacenter")
    def get_market_data3(self, *arguments: Any) -> Any:
        found, version = self._market_data(*arguments)
        if version == "v2":
            return columns.v2(found, _capsule_array)
        if version == "v3":
            return columns.v3(found)
        return columns.v4(found)

    def _market_data(
        self,
        fields: list[str],
        codes: list[str],
        period: str,
        start: str | int,
        end: str | int,
        count: int,
        dividend_type: str,
        fill: bool,  # noqa: FBT001 - the native signature
        version: str,
        read_local: bool,  # noqa: FBT001
        read_server: bool,  # noqa: FBT001
        debug: int,
        data_dir: str,
    ) -> tuple[Frame, str]:
        if version not in SIMULATED_VERSIONS:
            uncovered(f"get_market_data3 {version or 'level 2'}")
        found: Frame = self._ask(
            "market_data",
            symbols=list(codes),
            period=period,
            start=start,
            end=end,
            count=int(count),
            dividend_type=dividend_type,
            fill=fill,
            from_server=read_server,
            fields=list(fields),
        )
        return found, version

    @native_call("datacenter")
    def get_full_tick(self, codes: list[str]) -> str:
        return str(self._ask("full_tick", symbols=list(codes)))

    @native_call("datacenter")
    def supply_history_data2(
        self, codes: list[str], period: str, start: str, end: str, parameters: bytes, callback: Any
    ) -> bool:
        options = bson.decode(bytes(parameters))
        if "metaid" in options:
            if options["metaid"] not in METADATA:
                uncovered(f"supply_history_data2 metaid {options['metaid']}")
            period = METADATA[options["metaid"]]
        number = next(self._numbers)
        self._downloads[number] = (_Mail("native-download"), callback)
        self._ask(
            "download",
            number=number,
            symbols=list(codes),
            period=period,
            start=start,
            end=end,
            incrementally=bool(options.get("incrementally")),
        )
        return False  # started: the SDK polls its own progress callback

    @native_call("datacenter")
    def stop_supply_history_data2(self) -> bool:
        return bool(self._ask("stop_downloads"))

    @native_call("datacenter")
    def subscribe_quote(self, meta: bytes, region: bytes, parameters: bytes, callback: Any) -> int:
        what = bson.decode(bytes(meta))
        return self._subscribe([str(what["stockCode"])], str(what["period"]), callback)

    @native_call("datacenter")
    def subscribe_whole_quote(self, codes: list[str], parameters: bytes, callback: Any) -> int:
        return self._subscribe(list(codes), "", callback)

    @native_call("datacenter")
    def unsubscribe_quote(self, number: int) -> None:
        self._callbacks.pop(int(number), None)
        self._ask("unsubscribe", number=int(number))

    # --- internals ------------------------------------------------------------------------------

    def _subscribe(self, targets: list[str], period: str, callback: Any) -> int:
        number = int(self._ask("subscribe", symbols=targets, period=period))
        if number > 0:
            if callback is not None:
                self._callbacks[number] = callback
            self._ask("subscribe_go", number=number)
        return number

    def _welcome(self) -> Frame:
        if self._link is None:
            raise RuntimeError("not connected")
        return self._link.welcome

    def _ask(self, operation: str, **arguments: Any) -> Any:
        if self._link is None:
            raise RuntimeError("not connected")
        try:
            return self._link.call(operation, **arguments)
        except LinkClosed as error:
            raise RuntimeError(f"{operation}: {error}") from error

    def _receive(self, frame: Frame) -> None:
        if frame["kind"] == "quote":
            callback = self._callbacks.get(frame["sub"])
            if callback is not None:
                self._mail.put(callback, frame["data"])
        elif frame["kind"] == "progress":
            mail, callback = self._downloads.get(frame["number"], (None, None))
            if mail is not None:
                mail.put(lambda progress: self._progress(frame["number"], callback, progress), frame["data"])

    def _progress(self, number: int, callback: Any, progress: Any) -> None:
        if callback(progress):  # the SDK says that it has seen the end
            mail, _ = self._downloads.pop(number)
            mail.end()

    def _lost(self, announced: bool) -> None:  # noqa: FBT001 - a callback with one meaning
        if announced:
            self._tell_status("disconnected")

    def _tell_status(self, status: str) -> None:
        if (callback := self._status_callbacks.get("watchxtquantstatus")) is not None:
            self._mail.put(callback, bson.encode({"address": self._address, "status": status}))


class _Mail:
    """A "native" thread that calls back, in order."""

    def __init__(self, name: str) -> None:
        self._items: queue.SimpleQueue[tuple[Callable[[Any], Any], Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._deliver, name=name, daemon=True).start()

    def put(self, callback: Callable[[Any], Any], argument: Any) -> None:
        """Queue a call."""
        self._items.put((callback, argument))

    def end(self) -> None:
        """End the thread behind what is queued."""
        self._items.put(None)

    def _deliver(self) -> None:
        while (item := self._items.get()) is not None:
            callback, argument = item
            try:
                callback(argument)
            except Exception:
                logger.exception("a quote callback raised")


def _capsule_array(rows: columns.Rows) -> Any:
    """An array over native memory, made by the SDK's own function as the native module does."""
    if _create_nparray is None:
        raise RuntimeError("register_create_nparray was not called")
    layout = rows.dtype
    memory = ctypes.create_string_buffer(rows.tobytes(), max(rows.nbytes, 1))
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.restype = ctypes.py_object
    new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    made = _create_nparray(
        (len(rows),), layout.descr, new_capsule(ctypes.addressof(memory), None, None), layout.itemsize
    )
    weakref.finalize(made, _keep, memory)  # the memory lives as long as the array
    return made


def _keep(_: object) -> None:
    """Holds a reference until an array is gone."""


def _rpc_init(*arguments: Any) -> int:
    check_call("rpc_init", manifest("datacenter")["module"]["rpc_init"], arguments)
    return 0


def _register_create_nparray(*arguments: Any) -> bool:
    global _create_nparray
    check_call("register_create_nparray", manifest("datacenter")["module"]["register_create_nparray"], arguments)
    (_create_nparray,) = arguments
    return True


def module() -> types.ModuleType:
    """The module object to put in place of the native one."""
    made = types.ModuleType(MODULE)
    answered: dict[str, Callable[..., Any]] = {
        "rpc_init": _rpc_init,
        "register_create_nparray": _register_create_nparray,
        "get_local_server_port": lambda: 0,  # no data service runs inside this process
    }
    for name in manifest("datacenter")["module"]:
        setattr(made, name, answered.get(name) or functools.partial(_uncovered_function, name))
    made.IPythonApiClient = IPythonApiClient  # type: ignore[attr-defined]
    return made


def _uncovered_function(name: str, *_: Any) -> Any:
    uncovered(f"datacenter.{name}")
