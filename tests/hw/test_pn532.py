"""PN532: frames, the host's half, the simulated controller, and a chip read through both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.chip import ChipRead
from hw.emrtd.drive import drive
from hw.emrtd.session import RESPONSE_S_MAX, RETRY_COUNT_MAX, SESSION_S_MAX
from hw.emrtd.transport import Card, CardError, CardGarbled
from hw.link.base import Link, LinkLost
from hw.link.memory import pair
from hw.pn532.adapter import open_pn532
from hw.pn532.frame import (
    DATA_SIZE_MAX,
    INTER_CHARACTER_S,
    TFI_CONTROLLER,
    TFI_HOST,
    Decoder,
    Frame,
    Signal,
    encode,
)
from hw.pn532.host import ACK_S_MAX, RESEND_COUNT_MAX, Exchange
from hw.pn532.messages import (
    BAUD_CODES,
    GET_FIRMWARE_VERSION,
    SAM_NORMAL,
    TYPE_A,
    TYPE_B,
    Code,
    TargetA,
    in_data_exchange,
    list_passive_target,
    parse_target,
)
from hw.pn532.pd import FIRMWARE, Controller
from hw.pn532.picc import FRAME_SIZES, Picc
from hw.pn532.transport import CHECK_COUNT_MAX, CHECK_S, COMMAND_S_MAX, DRAIN_S_MAX, Pn532Transport
from hw.url import DeviceUrl

from . import field_bench
from .chip_bench import PLAN, Bench, zeros
from .field_bench import FieldChip
from .test_emrtd_session import FILES

# UM0701-02: the examples of 7.2.2 and 7.2.10, and the signals of 6.2.1
MANUAL = [
    ("0000ff02fed4022a00", Frame(TFI_HOST, GET_FIRMWARE_VERSION)),
    ("0000ff06fad50332010607e800", Frame(TFI_CONTROLLER, b"\x03" + FIRMWARE)),
    ("0000ff05fbd4140100001700", Frame(TFI_HOST, SAM_NORMAL)),
    ("0000ff02fed5151600", Frame(TFI_CONTROLLER, b"\x15")),
    ("0000ff00ff00", Signal.ACK),
    ("0000ffff0000", Signal.NACK),
    ("0000ff01ff7f8100", Signal.ERROR),
]
# After the chip has fallen silent: the answer awaited, and then as often the line drained and a command of the next reset awaited.
SILENCE_S_MAX = RESPONSE_S_MAX + (1 + RETRY_COUNT_MAX) * (COMMAND_S_MAX + DRAIN_S_MAX)

frames = st.one_of(
    st.builds(Frame, st.sampled_from([TFI_HOST, TFI_CONTROLLER]), st.binary(min_size=1, max_size=DATA_SIZE_MAX)),
    st.sampled_from(Signal),
)


def wire(frame: Frame | Signal) -> bytes:
    return frame.value if isinstance(frame, Signal) else encode(frame)


@pytest.mark.parametrize(("text", "frame"), MANUAL)
def test_frames_of_the_manual(text: str, frame: Frame | Signal) -> None:
    assert wire(frame).hex() == text
    assert Decoder().feed(bytes.fromhex(text), 0.0) == [frame]


@given(st.lists(frames, max_size=5), st.integers(1, 40))
def test_frames_come_back_however_they_are_cut(sent: list[Frame | Signal], size: int) -> None:
    stream = b"".join(wire(frame) for frame in sent)
    decoder = Decoder()
    found = [decoder.feed(stream[at : at + size], 0.0) for at in range(0, len(stream), size)]
    assert [frame for part in found for frame in part] == sent
    assert decoder.skipped_count == decoder.broken_count == 0


@settings(deadline=None)
@given(st.binary(max_size=400), frames)
def test_frame_after_noise_is_found_once_the_line_was_silent(noise: bytes, frame: Frame | Signal) -> None:
    decoder = Decoder()
    decoder.feed(noise, 0.0)
    decoder.handle_timer(INTER_CHARACTER_S)
    assert decoder.feed(wire(frame), 1.0) == [frame]


@given(st.binary(max_size=600))
def test_any_bytes_hold_at_most_one_frame(noise: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise, 0.0)
    decoder.handle_timer(INTER_CHARACTER_S)
    assert decoder.next_timer() is None
    assert decoder.skipped_count <= len(noise)


@pytest.mark.parametrize("size", [1, 254, 255, DATA_SIZE_MAX])
def test_flipped_bit_never_gives_another_frame(size: int) -> None:
    frame = Frame(TFI_CONTROLLER, bytes(range(256))[:size] + bytes(size)[256:])
    sound = encode(frame)
    for position in range(3, len(sound) - 1):
        spoilt = bytearray(sound)
        spoilt[position] ^= 1 << position % 8
        decoder = Decoder()
        found = decoder.feed(bytes(spoilt), 0.0) + decoder.handle_timer(1.0)
        assert not any(isinstance(item, Frame) for item in found)


def test_frame_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too much"):
        encode(Frame(TFI_HOST, bytes(DATA_SIZE_MAX + 1)))


def answer(data: bytes) -> bytes:
    return encode(Frame(TFI_CONTROLLER, data))


def test_exchange_ends_with_the_answer() -> None:
    exchange = Exchange(GET_FIRMWARE_VERSION, 0.0, 1.0)
    assert exchange.data_to_send() == encode(Frame(TFI_HOST, GET_FIRMWARE_VERSION))
    exchange.receive(Signal.ACK.value, 0.01)
    assert not exchange.over
    exchange.receive(answer(b"\x03" + FIRMWARE), 0.02)
    assert exchange.answer == FIRMWARE
    assert exchange.data_to_send() == b""


def test_lost_acknowledgement_repeats_the_command_and_a_lasting_silence_ends_it() -> None:
    exchange = Exchange(GET_FIRMWARE_VERSION, 0.0, 9.0)
    sent = [exchange.data_to_send()]
    for _ in range(1 + RESEND_COUNT_MAX):
        exchange.receive(b"", exchange.next_timer())
        sent.append(exchange.data_to_send())
    assert sent == [encode(Frame(TFI_HOST, GET_FIRMWARE_VERSION))] * (1 + RESEND_COUNT_MAX) + [b""]
    assert exchange.failure == "silent"
    assert exchange.over


def test_broken_answer_is_asked_for_again_but_not_for_ever() -> None:
    exchange = Exchange(GET_FIRMWARE_VERSION, 0.0, 9.0)
    exchange.data_to_send()
    broken = bytearray(answer(b"\x03" + FIRMWARE))
    broken[-2] ^= 1
    exchange.receive(Signal.ACK.value + broken, 0.01)
    assert exchange.data_to_send() == Signal.NACK.value
    exchange.receive(answer(b"\x03" + FIRMWARE)[:7], 0.02)  # cut short
    exchange.receive(b"", 0.02 + INTER_CHARACTER_S)
    assert exchange.data_to_send() == Signal.NACK.value
    exchange.receive(bytes(broken), 0.3)
    assert exchange.failure == "broken"


def test_answer_of_another_command_and_our_own_echo_are_not_taken() -> None:
    exchange = Exchange(GET_FIRMWARE_VERSION, 0.0, 0.5)
    echo = exchange.data_to_send()
    exchange.receive(Signal.ACK.value + echo + answer(b"\x15"), 0.01)
    assert not exchange.over
    exchange.receive(b"", 0.5)
    assert exchange.failure == "timeout"


@pytest.mark.parametrize("stale", [answer(b"\x03old"), Signal.ERROR.value])
def test_what_comes_before_the_acknowledgement_is_no_answer(stale: bytes) -> None:
    exchange = Exchange(GET_FIRMWARE_VERSION, 0.0, 0.5)
    exchange.receive(stale, 0.01)
    assert not exchange.over
    exchange.receive(Signal.ACK.value + answer(b"\x03" + FIRMWARE), 0.02)
    assert (exchange.answer, exchange.failure) == (FIRMWARE, "")


class Numbered(Bench):
    """A controller whose chip answers each command with the command's number. delay_s: what it says arrives that much later."""

    def __init__(self) -> None:
        super().__init__(self._said)
        self.delay_s = 0.0
        self._controller, self._count = Controller(), 0
        self._controller.insert(FieldChip(FILES))
        self._late: list[tuple[float, bytes]] = []

    def deliver(self, data: bytes) -> None:
        self._late.append((self.now + self.delay_s, data))

    def read(self, size_max: int, timeout_s: float) -> bytes:
        due = min((at for at, _ in self._late), default=self.now + timeout_s)
        self.now = max(self.now, min(due, self.now + timeout_s))
        found = b"".join(data for at, data in self._late if at <= self.now)
        self._late = [(at, data) for at, data in self._late if at > self.now]
        return found

    def _said(self, data: bytes, now: float) -> bytes:
        found = Decoder().feed(data, now)
        if any(isinstance(one, Frame) and one.data[0] == Code.IN_DATA_EXCHANGE for one in found):
            self._count += 1
            self.deliver(Signal.ACK.value + answer(bytes([0x41, 0x00, self._count])))
        elif said := self._controller.receive(data, now):
            self.deliver(said)
        return b""


