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

_lock = threading.Lock()
_loaded: Sdk | None = None


@dataclass(frozen=True)
class Sdk:
    """The loaded SDK: its Python modules, and what they run on."""

    native: Native
    version: str
    origin: Path
    xttrader: ModuleType
    xtdata: ModuleType
    xttype: ModuleType
    xtconstant: ModuleType
    xtbson: ModuleType


def load_sdk(native: Native) -> Sdk:
    """Load the SDK over its native modules ("real", Windows) or over the simulated terminal's stand-ins ("simulated").

    The second call with the same choice returns the same object.

    Raises
    ------
    SdkUnavailable
        With the reason in words: absent, other version or origin, wrong time zone, loaded before by somebody else or
        with the other choice.
    """
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
        _loaded = _import(native, origin)
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


def _import(native: Native, origin: Path) -> Sdk:
    before = set(sys.modules)
    try:
        if native == "simulated":
            _install_stand_ins()
        with _hidden("requests"):
            importlib.import_module(PACKAGE)
        modules = {
            name: importlib.import_module(f"{PACKAGE}.{name}")
            for name in ("xttrader", "xtdata", "xttype", "xtconstant", "xtbson")
        }
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
    del modules["xttrader"].XtQuantTrader.__del__
    modules["xtdata"].enable_hello = False  # type: ignore[attr-defined]  # it prints a banner at every connect
    return Sdk(native=native, version=PINNED_VERSION, origin=origin, **modules)


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
