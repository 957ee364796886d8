"""What the service refuses, and the gRPC status of every code.

ServiceError
├── FieldError        a field of the request is missing or wrong; names the field
├── Unauthenticated   who calls is unknown: certificate, token or login
├── Denied            the caller is known and may not
├── NotFound          no such lane or case
└── Exhausted         a limit of the service

`STATUSES` is the one table from error codes to gRPC statuses. A code that is not in it falls back to its class in
`FALLBACKS`; what is in neither is a bug: INTERNAL without details.
"""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from egate.errors import (
    ConfigurationError,
    DeviceError,
    DocumentError,
    EgateError,
    ImageError,
    JournalError,
    ModelError,
    TemplateError,
)

DOMAIN = "egate"  # google.rpc.ErrorInfo.domain


class ServiceError(EgateError):
    code = "SERVICE"


class FieldError(ServiceError):
    """code is FIELD_MISSING, FIELD_INVALID, DOCUMENT_MIXED or an image's code; field is the path in the request."""

    code = "FIELD_INVALID"

    def __init__(self, field: str, problem: str, *, code: str | None = None) -> None:
        super().__init__(f"{field}: {problem}", code=code)
        self.field = field


class Unauthenticated(ServiceError):
    code = "UNAUTHENTICATED"


class Denied(ServiceError):
    code = "DENIED"


class NotFound(ServiceError):
    code = "NOT_FOUND"


class Exhausted(ServiceError):
    code = "EXHAUSTED"


_Status = grpc.StatusCode
STATUSES: Mapping[str, grpc.StatusCode] = {
    # the lane refuses (egate/lane/api.py)
    "LANE_BUSY": _Status.FAILED_PRECONDITION,
    "LANE_HELD": _Status.FAILED_PRECONDITION,
    "LANE_OUT_OF_SERVICE": _Status.FAILED_PRECONDITION,
    "LANE_NOT_OVERRIDABLE": _Status.FAILED_PRECONDITION,
    "CROSSING_OVER": _Status.FAILED_PRECONDITION,
    "LANE_INBOX_FULL": _Status.RESOURCE_EXHAUSTED,
    "WATCH_TOO_SLOW": _Status.RESOURCE_EXHAUSTED,
    "REQUEST_ID_REUSED": _Status.ALREADY_EXISTS,
    "DOCUMENT_SOURCE": _Status.INVALID_ARGUMENT,
    # the journal refuses (egate/journal/store.py); its other codes are JournalError's: UNAVAILABLE
    "JOURNAL_REQUEST_REUSED": _Status.ALREADY_EXISTS,
    "JOURNAL_FULL": _Status.RESOURCE_EXHAUSTED,
    # the case refuses (egate/cases)
    "CASE_UNKNOWN": _Status.NOT_FOUND,
    "CASE_CLAIMED_BY_OTHER": _Status.FAILED_PRECONDITION,
    "CASE_NOT_CLAIMED": _Status.FAILED_PRECONDITION,
    "CASE_RESOLVED": _Status.FAILED_PRECONDITION,
    "CASE_REASON_INVALID": _Status.INVALID_ARGUMENT,
    "CASE_WATCHERS_FULL": _Status.RESOURCE_EXHAUSTED,
}
FALLBACKS: tuple[tuple[type[EgateError], grpc.StatusCode], ...] = (
    (FieldError, _Status.INVALID_ARGUMENT),
    (Unauthenticated, _Status.UNAUTHENTICATED),
    (Denied, _Status.PERMISSION_DENIED),
    (NotFound, _Status.NOT_FOUND),
    (Exhausted, _Status.RESOURCE_EXHAUSTED),
    (ImageError, _Status.INVALID_ARGUMENT),
    (TemplateError, _Status.INVALID_ARGUMENT),
    (DocumentError, _Status.INVALID_ARGUMENT),
    (JournalError, _Status.UNAVAILABLE),
    (DeviceError, _Status.UNAVAILABLE),
    (ModelError, _Status.UNAVAILABLE),
)
# Faults of our equipment: the caller learns the code; paths and device addresses stay in our log.
OUR_FAULTS = (JournalError, DeviceError, ModelError, ConfigurationError)
OUR_FAULT_TEXT = "the service's own equipment failed; see its log"


def status_code(error: EgateError) -> grpc.StatusCode:
    """The gRPC status of an error; INTERNAL for a code nobody has placed."""
    if error.code in STATUSES:
        return STATUSES[error.code]
    return next((code for kind, code in FALLBACKS if isinstance(error, kind)), _Status.INTERNAL)


def status_of(error: EgateError) -> status_pb2.Status:
    """google.rpc.Status with one ErrorInfo: reason = the stable code, metadata = the field if there is one."""
    code = status_code(error)
    message = OUR_FAULT_TEXT if isinstance(error, OUR_FAULTS) else str(error)
    info = error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN)
    if isinstance(error, FieldError):
        info.metadata["field"] = error.field
    detail = any_pb2.Any()
    detail.Pack(info)
    return status_pb2.Status(code=code.value[0], message=message, details=[detail])


def internal_status() -> status_pb2.Status:
    """What a caller learns of a bug: that there was one."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN))
    return status_pb2.Status(code=code_pb2.INTERNAL, message="internal error", details=[detail])


def sole(error: BaseException) -> BaseException:
    """The one error inside nested exception groups of one (a TaskGroup wraps what its half of a stream raised)."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
