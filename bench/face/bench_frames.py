"""How much do several frames of one face help, and what do they cost in false matches?

    python -m bench.face.bench_frames        writes bench/baseline/frames.json and frames.svg; ten minutes on one core

LFW, people with four images and more: one image is the document's, the others are the frames (taken on different days, so they differ far
more than a stream's). Each is compared with its person's document image (mated) and with all images of everybody else. NUAA: the 20
live frames of each of nine people with each other, which is what `same_person` sees.

Estimate: if the errors of two frames were independent, FNMR would be squared (1.8 % to 0.03 %); they share the reference and the years
between, so expect a third. Two tries at one threshold double the false matches; a mean of embeddings brought back to length 1 adds to that.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from egate.commands.bench import measurement
from egate.commands.bench.face_trials import Trials, read_trials
from egate.commands.bench.plots import Series, det_plot
from egate.domain.biometric import FaceSample, FaceTemplate
from egate.inference.face.engine import CALIBRATION, OnnxFaceEngine, load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import PROJECT_MODELS, ModelStore
from egate.matching.face.comparison import scores
from egate.matching.face.frames import (
    ATTEMPT_SHARES,
    FRAMES_MAX,
    SAME_PERSON_FMR,
    Frame,
    Frames,
    attempt_fmr,
    fused,
    keep,
)
from egate.matching.face.fusion import parse_fusion
from egate.matching.face.quality import FACE_QUALITY_MIN_GOOD
from egate.matching.rates.calibration import allowed_false_matches, sort_scores, threshold_of_rank
from egate.matching.rates.det_curve import det_curve
from egate.matching.rates.rates import CountedRate

ROOT = PROJECT_MODELS.parent
CORPUS = Path(os.environ.get("EGATE_CORPUS", ROOT.parent / "shared" / "corpus"))
BASELINE = ROOT / "bench" / "baseline" / "frames.json"
BOX = (0.0, 0.0, 1.0, 1.0)
TARGETS = (1e-3, 1e-4)
BLOCK = 256  # probes at a time against all images


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """n crossings. frames: (n, FRAMES_MAX) image indices in their order. reference: (n,) image index. person: (n,)."""

    frames: NDArray[np.int64]
    reference: NDArray[np.int64]
    person: NDArray[np.int64]


def sequences(trials: Trials) -> Sequences:
    """Every image of everybody with enough of them is the document's once for each run of FRAMES_MAX others."""
    rows = []
    for number in np.unique(trials.person):
        images = np.flatnonzero(trials.person == number)
        for reference in images:
            others = images[images != reference]
            runs = range(0, len(others) - FRAMES_MAX + 1, FRAMES_MAX)
            rows += [(*others[start : start + FRAMES_MAX], reference, number) for start in runs]
    table = np.array(rows, np.int64)
    return Sequences(table[:, :FRAMES_MAX], table[:, FRAMES_MAX], table[:, FRAMES_MAX + 1])


