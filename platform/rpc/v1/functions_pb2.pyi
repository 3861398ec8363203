from google.protobuf import struct_pb2 as _struct_pb2
from rpc.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListFunctionsRequest(_message.Message):
    __slots__ = ("module", "text")
    CLASS_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    module: str
    text: str
    def __init__(self, module: _Optional[str] = ..., text: _Optional[str] = ..., **kwargs) -> None: ...

class ListFunctionsResponse(_message.Message):
    __slots__ = ("functions",)
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    functions: _containers.RepeatedCompositeFieldContainer[Function]
    def __init__(self, functions: _Optional[_Iterable[_Union[Function, _Mapping]]] = ...) -> None: ...

class Function(_message.Message):
    __slots__ = ("name", "group", "purpose", "result", "scope", "deadline_seconds", "endpoints", "run", "simulated", "broken", "parameters", "example")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    group: str
    purpose: str
    result: str
    scope: str
    deadline_seconds: float
    endpoints: _containers.RepeatedScalarFieldContainer[str]
    run: bool
    simulated: bool
    broken: str
    parameters: _containers.RepeatedCompositeFieldContainer[FunctionParameter]
    example: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., group: _Optional[str] = ..., purpose: _Optional[str] = ..., result: _Optional[str] = ..., scope: _Optional[str] = ..., deadline_seconds: _Optional[float] = ..., endpoints: _Optional[_Iterable[str]] = ..., run: _Optional[bool] = ..., simulated: _Optional[bool] = ..., broken: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[FunctionParameter, _Mapping]]] = ..., example: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., **kwargs) -> None: ...

class FunctionParameter(_message.Message):
    __slots__ = ("name", "kind", "text", "required", "default", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    text: str
    required: bool
    default: _struct_pb2.Value
    schema: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., text: _Optional[str] = ..., required: _Optional[bool] = ..., default: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CallFunctionRequest(_message.Message):
    __slots__ = ("name", "arguments", "host")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    name: str
    arguments: str
    host: str
    def __init__(self, name: _Optional[str] = ..., arguments: _Optional[str] = ..., host: _Optional[str] = ...) -> None: ...

class CallFunctionResponse(_message.Message):
    __slots__ = ("function", "host", "json", "file")
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    function: str
    host: str
    json: bytes
    file: FunctionFile
    def __init__(self, function: _Optional[str] = ..., host: _Optional[str] = ..., json: _Optional[bytes] = ..., file: _Optional[_Union[FunctionFile, _Mapping]] = ...) -> None: ...

class FunctionFile(_message.Message):
    __slots__ = ("job", "address")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.Job
    address: str
    def __init__(self, job: _Optional[_Union[_common_pb2.Job, _Mapping]] = ..., address: _Optional[str] = ...) -> None: ...
