"""The session with the sensor, in virtual time: connecting, watching, capturing, and images that are damaged on their way."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from egate.domain.biometric import Guidance
from hw.finger.frame import OVERHEAD_SIZE
from hw.finger.host import Contact, Wanted
from hw.finger.impression import PASSES_MAX
from hw.finger.messages import JUDGE, PASSWORD_DEFAULT, Instruction
from hw.finger.pd import FingerPeripheral, Placement
from hw.finger.picture import R30X, R503, pack, unpack
from hw.link.noise import SIZE_MIN

from .finger_sensor_bench import Line, picture, quantised, rough, whole

PASSWORD = bytes.fromhex("0badcafe")
ADDRESS = bytes.fromhex("00c0ffee")
LOSS_S_MAX = 5.0  # egate.ports.Device
Packets = Sequence[bytes]


def ready(sensor: FingerPeripheral | None = None, wanted: Wanted | None = None, baud: int = 115_200) -> Line:
    return Line(sensor or FingerPeripheral(), wanted or Wanted(PASSWORD_DEFAULT), baud).ready()


@pytest.mark.parametrize(
    "greetings", [{Instruction.GET_ECHO, Instruction.HAND_SHAKE}, {Instruction.HAND_SHAKE}, set()], ids=str
)
def test_it_connects_and_stays_connected_whatever_greeting_the_model_knows(greetings: set[Instruction]) -> None:
    sensor = FingerPeripheral(password=PASSWORD, address=ADDRESS)
    sensor.greetings = frozenset(greetings)
    line = ready(sensor, Wanted(PASSWORD, ADDRESS))
    assert str(line.session.parameters) == "R30x system 0009, library 1000, packets 128, 57600 baud"
    line.run(60.0)
    assert line.session.contact is Contact.READY
    assert 50 <= line.counters["packets"] <= 70  # a heartbeat a second, and nothing else
    assert not line.errors
    assert sensor.looks == 0


def test_wrong_password_is_refused_and_named() -> None:
    line = Line(FingerPeripheral(password=PASSWORD))
    line.run(10.0)
    assert line.session.over
    assert line.session.contact is Contact.REFUSED
    assert line.session.diagnosis == "the sensor refuses the password"


def test_sensor_of_another_address_is_not_there() -> None:
    line = Line(FingerPeripheral(address=ADDRESS))
    line.run(10.0)
    assert line.session.contact is Contact.GONE


def test_sensor_that_does_not_tell_its_parameters_is_taken_as_delivered() -> None:
    sensor = FingerPeripheral()
    sensor.knows_parameters = False
    line = ready(sensor)
    assert line.session.parameters is None
    assert line.capture(picture()) == pack(picture(), R30X)


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_packet_size_is_set_where_asked_and_images_are_exact(size: int) -> None:
    line = ready(wanted=Wanted(PASSWORD_DEFAULT, packet_size=size))
    assert line.sensor.packet_size == size
    assert line.capture(picture()) == pack(picture(), R30X)


def test_speed_is_set_where_asked_and_the_session_ends_for_it() -> None:
    line = Line(wanted=Wanted(PASSWORD_DEFAULT, baud=115_200))
    line.run(5.0)
    assert line.session.contact is Contact.MOVED
    assert line.sensor.baud == 115_200
    line.connect()
    line.ready()


def test_registers_are_left_alone_where_nothing_is_asked() -> None:
    line = ready()
    assert (line.sensor.packet_size, line.sensor.baud) == (128, 57_600)


@pytest.mark.parametrize(("baud", "seconds"), [(57_600, 8.0), (115_200, 4.5)])
def test_impression_is_exact_and_takes_what_its_bytes_take(baud: int, seconds: float) -> None:
    line = ready(baud=baud)
    line.want()
    line.until(lambda: line.advice == [Guidance.PLACE_FINGER])
    line.sensor.lay(picture())
    took = line.until(lambda: bool(line.images))
    assert (unpack(line.images[0], R30X) == quantised(picture())).all()
    assert took < seconds
    assert line.advice == [Guidance.PLACE_FINGER, Guidance.HOLD_STILL]
    assert line.sensor.uploads == 1


def test_r503_is_smaller_and_lit() -> None:
    line = ready(FingerPeripheral(R503), Wanted(PASSWORD_DEFAULT, model=R503, light=True))
    line.want()
    line.until(lambda: line.sensor.lit)
    line.until(lambda: bool(line.advice))
    line.sensor.lay(picture(1, R503))
    line.until(lambda: bool(line.images))
    assert (unpack(line.images[0], R503) == quantised(picture(1, R503))).all()
    line.run(1.0)
    assert not line.sensor.lit


def test_sensor_without_light_is_no_worse() -> None:
    sensor = FingerPeripheral(R30X)
    wanted = Wanted(
        PASSWORD_DEFAULT, model=dataclasses.replace(R30X, aura=True), light=True
    )  # asks for a ring it has not
    assert ready(sensor, wanted).capture(picture()) == pack(picture(), R30X)


def test_finger_that_lay_there_before_does_not_count() -> None:
    """Else the finger, or its trace on the glass, of the traveller before would be taken for this one's."""
    line = ready()
    line.sensor.lay(picture())
    line.want()
    line.run(0.2)
    assert line.advice == []
    line.run(2.0)
    assert line.advice == [Guidance.LIFT_FINGER]
    line.run(10.0)
    assert line.advice == [Guidance.LIFT_FINGER, Guidance.CLEAN_SENSOR]
    assert line.sensor.uploads == 0
    line.sensor.lift()
    line.run(0.5)
    assert line.advice[2:] == [Guidance.PLACE_FINGER]
    line.sensor.lay(picture(2))
    line.until(lambda: bool(line.images))
    assert line.images == [pack(picture(2), R30X)]


