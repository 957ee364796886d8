import datetime

from egate.api.v1 import values_pb2 as _values_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_STATE_UNSPECIFIED: _ClassVar[CaseState]
    CASE_STATE_OPEN: _ClassVar[CaseState]
    CASE_STATE_CLAIMED: _ClassVar[CaseState]
    CASE_STATE_RESOLVED: _ClassVar[CaseState]

class Resolution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOLUTION_UNSPECIFIED: _ClassVar[Resolution]
    RESOLUTION_ADMITTED: _ClassVar[Resolution]
    RESOLUTION_REFUSED: _ClassVar[Resolution]
    RESOLUTION_FORWARDED: _ClassVar[Resolution]
    RESOLUTION_NO_SHOW: _ClassVar[Resolution]
CASE_STATE_UNSPECIFIED: CaseState
CASE_STATE_OPEN: CaseState
CASE_STATE_CLAIMED: CaseState
CASE_STATE_RESOLVED: CaseState
RESOLUTION_UNSPECIFIED: Resolution
RESOLUTION_ADMITTED: Resolution
RESOLUTION_REFUSED: Resolution
RESOLUTION_FORWARDED: Resolution
RESOLUTION_NO_SHOW: Resolution

class Case(_message.Message):
    __slots__ = ("case_id", "crossing_id", "lane", "state", "opened_at", "decision", "owner", "claim_expires_at", "resolution", "resolution_reason", "resolved_at", "dossier_missing")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    CROSSING_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    CLAIM_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_REASON_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_AT_FIELD_NUMBER: _ClassVar[int]
    DOSSIER_MISSING_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    crossing_id: str
    lane: str
    state: CaseState
    opened_at: _timestamp_pb2.Timestamp
    decision: _values_pb2.Decision
    owner: str
    claim_expires_at: _timestamp_pb2.Timestamp
    resolution: Resolution
    resolution_reason: str
    resolved_at: _timestamp_pb2.Timestamp
    dossier_missing: bool
    def __init__(self, case_id: _Optional[str] = ..., crossing_id: _Optional[str] = ..., lane: _Optional[str] = ..., state: _Optional[_Union[CaseState, str]] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decision: _Optional[_Union[_values_pb2.Decision, _Mapping]] = ..., owner: _Optional[str] = ..., claim_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resolution: _Optional[_Union[Resolution, str]] = ..., resolution_reason: _Optional[str] = ..., resolved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dossier_missing: _Optional[bool] = ...) -> None: ...

class ListCasesRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[CaseState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[CaseState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCasesResponse(_message.Message):
    __slots__ = ("cases", "next_page_token")
    CASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cases: _containers.RepeatedCompositeFieldContainer[Case]
    next_page_token: str
    def __init__(self, cases: _Optional[_Iterable[_Union[Case, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetCaseRequest(_message.Message):
    __slots__ = ("case_id",)
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    def __init__(self, case_id: _Optional[str] = ...) -> None: ...

class GetCaseResponse(_message.Message):
    __slots__ = ("case", "dossier")
    CASE_FIELD_NUMBER: _ClassVar[int]
    DOSSIER_FIELD_NUMBER: _ClassVar[int]
    case: Case
    dossier: Dossier
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ..., dossier: _Optional[_Union[Dossier, _Mapping]] = ...) -> None: ...

class Dossier(_message.Message):
    __slots__ = ("images", "document")
    class ImagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    class DocumentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    images: _containers.ScalarMap[str, bytes]
    document: _containers.ScalarMap[str, str]
    def __init__(self, images: _Optional[_Mapping[str, bytes]] = ..., document: _Optional[_Mapping[str, str]] = ...) -> None: ...

class WatchCasesRequest(_message.Message):
    __slots__ = ("resume_token",)
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    def __init__(self, resume_token: _Optional[str] = ...) -> None: ...

class WatchCasesResponse(_message.Message):
    __slots__ = ("case", "resume_token")
    CASE_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    case: Case
    resume_token: str
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class ClaimCaseRequest(_message.Message):
    __slots__ = ("request_id", "case_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case_id: str
    def __init__(self, request_id: _Optional[str] = ..., case_id: _Optional[str] = ...) -> None: ...

class ClaimCaseResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Case
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ...) -> None: ...

class ResolveCaseRequest(_message.Message):
    __slots__ = ("request_id", "case_id", "resolution", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case_id: str
    resolution: Resolution
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., case_id: _Optional[str] = ..., resolution: _Optional[_Union[Resolution, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class ResolveCaseResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Case
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ...) -> None: ...
