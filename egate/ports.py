"""The capabilities a lane needs, each a Protocol of two to four methods.

Adapters in `hw` implement the device ports; `inference`, `journal` and `service` the others.
Every device port: `start` opens the link and supervises it until `close`; it never raises because the peer is
absent: the state tells. Callbacks run in the event loop that called `start`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from egate.domain.biometric import (
    ComparisonScore,
    FaceCapture,
    FaceSample,
    FaceTemplate,
    FingerSample,
    FingerTemplate,
    Guidance,
    Image,
    PadScore,
)
from egate.domain.captured import CameraFrame, CardRead, FingerImage, ScannedCode
from egate.domain.device import DeviceHealth, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.document import DocumentRead, PageImages
from egate.domain.finger import AbsenceReason, Enrolment, FingerPosition, FingerSetComparison
from egate.domain.inspection import Finding
from egate.domain.signal import TravellerSignal


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds from an arbitrary origin, never going back."""

    def now(self) -> datetime:
        """Wall-clock time, timezone-aware UTC."""


class Device(Protocol):
    """What all devices share. Loss is noticed within 5 s, told once, and ends by itself when the device is back."""

    @property
    def state(self) -> DeviceState: ...

    @property
    def health(self) -> DeviceHealth:
        """For supervision, at any time and from any thread."""

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        """Opens the link and keeps it open. Returns at once; on_state is called at each change, once per change."""

    async def close(self) -> None:
        """Releases the port. Idempotent; nothing that was queued is executed afterwards."""


class Lock(Device, Protocol):
    """The exit's lock. It secures itself when the time of a release is over, whatever becomes of us."""

    @property
    def lock_state(self) -> LockState:
        """From the device's own output status, never from what we commanded."""

    def on_lock(self, callback: Callable[[LockState], None]) -> None:
        """callback is called in the loop at each change of lock_state."""

    async def release(self, duration_s: float, deadline_s: float) -> ReleaseResult:
        """Releases the lock for duration_s (0.1 to 30 s, timed by the device).

        deadline_s: seconds from now after which the command must never start to execute. Past it: UNKNOWN if it may
        have been executed, NOT_SENT if certainly not; in both cases nothing of it stays queued.
        A second release while one is under way raises DeviceError.
        """

    async def secure(self) -> bool:
        """Secures now. True if the device confirmed; False if unreachable (the device's own timer then secures it). Idempotent."""


class Sensors(Device, Protocol):
    """Door and presence sensors of one lane."""

    @property
    def levels(self) -> SensorLevels:
        """The newest known ones, also those whose callback has not run yet."""

    @property
    def read_at(self) -> float | None:
        """CLOCK_MONOTONIC seconds of the last complete reading without contradiction; None if none is current.

        The device measured no earlier than that, however long the answer or our own threads and event loop took.
        `levels` asked for after it are at least as new. Not None as long as all levels are known.
        """

    def on_levels(self, callback: Callable[[SensorLevels], None]) -> None:
        """callback is called at each change of any level; levels become all None when the device is lost."""


class DocumentReader(Device, Protocol):
    """A reader that reports each document laid on it."""

    async def read(self, timeout_s: float) -> DocumentRead:
        """The next document presented from now on; what was presented before the call is discarded.

        Raises DeviceTimeout if none came within timeout_s, DeviceLost if the reader went away.
        Cancelling is safe: the reader is usable for the next document.
        """


class Signal(Device, Protocol):
    """Light, display and sound towards the traveller. Its loss stops no lane."""

    async def show(self, signal: TravellerSignal) -> None:
        """Shows it; the newest wins. Returns at once and never raises: while the device is lost the newest is kept and shown when it is
        back, without its sound. A device that knows only part of it shows that part. Dark after `close` and after our death, where
        the device can time it."""


class FingerSensor(Device, Protocol):
    """A sensor that takes images of fingers."""

    async def capture(self, timeout_s: float, on_guidance: Callable[[Guidance], None]) -> FingerImage:
        """The next impression of a finger laid on from now on: one that lies there already must be lifted, and LIFT_FINGER says so.

        on_guidance is called in the loop, once per change of advice. Cancelling is safe.
        Raises DeviceTimeout if no usable one came within timeout_s, DeviceLost if the sensor went away, DeviceError if it is being used.
        """


class Camera(Device, Protocol):
    """A camera that gives its newest frame only. DEGRADED: too few frames, too dark, too bright; or always the same, then it gives none."""

    async def frame(self, after_s: float, timeout_s: float) -> CameraFrame:
        """The newest frame taken after after_s (CLOCK_MONOTONIC). Several callers may wait at once.

        A frame that is known to stand still (always the same picture) is none: whom it shows may have left.
        Raises DeviceTimeout if none came within timeout_s, DeviceLost if the camera went away.
        """


