"""Loads the SDK once, safely, and builds the two gateways over it. Nothing else in the project imports ``xtquant``.

What "safely" means, each point learnt the hard way in the field:

* importing the package asks the package index for updates, up to ten seconds per address behind a silent firewall:
  ``requests`` is hidden meanwhile;
* every conversion between text and time uses the host's time zone: under any other than Asia/Shanghai dates shift by
  a day;
* another package installs itself under the same name with other behaviour: origin and version are compared with the
  pinned wheel;
* the native modules and their stand-ins cannot live in one process: the first choice is final, so a PAPER host never
  loads native code.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from zoneinfo import ZoneInfo

from qmt.errors import SdkUnavailable

if TYPE_CHECKING:
    from qmt.gateway import TradeSink
    from qmt.quotes import QuoteSession
    from qmt.session import TradeSession

Native = Literal["real", "simulated"]

PACKAGE: Final = "xtquant"
PINNED_VERSION: Final = "250807.1.2"
MARKET_ZONE: Final = ZoneInfo("Asia/Shanghai")

_QUOTE_MODULES: Final = ("xtdata", "xtbson")
_TRADE_MODULES: Final = (*_QUOTE_MODULES, "xttrader", "xttype", "xtconstant")

_lock = threading.Lock()
_loaded: QuoteSdk | None = None


@dataclass(frozen=True)
class QuoteSdk:
    """The SDK's quote half, and what it runs on. A process that only reads quotes loads nothing else of it."""

    native: Native
    version: str
    origin: Path
    xtdata: ModuleType
    xtbson: ModuleType


@dataclass(frozen=True)
class Sdk(QuoteSdk):
    """The whole loaded SDK."""

    xttrader: ModuleType
    xttype: ModuleType
    xtconstant: ModuleType


def load_sdk(native: Native) -> Sdk:
    """Load the SDK over its native modules ("real", Windows) or over the simulated terminal's stand-ins ("simulated").

    The second call with the same choice returns the same object.

    Raises
    ------
    SdkUnavailable
        With the reason in words: absent, other version or origin, wrong time zone, loaded before by somebody else, with
        the other choice, or for quotes only.
    """
    loaded = _load(native, Sdk, _TRADE_MODULES)
    if not isinstance(loaded, Sdk):
        raise SdkUnavailable("this process only reads quotes: it cannot open a trade session")
    return loaded


def load_quote_sdk(native: Native) -> QuoteSdk:
    """Load the quote half of the SDK for good: no trade session can be opened in this process afterwards.

    Where the whole SDK is loaded already, that is returned.

    Raises
    ------
    SdkUnavailable
    """
    return _load(native, QuoteSdk, _QUOTE_MODULES)


def _load(native: Native, kind: type[QuoteSdk], names: Sequence[str]) -> QuoteSdk:
    global _loaded
    with _lock:
        if _loaded is not None:
            if _loaded.native != native:
                raise SdkUnavailable(
                    f"this process already runs the SDK over {_loaded.native} modules and cannot change to {native}"
                )
            return _loaded
        assert_market_zone()
        if PACKAGE in sys.modules:
            raise SdkUnavailable(f"{PACKAGE} was imported before by something else; only qmt.sdk may import it")
        origin = verify_package()
        _loaded = kind(native=native, version=PINNED_VERSION, origin=origin, **_import(native, names))
        return _loaded


def verify_package() -> Path:
    """Check, without importing it, that the installed package is the pinned wheel; return its folder.

    Raises
    ------
    SdkUnavailable
    """
    try:
        distribution = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise SdkUnavailable(f"the package {PACKAGE} is not installed; install {PACKAGE}=={PINNED_VERSION}") from error
    if distribution.version != PINNED_VERSION:
        raise SdkUnavailable(
            f"{PACKAGE} {distribution.version} is installed, but this platform is built for {PINNED_VERSION}"
        )
    spec = importlib.util.find_spec(PACKAGE)
    wheel = Path(str(distribution.locate_file(PACKAGE))).resolve()
    found = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
    if found != wheel:
        raise SdkUnavailable(f"{PACKAGE} would be imported from {found}, not from the pinned wheel in {wheel}")
    return wheel