def test_answer_that_comes_once_more_does_not_answer_the_next_command() -> None:
    link = Numbered()
    transport = Pn532Transport(link, lambda: link.now)
    transport.connect()
    assert transport.transmit(b"a", 1.0) == b"\x01"
    link.deliver(answer(b"\x41\x00\x01"))
    assert transport.transmit(b"b", 1.0) == b"\x02"
    link.deliver(Signal.ACK.value + answer(b"\x41\x00\x02"))
    assert transport.transmit(b"c", 1.0) == b"\x03"


def test_second_answer_to_a_command_that_was_sent_twice_does_not_answer_the_next() -> None:
    """The acknowledgement is late: the command goes out again, and both are answered, the second a little later."""
    link = Numbered()
    transport = Pn532Transport(link, lambda: link.now)
    transport.connect()
    link.delay_s = ACK_S_MAX + 0.01
    # Nobody can say whether the chip was asked once or twice.
    with pytest.raises(CardGarbled, match="sent twice"):
        transport.transmit(b"a", 1.0)
    link.delay_s = 0.0
    assert transport.transmit(b"b", 1.0) == b"\x03"


def test_link_that_never_ends_costs_a_bounded_time() -> None:
    link = Numbered()
    transport = Pn532Transport(link, lambda: link.now)

    def flood(size_max: int, timeout_s: float) -> bytes:
        link.now += 0.001
        return bytes([0xAA]) * size_max

    link.read = flood  # type: ignore[method-assign]
    with pytest.raises(CardError):
        transport.transmit(b"a", 1.0)
    assert link.now < 1.0 + 2 * DRAIN_S_MAX


