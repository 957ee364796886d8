"""Does finger quality say what NFIQ 2 says, does guidance name the fault, and what does it cost? Budget 40 ms, one thread, for 388 x 374.

    python -m bench.finger.bench_quality --root CORPUS/fingers [--json OUT]

Estimate: two passes over 145,000 pixels with numba, about 2 ms; Gaussian blurs of 41 and 91 pixels, 145,000 x 264 products, 10 ms, the
wide one as boxes a fifth of it; the rest is small. The unmodified network takes 400 ms for such an image, ours a third.

Over the official examples, the sample prints made worse in a known way, the five FVC sets, and fingertips cut from them. Good prints are
those whose minutiae weigh 60 or more: for them advice is a nuisance.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.finger.calibrate import SETS, part_of, read
from bench.finger.faults import FAULTS, make_worse
from egate.commands.bench.measurement import summary_ms
from egate.domain.biometric import FingerSample, FingerTemplate, Image
from egate.errors import ImageError
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.finger.quality import load_forest
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.matching.finger.quality import finger_quality, usable
from egate.matching.finger.quality.features import FEATURES, measure_features
from egate.matching.finger.quality.forest import votes

EXAMPLES = "nfiq2_examples/examples"
MINUTIAE = slice(FEATURES.index("FingerJetFX_MinCount_COMMinRect200x200"), FEATURES.index("ImgProcROIArea_Mean"))
SAMPLES = ("p1_1", "p1_2", "p2_1")
GOOD_WEIGHT = 60.0
FINGERTIP_MINUTIAE = (4, 12)  # what models/finger-minutiae/CARD.md counts false matches of
FINGERTIP_MARGIN_PX = 16
SEED = 1
ROUNDS = 30


def main() -> None:
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    store = ModelStore(arguments.models)
    engine = load_finger_engine(store)
    samples = captured(engine, arguments.root, arguments.images)
    report: dict[str, Any] = {
        "examples": official_examples(store, engine, arguments.root),
        "faults": faults(store, engine),
        "corpus": corpus(samples),
        "fingertips": fingertips(store, samples),
        "cost": cost(store, engine, arguments.root),
    }
    print(json.dumps(report, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def official_examples(store: ModelStore, engine: MinutiaeFingerEngine, root: Path) -> dict[str, Any]:
    """Each example's official score, ours, ours with the official minutiae features, and the largest error of another feature."""
    forest, found = load_forest(store), {}
    for path in sorted((root / EXAMPLES / "images").glob("*.pgm")):
        official = read_official(root / EXAMPLES / "output" / f"{path.stem}_output.txt")
        sample = engine.capture(read_pgm(path))
        native = measure_features(sample.image, sample.template).native
        expected = np.array([official[name] for name in FEATURES])
        mixed = native.copy()
        mixed[MINUTIAE] = expected[MINUTIAE]
        found[path.stem] = {
            "official": official["UnifiedQualityScore"],
            "score": sample.quality.unified,
            "score_with_official_minutiae": votes(forest, mixed),
            "largest_relative_error_of_image_features": float(
                np.max(np.abs(mixed - expected) / np.maximum(expected, 1.0))
            ),
        }
    return found


def faults(store: ModelStore, engine: MinutiaeFingerEngine) -> dict[str, Any]:
    """The codes each fault draws from the sample prints, and those of the prints as they are."""
    prints = {name: decode_grey(store.sample(f"{name}.png").read_bytes()).pixels for name in SAMPLES}
    return {
        fault: {name: codes(engine, make_worse(image, fault, prints["p2_1"])) for name, image in prints.items()}
        for fault in ("none", *FAULTS)
    }


def codes(engine: MinutiaeFingerEngine, image: Image) -> list[str]:
    try:
        return [code.value for code in engine.capture(image).guidance]
    except ImageError as refusal:
        return [refusal.code]


