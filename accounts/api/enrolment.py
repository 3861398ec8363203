"""Where a QMT host's machine fetches its credentials."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.services.enrolment import enrolment_redeem
from ops.errors import Code, Invalid
from ops.inputs import json_object


class EnrolmentSerializer(serializers.Serializer[dict[str, str]]):
    """The code that `manage.py host_credentials` printed."""

    code = serializers.CharField(max_length=64)


class EnrolmentBundleSerializer(serializers.Serializer[dict[str, object]]):
    """What the host's machine is configured with."""

    host = serializers.CharField(help_text="Name of the QMT host.")
    settings = serializers.DictField(child=serializers.CharField(), help_text="Variables of its environment.")
    files = serializers.DictField(child=serializers.CharField(), help_text="PEM files, by the setting that names them.")


class HostEnrolmentView(APIView):
    """A QMT host's credentials, for its one-time code."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()  # by address, in the service

    @extend_schema(
        operation_id="host_enrol", auth=[], request=EnrolmentSerializer, responses={200: EnrolmentBundleSerializer}
    )
    def post(self, request: Request) -> Response:
        """Hand over the credentials, once. The code is made by `manage.py host_credentials` and lives for an hour."""
        code = json_object(request.data, ("code",)).get("code")
        if not isinstance(code, str):
            raise Invalid(Code.FIELD_INVALID if code is not None else Code.FIELD_REQUIRED, field="code")
        bundle = enrolment_redeem(code=code, address=str(request.META.get("REMOTE_ADDR", "")))
        return Response(EnrolmentBundleSerializer(bundle).data, headers={"Cache-Control": "no-store"})
