import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_ADMIT: _ClassVar[Verdict]
    VERDICT_REFER: _ClassVar[Verdict]

class CheckResult(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_RESULT_UNSPECIFIED: _ClassVar[CheckResult]
    CHECK_RESULT_PASS: _ClassVar[CheckResult]
    CHECK_RESULT_FAIL: _ClassVar[CheckResult]
    CHECK_RESULT_UNDETERMINED: _ClassVar[CheckResult]
    CHECK_RESULT_NOT_PERFORMED: _ClassVar[CheckResult]
    CHECK_RESULT_ABORTED: _ClassVar[CheckResult]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_PASSED: _ClassVar[Outcome]
    OUTCOME_NOT_PASSED: _ClassVar[Outcome]
    OUTCOME_REFERRED: _ClassVar[Outcome]
    OUTCOME_FAILED: _ClassVar[Outcome]
    OUTCOME_UNKNOWN: _ClassVar[Outcome]

class Release(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELEASE_UNSPECIFIED: _ClassVar[Release]
    RELEASE_NONE: _ClassVar[Release]
    RELEASE_ACKNOWLEDGED: _ClassVar[Release]
    RELEASE_NOT_SENT: _ClassVar[Release]
    RELEASE_UNKNOWN: _ClassVar[Release]
VERDICT_UNSPECIFIED: Verdict
VERDICT_ADMIT: Verdict
VERDICT_REFER: Verdict
CHECK_RESULT_UNSPECIFIED: CheckResult
CHECK_RESULT_PASS: CheckResult
CHECK_RESULT_FAIL: CheckResult
CHECK_RESULT_UNDETERMINED: CheckResult
CHECK_RESULT_NOT_PERFORMED: CheckResult
CHECK_RESULT_ABORTED: CheckResult
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_PASSED: Outcome
OUTCOME_NOT_PASSED: Outcome
OUTCOME_REFERRED: Outcome
OUTCOME_FAILED: Outcome
OUTCOME_UNKNOWN: Outcome
RELEASE_UNSPECIFIED: Release
RELEASE_NONE: Release
RELEASE_ACKNOWLEDGED: Release
RELEASE_NOT_SENT: Release
RELEASE_UNKNOWN: Release

class Reason(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("code", "result", "reasons", "score", "threshold", "fmr", "detail", "findings")
    CODE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FMR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    code: str
    result: CheckResult
    reasons: _containers.RepeatedScalarFieldContainer[str]
    score: float
    threshold: float
    fmr: float
    detail: str
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    def __init__(self, code: _Optional[str] = ..., result: _Optional[_Union[CheckResult, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., score: _Optional[float] = ..., threshold: _Optional[float] = ..., fmr: _Optional[float] = ..., detail: _Optional[str] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("code", "result", "reasons", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    result: CheckResult
    reasons: _containers.RepeatedScalarFieldContainer[str]
    detail: str
    def __init__(self, code: _Optional[str] = ..., result: _Optional[_Union[CheckResult, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., detail: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("verdict", "reasons", "checks", "not_performed", "policy_version", "decided_at")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    NOT_PERFORMED_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    verdict: Verdict
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    checks: _containers.RepeatedCompositeFieldContainer[Check]
    not_performed: _containers.RepeatedScalarFieldContainer[str]
    policy_version: str
    decided_at: _timestamp_pb2.Timestamp
    def __init__(self, verdict: _Optional[_Union[Verdict, str]] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., checks: _Optional[_Iterable[_Union[Check, _Mapping]]] = ..., not_performed: _Optional[_Iterable[str]] = ..., policy_version: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