def captured(engine: MinutiaeFingerEngine, root: Path, images: int) -> list[FingerSample]:
    """images: of each set, spread evenly."""
    paths = [sorted((root / name).glob("*_*.png")) for name in SETS]
    chosen = itertools.chain.from_iterable(part[:: max(len(part) // images, 1)] for part in paths)
    return [engine.capture(read(path)) for path in chosen]


def corpus(samples: Sequence[FingerSample]) -> dict[str, Any]:
    """How often each code comes on all and on good prints, and how many are refused."""
    good = [sample for sample in samples if sample.quality.components["minutiae_weight"] >= GOOD_WEIGHT]
    return {
        "images": len(samples),
        "refused": sum(not usable(sample.quality) for sample in samples),
        "advice_on_all": shares(samples),
        "good": len(good),
        "advice_on_good": shares(good),
    }


def fingertips(store: ModelStore, samples: Sequence[FingerSample]) -> dict[str, Any]:
    """Two round parts of each print with FINGERTIP_MINUTIAE on an empty sensor: what NFIQ 2 says of them, and whether all are refused."""
    forest, random = load_forest(store), np.random.default_rng(SEED)
    scores = []
    for sample, _ in itertools.product(samples, range(2)):
        size = int(random.integers(*FINGERTIP_MINUTIAE, endpoint=True))
        if len(sample.template.x) >= size:
            image, template = fingertip(sample, size, random)
            scores.append(finger_quality(image, template, forest))
    unified = np.array([score.unified for score in scores])
    known = unified[np.isfinite(unified)]
    return {
        "parts": len(scores),
        "without_a_score": int(np.isnan(unified).sum()),
        "nfiq2_percentiles_5_50_95_100": np.percentile(known, (5, 50, 95, 100)).round(1).tolist() if len(known) else [],
        "usable": sum(usable(score) for score in scores),
    }


def fingertip(sample: FingerSample, size: int, random: np.random.Generator) -> tuple[Image, FingerTemplate]:
    """So many neighbouring minutiae, and the print as far as a little beyond the last; the rest as light as the sensor is."""
    part, image = part_of(sample.template, size, random), sample.image
    x, y = part.x.mean(), part.y.mean()
    reach = np.hypot(part.x - x, part.y - y).max() + FINGERTIP_MARGIN_PX
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    inside = np.hypot(columns - x, rows - y) <= reach
    return np.where(inside, image, np.uint8(np.percentile(image, 97))), part


def shares(samples: Sequence[FingerSample]) -> Mapping[str, float]:
    count = Counter(code.value for sample in samples for code in sample.guidance)
    return {code: round(number / len(samples), 4) for code, number in sorted(count.items())}


def cost(store: ModelStore, engine: MinutiaeFingerEngine, root: Path) -> dict[str, Any]:
    """Of a print of FVC2002 DB1, 388 x 374: quality alone, and the whole capture."""
    image = read(sorted((root / SETS[0]).glob("*_*.png"))[0])
    forest, template = load_forest(store), engine.capture(image).template
    quality = [seconds(lambda: finger_quality(image, template, forest)) for _ in range(ROUNDS)]
    capture = [seconds(lambda: engine.capture(image)) for _ in range(ROUNDS // 6)]
    share = float(np.median(quality) / (np.median(capture) - np.median(quality)))
    return {"quality": summary_ms(quality), "capture": summary_ms(capture), "quality_to_the_rest": round(share, 4)}


def seconds(call: Any) -> float:
    """Of this thread's processor, so that neighbours on the machine do not count: nothing here waits or starts threads."""
    start = time.thread_time()
    call()
    return time.thread_time() - start


def read_official(path: Path) -> Mapping[str, float]:
    """`name: value` a line, as example_api of NFIQ 2 prints it."""
    rows = (line.split(": ") for line in path.read_text(encoding="ascii").splitlines())
    return {name: float(value) for name, value in rows}


def read_pgm(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise FileNotFoundError(path.name)
    return np.ascontiguousarray(image, np.uint8)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--root", type=Path, required=True, help="the corpus folder with fvc2002, fvc2004, nfiq2_examples"
    )
    parser.add_argument("--models", type=Path, help="the models root (egate models install)")
    parser.add_argument("--images", type=int, default=80, help="of each set")
    parser.add_argument("--json", type=Path, metavar="OUT")
    return parser.parse_args()


if __name__ == "__main__":
    main()
