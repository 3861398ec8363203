"""What one person asks for and another decides, in their browsers: transfers of money and orders; and who sees none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visitor
from tests.e2e.platform_stack import PASSWORD, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
Visit = Callable[..., Visitor]
LIVE_MS = 20_000
RIGHTS = """
from decimal import Decimal
from accounts.models import BrokerAccount, Grant, User
from ops.clocks import wall_now
from trading.money.models import MoneyLimit
account = BrokerAccount.objects.get(account_no="8000000001")
Grant.objects.filter(account=account).update(can_move_money=True, can_approve=True)
admin = User.objects.get(username="admin")
limits = {"single_amount": Decimal(50000), "day_amount": Decimal(80000), "set_by": admin, "set_at": wall_now()}
MoneyLimit.objects.update_or_create(account=account, defaults=limits)
"""
WATCHED = "600036.SH"
ALPHA = "8000000001"
GRANT = """
from accounts.models import BrokerAccount, User
from accounts.services import grant_set, grant_withdraw
from ops.audit import Actor
account, user = BrokerAccount.objects.get(account_no="8000000001"), User.objects.get(username="charlie")
by = Actor.system("tests")
{act}
"""
#: What a link that broke after the call leaves behind; the bank itself is not asked.
LOSE = """
from trading.ledger.journal import account_journal
from trading.money.choices import TransferStatus
from trading.money.models import Transfer
from trading.money.steps import SENDER, take
row = Transfer.objects.filter(note="lost on the way").latest("created_at")
with account_journal(row.account_id) as journal:
    for status in (TransferStatus.QUEUED, TransferStatus.SENDING, TransferStatus.UNKNOWN):
        take(journal, row, status, SENDER)