@pytest.mark.parametrize(
    ("placement", "guidance"),
    [
        (Placement.DRY, Guidance.PRESS_HARDER),
        (Placement.WET, Guidance.PRESS_LIGHTER),
        (Placement.PARTIAL, Guidance.CENTRE_FINGER),
        (Placement.SMUDGED, Guidance.CLEAN_SENSOR),
        (Placement.MOVING, Guidance.HOLD_STILL),
    ],
)
def test_poor_impression_is_advised_once_and_never_fetched(placement: Placement, guidance: Guidance) -> None:
    line = ready()
    line.want()
    line.run(0.5)
    line.sensor.lay(picture(), placement)
    line.run(5.0)
    assert line.advice == [Guidance.PLACE_FINGER, guidance]
    assert line.sensor.uploads == 0
    line.sensor.lay(picture())
    line.until(lambda: bool(line.images))
    assert line.advice[-1] is Guidance.HOLD_STILL


def test_sensor_that_cannot_judge_is_used_all_the_same() -> None:
    sensor = FingerPeripheral()
    sensor.judges = False
    assert ready(sensor).capture(picture()) == pack(picture(), R30X)


def test_judged_image_is_not_the_one_that_is_fetched() -> None:
    line = ready()
    line.sensor.judging_spoils = True
    assert line.capture(picture()) == pack(picture(), R30X)


def damaged(change: Callable[[list[bytes]], list[bytes]], count: int) -> Callable[[Packets], Packets]:
    """Changes the first count uploads; packets[0] is the confirmation."""
    left = [count]

    def damage(packets: Packets) -> Packets:
        left[0] -= 1
        return change(list(packets)) if left[0] >= 0 else packets

    return damage


def flipped(packets: list[bytes]) -> list[bytes]:
    packets[7] = packets[7][:40] + bytes([packets[7][40] ^ 0x10]) + packets[7][41:]
    return packets


def missing(packets: list[bytes]) -> list[bytes]:
    return packets[:7] + packets[8:]


def doubled(packets: list[bytes]) -> list[bytes]:
    return packets[:7] + packets[6:]


def out_of_order(packets: list[bytes]) -> list[bytes]:
    """The end before the last but one."""
    return [*packets[:-2], packets[-1], packets[-2]]


def end_first(packets: list[bytes]) -> list[bytes]:
    return [packets[0], packets[-1], *packets[1:-1]]


def cut_off(packets: list[bytes]) -> list[bytes]:
    return [*packets[:100], packets[100][:50]]


def byte_lost(packets: list[bytes]) -> list[bytes]:
    packets[7] = packets[7][:40] + packets[7][41:]
    return packets


def byte_more(packets: list[bytes]) -> list[bytes]:
    packets[7] = packets[7][:40] + packets[7][39:]
    return packets


def no_end(packets: list[bytes]) -> list[bytes]:
    return packets[:-1]


def unconfirmed(packets: list[bytes]) -> list[bytes]:
    return packets[1:]


def nothing(packets: list[bytes]) -> list[bytes]:
    return packets[:1]


DAMAGES = [
    flipped,
    missing,
    doubled,
    out_of_order,
    end_first,
    cut_off,
    byte_lost,
    byte_more,
    no_end,
    unconfirmed,
    nothing,
]


