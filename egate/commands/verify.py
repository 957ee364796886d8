"""egate verify face | finger A B: one comparison of two image files, with the same engines as a lane."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from egate.commands.answer import EXIT_DONE, EXIT_NEGATIVE, with_named_errors
from egate.commands.input_file import read_image
from egate.commands.models import add_models_option
from egate.domain.biometric import ComparisonScore, FingerSample, QualityScore
from egate.errors import ImageError
from egate.inference.face.engine import load_face_engine
from egate.inference.finger.engine import load_finger_engine
from egate.inference.finger.image import finger_image
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore
from egate.ports import FingerEngine

FMR_DEFAULT = 5e-4  # the default of the policy
JSON_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Verification:
    """Of image A (probe) against image B (reference). ms: decoding, both templates, and the comparison."""

    score: ComparisonScore
    threshold: float
    quality: tuple[QualityScore, QualityScore]
    ms: float

    @property
    def match(self) -> bool:
        return self.score.value >= self.threshold  # NaN is no match


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("verify", help="compare two images; exit 0 match, 1 non-match, 2 error")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, what in (("face", "photographs"), ("finger", "fingerprints")):
        action = kinds.add_parser(kind, help=f"compare two {what}")
        action.add_argument("a", type=Path, metavar="A")
        action.add_argument("b", type=Path, metavar="B")
        action.add_argument("--fmr", type=float, default=FMR_DEFAULT, help="false match rate of the decision")
        action.add_argument("--json", action="store_true", help="one JSON object on standard output")
        if kind == "finger":
            action.add_argument("--dpi", type=float, help="resolution of images that state none, refused otherwise")
        add_models_option(action)
        action.set_defaults(run=run)


@with_named_errors
def run(arguments: argparse.Namespace) -> int:
    store, a, b, fmr = ModelStore(arguments.models), arguments.a, arguments.b, arguments.fmr
    result = (
        verify_face(store, a, b, fmr) if arguments.kind == "face" else verify_finger(store, a, b, fmr, arguments.dpi)
    )
    report = to_json(result, arguments.fmr)
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
    return EXIT_DONE if result.match else EXIT_NEGATIVE


def verify_face(store: ModelStore, a: Path, b: Path, fmr: float) -> Verification:
    """Raises ImageError if a file is no image or shows no face, ConfigurationError for an unsupported FMR, ModelError."""
    engine = load_face_engine(store)
    threshold = engine.threshold(fmr)
    started = time.perf_counter()
    faces = [engine.capture(decode(read_image(path))).face for path in (a, b)]
    probe, reference = faces
    if probe is None or reference is None:
        raise ImageError(f"no face in {(a if probe is None else b).name}", code="FACE_NOT_FOUND")
    score = engine.compare(probe.template, reference.template)
    ms = 1e3 * (time.perf_counter() - started)
    return Verification(score, threshold, (probe.quality, reference.quality), ms)


def verify_finger(store: ModelStore, a: Path, b: Path, fmr: float, dpi: float | None = None) -> Verification:
    """dpi: of images that state none. Raises ImageError if a file is no image of known resolution or shows no print, ConfigurationError,
    ModelError."""
    engine = load_finger_engine(store)
    threshold = engine.threshold(fmr)
    started = time.perf_counter()
    probe, reference = (_capture(engine, path, dpi) for path in (a, b))
    score = engine.compare(probe.template, reference.template)
    ms = 1e3 * (time.perf_counter() - started)
    return Verification(score, threshold, (probe.quality, reference.quality), ms)


def to_json(result: Verification, fmr: float) -> dict[str, object]:
    a, b = (_quality(quality) for quality in result.quality)
    return {
        "score": _number(result.score.value),
        "fmr": _number(result.score.fmr),
        "decision": "MATCH" if result.match else "NON_MATCH",
        "fmr_target": fmr,
        "threshold": _number(result.threshold),
        "calibration": result.score.calibration,
        "quality": {"a": a, "b": b},
        "ms": round(result.ms, 1),
    }


def _capture(engine: FingerEngine, path: Path, dpi: float | None) -> FingerSample:
    image = finger_image(read_image(path), otherwise=dpi)
    return engine.capture(image.pixels, dpi=image.dpi)


def _quality(quality: QualityScore) -> Mapping[str, object]:
    components = {name: _number(value) for name, value in quality.components.items()}
    return {"unified": _number(quality.unified), "components": components}


def _number(value: float) -> float | None:
    """JSON has no NaN: null."""
    return None if math.isnan(value) else float(f"{value:.{JSON_DIGITS}g}")


def _show(report: Mapping[str, Any]) -> None:
    table = Table(show_header=False)
    table.add_row("decision", f"{report['decision']} at FMR {report['fmr_target']:g}")
    table.add_row("score", f"{report['score']} (threshold {report['threshold']})")
    table.add_row("FMR at score", f"{report['fmr']} ({report['calibration']})")
    table.add_row("quality A, B", f"{report['quality']['a']['unified']}, {report['quality']['b']['unified']}")
    table.add_row("time", f"{report['ms']} ms")
    Console().print(table)
