import datetime

from egate.api.v1 import values_pb2 as _values_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChipAccess(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHIP_ACCESS_UNSPECIFIED: _ClassVar[ChipAccess]
    CHIP_ACCESS_NONE: _ClassVar[ChipAccess]
    CHIP_ACCESS_BAC: _ClassVar[ChipAccess]
    CHIP_ACCESS_PACE: _ClassVar[ChipAccess]
CHIP_ACCESS_UNSPECIFIED: ChipAccess
CHIP_ACCESS_NONE: ChipAccess
CHIP_ACCESS_BAC: ChipAccess
CHIP_ACCESS_PACE: ChipAccess

class Document(_message.Message):
    __slots__ = ("document_session_id", "mrz_lines", "portrait", "finger", "finger_position", "files", "access", "chip_authentication", "active_authentication", "finger_resolution_dpi")
    DOCUMENT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MRZ_LINES_FIELD_NUMBER: _ClassVar[int]
    PORTRAIT_FIELD_NUMBER: _ClassVar[int]
    FINGER_FIELD_NUMBER: _ClassVar[int]
    FINGER_POSITION_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    CHIP_AUTHENTICATION_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_AUTHENTICATION_FIELD_NUMBER: _ClassVar[int]
    FINGER_RESOLUTION_DPI_FIELD_NUMBER: _ClassVar[int]
    document_session_id: str
    mrz_lines: _containers.RepeatedScalarFieldContainer[str]
    portrait: DocumentPart
    finger: DocumentPart
    finger_position: int
    files: _containers.RepeatedCompositeFieldContainer[DocumentFile]
    access: ChipAccess
    chip_authentication: ChipAuthentication
    active_authentication: ActiveAuthentication
    finger_resolution_dpi: float
    def __init__(self, document_session_id: _Optional[str] = ..., mrz_lines: _Optional[_Iterable[str]] = ..., portrait: _Optional[_Union[DocumentPart, _Mapping]] = ..., finger: _Optional[_Union[DocumentPart, _Mapping]] = ..., finger_position: _Optional[int] = ..., files: _Optional[_Iterable[_Union[DocumentFile, _Mapping]]] = ..., access: _Optional[_Union[ChipAccess, str]] = ..., chip_authentication: _Optional[_Union[ChipAuthentication, _Mapping]] = ..., active_authentication: _Optional[_Union[ActiveAuthentication, _Mapping]] = ..., finger_resolution_dpi: _Optional[float] = ...) -> None: ...

class ChipAuthentication(_message.Message):
    __slots__ = ("protocol", "public_key", "result")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    protocol: str
    public_key: bytes
    result: _values_pb2.CheckResult
    def __init__(self, protocol: _Optional[str] = ..., public_key: _Optional[bytes] = ..., result: _Optional[_Union[_values_pb2.CheckResult, str]] = ...) -> None: ...

class ActiveAuthentication(_message.Message):
    __slots__ = ("challenge", "response")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    challenge: bytes
    response: bytes
    def __init__(self, challenge: _Optional[bytes] = ..., response: _Optional[bytes] = ...) -> None: ...

class DocumentFile(_message.Message):
    __slots__ = ("document_session_id", "name", "content")
    DOCUMENT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    document_session_id: str
    name: str
    content: bytes
    def __init__(self, document_session_id: _Optional[str] = ..., name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class DocumentPart(_message.Message):
    __slots__ = ("document_session_id", "image")
    DOCUMENT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    document_session_id: str
    image: bytes
    def __init__(self, document_session_id: _Optional[str] = ..., image: _Optional[bytes] = ...) -> None: ...

class Capture(_message.Message):
    __slots__ = ("image", "finger_position", "resolution_dpi")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    FINGER_POSITION_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_DPI_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    finger_position: int
    resolution_dpi: float
    def __init__(self, image: _Optional[bytes] = ..., finger_position: _Optional[int] = ..., resolution_dpi: _Optional[float] = ...) -> None: ...

class AuthoriseCrossingRequest(_message.Message):
    __slots__ = ("request_id", "lane", "document", "faces", "fingers")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    FINGERS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    lane: str
    document: Document
    faces: _containers.RepeatedCompositeFieldContainer[Capture]
    fingers: _containers.RepeatedCompositeFieldContainer[Capture]
    def __init__(self, request_id: _Optional[str] = ..., lane: _Optional[str] = ..., document: _Optional[_Union[Document, _Mapping]] = ..., faces: _Optional[_Iterable[_Union[Capture, _Mapping]]] = ..., fingers: _Optional[_Iterable[_Union[Capture, _Mapping]]] = ...) -> None: ...

class AuthoriseCrossingResponse(_message.Message):
    __slots__ = ("crossing_id", "decision", "release", "case_id")
    CROSSING_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    crossing_id: str
    decision: _values_pb2.Decision
    release: _values_pb2.Release
    case_id: str
    def __init__(self, crossing_id: _Optional[str] = ..., decision: _Optional[_Union[_values_pb2.Decision, _Mapping]] = ..., release: _Optional[_Union[_values_pb2.Release, str]] = ..., case_id: _Optional[str] = ...) -> None: ...

class CrossRequest(_message.Message):
    __slots__ = ("start", "document", "face", "finger", "captures_end")
    class Start(_message.Message):
        __slots__ = ("request_id", "lane")
        REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
        LANE_FIELD_NUMBER: _ClassVar[int]
        request_id: str
        lane: str
        def __init__(self, request_id: _Optional[str] = ..., lane: _Optional[str] = ...) -> None: ...
    class CapturesEnd(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    START_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    FINGER_FIELD_NUMBER: _ClassVar[int]
    CAPTURES_END_FIELD_NUMBER: _ClassVar[int]
    start: CrossRequest.Start
    document: Document
    face: Capture
    finger: Capture
    captures_end: CrossRequest.CapturesEnd
    def __init__(self, start: _Optional[_Union[CrossRequest.Start, _Mapping]] = ..., document: _Optional[_Union[Document, _Mapping]] = ..., face: _Optional[_Union[Capture, _Mapping]] = ..., finger: _Optional[_Union[Capture, _Mapping]] = ..., captures_end: _Optional[_Union[CrossRequest.CapturesEnd, _Mapping]] = ...) -> None: ...

class CrossResponse(_message.Message):
    __slots__ = ("progress", "guidance", "decision", "outcome")
    class Progress(_message.Message):
        __slots__ = ("stage", "result", "elapsed")
        STAGE_FIELD_NUMBER: _ClassVar[int]
        RESULT_FIELD_NUMBER: _ClassVar[int]
        ELAPSED_FIELD_NUMBER: _ClassVar[int]
        stage: str
        result: _values_pb2.CheckResult
        elapsed: _duration_pb2.Duration
        def __init__(self, stage: _Optional[str] = ..., result: _Optional[_Union[_values_pb2.CheckResult, str]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
    class Guidance(_message.Message):
        __slots__ = ("codes",)
        CODES_FIELD_NUMBER: _ClassVar[int]
        codes: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, codes: _Optional[_Iterable[str]] = ...) -> None: ...
    class CrossingDecision(_message.Message):
        __slots__ = ("crossing_id", "decision", "release", "case_id")
        CROSSING_ID_FIELD_NUMBER: _ClassVar[int]
        DECISION_FIELD_NUMBER: _ClassVar[int]
        RELEASE_FIELD_NUMBER: _ClassVar[int]
        CASE_ID_FIELD_NUMBER: _ClassVar[int]
        crossing_id: str
        decision: _values_pb2.Decision
        release: _values_pb2.Release
        case_id: str
        def __init__(self, crossing_id: _Optional[str] = ..., decision: _Optional[_Union[_values_pb2.Decision, _Mapping]] = ..., release: _Optional[_Union[_values_pb2.Release, str]] = ..., case_id: _Optional[str] = ...) -> None: ...
    class CrossingOutcome(_message.Message):
        __slots__ = ("outcome", "reasons", "elapsed")
        OUTCOME_FIELD_NUMBER: _ClassVar[int]
        REASONS_FIELD_NUMBER: _ClassVar[int]
        ELAPSED_FIELD_NUMBER: _ClassVar[int]
        outcome: _values_pb2.Outcome
        reasons: _containers.RepeatedCompositeFieldContainer[_values_pb2.Reason]
        elapsed: _duration_pb2.Duration
        def __init__(self, outcome: _Optional[_Union[_values_pb2.Outcome, str]] = ..., reasons: _Optional[_Iterable[_Union[_values_pb2.Reason, _Mapping]]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    progress: CrossResponse.Progress
    guidance: CrossResponse.Guidance
    decision: CrossResponse.CrossingDecision
    outcome: CrossResponse.CrossingOutcome
    def __init__(self, progress: _Optional[_Union[CrossResponse.Progress, _Mapping]] = ..., guidance: _Optional[_Union[CrossResponse.Guidance, _Mapping]] = ..., decision: _Optional[_Union[CrossResponse.CrossingDecision, _Mapping]] = ..., outcome: _Optional[_Union[CrossResponse.CrossingOutcome, _Mapping]] = ...) -> None: ...
