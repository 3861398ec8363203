"""Channel layer: control messages only; quotes and deltas go through the process hub."""

from __future__ import annotations

from .schema import get_config

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [get_config().redis_url], "prefix": "desk:channels"},
    },
}
REDIS_URL = get_config().redis_url