def test_unknown_command_is_refused() -> None:
    exchange = Exchange(b"\x99", 0.0, 1.0)
    exchange.receive(Controller().receive(exchange.data_to_send(), 0.0), 0.01)
    assert exchange.failure == "refused"


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_end_an_exchange(chunks: list[bytes]) -> None:
    exchange = Exchange(GET_FIRMWARE_VERSION, 0.0, 1.0)
    for index, chunk in enumerate(chunks):
        exchange.receive(chunk, index * 0.05)
    exchange.receive(b"", 1.0)
    assert exchange.over


@given(st.binary(max_size=80), st.sampled_from([TYPE_A, TYPE_B]))
def test_any_target_parses_or_is_none(data: bytes, kind: int) -> None:
    found = parse_target(kind, data)
    if found is not None:
        assert found[1].identity
        assert found[1].has_apdus in (True, False)


def test_random_uid_is_no_identity() -> None:
    one, two = (TargetA(b"\x03\x44", 0x20, bytes([8, number, 2, 3]), field_bench.SHORT_ATS) for number in (1, 2))
    assert one.identity == two.identity
    assert one.identity != TargetA(b"\x03\x44", 0x20, b"\x04abc", field_bench.SHORT_ATS).identity


def started(controller: Controller) -> tuple[Bench, Pn532Transport]:
    bench = Bench(controller.receive)
    return bench, Pn532Transport(bench, lambda: bench.now)


