"""A lane with a camera, a finger sensor and a signal of its own: who may send captures, and what the traveller is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.captured import FingerImage
from egate.domain.decision import Outcome, Verdict
from egate.domain.device import Alarm, DeviceState, ReleaseResult, SensorLevels
from egate.domain.reason import Reason
from egate.domain.signal import Light, Sound
from egate.errors import ConfigurationError
from egate.inference.image.decoder import decode, decode_grey
from egate.lane.api import CrossingHandle, Guided, LanePhase, LaneRefused
from egate.lane.signal_texts import TEXT_CHARACTERS_MAX, languages, load_signal_texts
from tests.lane.bench_gate import DOCUMENT, EMPTY, OCCUPIED, BenchCamera, BenchFingerSensor, BenchSignal
from tests.lane.conftest import Workbench, workbench

PRINT = FingerImage(np.arange(64 * 48, dtype=np.uint8).reshape(64, 48), 500.0)


async def stream(bench: Workbench) -> CrossingHandle:
    """A traveller with his document; the lane captures by itself."""
    bench.sensors.show(OCCUPIED)
    handle = await bench.lane.begin(
        caller="gate/1", request_id="r1", payload_sha256=b"d" * 32, document=None, streaming=True
    )
    handle.present(DOCUMENT)
    return handle


async def test_traveller_is_admitted_by_the_lanes_own_captures(tmp_path: Path) -> None:
    camera, sensor = BenchCamera(), BenchFingerSensor()
    async with workbench(tmp_path, camera=camera, finger_sensor=sensor) as bench:
        handle = await stream(bench)
        sensor.impressions.put_nowait(PRINT)
        decided = await handle.decided()
        assert (decided.decision.verdict, decided.release) == (Verdict.ADMIT, ReleaseResult.ACKNOWLEDGED)
        assert decode(bench.verifiers.compared[0]).shape == (48, 64, 3)
        (impression,) = bench.verifiers.fingers
        assert impression.dpi == 500.0
        assert np.array_equal(decode_grey(impression.image).pixels, PRINT.pixels)
        asked = camera.asked
        bench.sensors.walk_through()
        await bench.until(lambda: bench.lane.state.crossing is None)
        assert camera.asked == asked, "the camera is still looked at after the decision"


async def test_gate_may_not_send_what_the_lane_takes_itself(tmp_path: Path) -> None:
    async with workbench(tmp_path, camera=BenchCamera(), finger_sensor=BenchFingerSensor()) as bench:
        handle = await stream(bench)
        with pytest.raises(LaneRefused) as refused:
            handle.face(b"face")
        assert refused.value.code == "CAPTURE_SOURCE"
        with pytest.raises(LaneRefused) as refused:
            handle.finger(EncodedFinger(b"finger"))
        assert refused.value.code == "CAPTURE_SOURCE"
        with pytest.raises(LaneRefused) as refused:
            await bench.lane.begin(
                caller="gate/1", request_id="r2", payload_sha256=b"e" * 32, document=DOCUMENT, streaming=False
            )
        assert refused.value.code == "CAPTURE_SOURCE"


async def test_advice_of_the_sensor_reaches_gate_and_display(tmp_path: Path) -> None:
    signal = BenchSignal()
    async with workbench(tmp_path, finger_sensor=BenchFingerSensor(), signal=signal) as bench:
        handle = await stream(bench)
        await bench.until(lambda: bool(signal.shown) and signal.shown[-1].guidance is Guidance.PLACE_FINGER)
        assert signal.shown[-1].text == "Place your finger"
        bench.sensors.show(EMPTY)
        guided = [event async for event in handle.events() if isinstance(event, Guided)]
        assert (Guidance.PLACE_FINGER,) in [event.codes for event in guided]


async def test_lost_camera_takes_the_lane_out_of_service_and_refers_whoever_is_in_it(tmp_path: Path) -> None:
    camera = BenchCamera()
    async with workbench(tmp_path, camera=camera, finger_sensor=BenchFingerSensor()) as bench:
        handle = await stream(bench)
        camera.become(DeviceState.LOST)
        decided = await handle.decided()
        assert decided.decision.verdict is Verdict.REFER
        assert Reason.DEVICE_LOST in {item.reason for item in decided.decision.reasons}
        bench.sensors.show(EMPTY)
        await bench.until(lambda: bench.lane.snapshot.phase is LanePhase.OUT_OF_SERVICE)
        camera.become(DeviceState.ONLINE)
        await bench.ready()


async def test_green_is_shown_only_while_the_lock_is_released(tmp_path: Path) -> None:
    signal = BenchSignal()
    async with workbench(tmp_path, signal=signal) as bench:
        decided = await (await bench.begin()).decided()
        assert decided.release is ReleaseResult.ACKNOWLEDGED
        await bench.until(lambda: signal.shown[-1].light is Light.GREEN)
        assert (signal.shown[-1].guidance, signal.shown[-1].sound) == (Guidance.GO_AHEAD, Sound.GO)
        bench.sensors.walk_through()
        await bench.ready()
        await bench.until(lambda: signal.shown[-1].guidance is Guidance.PLACE_DOCUMENT)
        lights = [shown.light for shown in signal.shown]
        assert lights.count(Light.GREEN) == 1
        assert lights[lights.index(Light.GREEN) + 1] is Light.RED, "the light stays green after the passage"


async def test_lost_signal_stops_no_lane(tmp_path: Path) -> None:
    signal = BenchSignal()
    async with workbench(tmp_path, signal=signal) as bench:
        signal.become(DeviceState.LOST)
        assert bench.lane.snapshot.devices["signal"] is DeviceState.LOST
        assert bench.lane.snapshot.phase is LanePhase.READY
        assert (await (await bench.begin()).decided()).decision.verdict is Verdict.ADMIT


@pytest.mark.parametrize(
    ("alarm", "reason"),
    [(Alarm.FIRE, Reason.FIRE_ALARM), (Alarm.TAMPER, Reason.TAMPER), (Alarm.TAILGATING, Reason.TAILGATING)],
)
async def test_alarm_refers_whoever_is_in_the_lane(bench: Workbench, alarm: Alarm, reason: Reason) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    await bench.until(lambda: "DECISION" in bench.journal.asked)
    bench.sensors.show(SensorLevels(True, 1, 0, frozenset({alarm})))
    bench.journal.free.set()
    decided = await handle.decided()
    assert decided.decision.verdict is Verdict.REFER
    assert reason in {item.reason for item in decided.decision.reasons}
    assert "release" not in bench.lock.commands
    bench.sensors.show(SensorLevels(True, 0, 0, frozenset({alarm})))
    await bench.until(lambda: bench.lane.snapshot.phase is LanePhase.OUT_OF_SERVICE)
    assert reason in {item.reason for item in bench.lane.snapshot.reasons}
    bench.sensors.show(EMPTY)
    await bench.ready()


async def test_fire_leaves_a_released_exit_to_its_timer(bench: Workbench) -> None:
    await (await bench.begin()).decided()
    bench.lock.commands.clear()
    bench.sensors.show(SensorLevels(False, 1, 0, frozenset({Alarm.FIRE})))
    await bench.until(lambda: bench.lane.state.crossing is None)
    assert "secure" not in bench.lock.commands, "secured against somebody who flees"
    outcome = [body for kind, body in await bench.entries() if kind == "OUTCOME"][-1]
    assert (outcome["outcome"], outcome["case"] is not None) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize("language", languages())
def test_every_code_has_a_text_that_a_reader_can_display(language: str) -> None:
    texts = load_signal_texts(language)
    assert texts.keys() == set(Guidance)
    assert all(
        0 < len(text) <= TEXT_CHARACTERS_MAX and text.isascii() and text.isprintable() for text in texts.values()
    )


def test_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="none of de, en, es, fr"):
        load_signal_texts("xx")
