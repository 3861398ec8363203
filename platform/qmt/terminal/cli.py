"""Command line of the simulated terminal, shared by ``python -m qmt.terminal`` and whoever starts it as a child process."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from qmt.sdk import Native

#: EX_CONFIG of sysexits.h: the terminal would end so again until a person changes something.
EXIT_MISCONFIGURED = 78

DEFAULT_ACCOUNTS = ("8000000001", "8000000002")
DEFAULT_CASH = Decimal(10_000_000)
NATIVES: Final = ("simulated", "real")


@dataclass(frozen=True, slots=True)
class AccountSeed:
    """A broker account of the terminal and the cash it opens with on the very first start."""

    account_no: str
    cash: Decimal


@dataclass(frozen=True, slots=True)
class FeedSource:
    """Where a fed terminal reads quotes.

    Attributes
    ----------
    native : str
        "simulated" or "real": what the source is.
    at : str
        ``host:port`` of its quote service, or the ``userdata_mini`` folder where a simulated terminal announces it.
    """

    name: str
    native: Native
    at: str

    def __str__(self) -> str:
        return f"{self.name}={self.native}@{self.at}"

    @property
    def announcement(self) -> Path | None:
        """The file in which a simulated source says where it listens."""
        return Path(self.at) / "terminal.json" if self.native == "simulated" else None


@dataclass(frozen=True, slots=True)
class TerminalOptions:
    """Everything the terminal process needs to know.

    Attributes
    ----------
    state_dir : Path
        The installation's state folder; the terminal lives in ``<state_dir>/terminal/<host_name>``.
    data : Path or None
        File of real bars to replay; None runs the seeded market.
    basis : str
        "raw" or "front_adjusted": what the prices of ``data`` are.
    speed : float
        Market seconds per wall second.
    feed : FeedSource or None
        The host whose quotes this terminal's market is; None for a market of its own.
    """

    state_dir: Path
    host_name: str
    data: Path | None
    basis: str
    speed: float
    seed: int
    port: int
    accounts: tuple[AccountSeed, ...]
    feed: FeedSource | None = None

    @property
    def home(self) -> Path:
        """The terminal's own folder."""
        return self.state_dir / "terminal" / self.host_name

    @property
    def userdata(self) -> Path:
        """What a real installation calls ``userdata_mini``: the path a trade session is opened with."""
        return self.home / "userdata_mini"

    @property
    def announcement(self) -> Path:
        """Written when the server accepts connections, removed when it stops."""
        return self.userdata / "terminal.json"


def _account(text: str) -> AccountSeed:
    number, _, cash = text.partition(":")
    try:
        seed = AccountSeed(number, Decimal(cash) if cash else DEFAULT_CASH)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{cash!r} is not an amount of money") from error
    if not number.isascii() or not number.isalnum() or not seed.cash.is_finite() or seed.cash < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not NUMBER[:CASH]")
    return seed


def feed_source(text: str) -> FeedSource:
    """Read ``NAME=simulated@FOLDER`` or ``NAME=real@HOST:PORT``."""
    name, _, rest = text.partition("=")
    native, _, at = rest.partition("@")
    if not _is_native(native) or not at:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=simulated@FOLDER or NAME=real@HOST:PORT")
    return FeedSource(_host_name(name), native, at)


def _is_native(text: str) -> TypeGuard[Native]:
    return text in NATIVES


def _host_name(text: str) -> str:
    if not text or not all(c.isascii() and (c.isalnum() or c in "-_") for c in text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name (letters, digits, - and _)")
    return text


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("the speed must lie between 0 and 3600 market seconds per second")
    return value


def parser() -> argparse.ArgumentParser:
    """Build the argument parser."""
    build = argparse.ArgumentParser(
        prog="python -m qmt.terminal", description="Run a simulated QMT terminal on this machine."
    )
    build.add_argument(
        "--state-dir",
        type=Path,
        required=True,
        help="state folder; the terminal lives in <state-dir>/terminal/<host-name>",
    )
    build.add_argument(
        "--host-name",
        type=_host_name,
        default="sim",
        help="name of the QMT host this terminal belongs to (default: sim)",
    )
    build.add_argument(
        "--data",
        type=Path,
        default=None,
        help="replay this csv, csv.gz or parquet file of daily bars instead of the seeded market",
    )
    build.add_argument(
        "--basis",
        choices=("raw", "front_adjusted"),
        default="front_adjusted",
        help="what the prices of --data are (default: front_adjusted)",
    )
    build.add_argument("--speed", type=_speed, default=1.0, help="market seconds per wall second (default: 1)")
    build.add_argument("--seed", type=int, default=7, help="seed of the market's randomness (default: 7)")
    build.add_argument(
        "--feed",
        type=feed_source,
        default=None,
        metavar="NAME=simulated@FOLDER|NAME=real@HOST:PORT",
        help="match on the quotes of another host instead of a market of its own",
    )
    build.add_argument("--port", type=int, default=0, help="loopback TCP port; 0 takes a free one (default: 0)")
    build.add_argument(
        "--account",
        dest="accounts",
        type=_account,
        action="append",
        metavar="NUMBER[:CASH]",
        help=f"a broker account (repeatable; default: {', '.join(DEFAULT_ACCOUNTS)} with {DEFAULT_CASH} each)",
    )
    return build


def parse(argv: list[str] | None = None) -> TerminalOptions:
    """Read the command line into options; exits with a usage message when it is malformed."""
    found = parser().parse_args(argv)
    accounts = (
        tuple(found.accounts)
        if found.accounts
        else tuple(AccountSeed(number, DEFAULT_CASH) for number in DEFAULT_ACCOUNTS)
    )
    return TerminalOptions(
        state_dir=found.state_dir.expanduser().resolve(),
        host_name=found.host_name,
        data=found.data.expanduser().resolve() if found.data else None,
        basis=found.basis,
        speed=found.speed,
        seed=found.seed,
        port=found.port,
        accounts=accounts,
        feed=found.feed,
    )