@pytest.mark.parametrize("change", DAMAGES)
def test_damaged_transfer_is_no_image_and_is_asked_for_again(change: Callable[[list[bytes]], list[bytes]]) -> None:
    line = ready()
    line.sensor.damage = damaged(change, 1)
    assert line.capture(picture()) == pack(picture(), R30X)
    assert line.sensor.uploads == 2
    assert line.counters["impressions"] == 1


@pytest.mark.parametrize("change", [each for each in DAMAGES if each not in (byte_more, flipped, byte_lost)])
def test_transfer_that_is_always_damaged_never_becomes_an_image(change: Callable[[list[bytes]], list[bytes]]) -> None:
    line = ready()
    line.sensor.damage = damaged(change, 1000)
    line.want()
    line.run(0.5)
    line.sensor.lay(picture())
    line.run(40.0)
    assert not line.images
    assert line.sensor.uploads >= 2
    assert line.session.contact is Contact.READY


def test_passes_of_one_image_are_bounded_and_the_next_needs_a_finger() -> None:
    line = ready()
    line.sensor.damage = damaged(flipped, 1000)  # the same packet each time
    line.want()
    line.run(0.5)
    line.sensor.lay(picture())
    line.until(lambda: line.sensor.uploads == 1)
    line.sensor.lift()
    line.run(60.0)
    assert line.sensor.uploads == PASSES_MAX
    assert not line.images
    assert line.advice[-1] is Guidance.PLACE_FINGER
    assert line.counters["damaged_transfers"] == PASSES_MAX
    line.sensor.damage = list
    line.sensor.lay(picture(2))
    line.until(lambda: bool(line.images))
    assert line.images == [pack(picture(2), R30X)]


def test_holes_of_one_pass_are_filled_by_the_next() -> None:
    line = ready()
    spoilt = iter([(3, 50, 51), (4, 200), (50, 3)])

    def damage(packets: Packets) -> Packets:
        at = next(spoilt, ())
        return [each[:-1] + bytes([each[-1] ^ 1]) if index in at else each for index, each in enumerate(packets)]

    line.sensor.damage = damage
    assert line.capture(picture()) == pack(picture(), R30X)
    assert line.sensor.uploads == 2


def test_images_come_through_a_rough_line_and_are_exact() -> None:
    """0.02 % of bytes flipped and as many lost: no transfer of 40,000 bytes is whole."""
    for seed in range(6):
        line = Line(to_host=rough(seed, 2e-4, 2e-4), to_sensor=rough(seed + 100, 2e-4, 2e-4))
        line.ready()
        image = line.capture(picture(seed), within_s=60.0)
        assert image == pack(picture(seed), R30X)


def test_no_image_comes_out_of_a_line_that_spoils_one_byte_in_a_hundred() -> None:
    line = Line().ready()
    line.want()
    line.run(0.5)
    line.sensor.lay(picture())
    line.to_host = rough(1, 1e-2, 1e-2)
    line.run(30.0)
    assert not line.images


def test_cancelled_capture_lets_the_image_pass_and_the_next_one_works() -> None:
    line = ready(baud=57_600)
    line.want()
    line.run(0.5)
    line.sensor.lay(picture())
    line.until(lambda: line.sensor.uploads == 1)
    line.run(1.0)
    line.cancel()
    line.sensor.lift()
    line.run(0.2)
    advice_count = len(line.advice)
    line.want()
    line.until(lambda: len(line.advice) > advice_count)
    assert not line.images
    line.sensor.lay(picture(2))
    line.until(lambda: bool(line.images))
    assert line.images == [pack(picture(2), R30X)]


def test_without_capture_nobody_looks_for_fingers() -> None:
    line = ready()
    line.capture(picture())
    looks = line.sensor.looks
    line.run(30.0)
    assert line.sensor.looks == looks


@pytest.mark.parametrize("phase", ["idle", "looking", "uploading"])
def test_loss_is_noticed_in_time_in_every_phase(phase: str) -> None:
    line = ready()
    if phase != "idle":
        line.want()
        line.run(0.5)
    if phase == "uploading":
        line.sensor.lay(picture())
        line.until(lambda: line.sensor.uploads == 1)
        line.run(0.3)
        line.to_host = line.to_sensor = lambda _: b""
        line._coming.clear()
    line.sensor.silent = True
    silent_at = line.now
    line.run(20.0)
    assert line.session.contact is Contact.GONE
    assert line.now - silent_at < LOSS_S_MAX
    assert not line.images


