"""A lane with a camera, a finger sensor and a signal of its own: who may send captures, and what the traveller is shown."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from egate.crossing.policy import FingerResult
from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.captured import FingerImage
from egate.domain.decision import Outcome, Verdict
from egate.domain.device import Alarm, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.reason import Reason
from egate.domain.signal import Light, Sound, TravellerSignal
from egate.errors import ConfigurationError
from egate.inference.image.decoder import decode, decode_grey
from egate.lane.api import CrossingHandle, Guided, LanePhase, LaneRefused
from egate.lane.signal_texts import TEXT_CHARACTERS_MAX, languages, load_signal_texts
from tests.lane.bench_gate import DOCUMENT, EMPTY, OCCUPIED, BenchCamera, BenchFingerSensor, BenchSignal
from tests.lane.conftest import Workbench, workbench

PIXELS = np.arange(64 * 48, dtype=np.uint8).reshape(64, 48)


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
        sensor.impressions.put_nowait(FingerImage(PIXELS, 500.0, time.monotonic()))
        decided = await handle.decided()
        assert (decided.decision.verdict, decided.release) == (Verdict.ADMIT, ReleaseResult.ACKNOWLEDGED)
        assert decode(bench.verifiers.compared[0]).shape == (48, 64, 3)
        (impression,) = bench.verifiers.fingers
        assert impression.dpi == 500.0
        assert np.array_equal(decode_grey(impression.image).pixels, PIXELS)
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


async def test_impression_of_somebody_who_has_left_meanwhile_does_not_count(tmp_path: Path) -> None:
    camera, sensor = BenchCamera(), BenchFingerSensor()
    async with workbench(tmp_path, camera=camera, finger_sensor=sensor) as bench:
        laid = time.monotonic()  # by whoever stood there before the next one came
        handle = await stream(bench)
        await bench.until(lambda: bool(bench.verifiers.compared))
        sensor.impressions.put_nowait(FingerImage(PIXELS, 500.0, laid - 1.0))
        await bench.until(sensor.impressions.empty)
        await bench.until(lambda: sensor.asked >= 2)
        assert not bench.verifiers.fingers, "an impression from before was compared"
        sensor.impressions.put_nowait(FingerImage(PIXELS, 500.0, time.monotonic()))
        assert (await handle.decided()).decision.verdict is Verdict.ADMIT


@pytest.mark.parametrize(("fmr", "asked"), [(1e-6, 1), (0.9, 2)], ids=["match", "non-match"])
async def test_finger_is_asked_for_again_only_if_one_more_is_wanted(tmp_path: Path, fmr: float, asked: int) -> None:
    """A traveller whose finger has matched must not be told to lift it and lay it on again."""
    camera, sensor = BenchCamera(), BenchFingerSensor()
    camera.late_s = 60.0  # no face comes, so the crossing goes on
    async with workbench(tmp_path, camera=camera, finger_sensor=sensor) as bench:
        bench.verifiers.finger_result = FingerResult(0.9, fmr)
        await stream(bench)
        sensor.impressions.put_nowait(FingerImage(PIXELS, 500.0, time.monotonic()))

        def compared() -> bool:
            crossing = bench.lane.state.crossing
            return crossing is not None and crossing.finger.attempts == 1

        await bench.until(compared)
        looks = camera.asked
        await bench.until(lambda: camera.asked > looks + 1)
        assert sensor.asked == asked
        bench.sensors.show(EMPTY)


async def test_frames_of_another_time_are_dropped(tmp_path: Path) -> None:
    camera = BenchCamera()
    camera.late_s = 60.0
    async with workbench(tmp_path, camera=camera, finger_sensor=BenchFingerSensor()) as bench:
        await stream(bench)
        await bench.until(lambda: camera.asked >= 3)
        assert not bench.verifiers.compared
        bench.sensors.show(EMPTY)


async def test_lane_with_a_finger_sensor_alone_takes_no_single_requests(tmp_path: Path) -> None:
    async with workbench(tmp_path, finger_sensor=BenchFingerSensor()) as bench:
        bench.sensors.show(OCCUPIED)
        with pytest.raises(LaneRefused) as refused:
            await bench.lane.begin(
                caller="gate/1", request_id="r1", payload_sha256=b"d" * 32, document=DOCUMENT, streaming=False
            )
        assert refused.value.code == "CAPTURE_SOURCE"
        assert bench.lane.state.crossing is None


async def test_signal_that_raises_or_hangs_stops_nothing(tmp_path: Path) -> None:
    class Broken(BenchSignal):
        async def show(self, signal: TravellerSignal) -> None:
            self.shown.append(signal)
            if signal.light is Light.AMBER:
                raise RuntimeError("planted")
            await asyncio.Event().wait()

    signal = Broken()
    async with workbench(tmp_path, signal=signal) as bench:
        assert (await (await bench.begin()).decided()).decision.verdict is Verdict.ADMIT
        bench.sensors.walk_through()
        await bench.ready()
        assert len(asyncio.all_tasks()) < 20


async def test_light_turns_red_when_the_lock_has_secured_itself(tmp_path: Path) -> None:
    signal = BenchSignal()
    async with workbench(tmp_path, signal=signal) as bench:
        await (await bench.begin()).decided()
        await bench.until(lambda: signal.shown[-1].light is Light.GREEN)
        bench.lock.lock_state = LockState.SECURED
        await bench.until(lambda: signal.shown[-1].light is Light.RED)
        assert bench.lane.snapshot.phase is LanePhase.RELEASED


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
    bench.sensors.show(SensorLevels(None, None, None, frozenset({Alarm.FIRE})))  # smoke blinds sensors
    await bench.until(lambda: not bench.lane._inbox)
    assert "secure" not in bench.lock.commands, "secured against somebody who flees"
    bench.lock.lock_state = LockState.SECURED  # by its own timer
    await bench.until(lambda: bench.lane.state.crossing is None)
    assert "secure" not in bench.lock.commands
    outcome = [body for kind, body in await bench.entries() if kind == "OUTCOME"][-1]
    assert (outcome["outcome"], outcome["case"] is not None) == (Outcome.UNKNOWN, True)


async def test_exit_is_secured_behind_whoever_flees_against_somebody_else(bench: Workbench) -> None:
    await (await bench.begin()).decided()
    bench.lock.commands.clear()
    bench.sensors.show(SensorLevels(False, 1, 0, frozenset({Alarm.FIRE})))
    await bench.until(lambda: not bench.lane._inbox)
    assert "secure" not in bench.lock.commands
    bench.sensors.show(SensorLevels(False, 2, 0, frozenset({Alarm.FIRE})))
    await bench.until(lambda: "secure" in bench.lock.commands)
    await bench.until(lambda: bench.lane.state.crossing is None)
    outcome = [body for kind, body in await bench.entries() if kind == "OUTCOME"][-1]
    assert (outcome["outcome"], outcome["case"] is not None) == (Outcome.FAILED, True)


async def test_alarms_of_an_idle_lane_are_on_record(bench: Workbench) -> None:
    bench.sensors.show(SensorLevels(True, 0, 0, frozenset({Alarm.TAMPER, Alarm.FIRE})))
    bench.sensors.show(EMPTY)

    async def recorded() -> list[object]:
        return [body["alarms"] for kind, body in await bench.entries() if body.get("action") == "ALARMS"]

    async with asyncio.timeout(5.0):
        while await recorded() != [["FIRE", "TAMPER"], []]:  # noqa: ASYNC110 - the record has no event
            await asyncio.sleep(0.001)


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
