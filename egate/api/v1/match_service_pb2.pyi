from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerifyFaceRequest(_message.Message):
    __slots__ = ("probe", "reference", "fmr_target")
    PROBE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    FMR_TARGET_FIELD_NUMBER: _ClassVar[int]
    probe: bytes
    reference: bytes
    fmr_target: float
    def __init__(self, probe: _Optional[bytes] = ..., reference: _Optional[bytes] = ..., fmr_target: _Optional[float] = ...) -> None: ...

class VerifyFaceResponse(_message.Message):
    __slots__ = ("comparison", "probe_face_count")
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    PROBE_FACE_COUNT_FIELD_NUMBER: _ClassVar[int]
    comparison: Comparison
    probe_face_count: int
    def __init__(self, comparison: _Optional[_Union[Comparison, _Mapping]] = ..., probe_face_count: _Optional[int] = ...) -> None: ...

class VerifyFingerRequest(_message.Message):
    __slots__ = ("probe", "reference", "fmr_target")
    PROBE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    FMR_TARGET_FIELD_NUMBER: _ClassVar[int]
    probe: bytes
    reference: bytes
    fmr_target: float
    def __init__(self, probe: _Optional[bytes] = ..., reference: _Optional[bytes] = ..., fmr_target: _Optional[float] = ...) -> None: ...

class VerifyFingerResponse(_message.Message):
    __slots__ = ("comparison",)
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    comparison: Comparison
    def __init__(self, comparison: _Optional[_Union[Comparison, _Mapping]] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("score", "fmr", "threshold", "match", "calibration", "probe_quality", "reference_quality")
    SCORE_FIELD_NUMBER: _ClassVar[int]
    FMR_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    PROBE_QUALITY_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_QUALITY_FIELD_NUMBER: _ClassVar[int]
    score: float
    fmr: float
    threshold: float
    match: bool
    calibration: str
    probe_quality: float
    reference_quality: float
    def __init__(self, score: _Optional[float] = ..., fmr: _Optional[float] = ..., threshold: _Optional[float] = ..., match: _Optional[bool] = ..., calibration: _Optional[str] = ..., probe_quality: _Optional[float] = ..., reference_quality: _Optional[float] = ...) -> None: ...