def read(bench: Bench, transport: Pn532Transport) -> ChipRead:
    return drive(PLAN, transport, zeros, lambda: bench.now)


@pytest.mark.parametrize("target", [field_bench.TYPE_A, field_bench.TYPE_A_EXTENDED, field_bench.TYPE_B])
def test_document_is_read_whole(target: TargetA) -> None:
    controller, chip = Controller(), FieldChip(FILES, target)
    controller.insert(chip)
    result = read(*started(controller))
    assert result == ChipRead(present=True, files=FILES)
    assert (max(map(len, chip.commands)) > 5) and (len(chip.commands) < 100) is (target is field_bench.TYPE_A_EXTENDED)


def test_empty_field_and_chip_that_comes_and_goes() -> None:
    controller = Controller()
    bench, transport = started(controller)
    for _ in range(3):
        controller.remove()
        assert read(bench, transport) == ChipRead(failures={"chip": "absent"})
        controller.insert(FieldChip(FILES))
        assert read(bench, transport).failure == ""


def test_long_command_goes_in_several_frames() -> None:
    controller, chip = Controller(), FieldChip(FILES, field_bench.TYPE_A_EXTENDED)
    controller.insert(chip)
    _, transport = started(controller)
    transport.connect()
    for size in (261, 262, 263, 524, 525, 3_000):
        transport.transmit(bytes(size), 1.0)
        assert chip.commands[-1] == bytes(size)


def test_card_tells_its_historical_bytes() -> None:
    controller = Controller()
    controller.insert(FieldChip(FILES, field_bench.TYPE_A_EXTENDED))
    card = started(controller)[1].connect()
    assert isinstance(card, Card)
    assert card.historical.hex() == "8073800140"


@pytest.mark.parametrize("spoilt", [b"", b"\xff" * 40, Signal.ERROR.value, b"\x00\x00\xff\x0f"])
@pytest.mark.parametrize("place", [0, 3, 9, 40, 150])
def test_spoilt_line_costs_no_byte(spoilt: bytes, place: int) -> None:
    controller, count = Controller(), 0
    controller.insert(FieldChip(FILES))

    def answered(data: bytes, now: float) -> bytes:
        nonlocal count
        count += 1
        sound = controller.receive(data, now)
        return spoilt if count == place + 5 else sound

    bench = Bench(answered)
    assert read(bench, Pn532Transport(bench, lambda: bench.now)) == ChipRead(present=True, files=FILES)


def test_chip_that_falls_silent_is_a_timeout_within_the_chip_timer() -> None:
    controller, chip = Controller(), FieldChip(FILES)
    controller.insert(chip)
    bench, transport = started(controller)
    began = bench.now

    def silence(_: object) -> None:
        controller.waiting = len(chip.commands) > 100

    result = drive(PLAN, transport, zeros, lambda: bench.now, silence)
    assert result.failures == {"dg2": "timeout"}
    assert bench.now - began < 2.0 + SILENCE_S_MAX
    controller.waiting = False
    assert read(bench, transport).failure == ""


def test_chip_that_gives_no_answer_is_a_timeout() -> None:
    controller, chip = Controller(), FieldChip(FILES)
    controller.insert(chip)
    chip.silent = True
    assert read(*started(controller)).failures == {"card_access": "timeout"}


