"""What a QMT host's PostgreSQL role may do, table by table. What is not named here it can neither read nor change.

A host's three workers read what decides about an order, write what the terminal said, and append to the trails. They
never see passwords, second factors, sessions, tokens or channel secrets, and change nobody's rights or limits. A
test asks that every table is either named here or withheld on purpose, so that a new table is a decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Database = Literal["default", "quotes"]

READ: Final = "SELECT"
APPEND: Final = "SELECT, INSERT"
KEEP: Final = "SELECT, INSERT, UPDATE"
FULL: Final = "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, slots=True)
class Privilege:
    """One GRANT: what, on which table, and for which columns only (all of them when none is named)."""

    table: str
    rights: str
    columns: tuple[str, ...] = ()


def _tables(rights: str, *names: str) -> list[Privilege]:
    return [Privilege(name, rights) for name in names]


PEOPLE: Final = "accounts_user"
#: Who people are and whether they may act. A host sees the other columns blank, by a view of its own that stands before
#: the table: Django reads whole rows, and the passwords' hashes are none of a host's business.
PERSON_COLUMNS: Final = (
    "id", "username", "first_name", "last_name", "role", "is_active", "is_staff", "is_superuser", "language",
)  # fmt: skip

DEFAULT: Final[tuple[Privilege, ...]] = (
    # Who may trade where: read anew at the last look, never written. (People: see `PERSON_COLUMNS`.)
    *_tables(
        READ,
        "accounts_team", "accounts_teammember", "accounts_qmthost", "accounts_liveswitch",
        "risk_risklimit", "risk_approvalrule", "risk_persontrading",
    ),
    # Every sweeper removes the grants whose time is over.
    *_tables("SELECT, DELETE", "accounts_grant"),
    # The host's own state.
    *_tables(FULL, "accounts_hoststatus", "accounts_accountsession", "ops_processheartbeat"),
    # A halt is the one thing a host decides about an account: it raises the authority's number.
    Privilege("accounts_brokeraccount", READ),
    Privilege("accounts_brokeraccount", "UPDATE", ("state", "epoch")),
    # The trails: appended, never changed. The chain's head is the one row an append moves.
    *_tables(APPEND, "ops_auditevent"),
    *_tables(KEEP, "ops_auditchain", "ops_alert", "ops_job"),
    *_tables(READ, "ops_installation", "django_migrations"),
    # Orders and books: what the terminal said.
    *_tables(
        KEEP,
        "orders_order", "orders_killrun", "orders_killtarget", "risk_tally", "risk_control", "orders_approval",
        "ledger_accountbook", "ledger_assetsnapshot", "ledger_tradedate", "ledger_ledgerposition",
        "ledger_ownerposition", "ledger_corporateaction", "ledger_difference", "ledger_accountday",
        "ledger_issueround",
    ),
    *_tables(APPEND, "orders_orderevent", "orders_trade", "ledger_accountevent", "ledger_ledgerentry"),
    *_tables(
        FULL, "ledger_position", "ledger_positionday", "orders_parkedevent", "ledger_subscribableissue", "ledger_subscriptionquota"
    ),
    # Why an order exists: read to judge it.
    *_tables(
        READ,
        "execution_execution", "execution_leg", "execution_child", "signals_exitplan", "signals_signal",
        "grids_gridsession", "grids_gridsignal", "grids_gridattempt", "strategies_run", "strategies_runorder",
    ),
    # The SDK's functions by name, and transfers: claimed and settled.
    *_tables(KEEP, "functions_functioncall", "money_transfer"),
    *_tables(APPEND, "money_transferevent"),
    *_tables(READ, "money_moneylimit"),
    # Market data: downloads, evidence, static data of this host's terminal.
    *_tables(
        FULL,
        "marketdata_tradingday", "marketdata_holiday", "marketdata_instrument", "marketdata_instrumentday",
        "marketdata_dividendfactor", "marketdata_sector", "marketdata_sectormember", "marketdata_instrumentalias",
        "marketdata_instrumentchange", "marketdata_datasource", "marketdata_datasourcestatus",
        "marketdata_evidence", "marketdata_sourcedepth", "marketdata_livedifference", "marketdata_indexweight",
        "marketdata_financialreport", "marketdata_convertiblebond", "marketdata_fundbasket",
        "marketdata_newissue", "marketdata_repairitem", "marketdata_repairlink", "marketdata_tickarchive",
    ),
    *_tables(
        READ,
        "marketdata_quotesubscription", "marketdata_syncschedule", "marketdata_barimport",
        "marketdata_importeddays", "marketdata_integrityfinding", "marketdata_integritymark",
    ),
)  # fmt: skip

QUOTES: Final[tuple[Privilege, ...]] = (
    *_tables(FULL, "quotes_rawquote", "quotes_rawtick", "quotes_quotesegment", "quotes_latestquote"),
    *_tables(READ, "django_migrations"),
)

#: Tables and beginnings of tables that no host touches, on purpose.
WITHHELD: Final = (
    "accounts_apitoken", "accounts_handover", "accounts_hostenrolment", "accounts_loginthrottle",
    "accounts_onetimelink", "accounts_personsession", "accounts_recoverycode", "accounts_secondfactor",
    "accounts_user_groups", "accounts_user_user_permissions",
    "alerts_", "auth_", "backtest_", "barrules_", "django_admin_log", "django_content_type", "django_session",
    "execution_executionapproval", "grids_gridfill", "risk_approvalrulechange", "risk_risklimitchange",
    "signals_exitplanversion", "signals_positiontrack", "strategies_plugin", "strategies_runline",
    "subscriptions_", "webhooks_",
)  # fmt: skip


def privileges(database: Database) -> tuple[Privilege, ...]:
    """What a host may do in one of the two databases."""
    return DEFAULT if database == "default" else QUOTES


def undecided(tables: Iterable[str]) -> list[str]:
    """Tables that are neither granted nor withheld."""
    granted = {PEOPLE, *(one.table for one in (*DEFAULT, *QUOTES))}
    return sorted(name for name in tables if name not in granted and not name.startswith(WITHHELD))
