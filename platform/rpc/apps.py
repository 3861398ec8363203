from __future__ import annotations

from django.apps import AppConfig


class RpcConfig(AppConfig):
    name = "rpc"
    verbose_name = "gRPC"
