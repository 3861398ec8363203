"""Durations and switches of the trade worker's runtime, in one place and replaceable in tests."""

from __future__ import annotations

from dataclasses import dataclass

from desk.settings.schema import DeskConfig


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """Every duration the runtime waits for, and what its installation allows.

    Attributes
    ----------
    live_allowed
        The installation's own switch for live trading, as this process was started with it.
    lease_seconds, lease_renew_seconds
        How long one process owns the host after a renewal, and how often it renews.
    lease_margin_seconds
        An order is not sent with less lease time left than this.
    probe_seconds, probe_failures
        A real query every so often; the session is sick after this many failures in a row.
    account_probe_seconds
        One account after another is asked for its money this often; after `probe_failures` it alone is sick.
    account_retry_seconds
        How often an account that is refused or sick is tried again.
    query_timeout_seconds
        Deadline of one query of the terminal.
    poll_seconds
        The sweeper looks for orders and cancels nobody woke us for, and for missed deadlines.
    claim_max_age_seconds
        The last look refuses to send later than this after the claim began.
    response_deadline_seconds
        A SUBMITTING order without an answer is UNKNOWN after this.
    hung_call_seconds
        An SDK call that has not returned after this makes the session sick.
    reconcile_seconds
        Period of reconciliation while the session is ready.
    absence_queries, absence_settle_seconds
        An order is NOT_FOUND only after this many successful full-day queries, the last one this
        long after the response deadline (docs/design.md, section 5).
    position_confirmations
        An empty position list after a non-empty one counts after this many equal answers.
    confirmation_gap_seconds
        Pause between such confirmations and between the queries that prove an absence.
    clock_seconds
        How often the terminal is asked for its market clock.
    status_seconds
        Period of the host's status row.
    backoff_seconds, backoff_max_seconds
        First and longest pause between attempts to connect.
    """

    lease_seconds: float = 8.0
    lease_renew_seconds: float = 1.5
    lease_margin_seconds: float = 1.0
    probe_seconds: float = 3.0
    probe_failures: int = 3
    account_probe_seconds: float = 10.0
    account_retry_seconds: float = 10.0
    query_timeout_seconds: float = 5.0
    poll_seconds: float = 1.0
    claim_max_age_seconds: float = 2.0
    response_deadline_seconds: float = 10.0
    hung_call_seconds: float = 10.0
    reconcile_seconds: float = 60.0
    absence_queries: int = 3
    absence_settle_seconds: float = 30.0
    position_confirmations: int = 3
    confirmation_gap_seconds: float = 1.0
    clock_seconds: float = 0.5
    status_seconds: float = 2.0
    backoff_seconds: float = 0.5
    backoff_max_seconds: float = 10.0
    live_allowed: bool = False

    @classmethod
    def of_installation(cls, installation: DeskConfig) -> RuntimeConfig:
        """What an installation may change, and the defaults of the rest."""
        return cls(
            lease_seconds=installation.host_lease_seconds,
            response_deadline_seconds=installation.order_response_seconds,
            absence_settle_seconds=installation.order_absence_seconds,
            live_allowed=installation.allow_live,
        )