@pytest.mark.parametrize("same_make", [True, False])
def test_another_chip_in_the_middle_gives_nothing(same_make: bool) -> None:
    controller, first = Controller(), FieldChip(FILES)
    controller.insert(first)
    bench, transport = started(controller)
    other = {name: content[:-1] + b"\x00" for name, content in FILES.items()}

    def swap(_: object) -> None:
        if len(first.commands) == 100:
            controller.insert(FieldChip(other, first.target if same_make else field_bench.TYPE_A_EXTENDED))

    result = drive(PLAN, transport, zeros, lambda: bench.now, swap)
    assert result.failures == {"chip": "card_changed"}
    assert all(FILES[name] == content for name, content in result.files.items())


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_answer_ends_the_session(noise: bytes, place: int) -> None:
    controller, count = Controller(), 0
    controller.insert(FieldChip({**FILES, "dg2": FILES["dg1"], "dg3": FILES["dg1"]}))

    def answered(data: bytes, now: float) -> bytes:
        nonlocal count
        count += 1
        sound = controller.receive(data, now)
        return noise if count == place + 5 else sound

    bench = Bench(answered)
    read(bench, Pn532Transport(bench, lambda: bench.now))
    assert bench.now < SESSION_S_MAX


@pytest.mark.parametrize("said", [b"", b"\xff" * 300, Signal.ACK.value + answer(b"\x15"), Signal.ERROR.value])
def test_no_pn532_is_a_lost_link(said: bytes) -> None:
    bench = Bench(lambda data, now: said)
    with pytest.raises(LinkLost):
        Pn532Transport(bench, lambda: bench.now)
    assert bench.now < 2.0


def test_controller_that_loses_its_power_is_lost_in_time_though_its_port_is_there() -> None:
    controller, powered = Controller(), True
    bench = Bench(lambda data, now: controller.receive(data, now) if powered else b"")
    transport = Pn532Transport(bench, lambda: bench.now)
    for _ in range(100):
        assert transport.idle(0.1) == 0
    powered, began = False, bench.now
    with pytest.raises(LinkLost):
        while bench.now < began + 60.0:
            transport.idle(0.1)
    assert bench.now - began < 5.0
    assert CHECK_COUNT_MAX * (CHECK_S + COMMAND_S_MAX) < 5.0


def test_noise_is_counted_and_no_loss() -> None:
    controller = Controller()
    bench = Bench(lambda data, now: b"\xaa" * 50 + controller.receive(data, now))
    transport = Pn532Transport(bench, lambda: bench.now)
    count = sum(transport.idle(0.1) for _ in range(100))
    assert count > 100


def test_host_s_abort_changes_the_speed_and_a_port_at_another_speed_hears_nothing() -> None:
    """A controller after power-up listens at 115,200 baud: it is brought to the port's speed."""
    controller, opened = Controller(), []

    class Port(Bench):
        def __init__(self, baud: int) -> None:
            super().__init__(lambda data, now: controller.receive(data, now) if controller.baud == baud else b"")

        def read(self, size_max: int, timeout_s: float) -> bytes:
            time.sleep(0.001 * (not self._arrived))
            return super().read(size_max, timeout_s)

    def open_port(url: DeviceUrl) -> Link:
        opened.append(int(url.parameters["baud"]))
        return Port(opened[-1])

    url = DeviceUrl("pn532", "serial", "/dev/null", {"baud": "921600"})
    open_pn532(url, open_port)
    assert opened == [921_600, 115_200, 921_600]
    assert controller.baud == 921_600
    opened.clear()
    open_pn532(url, open_port)
    assert opened == [921_600]


def test_every_speed_has_a_code_and_others_are_refused() -> None:
    controller = Controller()
    for baud, code in BAUD_CODES.items():
        controller.receive(encode(Frame(TFI_HOST, bytes([Code.SET_SERIAL_BAUD_RATE, code]))) + Signal.ACK.value, 0.0)
        assert controller.baud == baud
    refused = controller.receive(encode(Frame(TFI_HOST, bytes([Code.SET_SERIAL_BAUD_RATE, 99]))), 0.0)
    assert refused == Signal.ACK.value + Signal.ERROR.value


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), frames.map(wire)), max_size=8))
def test_controller_survives_any_bytes(chunks: list[bytes]) -> None:
    controller = Controller()
    controller.insert(FieldChip(FILES))
    for index, chunk in enumerate(chunks):
        controller.receive(chunk, float(index))
    controller.receive(b"", 100.0)
    found = controller.receive(encode(Frame(TFI_HOST, GET_FIRMWARE_VERSION)), 200.0)
    assert found.endswith(answer(b"\x03" + FIRMWARE))