"""


@pytest.fixture(scope="module")
def rights(stack: Stack) -> None:
    """Alice and bob may move Alpha's money, within limits, and decide about each other's doings."""
    stack.manage("shell", "-c", RIGHTS)


@pytest.fixture
def api(stack: Stack, rights: None) -> Iterator[httpx.Client]:
    """Alice over REST."""
    with stack.api("alice") as client:
        yield client


def confirmed(visit: Visit, stack: Stack, user: str, path: str) -> Visitor:
    """Somebody on a page for which they have typed their password again, in English."""
    visitor = visit(user, path)
    page = visitor.page
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": stack.url}])
    page.goto(f"{stack.url}/confirm/?next={path}")
    page.locator("main input[type=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{stack.url}{path}")
    return visitor


def ask(page: Page, amount: str, note: str) -> None:
    form = page.locator("#transfer-form")
    page.locator("#transfer-banks").click()
    expect(form.locator("[name=bank_no]")).to_have_value("9999", timeout=LIVE_MS)
    form.locator("[name=amount]").fill(amount)
    form.locator("[name=note]").fill(note)
    expect(page.locator("#transfer-verdict [data-accepted=true]")).to_be_visible(timeout=LIVE_MS)
    page.locator("#transfer-submit").click()


def test_transfer_is_judged_while_typed_asked_by_one_approved_by_the_other_and_in_the_cash(
    stack: Stack, api: httpx.Client, visit: Visit
) -> None:
    account = api.get("/accounts").json()["results"][0]["id"]
    before = Decimal(api.get("/asset", params={"account": account}).json()["cash"])
    alice, bob = (confirmed(visit, stack, name, "/transfers/") for name in ("alice", "bob"))
    page = alice.page
    page.locator("#transfer-form [name=amount]").fill("60000")
    expect(page.locator("#transfer-verdict [data-code=MONEY_SINGLE_LIMIT]")).to_contain_text(
        "limit=50000.00", timeout=LIVE_MS
    )

    ask(page, "20000.50", "brought in")

    row, seen = (who.page.locator("#transfers tbody tr", has_text="brought in").first for who in (alice, bob))
    expect(row.locator("[data-act]")).to_have_count(1, timeout=LIVE_MS)
    expect(row.locator("[data-act=cancel]")).to_be_visible()
    seen.locator("[data-act=approve]").click(timeout=LIVE_MS)
    for name in ("bank_password", "fund_password"):
        bob.page.locator(f"#transfer-decision [name={name}]").fill("very-secret")
    bob.page.locator("#transfer-send").click()

    for who in (row, seen):
        expect(who.locator("[data-status=DONE]")).to_be_visible(timeout=2 * LIVE_MS)
        expect(who).to_contain_text("20,000.50")
    transfers = api.get("/transfers", params={"account": account, "status": "DONE"}).json()["results"]
    transfer = next(found for found in transfers if found["note"] == "brought in")
    assert (transfer["created_by"], transfer["decided_by"], transfer["status"]) == ("alice", "bob", "DONE")
    assert Decimal(api.get("/asset", params={"account": account}).json()["cash"]) == before + Decimal("20000.50")
    assert bob.page.locator("#transfer-decision [name=bank_password]").input_value() == ""
    assert "very-secret" not in bob.page.content() + page.content() + stack.log


def test_transfer_without_an_answer_is_settled_with_a_reason_by_somebody_else(
    stack: Stack, api: httpx.Client, visit: Visit
) -> None:
    alice, bob = (confirmed(visit, stack, name, "/transfers/") for name in ("alice", "bob"))
    ask(alice.page, "100", "lost on the way")
    row, seen = (who.page.locator("#transfers tbody tr", has_text="lost on the way").first for who in (alice, bob))
    expect(seen).to_be_visible(timeout=LIVE_MS)
    stack.manage("shell", "-c", LOSE)
    expect(row.locator("[data-status=UNKNOWN]")).to_be_visible(timeout=LIVE_MS)
    expect(row.locator("[data-act]")).to_have_count(0)

    seen.locator("[data-act=resolve]").click(timeout=LIVE_MS)
    bob.page.locator("#transfer-decision [name=reason]").fill("statement of today")
    bob.page.locator("#transfer-send").click()
    expect(bob.page.locator("#transfer-refusal")).to_contain_text("moved")
    bob.problems.clear()  # the browser's word about the refusal
    bob.page.locator("#transfer-decision [name=moved][value=false]").check()
    bob.page.locator("#transfer-send").click()

    expect(row.locator("[data-status=NOT_MOVED]")).to_be_visible(timeout=LIVE_MS)
    expect(row).to_contain_text("statement of today")
    seen.locator(".row-link").click()
    expect(bob.page.locator("#steps li")).to_have_count(5, timeout=LIVE_MS)


def test_transfer_is_refused_in_the_queue_beside_the_orders(stack: Stack, api: httpx.Client, visit: Visit) -> None:
    alice = confirmed(visit, stack, "alice", "/transfers/")
    bob = confirmed(visit, stack, "bob", "/approvals/")
    ask(alice.page, "200", "not this one")

    entry = bob.page.locator("#approvals li", has_text="not this one")
    entry.locator("[data-act=refuse]").click(timeout=LIVE_MS)
    bob.page.locator("#transfer-decision [name=reason]").fill("too late today")
    bob.page.locator("#transfer-send").click()

    expect(entry).to_have_count(0, timeout=LIVE_MS)
    row = alice.page.locator("#transfers tbody tr", has_text="not this one").first
    expect(row.locator("[data-status=REFUSED]")).to_be_visible(timeout=LIVE_MS)
    expect(row).to_contain_text("too late today")


def test_page_of_transfers_is_for_those_with_the_right(stack: Stack, rights: None, visit: Visit) -> None:
    charlie = visit("charlie", "/statements/")
    expect(charlie.page.locator(".page-tabs")).to_have_count(0)
    answer = charlie.page.goto(f"{stack.url}/transfers/")
    charlie.problems.clear()  # the browser's word about the refusal

    assert answer is not None
    assert answer.status == 403


def test_page_of_transfers_is_accessible_with_its_dialogs(stack: Stack, api: httpx.Client, visit: Visit) -> None:
    page = confirmed(visit, stack, "admin", "/transfers/").page
    expect(page.locator("#money-limits tbody tr").first).to_be_visible(timeout=LIVE_MS)
    page.locator("#money-limits button").first.click()
    found = violations(page)
    page.keyboard.press("Escape")
    bob = confirmed(visit, stack, "bob", "/transfers/").page
    bob.locator("#transfer-form [name=amount]").fill("999999")
    expect(bob.locator("#transfer-verdict [data-code]").first).to_be_visible(timeout=LIVE_MS)

    assert found + violations(bob) == []


def test_order_of_one_waits_and_is_sent_when_the_other_approves_it(
    stack: Stack, api: httpx.Client, visit: Visit
) -> None:
    account = api.get("/accounts").json()["results"][0]["id"]
    with stack.api("admin", "account:read", "admin:*") as admin:
        rule = {"scope": "USER", "user": "alice", "symbols": [WATCHED], "note": "a second pair of eyes"}
        assert admin.post("/approval-rules", json=rule).status_code == 201
    alice, bob = confirmed(visit, stack, "alice", "/"), confirmed(visit, stack, "bob", "/approvals/")
    order = _order(api, account, WATCHED)
    row = alice.page.locator(f"#orders tbody tr[data-key='{order}']")
    expect(row.locator("[data-status=PENDING_APPROVAL]")).to_be_visible(timeout=LIVE_MS)

    entry = bob.page.locator(f"#approvals li[data-id='{order}']")
    expect(entry).to_contain_text("a second pair of eyes", timeout=LIVE_MS)
    entry.get_by_role("button", name="Approve").click()
    bob.page.locator("#decide-send").click()

    expect(entry).to_have_count(0, timeout=LIVE_MS)
    expect(row.locator("[data-status=REPORTED]")).to_be_visible(timeout=LIVE_MS)
    told = api.get(f"/orders/{order}").json()
    assert (told["created_by"], told["status"]) == ("alice", "REPORTED")
    assert [event["kind"] for event in told["events"]][:2] == ["HELD", "APPROVED"]


def test_order_of_alice_reaches_charlie_neither_on_the_page_nor_in_a_frame(
    stack: Stack, api: httpx.Client, visit: Visit
) -> None:
    account = api.get("/accounts").json()["results"][0]["id"]
    alice, charlie = visit("alice"), visit("charlie")
    heard = [_frames(person.page) for person in (alice, charlie)]
    for person in (alice, charlie):
        person.page.reload()
        expect(person.page.locator("#connection-dot")).to_have_class("dot dot-good", timeout=LIVE_MS)

    order = _order(api, account, "601318.SH")

    expect(alice.page.locator(f"#orders tbody tr[data-key='{order}']")).to_be_visible(timeout=LIVE_MS)
    # What was published with it has come by when something later has.
    count = len(heard[1])
    for _ in range(200):
        if len(heard[1]) > count + 2:
            break
        charlie.page.wait_for_timeout(100)
    assert any(order in frame for frame in heard[0])
    assert len(heard[1]) > count + 2
    assert not any(order in frame or f'"account:{account}"' in frame for frame in heard[1])
    assert order not in charlie.page.content()
    with stack.api("charlie") as outsider:
        assert outsider.get(f"/orders/{order}").status_code == 404
        assert outsider.get("/orders", params={"account": account}).status_code == 404


def test_grant_that_is_withdrawn_takes_the_account_off_the_open_page(stack: Stack, visit: Visit) -> None:
    stack.manage("shell", "-c", GRANT.format(act="grant_set(actor=by, user=user, account=account)"))
    page = visit("charlie").page
    alpha = page.locator("#account-select option", has_text=ALPHA)
    page.locator("#account-select").select_option(str(alpha.get_attribute("value")))
    expect(page.locator("#orders tbody tr").first).to_be_visible(timeout=LIVE_MS)

    stack.manage("shell", "-c", GRANT.format(act="grant_withdraw(actor=by, user=user, account=account)"))

    expect(alpha).to_have_count(0, timeout=LIVE_MS)
    expect(page.locator("#orders tbody tr")).to_have_count(0, timeout=LIVE_MS)


def _order(api: httpx.Client, account: int, symbol: str) -> str:
    """The number of an order that stays in the book."""
    low = api.get(f"/instruments/{symbol}").json()["limit_down"]
    wish = {"account": account, "symbol": symbol, "side": "BUY", "quantity": 100, "price": low}
    answer = api.post("/orders", json=wish)
    assert answer.status_code in (201, 202), answer.text
    return str(answer.json()["id"])


def _frames(page: Page) -> list[str]:
    """Every message that the page's live connections bring from its next load on."""
    heard: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
    return heard
