"""Reflection: what grpcurl and other generic clients ask a server about itself.

It takes a token, any that is valid: like everything but health, by default nothing answers strangers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha import reflection_pb2 as pb

from rpc.calls import Context, admit, bind_request, caller_of, end_with, refusal_of
from rpc.threads import Threads

METHOD = f"{reflection.SERVICE_NAME}/ServerReflectionInfo"


def handler(names: Iterable[str], threads: Threads) -> grpc.GenericRpcHandler:
    """Everything gRPC needs to answer what these services are."""
    servicer: Any = reflection.aio.ReflectionServicer([*names, reflection.SERVICE_NAME])

    async def guarded(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        caller = caller_of(context)
        bind_request(caller)
        try:
            await threads.run(admit, caller, scope=None, rated=True)
            async for answer in servicer.ServerReflectionInfo(requests, context):
                yield answer
        except Exception as raised:  # noqa: BLE001 - told to the caller and logged there
            await end_with(context, refusal_of(raised, METHOD), request_id=caller.request_id)

    served = grpc.stream_stream_rpc_method_handler(
        guarded, pb.ServerReflectionRequest.FromString, pb.ServerReflectionResponse.SerializeToString
    )
    return grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, {"ServerReflectionInfo": served})