def test_exchange_without_a_target_and_wrong_numbers_get_a_status() -> None:
    controller = Controller()
    controller.insert(FieldChip(FILES))
    for command in (in_data_exchange(1, b"\x00\xa4\x04\x0c"), in_data_exchange(2, b"")):
        found = Decoder().feed(controller.receive(encode(Frame(TFI_HOST, command)), 0.0), 0.0)
        assert found[1] == Frame(TFI_CONTROLLER, b"\x41\x01")


def blocks(picc: Picc, command: bytes, size: int, number: int) -> tuple[bytes, int]:
    """A terminal that does ISO/IEC 14443-4 itself with blocks of size bytes: answer, next block number (7.5.3.1)."""
    parts = [command[at : at + size] for at in range(0, len(command), size)]
    for part in parts[:-1]:
        assert picc.receive(bytes([0x12 | number]) + part) == bytes([0xA2 | number])
        number ^= 1
    block = picc.receive(bytes([0x02 | number]) + parts[-1])
    said = b""
    while True:
        assert block is not None
        assert block[0] & 0xEF == 0x02 | number
        number ^= 1
        said += block[1:]
        if not block[0] & 0x10:
            return said, number
        repeated = picc.receive(bytes([0xB2 | number ^ 1]))  # as if it had been lost
        assert repeated == block
        block = picc.receive(bytes([0xA2 | number]))


@pytest.mark.parametrize("code", range(len(FRAME_SIZES)))
def test_apdus_in_blocks_of_every_size(code: int) -> None:
    picc = Picc(field_bench.SHORT_ATS, lambda command: command[::-1])
    assert picc.receive(b"\x02\x00") is None  # not yet activated
    assert picc.receive(bytes([0xE0, code << 4])) == field_bench.SHORT_ATS
    number = 0
    for size in (1, 13, 14, 300, 5_000):
        said, number = blocks(picc, bytes(range(256)) * 20 + bytes(size), FRAME_SIZES[code] - 3, number)
        assert said == (bytes(range(256)) * 20 + bytes(size))[::-1]
    assert picc.receive(b"\xc2") == b"\xc2"
    assert not picc.active


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_chip_s_block_half_survives_any_blocks(sent: list[bytes]) -> None:
    picc = Picc(field_bench.SHORT_ATS, lambda command: b"\x90\x00")
    picc.receive(b"\xe0\x50")
    for block in sent:
        picc.receive(block)


@contextmanager
def pumped(controller: Controller) -> Iterator[Link]:
    """The host's end of a line in memory, whose other end is the controller, in real time."""
    host, device = pair()
    stop = threading.Event()

    def pump() -> None:
        while not stop.is_set():
            if data := device.read(4096, 0.01):
                device.write(controller.receive(data, time.monotonic()))

    thread = threading.Thread(target=pump)
    thread.start()
    try:
        yield host
    finally:
        stop.set()
        thread.join()


def test_in_real_time_over_a_line() -> None:
    controller = Controller()
    controller.insert(FieldChip(FILES))
    clock: Callable[[], float] = time.monotonic
    with pumped(controller) as line:
        result = drive(PLAN, Pn532Transport(line, clock), zeros, clock)
    assert result == ChipRead(present=True, files=FILES)


def test_list_passive_target_of_each_kind() -> None:
    assert list_passive_target(TYPE_A).hex() == "4a0100"
    assert list_passive_target(TYPE_B).hex() == "4a010300"
    assert ACK_S_MAX < COMMAND_S_MAX
