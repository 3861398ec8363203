"""Celery: early acknowledgement, one task at a time reserved, JSON only.

A task carries a row's id and nothing else; the row decides. Nothing here retries by itself.
"""

from __future__ import annotations

from celery.schedules import crontab

from .schema import get_config
from .tls import broker_ssl

_config = get_config()


def broker_url(redis_url: str) -> str:
    """Spell a redis-py URL the way kombu wants it (unix sockets differ)."""
    if redis_url.startswith("unix://"):
        return "redis+socket://" + redis_url.removeprefix("unix://")
    return redis_url


CELERY_BROKER_URL = broker_url(_config.redis_url)
CELERY_BROKER_USE_SSL = broker_ssl(_config)
# A producer must fail fast: a web request with Redis away is accepted and sent by the poll.
# `max_retries` stops kombu's own reconnect loop, which `retry=False` does not reach.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "global_keyprefix": "desk:celery:",
}
CELERY_BROKER_CONNECTION_TIMEOUT = 0.5
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None

CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True

CELERY_TASK_DEFAULT_QUEUE = "core"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Concerns tasks that acknowledge late, and there are none; unset, every lost connection warns about it in seven lines.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True

CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_ENABLE_UTC = True
# Wall-clock work only: what belongs after a market's close starts on its market clock.
CELERY_BEAT_SCHEDULE = {
    "audit-anchor": {
        "task": "ops.audit_anchor",
        "schedule": crontab(hour="0", minute="5"),
        "options": {"expires": 3600},
    },
    "alerts": {"task": "alerts.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "alerts-prune": {
        "task": "alerts.prune",
        "schedule": crontab(hour="4", minute="40"),
        "options": {"expires": 3600},
    },
    "webhooks": {"task": "webhooks.sweep", "schedule": 1.0, "options": {"expires": 1}},
    "money": {"task": "money.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "webhooks-prune": {
        "task": "webhooks.prune",
        "schedule": crontab(hour="4", minute="50"),
        "options": {"expires": 3600},
    },
    # Only the look at the clock is periodic; what is due is decided by the market clocks.
    "marketdata-schedules": {"task": "marketdata.schedules", "schedule": 5.0, "options": {"expires": 5}},
    "marketdata-integrity": {"task": "marketdata.integrity", "schedule": 60.0, "options": {"expires": 60}},
    "backtest": {"task": "backtest.work", "schedule": 60.0, "options": {"expires": 60}},
    "marketdata-transfers": {"task": "marketdata.transfers", "schedule": 60.0, "options": {"expires": 60}},
    # Missed while the platform was off, it is made up for; `DESK_BACKUP_TIME` says when it is due.
    "backup": {"task": "desk.backup", "schedule": 300.0, "options": {"expires": 300}},
    "watch": {"task": "desk.watch", "schedule": 15.0, "options": {"expires": 15}},
    "marketdata-retention": {
        "task": "marketdata.retention",
        "schedule": crontab(hour="3", minute="30"),
        "options": {"expires": 3600},
    },
    "functions-prune": {
        "task": "functions.prune",
        "schedule": crontab(hour="4", minute="25"),
        "options": {"expires": 3600},
    },
    "housekeeping": {
        "task": "ops.housekeeping",
        "schedule": crontab(hour="4", minute="20"),
        "options": {"expires": 3600},
    },
}
