"""Whose rows a QMT host's PostgreSQL role may write: those of its own accounts, and no other host's.

The tables' rights (`privileges`) say what a role may do; here each row that belongs to an account or a host is bound to the
role's. Reading stays as it is: what a host adds up (a run of the kill switch, a person's figures) must never silently leave
somebody out. A statement that reaches for another host's rows changes none, and inserting one is an error.

The policies are restrictive and name the host's role, beside one that allows everybody everything: for the platform's own
roles the planner drops it, and their statements stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Command = Literal["INSERT", "UPDATE", "DELETE"]

EVERYBODY: Final = "desk_everybody"
_HOST = "(SELECT h.id FROM public.accounts_qmthost h WHERE h.name = '{host}')"


def _own_account(column: str) -> str:
    return f"EXISTS (SELECT FROM public.accounts_brokeraccount a WHERE a.id = {column} AND a.host_id = {_HOST})"


def _own_order(table: str) -> str:
    """An order of this host: sent by it, or of an account that is on it now."""
    return (
        f"EXISTS (SELECT FROM public.orders_order o WHERE o.id = {table}.order_id "
        f"AND (o.host_name = '{{host}}' OR {_own_account('o.account_id')}))"
    )


@dataclass(frozen=True, slots=True)
class Bound:
    """Rows of one table, and when they are a host's.

    Attributes
    ----------
    condition
        In SQL, with ``{host}`` where the host's name belongs.
    insert
        The same for a new row, where that differs.
    """

    table: str
    commands: tuple[Command, ...]
    condition: str
    insert: str = ""


_WRITE: Final[tuple[Command, ...]] = ("INSERT", "UPDATE", "DELETE")
_BY_ACCOUNT: Final = (
    "accounts_accountsession", "ledger_accountbook", "ledger_accountday", "ledger_accountevent", "ledger_assetsnapshot",
    "ledger_corporateaction", "ledger_difference", "ledger_ledgerentry", "ledger_ledgerposition", "ledger_ownerposition",
    "ledger_position", "ledger_positionday", "ledger_subscriptionquota", "ledger_tradedate", "orders_killtarget",
)  # fmt: skip
_BY_HOST: Final = ("accounts_hoststatus", "ledger_issueround", "ledger_subscribableissue", "orders_parkedevent")

BOUND: Final[tuple[Bound, ...]] = (
    *(Bound(table, _WRITE, _own_account(f"{table}.account_id")) for table in _BY_ACCOUNT),
    *(Bound(table, _WRITE, f"{table}.host_id = {_HOST}") for table in _BY_HOST),
    # An order stays with the host that was asked to send it, whatever becomes of its account; a new one is of an account here.
    Bound(
        "orders_order",
        ("INSERT", "UPDATE"),
        f"(orders_order.host_name = '{{host}}' OR {_own_account('orders_order.account_id')})",
        insert=_own_account("orders_order.account_id"),
    ),
    Bound("orders_orderevent", ("INSERT",), _own_order("orders_orderevent")),
    Bound("orders_approval", ("INSERT", "UPDATE"), _own_order("orders_approval")),
    Bound(
        "orders_trade",
        ("INSERT",),
        f"({_own_account('orders_trade.account_id')} OR {_own_order('orders_trade')})",
    ),
    Bound("functions_functioncall", ("INSERT", "UPDATE"), "functions_functioncall.host = '{host}'"),
    Bound(
        "money_transfer",
        ("INSERT", "UPDATE"),
        f"(money_transfer.host_name = '{{host}}' OR {_own_account('money_transfer.account_id')})",
        insert=_own_account("money_transfer.account_id"),
    ),
    Bound(
        "money_transferevent",
        ("INSERT",),
        "EXISTS (SELECT FROM public.money_transfer t WHERE t.id = money_transferevent.transfer_id "
        f"AND (t.host_name = '{{host}}' OR {_own_account('t.account_id')}))",
    ),
    # Every sweeper ends the grants whose time is over, of all accounts, and no other.
    Bound("accounts_grant", ("DELETE",), "accounts_grant.expires_at <= now()"),
)

#: Rows with an account or a host that any host may write, on purpose: what people are told, trails and counters that accounts
#: share, a halt (and the authority's number, which ending a grant raises), and market data.
SHARED: Final = (
    "accounts_brokeraccount", "ops_alert", "ops_auditevent", "ops_processheartbeat",
    "marketdata_instrumentchange", "marketdata_datasource", "marketdata_datasourcestatus", "marketdata_evidence",
    "marketdata_livedifference", "marketdata_repairitem", "marketdata_sourcedepth",
)  # fmt: skip


def row_security_sql(host: str, role: str) -> Iterator[str]:
    """The policies of a host's role, made anew; a host's name is a slug and needs no escaping.

    Parameters
    ----------
    role
        The role's name in its quotes.
    """
    # Each takes its table for a moment; a platform at work waits behind it, so that is kept short.
    yield "SET LOCAL lock_timeout = '10s';"
    for bound in BOUND:
        table = f"public.{bound.table}"
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        yield f"DROP POLICY IF EXISTS {EVERYBODY} ON {table};"
        yield f"CREATE POLICY {EVERYBODY} ON {table} USING (true) WITH CHECK (true);"
        for command in bound.commands:
            policy = f"{role[:-1]}_{command.lower()}{role[-1]}"
            yield f"DROP POLICY IF EXISTS {policy} ON {table};"
            yield f"CREATE POLICY {policy} ON {table} AS RESTRICTIVE FOR {command} TO {role}{_clauses(bound, command, host)};"


def _clauses(bound: Bound, command: Command, host: str) -> str:
    before = f" USING ({bound.condition.format(host=host)})"
    after = (
        f" WITH CHECK ({(bound.insert if command == 'INSERT' and bound.insert else bound.condition).format(host=host)})"
    )
    return {"INSERT": after, "UPDATE": before + after, "DELETE": before}[command]
