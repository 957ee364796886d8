"""Does embedding several faces in one run of a network pay, and from how many on would a face wait for others in vain?

Estimate before measuring: a network's 150 convolutions each read their weights once a run (dlib 22 MB, SFace 26 MB at 20 GB/s: 1.2 ms),
so a batch saves at most that share, 10 to 20 %; its activations grow with it and leave the cache (2 MB a core) at about four faces.
The sizes take turns; CPU time of the one thread that computes, so that neighbours disturb little. No bar: by the first figures (2.5 %
less in twos, nothing in fours, 3 % more in eights) images are embedded one by one, as they come. Look again on another processor.

    python -m bench.face.bench_batch [--rounds N]   table; bench/baseline/face_batch.json
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from bench.stats import commit, host, percentile, write_baseline
from egate.domain.biometric import Image
from egate.inference.face.embedding import EmbeddingNetwork, load_networks
from egate.inference.weights.store import ModelStore

MODELS = ("dlib-resnet29", "sface")
SIZES = (1, 2, 4, 8, 16, 32)
FACES = 16  # embedded at each size and round, at least
SEED = 1


def chips(side_px: int, count: int) -> list[Image]:
    generator = np.random.default_rng(SEED)
    return [generator.integers(0, 255, (side_px, side_px, 3), np.uint8) for _ in range(count)]


def measure(network: EmbeddingNetwork, rounds: int) -> dict[int, list[float]]:
    """ms of CPU a face, by size of the batch."""
    faces = chips(network.network.side_px, max(SIZES))
    spent: dict[int, list[float]] = {size: [] for size in SIZES}
    for size in SIZES:
        network.embed(faces[:size])  # its memory plan
    for _ in range(rounds):
        for size in SIZES:
            for _ in range(-(-FACES // size)):
                started = time.thread_time()
                network.embed(faces[:size])
                spent[size].append(1e3 * (time.thread_time() - started) / size)
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.face.bench_batch")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    rounds = parser.parse_args().rounds
    networks = load_networks(ModelStore(), MODELS)
    table = {id: measure(network, rounds) for id, network in networks.items()}
    report = {
        "command": f"python -m bench.face.bench_batch --rounds {rounds}",
        "commit": commit(),
        "host": host(),
        "cpu_ms_a_face": {
            id: {str(size): round(percentile(sorted(values), 0.5), 2) for size, values in spent.items()}
            for id, spent in table.items()
        },
    }
    write_baseline("face_batch.json", report)
    for id, spent in table.items():
        row = "  ".join(f"{size}: {percentile(sorted(values), 0.5):.2f}" for size, values in spent.items())
        print(f"{id:14} ms of CPU a face, in batches of  {row}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
