"""The ASGI entry point: HTTP, static files and the live socket."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")

import django
from channels.routing import ProtocolTypeRouter
from django.conf import settings

# Applications must be loaded before anything that imports models.
django.setup(set_prefix=False)

from desk.body_limit import BodyLimit  # noqa: E402
from desk.handler import OneThreadHandler  # noqa: E402
from desk.sockets import websocket_application  # noqa: E402
from desk.static import StaticFiles  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": StaticFiles(BodyLimit(OneThreadHandler(), limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)),
        "websocket": websocket_application,
    }
)
