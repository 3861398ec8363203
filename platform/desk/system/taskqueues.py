"""How many tasks wait in Redis for a worker, by queue. Tasks only wake: what has to be done stands in rows."""

from __future__ import annotations

import redis
from django.conf import settings

from accounts.models import QmtHost
from desk.worker.roles import ROLES
from ops.health import REDIS_TIMEOUT_SECONDS


def queue_names() -> list[str]:
    """The queues of every worker that the installation has."""
    hosts = list(QmtHost.objects.filter(enabled=True).order_by("name").values_list("name", "kind"))
    names = [role.queue("") for role in ROLES.values() if not role.per_host]
    return [*names, *(role.queue(host) for host, _kind in hosts for role in ROLES.values() if role.per_host)]


def task_queues() -> dict[str, int] | None:
    """Tasks that wait, by queue; None while Redis is away (nothing can be sent then, and nothing is lost)."""
    names = queue_names()
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT_SECONDS, socket_connect_timeout=REDIS_TIMEOUT_SECONDS
    )
    try:
        with client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(f"{prefix}{name}")
            return dict(zip(names, pipeline.execute(), strict=True))
    except (redis.RedisError, OSError):
        return None
    finally:
        client.close()
