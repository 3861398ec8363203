"""What of a terminal is simulated, read from the code itself, for the fidelity ledger (docs/fidelity.md).

``python -m qmt.terminal.fidelity`` prints the generated part of the ledger; a test compares it with the page.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable

from qmt.terminal.faults import FaultAction
from qmt.terminal.native.datacenter import COMMON_CONTROLS, SIMULATED_VERSIONS, IPythonApiClient
from qmt.terminal.native.strict import manifest
from qmt.terminal.native.xtpythonclient import PUSHES, RESPONSES, XtQuantAsyncClient

BEGIN = "<!-- generated: python -m qmt.terminal.fidelity -->"
END = "<!-- end of the generated part -->"

_OTHERS = (
    "Every other command of commonControl, every module function of `datacenter` beside `rpc_init`, "
    "`register_create_nparray` and `get_local_server_port`, and every period beside tick, 1m, 5m and 1d."
)


def trade_operations() -> tuple[list[str], list[str]]:
    """Native trade operations that are simulated, and those that are not."""
    known = [name.removesuffix("WithSeq") for name in manifest("xtpythonclient")["client"] if name.endswith("WithSeq")]
    return sorted(RESPONSES), sorted(set(known) - set(RESPONSES))


def quote_calls() -> tuple[list[str], list[str]]:
    """Native quote calls that are simulated, and those that are not."""
    known = set(manifest("datacenter")["client"])
    own = {name for name, _ in inspect.getmembers(IPythonApiClient, inspect.isfunction)}
    return sorted(known & own), sorted(known - own)


def lifecycle_calls() -> list[str]:
    """The trade client's own calls that are simulated."""
    known = set(manifest("xtpythonclient")["client"])
    return sorted(known & {name for name, _ in inspect.getmembers(XtQuantAsyncClient, inspect.isfunction)})


def generated() -> str:
    """The generated part of the ledger, marks included."""
    trade, no_trade = trade_operations()
    quote, no_quote = quote_calls()
    lines = [
        BEGIN,
        "",
        "### Simulated",
        "",
        *_listed("Trade client", lifecycle_calls()),
        *_listed("Trade operations", trade),
        *_listed("Trade pushes", [*sorted(PUSHES), "disconnected"]),
        *_listed("Quote calls", quote),
        *_listed("Shapes of get_market_data3", sorted(SIMULATED_VERSIONS)),
        *_listed("Commands of commonControl", sorted(COMMON_CONTROLS)),
        *_listed("Faults that can be armed", sorted(FaultAction)),
        "### Not simulated",
        "",
        "Each of these raises `NotSimulated` at once and is counted by `uncovered_calls()`.",
        "",
        *_listed("Trade operations", no_trade),
        *_listed("Quote calls", no_quote),
        _OTHERS,
        "",
        END,
    ]
    return "\n".join(lines)


def _listed(title: str, names: Iterable[str]) -> list[str]:
    return [f"**{title}**: " + ", ".join(f"`{name}`" for name in names), ""]


if __name__ == "__main__":
    sys.stdout.write(generated() + "\n")
