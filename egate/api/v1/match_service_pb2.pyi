from egate.api.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
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
    __slots__ = ("comparison", "probe_face_count", "presentation_attack_detection")
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    PROBE_FACE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRESENTATION_ATTACK_DETECTION_FIELD_NUMBER: _ClassVar[int]
    comparison: Comparison
    probe_face_count: int
    presentation_attack_detection: PresentationAttackDetection
    def __init__(self, comparison: _Optional[_Union[Comparison, _Mapping]] = ..., probe_face_count: _Optional[int] = ..., presentation_attack_detection: _Optional[_Union[PresentationAttackDetection, _Mapping]] = ...) -> None: ...

class PresentationAttackDetection(_message.Message):
    __slots__ = ("result", "score", "apcer", "calibration")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    APCER_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    result: _values_pb2.CheckResult
    score: float
    apcer: float
    calibration: str
    def __init__(self, result: _Optional[_Union[_values_pb2.CheckResult, str]] = ..., score: _Optional[float] = ..., apcer: _Optional[float] = ..., calibration: _Optional[str] = ...) -> None: ...

class ExtractFaceRequest(_message.Message):
    __slots__ = ("images", "include_template")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedScalarFieldContainer[bytes]
    include_template: bool
    def __init__(self, images: _Optional[_Iterable[bytes]] = ..., include_template: _Optional[bool] = ...) -> None: ...

class ExtractFaceResponse(_message.Message):
    __slots__ = ("extractions",)
    EXTRACTIONS_FIELD_NUMBER: _ClassVar[int]
    extractions: _containers.RepeatedCompositeFieldContainer[FaceExtraction]
    def __init__(self, extractions: _Optional[_Iterable[_Union[FaceExtraction, _Mapping]]] = ...) -> None: ...

class FaceExtraction(_message.Message):
    __slots__ = ("error", "face", "guidance", "faces", "face_count")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    FACE_COUNT_FIELD_NUMBER: _ClassVar[int]
    error: ExtractionError
    face: ExtractedFace
    guidance: _containers.RepeatedScalarFieldContainer[str]
    faces: _containers.RepeatedCompositeFieldContainer[FaceBox]
    face_count: int
    def __init__(self, error: _Optional[_Union[ExtractionError, _Mapping]] = ..., face: _Optional[_Union[ExtractedFace, _Mapping]] = ..., guidance: _Optional[_Iterable[str]] = ..., faces: _Optional[_Iterable[_Union[FaceBox, _Mapping]]] = ..., face_count: _Optional[int] = ...) -> None: ...

class ExtractionError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class FaceBox(_message.Message):
    __slots__ = ("x", "y", "width", "height", "confidence")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    width: float
    height: float
    confidence: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ..., confidence: _Optional[float] = ...) -> None: ...

class ExtractedFace(_message.Message):
    __slots__ = ("box", "inter_eye_px", "quality", "quality_components", "models", "calibration", "template")
    class QualityComponentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    BOX_FIELD_NUMBER: _ClassVar[int]
    INTER_EYE_PX_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    QUALITY_COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    box: FaceBox
    inter_eye_px: float
    quality: float
    quality_components: _containers.ScalarMap[str, float]
    models: _containers.RepeatedScalarFieldContainer[str]
    calibration: str
    template: FaceTemplate
    def __init__(self, box: _Optional[_Union[FaceBox, _Mapping]] = ..., inter_eye_px: _Optional[float] = ..., quality: _Optional[float] = ..., quality_components: _Optional[_Mapping[str, float]] = ..., models: _Optional[_Iterable[str]] = ..., calibration: _Optional[str] = ..., template: _Optional[_Union[FaceTemplate, _Mapping]] = ...) -> None: ...

class FaceTemplate(_message.Message):
    __slots__ = ("embeddings",)
    class EmbeddingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    embeddings: _containers.ScalarMap[str, bytes]
    def __init__(self, embeddings: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

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
