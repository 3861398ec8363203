"""A restore with real processes: what was sent after the backup is found at the broker, and nothing is sent again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness import Stack, clerk_of, until

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(400)]

SYMBOL = "600519.SH"
ALPHA = "8000000001"
#: Long-lived orders: nothing here may be saved by an order's time to live.
LONG = {"DESK_ORDER_TTL_SECONDS": "600", "DESK_HOST_LEASE_SECONDS": "4"}


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = Stack(**LONG)
    try:
        made.prepare()
        made.start_valkey()
        made.start_terminal()
        yield made
    finally:
        made.close()


def test_restored_platform_sends_nothing_and_finds_what_was_sent_meanwhile(stack: Stack) -> None:
    def at_broker() -> int:
        return len(stack.broker_orders(ALPHA))

    wish = {"symbol": SYMBOL, "side": "BUY", "quantity": 100, "price_type": "LIMIT"}
    stack.start_worker()
    with clerk_of(stack) as clerk:
        clerk.until_session(seconds=120)
        price = clerk.ask("quote_instrument", symbol=SYMBOL)["limit_down"]
        before = clerk.submit(price=price, **wish)["id"]
        clerk.until_status(before, "REPORTED", seconds=60)
        holder = clerk.ask("session")["lease_holder"]
        stack.stop("trade", kill=True)
        # Accepted at once after the worker's death, and nobody there to send it: queued in the backup.
        queued = clerk.submit(price=price, **wish)
        assert queued["status"] == "QUEUED", queued["deny_code"]
        stack.manage("backup")
        stack.start_worker(name="trade")
        clerk.until_session(seconds=120, not_holder=holder)
        after = clerk.submit(price=price, **wish)["id"]
        clerk.until_status(after, "REPORTED", seconds=60)
    assert at_broker() == 2
    stack.stop("trade", seconds=60)
    (folder,) = (stack.folder / "backups").glob("desk-*")
    stack.manage("restore", str(folder), "--replace")
    stack.start_worker()
    with clerk_of(stack) as clerk:
        clerk.until_session(seconds=120)
        row = clerk.order(queued["id"])
        assert (row["status"], row["deny_code"]) == ("EXPIRED", "RESTORED")
        assert clerk.order(before)["status"] == "REPORTED"
        sources = [order["source"] for order in clerk.ask("orders")]
        assert sorted(sources) == ["API", "API", "EXTERNAL"]
        refused = clerk.submit(price=price, **wish)
        assert (refused["status"], refused["deny_code"]) == ("DENIED", "ACCOUNT_HALTED")
        assert at_broker() == 2
        clerk.ask("resume")
        assert at_broker() == 2
        again = clerk.submit(price=price, **wish)
        clerk.until_status(again["id"], "REPORTED", seconds=60)
        until(lambda: at_broker() == 3, 10, "the new order at the broker")
    report = stack.manage("verify")
    assert "0 findings" in report
