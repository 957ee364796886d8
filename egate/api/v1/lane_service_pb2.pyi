import datetime

from egate.api.v1 import values_pb2 as _values_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LanePhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LANE_PHASE_UNSPECIFIED: _ClassVar[LanePhase]
    LANE_PHASE_READY: _ClassVar[LanePhase]
    LANE_PHASE_READING: _ClassVar[LanePhase]
    LANE_PHASE_VERIFYING: _ClassVar[LanePhase]
    LANE_PHASE_RECORDING: _ClassVar[LanePhase]
    LANE_PHASE_RELEASING: _ClassVar[LanePhase]
    LANE_PHASE_RELEASED: _ClassVar[LanePhase]
    LANE_PHASE_REFERRED: _ClassVar[LanePhase]
    LANE_PHASE_OUT_OF_SERVICE: _ClassVar[LanePhase]
LANE_PHASE_UNSPECIFIED: LanePhase
LANE_PHASE_READY: LanePhase
LANE_PHASE_READING: LanePhase
LANE_PHASE_VERIFYING: LanePhase
LANE_PHASE_RECORDING: LanePhase
LANE_PHASE_RELEASING: LanePhase
LANE_PHASE_RELEASED: LanePhase
LANE_PHASE_REFERRED: LanePhase
LANE_PHASE_OUT_OF_SERVICE: LanePhase

class Lane(_message.Message):
    __slots__ = ("lane", "phase", "crossing_id", "devices", "lock", "held", "reasons", "door_closed", "person_count", "alarms")
    class DevicesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    LANE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    CROSSING_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    LOCK_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    DOOR_CLOSED_FIELD_NUMBER: _ClassVar[int]
    PERSON_COUNT_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    lane: str
    phase: LanePhase
    crossing_id: str
    devices: _containers.ScalarMap[str, str]
    lock: str
    held: bool
    reasons: _containers.RepeatedCompositeFieldContainer[_values_pb2.Reason]
    door_closed: bool
    person_count: int
    alarms: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lane: _Optional[str] = ..., phase: _Optional[_Union[LanePhase, str]] = ..., crossing_id: _Optional[str] = ..., devices: _Optional[_Mapping[str, str]] = ..., lock: _Optional[str] = ..., held: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[_values_pb2.Reason, _Mapping]]] = ..., door_closed: _Optional[bool] = ..., person_count: _Optional[int] = ..., alarms: _Optional[_Iterable[str]] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("lane", "name", "state", "heard_ago", "counters", "last_error", "identity")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    LANE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HEARD_AGO_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    lane: str
    name: str
    state: str
    heard_ago: _duration_pb2.Duration
    counters: _containers.ScalarMap[str, int]
    last_error: str
    identity: str
    def __init__(self, lane: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., heard_ago: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., counters: _Optional[_Mapping[str, int]] = ..., last_error: _Optional[str] = ..., identity: _Optional[str] = ...) -> None: ...

class GetDevicesRequest(_message.Message):
    __slots__ = ("lanes",)
    LANES_FIELD_NUMBER: _ClassVar[int]
    lanes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lanes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetDevicesResponse(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    def __init__(self, devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ...) -> None: ...

class WatchLanesRequest(_message.Message):
    __slots__ = ("lanes", "resume_token")
    LANES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    lanes: _containers.RepeatedScalarFieldContainer[str]
    resume_token: str
    def __init__(self, lanes: _Optional[_Iterable[str]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class WatchLanesResponse(_message.Message):
    __slots__ = ("lane", "resume_token", "at")
    LANE_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    lane: Lane
    resume_token: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, lane: _Optional[_Union[Lane, _Mapping]] = ..., resume_token: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SecureLaneRequest(_message.Message):
    __slots__ = ("request_id", "lane", "hold", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    lane: str
    hold: bool
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., lane: _Optional[str] = ..., hold: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class SecureLaneResponse(_message.Message):
    __slots__ = ("confirmed",)
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    confirmed: bool
    def __init__(self, confirmed: _Optional[bool] = ...) -> None: ...

class ReleaseLaneRequest(_message.Message):
    __slots__ = ("request_id", "lane", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    lane: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., lane: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReleaseLaneResponse(_message.Message):
    __slots__ = ("crossing_id", "release")
    CROSSING_ID_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    crossing_id: str
    release: _values_pb2.Release
    def __init__(self, crossing_id: _Optional[str] = ..., release: _Optional[_Union[_values_pb2.Release, str]] = ...) -> None: ...
