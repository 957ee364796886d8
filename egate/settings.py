"""The operator's settings: one TOML file, strict. Unknown keys, wrong types and missing files of keys are errors.

Units are in the key names. Relative paths start from the file's folder.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from egate.errors import ConfigurationError

DEVICES = ("lock", "sensors", "document_reader", "camera", "finger_sensor", "signal")  # keys of a lane that name one
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ServiceSection(_Strict):
    """Where and to whom the daemon answers. plaintext: loopback and demo environment only.

    match_*: requests of one caller to MatchService. extract_images_max: images of one ExtractFace, each in turn.
    """

    address: str = "127.0.0.1:50051"
    trust_domain: str = "egate.example"
    plaintext: bool = False
    certificate_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    crl_files: tuple[str, ...] = Field(default=(), strict=False)
    on_stale_crl: Literal["refuse", "accept"] = "refuse"
    officers_file: str = ""
    rpcs_max: Annotated[int, Field(ge=1, le=4096)] = 64
    rpcs_per_caller_max: Annotated[int, Field(ge=1, le=4096)] = 16
    match_rate_per_s: Annotated[float, Field(gt=0)] = 10.0
    match_burst: Annotated[int, Field(ge=1)] = 20
    extract_images_max: Annotated[int, Field(ge=1, le=64)] = 64
    token_lifetime_s: Annotated[float, Field(gt=0, le=86400)] = 900.0


class PolicySection(_Strict):
    """The site's rules. *_fmr: false match rate targets, converted through each model's calibration.

    presentation_attack_detection: "off" and "silent" (on record, decides nothing) are for the demo environment only. pad_apcer: the share
    of attacks of the worst species that may be taken for bona fide, converted through the detector's calibration.
    """

    version: str
    mandatory: Annotated[tuple[str, ...], Field(strict=False)]
    face_fmr: Annotated[float, Field(gt=0, lt=1)] = 5e-4
    finger_fmr: Annotated[float, Field(gt=0, lt=1)] = 5e-4
    presentation_attack_detection: Literal["off", "silent", "enforced"] = "off"
    pad_apcer: Annotated[float, Field(gt=0, lt=1)] = 0.02
    attempts_max: Annotated[int, Field(ge=1, le=3)] = 3
    document_s: Seconds = 20.0
    capture_s: Seconds = 20.0
    decision_age_s: Annotated[float, Field(gt=0, le=5)] = 5.0
    release_s: Annotated[float, Field(ge=0.1, le=30)] = 5.0
    release_deadline_s: Annotated[float, Field(gt=0, le=1.5)] = 1.5
    passage_s: Seconds = 12.0
    referral_s: Seconds = 60.0


class DocumentsSection(_Strict):
    """Whom the site believes about documents. trust_store: folder made by `egate document trust import`; "" = none.

    trust_age_days_max: a store whose newest list was signed longer ago leaves every signature undetermined (chosen: Doc 9303-12, 6.1
    has authorities publish revocation lists at least every 90 days). crl_required: a document signer needs a current
    revocation list of its authority; without, states that publish none are served and a revoked signer of theirs goes unnoticed.
    """

    trust_store: str = ""
    trust_age_days_max: Annotated[float, Field(gt=0, le=3650)] = 90.0
    crl_required: bool = True


class ModelsSection(_Strict):
    """root: installed models; "" = the project's or EGATE_MODELS. threads: 0 = one per core. face, pad: the engines, by the id of their
    calibration (`egate models list`). face_sha256, pad_sha256: of the calibration.csv of a local engine; production asks for it.

    queue_max: callers that wait for a thread or have one; the next is refused. image_mib_max: MiB of images being decoded and looked at
    at once; 256 hold one of the largest.
    """

    root: str = ""
    face: str = "face-int8"
    pad: str = "pad-print"
    face_sha256: str = ""
    pad_sha256: str = ""
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    queue_max: Annotated[int, Field(ge=1, le=4096)] = 64
    image_mib_max: Annotated[int, Field(ge=256, le=65536)] = 256


class LaneSection(_Strict):
    """One lane: its gate and its devices by URL.

    document_reader "": the document comes with the request. camera, finger_sensor "": the gate sends those captures. finger_dpi: pixels per
    inch of what the gate sends; without, each capture or its file must state its own. signal: light, display and sound. language: of the
    display.
    """

    id: Name
    gate: Name
    lock: str
    sensors: str
    document_reader: str = ""
    camera: str = ""
    finger_sensor: str = ""
    signal: str = ""
    language: str = "en"
    finger_dpi: Annotated[float | None, Field(ge=250, le=2000)] = None

    def devices(self) -> dict[str, str]:
        """The URLs of the lane's devices by role (egate.domain.device.DeviceRole); those it has not are left out."""
        urls = {role: str(getattr(self, role)) for role in DEVICES}
        return {role: url for role, url in urls.items() if url}


class Settings(_Strict):
    """The whole file. data_dir: journal, dossiers and keys; only the daemon's account may read it."""

    environment: Literal["demo", "production"]
    data_dir: str
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    service: ServiceSection = ServiceSection()
    models: ModelsSection = ModelsSection()
    documents: DocumentsSection = DocumentsSection()
    policy: PolicySection
    lane: Annotated[tuple[LaneSection, ...], Field(strict=False, min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _distinct(self) -> Settings:
        ids = [lane.id for lane in self.lane]
        if len(set(ids)) != len(ids):
            raise ValueError("two lanes have the same id")
        # The same URL in two roles is one device that does both; whether it can is for its protocol to say.
        urls = [(role, url) for lane in self.lane for role, url in lane.devices().items()]
        if len(set(urls)) != len(urls):
            raise ValueError("two devices have the same URL")
        return self


def read_settings(path: Path) -> Settings:
    """Raises ConfigurationError naming the key; values are not repeated: they may be secrets."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"settings file: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"settings file is no TOML: {error}") from None
    return parse_settings(data)


def parse_settings(data: dict[str, object]) -> Settings:
    """Raises ConfigurationError as read_settings."""
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors()]
        raise ConfigurationError("settings: " + "; ".join(problems)) from None
