from egate.api.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TemplateFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEMPLATE_FORMAT_UNSPECIFIED: _ClassVar[TemplateFormat]
    TEMPLATE_FORMAT_ISO_19794_2_RECORD: _ClassVar[TemplateFormat]
    TEMPLATE_FORMAT_ISO_19794_2_CARD_NORMAL: _ClassVar[TemplateFormat]
    TEMPLATE_FORMAT_ISO_19794_2_CARD_COMPACT: _ClassVar[TemplateFormat]
    TEMPLATE_FORMAT_ISO_39794_2: _ClassVar[TemplateFormat]

class FingerAbsence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINGER_ABSENCE_UNSPECIFIED: _ClassVar[FingerAbsence]
    FINGER_ABSENCE_MISSING: _ClassVar[FingerAbsence]
    FINGER_ABSENCE_AMPUTATED: _ClassVar[FingerAbsence]
    FINGER_ABSENCE_BANDAGED: _ClassVar[FingerAbsence]
    FINGER_ABSENCE_UNREADABLE: _ClassVar[FingerAbsence]
TEMPLATE_FORMAT_UNSPECIFIED: TemplateFormat
TEMPLATE_FORMAT_ISO_19794_2_RECORD: TemplateFormat
TEMPLATE_FORMAT_ISO_19794_2_CARD_NORMAL: TemplateFormat
TEMPLATE_FORMAT_ISO_19794_2_CARD_COMPACT: TemplateFormat
TEMPLATE_FORMAT_ISO_39794_2: TemplateFormat
FINGER_ABSENCE_UNSPECIFIED: FingerAbsence
FINGER_ABSENCE_MISSING: FingerAbsence
FINGER_ABSENCE_AMPUTATED: FingerAbsence
FINGER_ABSENCE_BANDAGED: FingerAbsence
FINGER_ABSENCE_UNREADABLE: FingerAbsence

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

class Finger(_message.Message):
    __slots__ = ("image", "template", "position", "resolution_dpi", "format")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_DPI_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    template: bytes
    position: int
    resolution_dpi: float
    format: TemplateFormat
    def __init__(self, image: _Optional[bytes] = ..., template: _Optional[bytes] = ..., position: _Optional[int] = ..., resolution_dpi: _Optional[float] = ..., format: _Optional[_Union[TemplateFormat, str]] = ...) -> None: ...

class VerifyFingerRequest(_message.Message):
    __slots__ = ("probe", "reference", "fmr_target", "probes", "references", "resolution_dpi")
    PROBE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    FMR_TARGET_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_DPI_FIELD_NUMBER: _ClassVar[int]
    probe: bytes
    reference: bytes
    fmr_target: float
    probes: _containers.RepeatedCompositeFieldContainer[Finger]
    references: _containers.RepeatedCompositeFieldContainer[Finger]
    resolution_dpi: float
    def __init__(self, probe: _Optional[bytes] = ..., reference: _Optional[bytes] = ..., fmr_target: _Optional[float] = ..., probes: _Optional[_Iterable[_Union[Finger, _Mapping]]] = ..., references: _Optional[_Iterable[_Union[Finger, _Mapping]]] = ..., resolution_dpi: _Optional[float] = ...) -> None: ...

class VerifyFingerResponse(_message.Message):
    __slots__ = ("comparison", "pairs")
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    comparison: Comparison
    pairs: _containers.RepeatedCompositeFieldContainer[FingerPair]
    def __init__(self, comparison: _Optional[_Union[Comparison, _Mapping]] = ..., pairs: _Optional[_Iterable[_Union[FingerPair, _Mapping]]] = ...) -> None: ...

class FingerPair(_message.Message):
    __slots__ = ("probe_position", "reference_position", "log_likelihood_ratio", "comparisons")
    PROBE_POSITION_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_POSITION_FIELD_NUMBER: _ClassVar[int]
    LOG_LIKELIHOOD_RATIO_FIELD_NUMBER: _ClassVar[int]
    COMPARISONS_FIELD_NUMBER: _ClassVar[int]
    probe_position: int
    reference_position: int
    log_likelihood_ratio: float
    comparisons: int
    def __init__(self, probe_position: _Optional[int] = ..., reference_position: _Optional[int] = ..., log_likelihood_ratio: _Optional[float] = ..., comparisons: _Optional[int] = ...) -> None: ...

