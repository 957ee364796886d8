"""Does a process that verifies faces for days grow?

Bar: 10,000 verifications, each decoding two images of another size, finding, embedding and comparing: resident memory grows by at
most 20 MB after the warm-up. Estimate before measuring: 0; onnxruntime's arena and the allocator's pages grow to the largest image
and stay, and a memory plan is kept for each shape a detector has seen, of which there are a few dozen.

The warm-up shows it every size once. Growth is the highest of later readings less the highest of the warm-up's last tenth.

    python -m bench.face.bench_memory [--verifications N] [--daemon N]   bench/baseline/face_memory.json and .svg
    pytest bench/face/bench_memory.py                                    300 in this process; EGATE_BARS=1: all 10,000
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.face.bench_throughput import clients, site
from bench.stats import BASELINE, commit, host, write_baseline
from egate.api.v1 import match_service_pb2 as pb
from egate.commands.bench.plots import Series, curve_plot
from egate.demo.client import RPC_S_MAX
from egate.demo.site import running
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore

VERIFICATIONS, DAEMON_VERIFICATIONS, SHORT = 10_000, 1_000, 300
WARM_UP_SHARE = 0.1
GROWTH_MB_MAX = 20.0
HEIGHTS = tuple(range(216, 1081, 36))  # chosen: from a chip's photograph to a full-HD camera, no two alike in stride
SAMPLES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")
READ_EVERY = 20
SEED = 1
MB = 1e6


def images(store: ModelStore) -> list[bytes]:
    """Each sample at each height, as JPEG, in an order drawn once."""
    found = []
    for name in SAMPLES:
        photograph = decode(store.sample(name).read_bytes())
        for height in HEIGHTS:
            columns = photograph.shape[1] * height // photograph.shape[0]
            pixels = cv2.resize(photograph, (columns, height), interpolation=cv2.INTER_AREA)
            done, data = cv2.imencode(".jpg", pixels[:, :, ::-1])
            assert done
            found.append(data.tobytes())
    random.Random(SEED).shuffle(found)
    return found


def pairs(encoded: Sequence[bytes], count: int) -> Iterator[tuple[bytes, bytes]]:
    """count probes and references; every image is a probe before one is again, beside another reference each time."""
    for index in range(count):
        probe, turn = index % len(encoded), index // len(encoded)
        yield encoded[probe], encoded[(probe + turn + 1) % len(encoded)]


def resident_mb(process: int | str = "self") -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def verify_here(engine: OnnxFaceEngine, encoded: Sequence[bytes], count: int) -> list[float]:
    """Resident megabytes of this process after every READ_EVERY verifications."""
    readings = []
    for index, (probe, reference) in enumerate(pairs(encoded, count), 1):
        faces = [engine.capture(decode(data)).face for data in (probe, reference)]
        assert faces[0] is not None
        assert faces[1] is not None
        assert np.isfinite(engine.compare(faces[0].template, faces[1].template).value)
        if index % READ_EVERY == 0:
            readings.append(resident_mb())
    return readings


async def verify_there(address: str, pki: Path, process: int, encoded: Sequence[bytes], count: int) -> list[float]:
    """Resident megabytes of the daemon after every READ_EVERY verifications over gRPC, two at a time."""
    readings, left = [], iter(pairs(encoded, count))
    done = 0

    async with clients(address, pki, 2) as stubs:

        async def client(own: int) -> None:
            nonlocal done
            for probe, reference in left:
                message = pb.VerifyFaceRequest(probe=probe, reference=reference)
                await stubs[own].match.VerifyFace(message, timeout=RPC_S_MAX)
                done += 1
                if done % READ_EVERY == 0:
                    readings.append(resident_mb(process))

        await asyncio.gather(client(0), client(1))
    return readings


def growth_mb(readings: Sequence[float]) -> float:
    """The highest reading after the warm-up, less the highest of the warm-up's last tenth."""
    warm = max(1, round(len(readings) * WARM_UP_SHARE))
    settled = max(readings[warm - max(1, warm // 10) : warm])
    return max(readings[warm:]) - settled


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore()


def test_a_process_that_verifies_does_not_grow(store: ModelStore) -> None:
    count = VERIFICATIONS if os.environ.get("EGATE_BARS") else SHORT
    engine, encoded = load_face_engine(store), images(store)
    verify_here(engine, encoded, len(encoded))
    assert growth_mb(verify_here(engine, encoded, count)) <= GROWTH_MB_MAX


def main() -> int:
    """Measures once; exit 1 if the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.face.bench_memory")
    parser.add_argument("--verifications", type=int, default=VERIFICATIONS, metavar="N")
    parser.add_argument("--daemon", type=int, default=DAEMON_VERIFICATIONS, metavar="N", help="of them over gRPC")
    arguments = parser.parse_args()
    store = ModelStore()
    encoded = images(store)
    started = time.monotonic()
    here = verify_here(load_face_engine(store), encoded, arguments.verifications)
    with site() as made, running(made) as daemon:
        there = asyncio.run(verify_there(daemon.address, made.pki, daemon.process.pid, encoded, arguments.daemon))
    growth = {"process": round(growth_mb(here), 2), "daemon": round(growth_mb(there), 2)}
    report = {
        "command": f"python -m bench.face.bench_memory --verifications {arguments.verifications} --daemon {arguments.daemon}",
        "commit": commit(),
        "host": host(),
        "images": f"{len(encoded)} JPEG, {HEIGHTS[0]} to {HEIGHTS[-1]} rows",
        "verifications": {"process": arguments.verifications, "daemon": arguments.daemon},
        "warm_up_share": WARM_UP_SHARE,
        "resident_mb_end": {"process": round(here[-1], 1), "daemon": round(there[-1], 1)},
        "growth_mb": growth,
        "bar_mb": GROWTH_MB_MAX,
        "took_s": round(time.monotonic() - started),
    }
    write_baseline("face_memory.json", report)
    _plot({"this process": here, "daemon, over gRPC": there})
    print(
        f"resident memory grew by {growth['process']} MB (process) and {growth['daemon']} MB (daemon); bar {GROWTH_MB_MAX:g} MB"
    )
    return 0 if max(growth.values()) <= GROWTH_MB_MAX else 1


def _plot(readings: dict[str, list[float]]) -> None:
    series = [
        Series(name, READ_EVERY * np.arange(1, len(values) + 1), np.array(values)) for name, values in readings.items()
    ]
    curve_plot(
        series,
        BASELINE / "face_memory.svg",
        xlabel="face verifications",
        ylabel="resident memory (MB)",
        title="Images of 216 to 1080 rows",
    )


if __name__ == "__main__":
    sys.exit(main())
