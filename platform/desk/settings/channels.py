"""Channel layer: control messages only; quotes and deltas go through the process hub."""

from __future__ import annotations

from .schema import get_config
from .tls import redis_url

REDIS_URL = redis_url(get_config())

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "desk:channels"},
    },
}