@pytest.mark.parametrize("phase", ["idle", "uploading"])
def test_noise_in_place_of_a_sensor_is_no_sensor(phase: str) -> None:
    """Bytes alone keep nothing alive: noise shows at once, and the loss behind it soon."""
    line, draw = ready(), random.Random(4)
    if phase == "uploading":
        line.want()
        line.run(0.5)
        line.sensor.lay(picture())
        line.until(lambda: line.sensor.uploads == 1)
    line.run(0.3)
    gone_at = line.now
    while not line.session.over:
        assert line.now - gone_at < 2 * LOSS_S_MAX
        line.now += 0.02
        line.session.receive(draw.randbytes(200), line.now)
        line.session.handle_timer(line.now)
        line.session.data_to_send()
        assert line.session.degraded(line.now) or line.now - gone_at < 0.5
    assert line.session.contact is Contact.GONE


def test_restarted_sensor_is_connected_anew() -> None:
    line = ready(FingerPeripheral(password=PASSWORD), Wanted(PASSWORD))
    line.sensor.restart()
    line.run(3.0)
    assert line.session.contact is Contact.GONE
    assert line.session.diagnosis == "the sensor was restarted"
    line.connect()
    line.ready()


def test_command_that_did_not_arrive_whole_is_repeated_without_a_word() -> None:
    line = Line()
    line.sensor.deaf = 2
    line.ready()
    line.want()
    line.run(0.5)
    line.sensor.deaf = 2
    line.run(0.5)
    line.sensor.lay(picture())
    line.until(lambda: bool(line.images))
    assert line.advice == [Guidance.PLACE_FINGER, Guidance.HOLD_STILL]
    assert line.counters["repeated_questions"] == 4


def test_late_answer_is_not_taken_for_the_next_question() -> None:
    """Answers bear no number: one that comes after the question was repeated leaves another one behind it."""
    line = ready()
    line.want()
    line.run(0.5)
    held: list[bytes] = []

    def late(data: bytes) -> bytes:
        held.append(data)
        return b"" if len(held) == 1 else b"".join(held)  # the first answer comes with the second

    line.sensor.lay(picture(), Placement.DRY)
    line.to_host = late
    looks = line.sensor.looks
    line.until(lambda: len(held) == 2)
    line.to_host = whole
    line.until(lambda: line.advice[-1] is Guidance.PRESS_HARDER)
    assert line.sensor.looks == looks + 2  # the first judgement counted: it was not shifted by an answer
    assert line.counters["stray_packets"] == 1


def test_answer_to_a_question_given_up_is_nobodys() -> None:
    line = ready()
    line.want()
    line.run(0.5)
    asked = [b""]
    held = bytearray()

    def to_sensor(data: bytes) -> bytes:
        asked[0] = data
        return data

    def to_host(data: bytes) -> bytes:
        if JUDGE not in asked[0]:
            return data
        held.extend(data)
        return b""

    def given_up() -> bool:
        runner = line.session._runner
        return bool(held) and (runner._settling is not None or getattr(runner._wish, "command", b"") != JUDGE)

    line.to_sensor, line.to_host = to_sensor, to_host
    line.sensor.lay(picture())
    line.until(given_up)
    line._coming += held  # the judgement, after the time for it was over
    line.until(lambda: bool(line.images))
    assert line.counters["stray_packets"] == 1
    assert line.images == [pack(picture(), R30X)]


def test_noise_degrades_and_ends() -> None:
    line = ready()
    line.now += 0.1
    line.session.receive(bytes(SIZE_MIN), line.now)
    assert line.session.degraded(line.now)
    line.run(5.0)
    assert not line.session.degraded(line.now)


def test_a_second_of_noise_gives_no_image_and_holds_no_bytes() -> None:
    line = ready()
    line.want()
    draw = random.Random(3)
    for _ in range(200):
        line.session.receive(draw.randbytes(500), line.now)
        line.now += 0.005
        line.session.handle_timer(line.now)
    assert not line.images
    assert len(line.session._runner._decoder._buffer) < 300


def test_picture_round_trip_and_levels() -> None:
    image = np.arange(256, dtype=np.uint8).repeat(288).reshape(256, 288).T.copy()
    pixels = unpack(pack(image, R30X), R30X)
    assert (pixels == quantised(image)).all()
    assert (pixels.min(), pixels.max()) == (0, 255)
    with pytest.raises(ValueError, match="36864 bytes"):
        unpack(bytes(100), R30X)


def test_left_pixel_is_in_the_high_half() -> None:
    image = np.full((288, 256), 255, np.uint8)
    image[0, 0] = 0
    assert pack(image, R30X)[0] == 0x0F
    assert OVERHEAD_SIZE == 11
