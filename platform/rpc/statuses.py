"""Refusals as gRPC statuses with Google's standard details.

Every refusal carries `google.rpc.ErrorInfo`: `reason` is the platform's code, `metadata` its facts. A field at fault stands in
`google.rpc.BadRequest`, the time after which a rate lets the caller in again in `google.rpc.RetryInfo`.
"""

from __future__ import annotations

from typing import Any, Final

import grpc
import orjson
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from ops.errors import Code, DeskError

DOMAIN: Final = "desk.qmt"

#: By HTTP status, so that REST and gRPC cannot drift apart.
_BY_STATUS: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.FAILED_PRECONDITION,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
#: Codes that are about who is calling, whichever class carries them.
_IDENTITY: Final = frozenset({Code.NOT_AUTHENTICATED, Code.TOKEN_INVALID})
#: A status travels in HTTP headers, of which clients take 8 KiB.
MAX_TEXT: Final = 1_000
RETRY_AFTER: Final = "retry_after_seconds"


def status_code(error: DeskError) -> grpc.StatusCode:
    """The status that a refusal ends a call with."""
    if error.code in _IDENTITY:
        return grpc.StatusCode.UNAUTHENTICATED
    return _BY_STATUS.get(error.status, grpc.StatusCode.UNKNOWN)


def rich_status(error: DeskError, *, request_id: str = "") -> status_pb2.Status:
    """A refusal as `google.rpc.Status`."""
    body = error.as_dict()
    facts: dict[str, Any] = body.get("details", {})
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=str(error.code), domain=DOMAIN, metadata={key: _text(value) for key, value in facts.items()}
        )
    ]
    if error.field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=_text(error.message))
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if RETRY_AFTER in facts:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromSeconds(int(facts[RETRY_AFTER]))
        details.append(retry)
    if request_id:
        details.append(error_details_pb2.RequestInfo(request_id=request_id))
    status = status_pb2.Status(code=status_code(error).value[0], message=_text(error.message))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
