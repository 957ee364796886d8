"""The exceptions of egate and when each occurs.

EgateError
├── ConfigurationError   the operator's settings cannot be run; raised at start, never during a crossing
├── DeviceError          a device of the gate let us down
│   ├── DeviceLost       the link is gone or the device stopped answering
│   ├── DeviceTimeout    no answer within the deadline; whether the command was executed is unknown
│   └── ProtocolViolation  the peer sent what the protocol does not allow
├── DocumentError        the document's data cannot be parsed (a negative verdict is a value, not this)
├── ImageError           an image cannot be decoded or exceeds a limit
├── ModelError           a model is missing, has another hash than the manifest, or fails to run
├── TemplateError        a biometric template cannot be parsed
└── JournalError         the record cannot be made durable, or does not verify

`code` is stable: it is the reason of google.rpc.ErrorInfo and what logs and scripts match on.
Messages never hold images, templates, MRZ data or keys.
"""

from __future__ import annotations


class EgateError(Exception):
    """Base of all exceptions a caller may want to handle."""

    code = "EGATE"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class ConfigurationError(EgateError):
    code = "CONFIGURATION"


class DeviceError(EgateError):
    code = "DEVICE"


class DeviceLost(DeviceError):
    code = "DEVICE_LOST"


class DeviceTimeout(DeviceError):
    code = "DEVICE_TIMEOUT"


class ProtocolViolation(DeviceError):
    code = "PROTOCOL_VIOLATION"


class DocumentError(EgateError):
    code = "DOCUMENT"


class ImageError(EgateError):
    code = "IMAGE"


class ModelError(EgateError):
    code = "MODEL"


class TemplateError(EgateError):
    code = "TEMPLATE"


class JournalError(EgateError):
    code = "JOURNAL"