class BarcodeReader(Device, Protocol):
    """A reader of bar codes."""

    async def scan(self, timeout_s: float) -> ScannedCode:
        """The next code read from now on; what was read before the call is discarded. Raises as DocumentReader.read."""


class CardReader(Device, Protocol):
    """A reader of cards or badges."""

    async def card(self, timeout_s: float) -> CardRead:
        """The next card presented from now on. Raises as DocumentReader.read."""


class OpticalInspector(Protocol):
    """Routines over the images of a data page (BSI TR-03135-1, optical checks): security features, print, substrate.

    No implementation is part of this project. Synchronous and thread-safe; callers run it on the inference pool.
    """

    def inspect(self, pages: PageImages, mrz_lines: tuple[str, ...]) -> tuple[Finding, ...]:
        """One finding for each light it looked at: OPTICAL_VIS, OPTICAL_IR, OPTICAL_UV; what is missing counts as NOT_PERFORMED.

        detail names the routine. A negative verdict is a value; what it raises counts as UNDETERMINED.
        """


@dataclass(frozen=True, slots=True)
class Record:
    """One journal entry before it is chained. body: canonically encodable (str, int, float, bool, None, bytes, list, dict).

    kind: STARTED, DECISION, RELEASE, OUTCOME, OVERRIDE, LANE, CASE, OFFICER or DAEMON.
    """

    kind: str
    lane: str
    crossing: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The answer to a mutating request, kept so that a retry gets the same one (idempotency)."""

    caller: str
    request_id: str
    payload_sha256: bytes
    response: bytes


class Journal(Protocol):
    """The append-only record. One writer; entries become durable in the order of the calls."""

    async def append(
        self,
        records: Sequence[Record],
        *,
        response: StoredResponse | None = None,
        within: Callable[[sqlite3.Connection], None] | None = None,
    ) -> int:
        """Appends all in one transaction and returns the last sequence number once it is on disk.

        response replaces an earlier one of the same caller and request_id. within runs inside the same transaction (the
        case of a referral). Raises JournalError: then nothing of it was written.
        """

    async def response(self, caller: str, request_id: str) -> StoredResponse | None:
        """The stored answer to this caller's request_id, None if it is new."""


class FaceEngine(Protocol):
    """Synchronous and thread-safe; callers run it on the inference pool."""

    def capture(self, image: Image) -> FaceCapture:
        """All faces of an RGB image (h, w, 3) uint8; template of the most prominent one."""

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> ComparisonScore: ...

    def threshold(self, fmr: float) -> float:
        """Score at which the false match rate is fmr by the calibration. Raises ConfigurationError if it cannot support fmr."""


class PadEngine(Protocol):
    """Presentation attack detection. Synchronous and thread-safe; callers run it on the inference pool."""

    def score(self, image: Image, face: FaceSample) -> float:
        """Log-likelihood ratio of bona fide against attack for the face of this frame (h, w, 3) uint8; NaN if a model gave no number."""

    def combine(self, scores: Sequence[float]) -> PadScore:
        """The verdict's score over the frames of one track. One NaN among them makes it NaN. Raises ValueError if scores is empty."""

    def threshold(self, apcer: float) -> float:
        """Score at which APCER is at most apcer. Raises ConfigurationError if the calibration's trials cannot support it."""


class FingerEngine(Protocol):
    """Synchronous and thread-safe; callers run it on the inference pool."""

    @property
    def models(self) -> tuple[str, ...]:
        """Ids of the networks that find the minutiae."""

    @property
    def calibration(self) -> str:
        """Id of the calibration that scores go by."""

    def capture(self, image: Image, position: int = 0, dpi: float = 500.0) -> FingerSample:
        """Template and quality of a grey image (h, w) uint8 of dpi pixels per inch. Raises ImageError if it holds no usable print."""

    def compare(self, probe: FingerTemplate, reference: FingerTemplate) -> ComparisonScore: ...

    def compare_fingers(
        self, probes: Sequence[FingerTemplate], references: Sequence[FingerTemplate]
    ) -> FingerSetComparison:
        """Impressions of one person's fingers against those of one person, by position. Its score is in the unit of threshold, whatever
        number of fingers was tried. Raises TemplateError beyond ten fingers or ten impressions of one."""

    def enrol(
        self,
        samples: Sequence[FingerSample],
        *,
        wanted: Sequence[FingerPosition] = (),
        absent: Mapping[FingerPosition, AbsenceReason] = MappingProxyType({}),
    ) -> Enrolment:
        """What to keep of one person's impressions. wanted: positions that should be there or be absent. Raises TemplateError."""

    def threshold(self, fmr: float) -> float:
        """Score at which the false match rate is fmr by the calibration. Raises ConfigurationError if it cannot support fmr."""
