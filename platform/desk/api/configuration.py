"""API of the configuration in force, for administrators; read-only, secrets masked."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import cast

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from desk.api.serializers import ConfigurationSerializer
from desk.settings.effective import effective_settings, unknown_variables
from desk.settings.file import file_path
from desk.settings.schema import get_config
from ops.errors import Code, Forbidden
from ops.installation import installation_code


class ConfigurationView(APIView):
    """What the web process that answers runs with."""

    permission_classes = (require_scope(Scope.ADMIN),)

    @extend_schema(operation_id="configuration_get", responses=ConfigurationSerializer)
    def get(self, request: Request) -> Response:
        """Show every setting, its source and its meaning."""
        user = cast(User, request.user)
        if not user.is_admin or user.account_limit is not None:
            raise Forbidden(Code.PERMISSION_DENIED, "Only administrators read the configuration.")
        config = get_config()
        path = file_path(config.config_file, config.state_dir)
        return Response(
            {
                "env": config.env,
                "installation": installation_code(config.installation),
                "file": "" if path is None else str(path),
                "settings": [
                    {**asdict(setting), "description": gettext(setting.description)}
                    for setting in effective_settings(config)
                ],
                "unknown_variables": unknown_variables(os.environ),
            }
        )
