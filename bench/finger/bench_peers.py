"""How accurate are the open peers on the same prints, in the same run? Aim: ours is the best of them.

    AFIS_LFS_LIB=libafis_lfs.so python -m bench.finger.bench_peers --root CORPUS/fingers --json OUT

Each set's 280 mated and 2,880 non-mated pairs; one process. `afis` 1.2.7 and the library of NBIS that its sdist holds have to be there
(bench_matcher.py says how). bozorth3 gets LEADER's minutiae, and those of mindtct, NBIS's own extractor. SourceAFIS is Java and not run
here. Estimate: by the corpus's figures LEADER with bozorth3 12 %, mindtct with bozorth3 7 % of EER over eight sets.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.finger.bench_matcher import SETS, rows
from bench.stats import commit, host
from egate.domain.biometric import Image
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.rates.accuracy import Accuracy, mean_accuracy, measure_accuracy

Prints = Mapping[tuple[int, int], Image]
OURS, LEADER_BOZORTH, NBIS = "LEADER and ours", "LEADER and bozorth3", "mindtct and bozorth3"


def main() -> None:
    arguments = parse_arguments()
    engine, native = load_finger_engine(ModelStore()), importlib.import_module("afis._native.loader")
    native.require_available()
    found: dict[str, list[Accuracy]] = {OURS: [], LEADER_BOZORTH: [], NBIS: []}
    for name in SETS:
        prints = {key(path): decode_grey(path.read_bytes()).pixels for path in (arguments.root / name).glob("*_*.png")}
        for contestant, accuracy in judge(engine, native, prints).items():
            found[contestant].append(accuracy)
            print(f"{name} {contestant}: EER {100 * accuracy.eer:.2f} %", flush=True)
    means = {contestant: mean_accuracy(parts) for contestant, parts in found.items()}
    for contestant, mean in means.items():
        print(f"mean {contestant}: EER {100 * mean.eer:.2f} %")
    report = {
        "command": "python -m bench.finger.bench_peers",
        "commit": commit(),
        "host": host(),
        "mean": {contestant: mean.to_json() for contestant, mean in means.items()},
        "eer": {contestant: [part.eer for part in parts] for contestant, parts in found.items()},
    }
    arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def judge(engine: MinutiaeFingerEngine, native: Any, prints: Prints) -> dict[str, Accuracy]:
    templates = {name: engine.capture(image).template for name, image in prints.items()}
    ready = {name: minutiae.prepare(template) for name, template in templates.items()}
    leader = {name: native.template_from_array(rows(t), t.width, t.height) for name, t in templates.items()}
    mindtct = {
        name: native.template_from_array(native.mindtct_extract(image)[0], image.shape[1], image.shape[0])
        for name, image in prints.items()
    }

    def bozorth(one: Any, other: Any) -> float:
        return float(native._LIB.afis_bozorth3_match(native.ctypes.byref(one), native.ctypes.byref(other)))

    return {
        OURS: accuracy_of(ready, minutiae.compare),
        LEADER_BOZORTH: accuracy_of(leader, bozorth),
        NBIS: accuracy_of(mindtct, bozorth),
    }


def accuracy_of(templates: Mapping[tuple[int, int], Any], compare: Callable[[Any, Any], float]) -> Accuracy:
    mated: list[float] = []
    non_mated: list[float] = []
    for (a, one), (b, other) in itertools.combinations(sorted(templates.items(), key=lambda item: item[0]), 2):
        (mated if a[0] == b[0] else non_mated).append(compare(one, other))
    return measure_accuracy(np.array(mated), np.array(non_mated))


def key(path: Path) -> tuple[int, int]:
    finger, impression = path.stem.split("_")
    return int(finger), int(impression)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
