"""What the pages show in blocks is run as it stands, on a platform as `make run` starts it.

The tutorial, gRPC's page and the webhooks' receiver are run by tests of their areas. Only what a reader fills in is filled in
here: the address, the token, the numbers of what was placed before.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from desk.settings.schema import ROOT
from tests.e2e.platform_stack import Stack, make_stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ADDRESS = re.compile(r"https?://(?:127\.0\.0\.1:8000|desk\.example)|(?<![/\w])localhost:8000")
# Stops at the first refusal, and shows it.
STRICT = """set -e -o pipefail
curl() { command curl --fail-with-body "$@" || { echo "refused: curl $*" >&2; return 22; }; }
"""


def blocks(page: str, *languages: str) -> list[str]:
    """The page's blocks of these languages, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.finditer(r"^( *)```(\w*)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(each[3]) for each in found if each[2] in languages]


def shell(stack: Stack, script: str, token: str, **variables: str) -> str:
    """Run a block as a person types it, in the project's folder; what it printed."""
    script = ADDRESS.sub(stack.url, script).replace("desk_…", token).replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-c", STRICT + script],
        cwd=ROOT,
        env=stack.environment | {"TOKEN": token, "DESK": stack.url} | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def python(stack: Stack, code: str, token: str, **names: Any) -> dict[str, Any]:
    """Run a block of Python; the names it leaves."""
    exec(ADDRESS.sub(stack.url, code).replace("desk_…", token), names)  # noqa: S102 - the pages are ours
    return names


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = make_stack(tmp_path_factory.mktemp("documentation"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return stack.token("alice", "market:read", "account:read", "orders:write")


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[httpx.Client]:
    with stack.api("alice") as client:
        yield client


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_commands_of_the_readme(stack: Stack, token: str, page: str) -> None:
    _make, requests, commands = blocks(page, "sh")
    shell(stack, requests, token)
    assert "600519" in shell(stack, commands, token)


@pytest.mark.parametrize("page", ["docs/functions.md", "docs/ledger.md"])
def test_requests_of_a_page(stack: Stack, token: str, page: str) -> None:
    for script in blocks(page, "sh"):
        shell(stack, script, token)


# ------------------------------------------------------------------------------ orders
def order(api: httpx.Client, symbol: str, side: str, quantity: int) -> str:
    """Number of an order that waits at the exchange, at the day's limit of its own side."""
    limits = api.get(f"/instruments/{symbol}").json()
    price = limits["limit_down" if side == "BUY" else "limit_up"]
    wish = {"account": 1, "symbol": symbol, "side": side, "quantity": quantity, "price": price}
    return str(api.post("/orders", json=wish).raise_for_status().json()["id"])


def until(api: httpx.Client, path: str, *statuses: str, field: str = "status") -> dict[str, Any]:
    """What the address answers once its status is one of these."""
    deadline = time.monotonic() + 60
    while (found := api.get(path).json())[field] not in statuses:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return dict(found)


def test_page_of_orders(stack: Stack, token: str, api: httpx.Client) -> None:
    setup, one, cancels, replace, *executions, follow, subscriptions = blocks("docs/orders.md", "sh")

    def typed(script: str, **variables: str) -> str:
        # A script of three commands made by the page itself: the token is made as it says, and used.
        return shell(stack, setup + script, token, **variables)

    placed = json.loads(typed(one))
    assert json.loads(typed(one))["id"] == placed["id"]
    until(api, f"/orders/{placed['id']}", "REPORTED", "FILLED")
    resting = order(api, "600519.SH", "BUY", 100)
    until(api, f"/orders/{resting}", "REPORTED")
    typed(replace, ID=resting)
    typed(cancels, ID=order(api, "600519.SH", "BUY", 100))
    held = {"account": 1, "symbol": "518880.SH", "side": "BUY", "quantity": 1000, "price_type": "LATEST"}
    bought = api.post("/orders", json=held).raise_for_status().json()
    until(api, f"/orders/{bought['id']}", "FILLED")  # what the page's basket sells: of the T+0 kind
    assert executions
    for script in executions:
        typed(script)
    wish = {
        "account": 1,
        "kind": "SPLIT",
        "symbol": "000001.SZ",
        "side": "BUY",
        "quantity": 2000,
        "child_quantity": 500,
    }
    limit = api.get("/instruments/000001.SZ").json()["limit_down"]
    running = api.post("/executions", json=wish | {"price": limit}).raise_for_status().json()
    typed(follow, X=str(running["id"]))
    until(api, f"/executions/{running['id']}", "CANCELLED", field="state")
    issues = api.get("/ipo-subscriptions/issues", params={"account": 1}).json()["issues"]
    for issue in issues[:2]:  # a symbol is subscribed once: one with the most there is, the next with a quantity
        subscriptions = subscriptions.replace("732499.SH", issue["symbol"], 1)
    typed(subscriptions)


def test_page_of_money(stack: Stack, api: httpx.Client) -> None:
    # What the table above the request asks of an administrator, who confirms a password in a browser.
    stack.manage(
        "shell",
        "-c",
        "from accounts.models import Grant, User\n"
        "from trading.money.models import MoneyLimit\n"
        "Grant.objects.update(can_move_money=True)\n"
        "values = {'single_amount': 50000, 'day_amount': 200000, 'set_by': User.objects.get(username='admin')}\n"
        "from ops.clocks import wall_now\n"
        "MoneyLimit.objects.create(account_id=1, set_at=wall_now(), **values)\n",
    )
    (request,) = blocks("docs/money.md", "")

    asked = json.loads(shell(stack, request, stack.token("alice", "money:write", "account:read")))

    assert (asked["status"], asked["amount"]) == ("PENDING_APPROVAL", "20000.00")


# ------------------------------------------------------------------- limits and approval
def test_limits_and_rules_of_approval(stack: Stack) -> None:
    token = stack.token("admin", "admin:*")
    (rule,) = blocks("docs/approval.md", "")
    assert json.loads(shell(stack, rule, token))["enabled"] is True
    (shown,) = blocks("docs/risk.md", "")
    (made, wish), (changed, change) = re.findall(r"^\w+ (\S+) +(\{.*\})$", shown, re.MULTILINE)
    with stack.api("admin", "admin:*") as admin:
        prefix = "/api/v1"
        limit = admin.post(made.removeprefix(prefix), json=json.loads(wish)).raise_for_status().json()
        address = changed.removeprefix(prefix).replace("/7", f"/{limit['id']}")
        assert admin.patch(address, json=json.loads(change)).raise_for_status().json()["value"] == "150000"


# -------------------------------------------------------------------------- strategies
def test_first_strategy_and_one_of_ones_own(stack: Stack, token: str, api: httpx.Client) -> None:
    first = blocks("docs/strategies.md", "bash")
    stack.manage(
        "shell", "-c", "from accounts.models import BrokerAccount; BrokerAccount.objects.update(auto_trading=True)"
    )
    for script in first:
        shell(stack, script, token)
    until(api, "/strategy-runs/1", "RUNNING", field="state")


def test_backtest_of_the_page(stack: Stack, api: httpx.Client) -> None:
    (wish,) = blocks("docs/backtest.md", "json")
    made = api.post("/backtests", json=json.loads(wish)).raise_for_status().json()
    assert made["id"]


# ------------------------------------------------------------------------------ Python
class Printed(Exception):
    """A loop without an end has shown something."""


def shown(*_values: object) -> None:
    raise Printed


def test_client_places_one_order_and_reads_bars(stack: Stack, token: str) -> None:
    for page in ("client/README.md", "docs/guides/script-author.md"):
        (code,) = blocks(page, "python")
        assert python(stack, code, token)["order"].status


def test_client_follows_an_account(stack: Stack, token: str) -> None:
    made, followed = blocks("docs/client.md", "python")
    names = python(stack, made, token)
    with pytest.raises(Printed):
        python(stack, followed, token, desk=names["desk"], print=shown)


def test_socket_says_something(stack: Stack, token: str) -> None:
    (code,) = blocks("docs/live-socket.md", "python")
    said: list[dict[str, Any]] = []

    def keep(message: dict[str, Any]) -> None:
        said.append(message)
        if message["type"] == "snapshot":
            raise Printed

    with pytest.raises(Printed):
        python(stack, code.replace("ws://127.0.0.1:8000", stack.url.replace("http", "ws", 1)), token, print=keep)
    assert said[0]["type"] == "hello"


# ------------------------------------------------------------------- faults, last of all
def test_faults_on_purpose(stack: Stack, token: str, api: httpx.Client) -> None:
    (script,) = blocks("docs/simulated-market.md", "sh")
    script = script.replace("var/terminal", str(stack.state_dir / "terminal"))
    named, *commands = re.split(r"^(?=terminal )", script, flags=re.MULTILINE)
    assert len(commands) == 7
    for command in commands:
        shell(stack, f"shopt -s expand_aliases\n{named}\nuntil terminal status; do sleep 1; done\n{command}", token)
    deadline = time.monotonic() + 60
    while api.get("/health/ready").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
