"""How orders are doing, from rows: for the Prometheus address, so that one scrape of one web process shows every host.

What a trade worker counts itself (durations, refusals) stands in `trading.orders.runtime.metrics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts.choices import SessionState
from accounts.models import AccountSession, BrokerAccount, QmtHost
from accounts.selectors import host_status
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat
from trading.ledger.choices import DifferenceKind, DifferenceState
from trading.ledger.models import Difference
from trading.orders.choices import ParkedState, Status
from trading.orders.models import Order, ParkedEvent

#: Statuses in which an order waits for us or for evidence; the rest wait for the market.
WAITING: Final = (Status.PENDING_APPROVAL, Status.QUEUED, Status.SUBMITTING, Status.UNKNOWN)
TRADE_SESSION: Final = "session.trade@"


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits on one host in one state: how many, and how long the oldest has (seconds)."""

    host: str
    status: str
    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Lane:
    """What waits inside one trade worker for an account's turn, as its last heartbeat said."""

    host: str
    purpose: str
    waiting: int
    oldest_seconds: float


def order_queues() -> list[Queue]:
    """Orders that wait for us, by host and status; nothing waits in a state that is absent."""
    now = wall_now()
    rows = Order.objects.filter(final_at__isnull=True, status__in=WAITING).order_by()
    found = rows.values_list("host_name", "status").annotate(count=Count("pk"), oldest=Min("submitted_at"))
    return [
        Queue(host, status, count, _age(oldest, now)) for host, status, count, oldest in found.order_by("host_name")
    ]


def cancels_waiting() -> dict[str, tuple[int, float]]:
    """Wanted cancels that were not sent, by host: how many, and the oldest one's age in seconds."""
    now = wall_now()
    rows = Order.objects.filter(final_at__isnull=True, cancel_requested_at__isnull=False, cancel_sent_at__isnull=True)
    found = rows.order_by().values_list("host_name").annotate(count=Count("pk"), oldest=Min("cancel_requested_at"))
    return {host: (count, _age(oldest, now)) for host, count, oldest in found}


def lanes() -> list[Lane]:
    """The lanes inside the trade workers."""
    rows = ProcessHeartbeat.objects.filter(name__startswith=TRADE_SESSION).order_by("name")
    return [
        Lane(row.name.removeprefix(TRADE_SESSION), purpose, int(told["waiting"]), float(told["oldest_seconds"]))
        for row in rows
        for purpose, told in sorted(_mapping(row.detail.get("lanes")).items())
    ]


def events_pending() -> dict[str, int]:
    """Broker events taken and not stored yet, by host."""
    rows = ProcessHeartbeat.objects.filter(name__startswith=TRADE_SESSION)
    return {row.name.removeprefix(TRADE_SESSION): int(row.detail.get("events_pending", 0)) for row in rows}


class OrdersCollector(Collector):
    """Queues, sessions and differences as series; labels are hosts, accounts and closed vocabularies."""

    def collect(self) -> Iterable[Metric]:
        try:
            return [*_queues(), *_sessions(), *_books()]
        except DatabaseError:
            # The scrape still brings what the processes counted; the missing series are the alarm.
            return []


def _queues() -> Iterable[Metric]:
    waiting = GaugeMetricFamily("desk_orders_waiting", "Orders that wait for the platform", labels=["host", "status"])
    oldest = GaugeMetricFamily(
        "desk_orders_waiting_oldest_seconds", "Age of the oldest of them", labels=["host", "status"]
    )
    known = {(queue.host, queue.status): queue for queue in order_queues()}
    hosts = list(QmtHost.objects.filter(enabled=True).order_by("name").values_list("name", flat=True))
    for host in hosts:
        for status in WAITING:
            queue = known.get((host, status))
            waiting.add_metric([host, status], queue.count if queue else 0)
            oldest.add_metric([host, status], queue.oldest_seconds if queue else 0)
    cancels = GaugeMetricFamily("desk_cancels_waiting", "Wanted cancels that were not sent", labels=["host"])
    cancels_oldest = GaugeMetricFamily("desk_cancels_waiting_oldest_seconds", "Age of the oldest", labels=["host"])
    asked = cancels_waiting()
    for host in hosts:
        count, age = asked.get(host, (0, 0.0))
        cancels.add_metric([host], count)
        cancels_oldest.add_metric([host], age)
    depth = GaugeMetricFamily("desk_order_lane_waiting", "Calls that wait for their turn", labels=["host", "purpose"])
    age_of = GaugeMetricFamily(
        "desk_order_lane_oldest_seconds", "How long the longest has waited or run", labels=["host", "purpose"]
    )
    for lane in lanes():
        depth.add_metric([lane.host, lane.purpose], lane.waiting)
        age_of.add_metric([lane.host, lane.purpose], lane.oldest_seconds)
    pending = GaugeMetricFamily("desk_order_events_pending", "Broker events taken and not stored yet", labels=["host"])
    for host, events in events_pending().items():
        pending.add_metric([host], events)
    return [waiting, oldest, cancels, cancels_oldest, depth, age_of, pending]


def _sessions() -> Iterable[Metric]:
    hosts = GaugeMetricFamily(
        "desk_host_session", "1 for the state of a host's order session", labels=["host", "state"]
    )
    for host in QmtHost.objects.filter(enabled=True).select_related("status").order_by("name"):
        status = host_status(host)
        now = SessionState.DOWN if status is None else status.session_state
        for state in SessionState.values:
            hosts.add_metric([host.name, state], float(state == now))
    accounts = GaugeMetricFamily(
        "desk_account_session", "1 for the state of an account in its host's session", labels=["account", "state"]
    )
    states = dict(AccountSession.objects.values_list("account_id", "state"))
    for account_id in BrokerAccount.objects.filter(enabled=True).order_by("pk").values_list("pk", flat=True):
        for state in SessionState.values:
            accounts.add_metric([str(account_id), state], float(state == states.get(account_id, SessionState.DOWN)))
    return [hosts, accounts]


def _books() -> Iterable[Metric]:
    differences = GaugeMetricFamily(
        "desk_reconcile_differences", "Open differences between our books and the broker's figures", labels=["kind"]
    )
    rows = Difference.objects.filter(state=DifferenceState.OPEN).order_by().values_list("kind")
    counts = dict(rows.annotate(count=Count("pk")))
    for kind in DifferenceKind.values:
        differences.add_metric([kind], counts.get(kind, 0))
    parked = GaugeMetricFamily("desk_order_events_parked", "Broker events whose order is not known yet")
    parked.add_metric([], ParkedEvent.objects.filter(state=ParkedState.PARKED).count())
    return [differences, parked]


def _age(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def _mapping(value: object) -> Mapping[str, Mapping[str, float]]:
    return value if isinstance(value, Mapping) else {}