class ExtractFingerRequest(_message.Message):
    __slots__ = ("impressions", "include_template", "format")
    IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    impressions: _containers.RepeatedCompositeFieldContainer[Finger]
    include_template: bool
    format: TemplateFormat
    def __init__(self, impressions: _Optional[_Iterable[_Union[Finger, _Mapping]]] = ..., include_template: _Optional[bool] = ..., format: _Optional[_Union[TemplateFormat, str]] = ...) -> None: ...

class ExtractFingerResponse(_message.Message):
    __slots__ = ("extractions",)
    EXTRACTIONS_FIELD_NUMBER: _ClassVar[int]
    extractions: _containers.RepeatedCompositeFieldContainer[FingerExtraction]
    def __init__(self, extractions: _Optional[_Iterable[_Union[FingerExtraction, _Mapping]]] = ...) -> None: ...

class FingerExtraction(_message.Message):
    __slots__ = ("error", "finger", "guidance")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FINGER_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    error: ExtractionError
    finger: ExtractedFinger
    guidance: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, error: _Optional[_Union[ExtractionError, _Mapping]] = ..., finger: _Optional[_Union[ExtractedFinger, _Mapping]] = ..., guidance: _Optional[_Iterable[str]] = ...) -> None: ...

class ExtractedFinger(_message.Message):
    __slots__ = ("position", "minutiae_count", "quality", "quality_components", "models", "calibration", "template")
    class QualityComponentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    POSITION_FIELD_NUMBER: _ClassVar[int]
    MINUTIAE_COUNT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    QUALITY_COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    position: int
    minutiae_count: int
    quality: float
    quality_components: _containers.ScalarMap[str, float]
    models: _containers.RepeatedScalarFieldContainer[str]
    calibration: str
    template: bytes
    def __init__(self, position: _Optional[int] = ..., minutiae_count: _Optional[int] = ..., quality: _Optional[float] = ..., quality_components: _Optional[_Mapping[str, float]] = ..., models: _Optional[_Iterable[str]] = ..., calibration: _Optional[str] = ..., template: _Optional[bytes] = ...) -> None: ...

class AbsentFinger(_message.Message):
    __slots__ = ("position", "reason")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    position: int
    reason: FingerAbsence
    def __init__(self, position: _Optional[int] = ..., reason: _Optional[_Union[FingerAbsence, str]] = ...) -> None: ...

class ExtractEnrolmentRequest(_message.Message):
    __slots__ = ("impressions", "format", "absent", "wanted")
    IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    impressions: _containers.RepeatedCompositeFieldContainer[Finger]
    format: TemplateFormat
    absent: _containers.RepeatedCompositeFieldContainer[AbsentFinger]
    wanted: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, impressions: _Optional[_Iterable[_Union[Finger, _Mapping]]] = ..., format: _Optional[_Union[TemplateFormat, str]] = ..., absent: _Optional[_Iterable[_Union[AbsentFinger, _Mapping]]] = ..., wanted: _Optional[_Iterable[int]] = ...) -> None: ...

class ExtractEnrolmentResponse(_message.Message):
    __slots__ = ("template", "extractions", "findings", "complete", "recapture")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    EXTRACTIONS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    RECAPTURE_FIELD_NUMBER: _ClassVar[int]
    template: bytes
    extractions: _containers.RepeatedCompositeFieldContainer[FingerExtraction]
    findings: _containers.RepeatedCompositeFieldContainer[EnrolmentFinding]
    complete: bool
    recapture: _containers.RepeatedCompositeFieldContainer[Recapture]
    def __init__(self, template: _Optional[bytes] = ..., extractions: _Optional[_Iterable[_Union[FingerExtraction, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[EnrolmentFinding, _Mapping]]] = ..., complete: _Optional[bool] = ..., recapture: _Optional[_Iterable[_Union[Recapture, _Mapping]]] = ...) -> None: ...

class EnrolmentFinding(_message.Message):
    __slots__ = ("code", "position", "impression", "other_position")
    CODE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    IMPRESSION_FIELD_NUMBER: _ClassVar[int]
    OTHER_POSITION_FIELD_NUMBER: _ClassVar[int]
    code: str
    position: int
    impression: int
    other_position: int
    def __init__(self, code: _Optional[str] = ..., position: _Optional[int] = ..., impression: _Optional[int] = ..., other_position: _Optional[int] = ...) -> None: ...

class Recapture(_message.Message):
    __slots__ = ("position", "because", "guidance")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    position: int
    because: _containers.RepeatedScalarFieldContainer[str]
    guidance: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, position: _Optional[int] = ..., because: _Optional[_Iterable[str]] = ..., guidance: _Optional[_Iterable[str]] = ...) -> None: ...

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