class Comparer:
    """Fused scores of many templates against all images, by the engine's own fusion."""

    def __init__(self, store: ModelStore, trials: Trials, faces: Sequence[FaceSample], chosen: Sequences) -> None:
        self._fusion = parse_fusion(store.calibration(CALIBRATION).fusion)
        self._images = stack([face.template for face in faces])
        self._chosen = chosen
        self._other = chosen.person[:, np.newaxis] != trials.person
        for left, right in trials.excluded:
            self._other[np.ix_(chosen.person == left, trials.person == right)] = False

    def scores(self, templates: Sequence[FaceTemplate | None]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n,) mated and (m,) non-mated scores of the template of each crossing; NaN where there is none."""
        present = next(template for template in templates if template is not None)
        missing = FaceTemplate({model: np.full_like(values, np.nan) for model, values in present.embeddings.items()})
        probes = stack([template or missing for template in templates])
        mated, non_mated = [], []
        for start in range(0, len(templates), BLOCK):
            rows = slice(start, start + BLOCK)
            block = scores(self._fusion, {model: values[rows] for model, values in probes.items()}, self._images)
            reference = self._chosen.reference[rows]
            mated.append(block[np.arange(len(reference)), reference])
            non_mated.append(block[self._other[rows]])
        return np.concatenate(mated), np.concatenate(non_mated)


def stack(templates: Sequence[FaceTemplate]) -> Mapping[str, NDArray[np.float32]]:
    models = templates[0].embeddings
    return {model: np.stack([template.embeddings[model] for template in templates]) for model in models}


def fusion_gain(
    engine: OnnxFaceEngine, by_count: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> dict[str, object]:
    """For each number of frames: FNMR at its own threshold, and what FMR the threshold of a single frame has for it."""
    table: dict[str, object] = {}
    for count, (mated, non_mated) in enumerate(by_count, start=1):
        ordered = sort_scores(non_mated)
        row: dict[str, object] = {"mated": len(mated), "non_mated": len(non_mated)}
        for fmr in TARGETS:
            threshold = threshold_of_rank(ordered, allowed_false_matches(fmr, len(ordered)))
            row[f"at FMR {fmr:g}"] = {
                "fnmr": rate(int(np.count_nonzero(~(mated >= threshold))), len(mated)),
                "fmr_at_calibrated_threshold": float(np.mean(non_mated >= engine.threshold(fmr))),
            }
        table[f"{count} frames"] = row
    return table


def attempts(engine: OnnxFaceEngine, faces: Sequence[FaceSample], chosen: Sequences) -> list[list[FaceTemplate | None]]:
    """What each crossing compares at its first, second, ... attempt: from the first good frame on, else with the last one."""
    minimum = engine.threshold(SAME_PERSON_FMR)

    def same_person(left: FaceTemplate, right: FaceTemplate) -> bool:
        return engine.compare(left, right).value >= minimum

    rows: list[list[FaceTemplate | None]] = []
    for indices in chosen.frames:
        kept, tried = Frames(), list[FaceTemplate | None]()
        for position, index in enumerate(indices):
            kept = keep(kept, one_frame(faces[index]), same_person)
            last = position == len(indices) - 1
            if kept.kept and (last or kept.kept[0].quality >= FACE_QUALITY_MIN_GOOD):
                tried.append(fused(kept))
        rows.append(tried + [None] * (len(ATTEMPT_SHARES) - len(tried)))
    return rows


def sequence_rates(
    engine: OnnxFaceEngine, tried: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> dict[str, object]:
    """Errors of whole crossings: a match at any attempt counts. With the shares of attempt_fmr, and without (all at the target)."""
    table: dict[str, object] = {}
    for fmr in TARGETS:
        for name, asked in (
            ("shared", [attempt_fmr(fmr, n + 1) for n in range(len(tried))]),
            ("naive", [fmr] * len(tried)),
        ):
            minima = [engine.threshold(value) for value in asked]
            hits = np.array([mated >= minimum for (mated, _), minimum in zip(tried, minima, strict=True)])
            false = np.zeros(len(tried[0][1]), bool)
            for (_, non_mated), minimum in zip(tried, minima, strict=True):
                false |= non_mated >= minimum
            compared = ~np.isnan([mated for mated, _ in tried])
            ended = np.where(hits.any(axis=0), hits.argmax(axis=0) + 1, compared.sum(axis=0))
            table[f"{name} at FMR {fmr:g}"] = {
                "fnmr": rate(int(np.count_nonzero(~hits.any(axis=0))), hits.shape[1]),
                "false_match_rate_of_crossings": float(false.mean()),
                "decided_at_first_comparison": float(hits[0].mean()),
                "comparisons_mean": float(ended.mean()),
            }
    return table


def frame_to_frame(engine: OnnxFaceEngine, trials: Trials, faces: Sequence[FaceSample]) -> dict[str, object]:
    """How often two images of one person disagree at SAME_PERSON_FMR: live frames of a NUAA sequence, and LFW's mated pairs."""
    live = nuaa(engine)
    pairs = [(a, b) for group in live.values() for n, a in enumerate(group) for b in group[:n]]
    lfw = [(faces[left].template, faces[right].template) for left, right in trials.mated]
    table: dict[str, object] = {"people": len(live), "fmr": SAME_PERSON_FMR}
    for name, compared in (("nuaa live frames of one sequence", pairs), ("lfw mated pairs", lfw)):
        values = np.array([engine.compare(left, right).value for left, right in compared])
        table[name] = {
            **{f"fnmr at FMR {fmr:g}": rate(int(np.count_nonzero(~(values >= engine.threshold(fmr)))), len(values)) for fmr in TARGETS},
            "score_min": round(float(values.min()), 2),
        }  # fmt: skip
    return table


def nuaa(engine: OnnxFaceEngine) -> dict[str, list[FaceTemplate]]:
    """Templates of the live frames by person."""
    folder = CORPUS / "faces" / "spoof"
    people: dict[str, list[FaceTemplate]] = {}
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "live"]
    for row in track(rows, description="NUAA"):
        face = engine.capture(decode((folder / row["path"]).read_bytes())).face
        if face is not None:
            people.setdefault(row["subject"], []).append(face.template)
    return people


def rate(errors: int, trials: int) -> dict[str, object]:
    """Clopper-Pearson at 95 %: too narrow, for several comparisons are of one person."""
    low, high = CountedRate(errors, trials).interval
    return {
        "errors": errors,
        "trials": trials,
        "share": round(errors / trials, 5),
        "interval": [round(low, 5), round(high, 5)],
    }


def one_frame(face: FaceSample) -> Frame:
    return Frame(0, face.template, face.quality.unified, BOX, None)


def captured(engine: OnnxFaceEngine, path: Path) -> FaceSample:
    face = engine.capture(decode(path.read_bytes())).face
    assert face is not None  # every face of pairs_lfw is found (bench/face/bench_face.py)
    return face


def main() -> None:
    store = ModelStore()
    engine = load_face_engine(store)
    root = CORPUS / "faces"
    trials = read_trials(root / "pairs_lfw.csv", root / "label_noise.csv")
    faces = [captured(engine, root / path) for path in track(trials.paths, description="LFW")]
    chosen = sequences(trials)
    comparer = Comparer(store, trials, faces, chosen)

    def mean_of(count: int) -> list[FaceTemplate | None]:
        rows = ([one_frame(faces[index]) for index in indices[:count]] for indices in chosen.frames)
        return [fused(Frames(tuple(frames))) for frames in rows]

    by_count = [comparer.scores(mean_of(count)) for count in range(1, FRAMES_MAX + 1)]
    tried = attempts(engine, faces, chosen)
    result = {
        "command": "python -m bench.face.bench_frames",
        "commit": measurement.commit(),
        "host": measurement.host(),
        "crossings": len(chosen.person),
        "people": len(np.unique(chosen.person)),
        "fusion": fusion_gain(engine, by_count),
        "crossing": sequence_rates(
            engine, [comparer.scores([row[n] for row in tried]) for n in range(len(ATTEMPT_SHARES))]
        ),
        "same_person": frame_to_frame(engine, trials, faces),
    }
    BASELINE.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    curves = [det_curve(mated, non_mated) for mated, non_mated in by_count]
    lines = [Series(f"{count} frames", curve.fmr, curve.fnmr) for count, curve in enumerate(curves, start=1)]
    det_plot(lines, BASELINE.with_suffix(".svg"), title="Frames of one face, fused (LFW)")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
