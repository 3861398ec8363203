"""The ASGI entry point: HTTP, static files and the live socket."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

# Applications must be loaded before anything that imports models.
django_application = get_asgi_application()

from desk.sockets import websocket_application
from desk.static import StaticFiles

application = ProtocolTypeRouter(
    {
        "http": StaticFiles(django_application),
        "websocket": websocket_application,
    }
)
