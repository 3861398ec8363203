"""The control channel: everything a test or a person may do to a simulated terminal that no real one offers.

``python -m qmt.terminal.control --userdata DIR COMMAND …`` is its command line, `ControlClient` its Python form,
`Controls` the terminal's side of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Protocol, Self

from qmt.gateway import STOCK_ACCOUNT
from qmt.outgoing import BUY, SELL
from qmt.pricetypes import FIX_PRICE, LATEST_PRICE
from qmt.terminal.clock import SteerableClock
from qmt.terminal.faults import Fault, FaultAction
from qmt.terminal.history import HistoryError, holes
from qmt.terminal.links import Refusal
from qmt.terminal.native.wire import Link, LinkRefused
from qmt.terminal.protocol import ANNOUNCEMENT, Frame, LinkClosed, ProtocolError
from qmt.terminal.terminal import Terminal

CALL_SECONDS: Final = 30.0


class ServerSwitches(Protocol):
    """What only the server can do."""

    def drop(self, *, announce: bool, role: str = "") -> int:
        """Cut links."""

    def restart(self, *, down_seconds: float, new_day: bool) -> None:
        """Go away and come back."""

    def stop(self) -> None:
        """Go away."""


class Controls:
    """Answers control calls inside the terminal's process."""

    def __init__(self, terminal: Terminal, clock: object, server: ServerSwitches) -> None:
        self._terminal = terminal
        self._clock = clock
        self._server = server
        self._calls: dict[str, Callable[[Frame], Any]] = {
            "status": self._status,
            "arm": self._arm,
            "clear": self._clear,
            "drop": lambda frame: server.drop(announce=bool(frame["announce"]), role=str(frame["role"])),
            "restart": self._restart,
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "advance": self._advance,
            "order": self._order,
            "cancel": self._cancel,
            "account_status": self._account_status,
            "forget": lambda frame: terminal.landed.forget(frame["symbol"] or None),
        }

    def call(self, operation: str, frame: Frame) -> Any:
        """Carry out one control call."""
        handler = self._calls.get(operation)
        if handler is None:
            raise Refusal(f"unknown control call {operation!r}")
        try:
            return handler(frame)
        except (ValueError, HistoryError) as error:
            raise Refusal(str(error)) from error

    def _status(self, _: Frame) -> dict[str, Any]:
        terminal = self._terminal
        with terminal.lock:
            sessions = terminal.trade.session_ids
            trouble = terminal.exchange.trouble()
        return {
            "clock": terminal.clock_document(),
            "sessions": sessions,
            "subscriptions": terminal.subscriptions(None),
            "market": terminal.market.kind,
            "trouble": trouble,
            "basis": str(terminal.market.basis),
            "faults": [asdict(fault) for fault in terminal.faults.armed()],
            "struck": terminal.faults.used(),
        }

    def _arm(self, frame: Frame) -> None:
        fault = Fault(
            FaultAction(frame["action"]),
            str(frame["target"]),
            count=int(frame["count"]),
            seconds=float(frame["seconds"]),
            message=str(frame["message"]),
        )
        if fault.action is FaultAction.HOLES:
            holes(fault.message)  # refuse now what no read could make sense of
        self._terminal.faults.arm(fault)

    def _clear(self, frame: Frame) -> None:
        action = FaultAction(frame["action"]) if frame["action"] else None
        self._terminal.faults.clear(action, frame["target"] or None)

    def _restart(self, frame: Frame) -> None:
        if frame["new_day"]:
            self._steered()  # refuse now what could not be done in the thread
        threading.Thread(
            target=lambda: self._server.restart(
                down_seconds=float(frame["down_seconds"]), new_day=bool(frame["new_day"])
            ),
            name="terminal-restart",
        ).start()

    def _stop(self, _: Frame) -> None:
        threading.Thread(target=self._server.stop, name="terminal-stop").start()

    def _steered(self) -> SteerableClock:
        if not isinstance(self._clock, SteerableClock):
            raise Refusal("this terminal's clock cannot be steered")
        return self._clock

    def _pause(self, _: Frame) -> None:
        clock = self._steered()
        with self._terminal.lock:
            clock.pause()

    def _resume(self, _: Frame) -> None:
        clock = self._steered()
        with self._terminal.lock:
            clock.resume()

    def _advance(self, frame: Frame) -> int:
        clock = self._steered()
        with self._terminal.lock:
            clock.advance(float(frame["seconds"]))
        self._terminal.step()
        return self._terminal.now_ms()

    def _order(self, frame: Frame) -> dict[str, Any]:
        price = frame["price"]
        order_id, message = self._terminal.place_by_hand(
            {
                "account_id": str(frame["account"]),
                "account_type": STOCK_ACCOUNT,
                "stock_code": str(frame["symbol"]),
                "order_type": BUY if frame["side"] == "BUY" else SELL,
                "order_volume": int(frame["quantity"]),
                "price_type": FIX_PRICE if price else LATEST_PRICE,
                "price": float(price),
            }
        )
        return {"order_id": order_id, "message": message}

    def _cancel(self, frame: Frame) -> dict[str, Any]:
        done, message = self._terminal.cancel_by_hand(str(frame["account"]), int(frame["order_id"]))
        return {"ok": done, "message": message}

    def _account_status(self, frame: Frame) -> None:
        with self._terminal.lock:
            self._terminal.trade.set_account_status(str(frame["account"]), int(frame["status"]))


class ControlError(Exception):
    """The terminal is not there, or refused; the text is for a person."""