def assert_market_zone() -> None:
    """Refuse a process whose local time is not that of Asia/Shanghai.

    Raises
    ------
    SdkUnavailable
    """
    for moment in (1_104_537_600, 1_435_708_800, int(time.time())):
        local = datetime.fromtimestamp(moment)  # noqa: DTZ006 - what this host's clock shows is the question
        shanghai = datetime.fromtimestamp(moment, MARKET_ZONE).replace(tzinfo=None)
        if local != shanghai:
            raise SdkUnavailable(
                f"this process runs in the time zone {'/'.join(time.tzname)}, but the SDK needs Asia/Shanghai: dates would shift by a day. "
                "Start it with TZ=Asia/Shanghai (Windows: set the system's time zone to UTC+08:00 Beijing)"
            )


def open_trade_gateway(
    *, native: Native, userdata: Path, session_ids: Sequence[int], pool_dir: Path, sink: TradeSink
) -> TradeSession:
    """Make a trade session over the SDK; the caller opens it.

    Parameters
    ----------
    userdata : Path
        The terminal's ``userdata_mini`` folder.
    session_ids : sequence of int
        The pool to rotate through, unique to this installation on the terminal's machine.
    pool_dir : Path
        Where the pool's position and locks are kept, shared by every process that uses the same terminal.
    """
    from qmt.session import TradeSession
    from qmt.sessionpool import SessionPool

    sdk = load_sdk(native)
    return TradeSession(sdk, userdata=userdata, pool=SessionPool(pool_dir, session_ids), sink=sink)


def open_quote_gateway(*, native: Native, data_dir: Path | None = None) -> QuoteSession:
    """Make a quote session over the SDK; the caller connects it.

    Parameters
    ----------
    data_dir : Path or None
        The data directory that the terminal must report at every connect; None accepts what the first connect reports
        and insists on it afterwards.
    """
    from qmt.quotes import QuoteSession

    return QuoteSession(load_sdk(native), data_dir=data_dir)


def open_feed_gateway(*, native: Native) -> QuoteSession:
    """Make a quote session in a process that will only ever read quotes: its SDK has no trading half.

    Raises
    ------
    SdkUnavailable
    """
    from qmt.quotes import QuoteSession

    return QuoteSession(load_quote_sdk(native))


def _import(native: Native, names: Sequence[str]) -> dict[str, ModuleType]:
    before = set(sys.modules)
    try:
        if native == "simulated":
            _install_stand_ins()
        with _hidden("requests"):
            importlib.import_module(PACKAGE)
        modules = {name: importlib.import_module(f"{PACKAGE}.{name}") for name in names}
    except Exception as error:
        for name in set(sys.modules) - before:
            if name == PACKAGE or name.startswith(f"{PACKAGE}."):
                del sys.modules[name]
        where = (
            "its native modules need Windows and Python 3.13 or older"
            if native == "real"
            else "over the simulated terminal's stand-ins"
        )
        raise SdkUnavailable(f"{PACKAGE} {PINNED_VERSION} cannot be loaded ({where}): {error}") from error
    # We build every trader in a thread of its own; the SDK's destructor would give the main thread an event loop
    # "back".
    if "xttrader" in modules:
        del modules["xttrader"].XtQuantTrader.__del__
    modules["xtdata"].enable_hello = False  # type: ignore[attr-defined]  # it prints a banner at every connect
    return modules


def _install_stand_ins() -> None:
    from qmt.terminal.native import datacenter, xtpythonclient

    sys.modules[f"{PACKAGE}.xtpythonclient"] = xtpythonclient.module()
    sys.modules[f"{PACKAGE}.datacenter"] = datacenter.module()


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Make an import of the module fail inside the block (the SDK swallows that), then restore what was there."""
    absent: Any = object()
    kept = sys.modules.get(name, absent)
    sys.modules[name] = cast(ModuleType, None)
    try:
        yield
    finally:
        if kept is absent:
            del sys.modules[name]
        else:
            sys.modules[name] = kept
