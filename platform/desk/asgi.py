"""The ASGI entry point: HTTP, static files and the live socket."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")

from typing import cast

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

# Applications must be loaded before anything that imports models.
django_application = cast("Application", get_asgi_application())

from desk.asgi_types import Application  # noqa: E402
from desk.body_limit import BodyLimit  # noqa: E402
from desk.sockets import websocket_application  # noqa: E402
from desk.static import StaticFiles  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": StaticFiles(BodyLimit(django_application, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)),
        "websocket": websocket_application,
    }
)