class ControlClient:
    """Steers a running simulated terminal.

    Parameters
    ----------
    userdata : Path
        Its ``userdata_mini`` folder, where it announces its address.
    """

    def __init__(self, userdata: Path) -> None:
        try:
            announcement = json.loads((userdata / ANNOUNCEMENT).read_text(encoding="utf-8"))
            address = (str(announcement["host"]), int(announcement["port"]))
            self._link = Link(address, {"role": "control"}, _ignore, _ignore)
        except (OSError, ValueError, KeyError, LinkClosed, LinkRefused, ProtocolError) as error:
            raise ControlError(f"no simulated terminal runs in {userdata}: {error}") from error

    def close(self) -> None:
        """End the connection."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def status(self) -> dict[str, Any]:
        """Clock, sessions, subscriptions, armed faults and how often each struck."""
        return dict(self._call("status"))

    def arm(
        self,
        action: FaultAction | str,
        target: str = "*",
        *,
        count: int = 1,
        seconds: float = 1.0,
        message: str = "",
    ) -> None:
        """Arm a fault, see `qmt.terminal.faults`."""
        self._call("arm", action=str(action), target=target, count=count, seconds=seconds, message=message)

    def clear(self, action: FaultAction | str = "", target: str = "") -> None:
        """Disarm faults and let hanging calls go on."""
        self._call("clear", action=str(action), target=target)

    def drop(self, *, announce: bool = True, role: str = "") -> int:
        """Cut the clients' links; returns how many."""
        return int(self._call("drop", announce=announce, role=role))

    def restart(self, *, down_seconds: float = 0.5, new_day: bool = False) -> None:
        """Have the terminal go away and come back on the same port, on the next trading day if told so."""
        self._call("restart", down_seconds=down_seconds, new_day=new_day)

    def stop(self) -> None:
        """End the terminal's process."""
        self._call("stop")

    def pause(self) -> None:
        """Stop market time."""
        self._call("pause")

    def resume(self) -> None:
        """Let market time run on."""
        self._call("resume")

    def advance(self, seconds: float) -> int:
        """Move market time forward; returns it in epoch ms."""
        return int(self._call("advance", seconds=seconds))

    def order(
        self, account: str, symbol: str, side: str, quantity: int, price: Decimal | None = None
    ) -> dict[str, Any]:
        """Place an order as the terminal's own user; without a price at the latest one."""
        return dict(
            self._call("order", account=account, symbol=symbol, side=side, quantity=quantity, price=float(price or 0))
        )

    def cancel(self, account: str, order_id: int) -> dict[str, Any]:
        """Cancel an order as the terminal's own user."""
        return dict(self._call("cancel", account=account, order_id=order_id))

    def account_status(self, account: str, status: int) -> None:
        """Change an account's login status (0 OK, 3 failed)."""
        self._call("account_status", account=account, status=status)

    def forget(self, symbol: str = "") -> None:
        """Lose downloaded history, of one symbol or all."""
        self._call("forget", symbol=symbol)

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return self._link.call(operation, CALL_SECONDS, **arguments)
        except (LinkClosed, RuntimeError) as error:
            raise ControlError(f"{operation}: {error}") from error


def _ignore(_: object) -> None:
    """The terminal sends nothing unasked on this channel."""


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a price") from error
    if not value.is_finite() or value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a price")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qmt.terminal.control", description="Steer a simulated terminal.")
    parser.add_argument("--userdata", type=Path, required=True, help="the terminal's userdata_mini folder")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="clock, sessions, armed faults")
    arm = commands.add_parser("arm", help="arm a fault")
    arm.add_argument("action", choices=[str(action) for action in FaultAction])
    arm.add_argument("target", nargs="?", default="*")
    arm.add_argument("--count", type=int, default=1)
    arm.add_argument("--seconds", type=float, default=1.0)
    arm.add_argument("--message", default="")
    clear = commands.add_parser("clear", help="disarm faults, release hanging calls")
    clear.add_argument("action", nargs="?", default="")
    clear.add_argument("target", nargs="?", default="")
    drop = commands.add_parser("drop", help="cut the links")
    drop.add_argument("--silent", dest="announce", action="store_false", help="the clients are not told")
    drop.add_argument("--role", choices=("", "trade", "quote"), default="")
    restart = commands.add_parser("restart", help="go away and come back")
    restart.add_argument("--down-seconds", type=float, default=0.5)
    restart.add_argument("--new-day", action="store_true")
    for name, text in (("stop", "end the terminal"), ("pause", "stop market time"), ("resume", "let it run on")):
        commands.add_parser(name, help=text)
    commands.add_parser("advance", help="move market time forward").add_argument("seconds", type=float)
    order = commands.add_parser("order", help="place an order by hand")
    for name in ("account", "symbol"):
        order.add_argument(name)
    order.add_argument("side", choices=("BUY", "SELL"))
    order.add_argument("quantity", type=int)
    order.add_argument("price", type=_decimal, nargs="?", default=None)
    cancel = commands.add_parser("cancel", help="cancel an order by hand")
    cancel.add_argument("account")
    cancel.add_argument("order_id", type=int)
    status = commands.add_parser("account_status", help="change an account's login status")
    status.add_argument("account")
    status.add_argument("status", type=int)
    commands.add_parser("forget", help="lose downloaded history").add_argument("symbol", nargs="?", default="")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command of the command line; prints what it returns as JSON."""
    given: Mapping[str, Any] = vars(_parser().parse_args(argv))
    arguments = {name: value for name, value in given.items() if name not in ("userdata", "command")}
    try:
        with ControlClient(given["userdata"]) as client:
            found = getattr(client, given["command"])(**arguments)
    except ControlError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 1
    if found is not None:
        print(json.dumps(found, indent=2, ensure_ascii=False, default=str))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
