"""What every DocumentReader promises (egate.ports), on the simulated reader; with --device=URL on a real one.

On a real reader only the tests run that need nobody's hand: start, state, timeout, cancellation, close.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import pytest_asyncio

from egate.document.verify import verify_document
from egate.domain.chip import AccessProtocol
from egate.domain.device import DeviceRole, DeviceState
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckResult
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from egate.ports import DocumentReader
from hw.mrz.adapter import MrzReader, open_reader
from hw.registry import open_device, roles_of
from hw.sim.client import Simulator, spawn
from hw.sim.field import PROTOCOLS
from hw.sim.issuer import IssuedDocument, invent_holder, issue
from hw.sim.issuer_profile import Profile
from hw.url import parse

LANE = "lane-1"
TODAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOSS_S_MAX = 5.0  # required: a lane is degraded within 5 s, and back by itself
NOISE = np.random.default_rng(5).integers(0, 255, (300, 200, 3), dtype=np.uint8)
PORTRAIT = cv2.imencode(".jpg", NOISE)[1].tobytes()  # 75 kB: beyond what even READ BINARY reaches
FINGER = cv2.imencode(".png", NOISE[:, :, 0])[1].tobytes()


SMALL_PORTRAIT = cv2.imencode(".jpg", NOISE[:30, :20])[1].tobytes()
PROFILES = (Profile(), Profile(pace=()))
SMALL_FILES_SIZE = sum(
    len(content)
    for name, content in issue(invent_holder(1, TODAY), PORTRAIT, FINGER).files.items()
    if name in ("com", "sod", "dg1")
)


LINES = "lines"

# These wait for timers of the chip or pour at ports: seconds each. The simulator's default protocol
# has them in `make test`, the other in `make soak`.
IN_REAL_TIME = pytest.mark.parametrize(
    "simulator",
    ["pn532", *(pytest.param(name, marks=pytest.mark.soak) for name in PROTOCOLS if name != "pn532")],
    indirect=True,
)

# How zones come matters to what reads the zone, not to what reads the chip: these run with every protocol and set-up of the zone's port.
WITH_LINES = pytest.mark.parametrize("simulator", [*PROTOCOLS, LINES], indirect=True)


def document(index: int = 0, chip_number: str = "") -> IssuedDocument:
    return issue(invent_holder(index, TODAY), PORTRAIT, FINGER, finger_position=7, chip_number=chip_number)


def prints(read: DocumentRead) -> list[bytes]:
    return [each.image for each in read.fingers]


@dataclass
class Setup:
    """A started reader and the hand that lays documents on it (None on a real device)."""

    reader: DocumentReader
    states: list[DeviceState] = field(default_factory=list)
    simulator: Simulator | None = None

    @property
    def hand(self) -> Simulator:
        if self.simulator is None:
            pytest.skip("needs the simulator's hand")
        return self.simulator

    async def until(self, state: DeviceState) -> None:
        await eventually(lambda: self.reader.state is state)

    async def happened(self, kind: str) -> None:
        """Waits for the newest event of the lane to be this one."""
        await eventually(lambda: self.hand.log(LANE)[-1].kind == kind)

    async def reading(self, timeout_s: float = 5.0) -> asyncio.Task[DocumentRead]:
        """A read that is armed."""
        task = asyncio.create_task(self.reader.read(timeout_s))
        await asyncio.sleep(0)
        return task

    async def read(self, shown: IssuedDocument, **options: float) -> DocumentRead:
        task = await self.reading()
        self.hand.present_document(LANE, shown, **options)  # type: ignore[arg-type]
        return await task


async def eventually(holds: Callable[[], bool], timeout_s: float = LOSS_S_MAX) -> None:
    async with asyncio.timeout(timeout_s):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)


@pytest.fixture(scope="module", params=PROTOCOLS)
def simulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator | None]:
    if request.config.getoption("--device", default=None):
        yield None
        return
    protocol, zone_setup = ("pn532", LINES) if request.param == LINES else (request.param, "native")
    folder = tmp_path_factory.mktemp("gate")
    with spawn(folder, lanes=1, seed=3, paced=False, chip_protocol=protocol, zone_setup=zone_setup) as running:
        yield running


@pytest_asyncio.fixture
async def setup(request: pytest.FixtureRequest, simulator: Simulator | None) -> AsyncIterator[Setup]:
    if simulator is None:
        url = str(request.config.getoption("--device"))
        if DeviceRole.DOCUMENT_READER not in roles_of(parse(url).protocol):
            pytest.skip("--device is no document reader")
        found = Setup(cast(DocumentReader, open_device(url, Path.cwd(), DeviceRole.DOCUMENT_READER)))
    else:
        simulator.reset(LANE)
        url = simulator.urls(LANE)["document_reader"]
        found = Setup(open_reader(parse(url), Path.cwd()), simulator=simulator)
    assert found.reader.state is DeviceState.LOST
    await found.reader.start(found.states.append)
    await found.until(DeviceState.ONLINE)
    yield found
    await found.reader.close()


async def test_state_is_reported_once_per_change(setup: Setup) -> None:
    assert setup.states == [DeviceState.ONLINE]


async def test_no_document_is_a_timeout_and_the_reader_goes_on(setup: Setup) -> None:
    for _ in range(2):
        start = time.monotonic()
        with pytest.raises(DeviceTimeout):
            await setup.reader.read(0.1)
        assert 0.09 < time.monotonic() - start < 1.0


async def test_second_read_is_refused_and_the_first_goes_on(setup: Setup) -> None:
    first = await setup.reading(0.2)
    with pytest.raises(DeviceError):
        await setup.reader.read(0.1)
    with pytest.raises(DeviceTimeout):
        await first


async def test_close_ends_a_waiting_read_and_may_be_repeated(setup: Setup) -> None:
    waiting = await setup.reading()
    await setup.reader.close()
    await setup.reader.close()
    with pytest.raises(DeviceLost):
        await waiting
    with pytest.raises(DeviceLost):
        await setup.reader.read(0.1)


@WITH_LINES
async def test_document_comes_back_whole_under_one_session(setup: Setup) -> None:
    shown = document()
    read = await setup.read(shown)
    assert read.failure == ""
    assert read.mrz_lines == shown.mrz_lines
    assert read.chip_mrz == "".join(shown.mrz_lines)
    assert read.portrait == PORTRAIT
    assert [(each.image, each.position) for each in read.fingers] == [(FINGER, 7)]
    found = {item.check: item.result for item in verify_document(read, NOON)}
    assert found[Check.MRZ] is found[Check.DOCUMENT_VALIDITY] is found[Check.DOCUMENT_SESSION] is CheckResult.PASS


@WITH_LINES
async def test_two_documents_in_a_row_are_two_sessions_and_never_mixed(setup: Setup) -> None:
    one, two = await setup.read(document(1)), await setup.read(document(2))
    assert one.session != two.session
    assert one.mrz_lines == document(1).mrz_lines
    assert (two.mrz_lines, two.chip_mrz) == (document(2).mrz_lines, "".join(document(2).mrz_lines))


@WITH_LINES
async def test_document_presented_before_the_read_is_discarded(setup: Setup) -> None:
    setup.hand.present_document(LANE, document(1))
    await eventually(lambda: cast(MrzReader, setup.reader).discarded_count == 1)
    with pytest.raises(DeviceTimeout):
        await setup.reader.read(0.2)
    assert (await setup.read(document(2))).mrz_lines == document(2).mrz_lines


@WITH_LINES
async def test_cancelled_read_leaves_nothing_to_the_next(setup: Setup) -> None:
    """Traveller A's chip is being read when A's crossing is abandoned: B must not get A's document."""
    abandoned = await setup.reading()
    setup.hand.present_document(LANE, document(1), chip_stall_s=0.3, stall_after_size=2_000)
    await setup.happened("chip_stalled")
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    with pytest.raises(DeviceTimeout):
        await setup.reader.read(0.6)
    assert (await setup.read(document(2))).chip_mrz == "".join(document(2).mrz_lines)


@WITH_LINES
async def test_newer_document_during_a_session_replaces_it(setup: Setup) -> None:
    task = await setup.reading()
    setup.hand.present_document(LANE, document(1), chip_stall_s=5.0, stall_after_size=2_000)
    await setup.happened("chip_stalled")
    setup.hand.present_document(LANE, document(2))
    read = await task
    assert (read.mrz_lines, read.chip_mrz) == (document(2).mrz_lines, "".join(document(2).mrz_lines))


async def test_foreign_chip_in_the_booklet_shows_in_the_evidence(setup: Setup) -> None:
    read = await setup.read(document(0, chip_number="X9999"))
    found = {item.check: item.result for item in verify_document(read, NOON)}
    assert found[Check.DOCUMENT_SESSION] is CheckResult.FAIL


@IN_REAL_TIME
@pytest.mark.parametrize(
    ("pulled_after_size", "place"),
    [(1, "com"), (SMALL_FILES_SIZE - 20, "dg1"), (8_000, "dg2"), (60_000, "dg2"), (len(PORTRAIT) + 5_000, "dg3")],
    ids=["com", "dg1", "dg2-early", "dg2-late", "dg3"],  # sizes vary with the length of a signature
)
async def test_document_lifted_while_it_is_read(setup: Setup, pulled_after_size: int, place: str) -> None:
    read = await setup.read(document(1), pulled_after_size=pulled_after_size)
    assert read.failure == f"{place}_lost"
    assert read.mrz_lines == document(1).mrz_lines
    assert (read.portrait is None) is (place != "dg3")
    assert not read.fingers
    assert (await setup.read(document(2))).failure == ""


@IN_REAL_TIME
async def test_chip_that_stalls_too_long_is_a_failure_and_the_next_document_works(setup: Setup) -> None:
    start = time.monotonic()
    read = await setup.read(document(1), chip_stall_s=10.0, stall_after_size=9_000)
    assert (read.failure, read.portrait) == ("dg2_timeout", None)
    assert time.monotonic() - start < 5.0  # well before the chip would have gone on
    assert (await setup.read(document(2))).failure == ""


@IN_REAL_TIME
async def test_chip_that_stalls_for_a_moment_is_read_on(setup: Setup) -> None:
    read = await setup.read(document(1), chip_stall_s=1.2, stall_after_size=9_000)
    assert (read.failure, read.portrait, prints(read)) == ("", PORTRAIT, [FINGER])


async def test_document_swapped_for_another_one_mid_read_gives_neither(setup: Setup) -> None:
    """The zone was the first one's, and so must be everything else."""
    task = await setup.reading()
    setup.hand.present_document(LANE, document(1), chip_stall_s=5.0, stall_after_size=9_000)
    await setup.happened("chip_stalled")
    setup.hand.swap_chip(LANE, document(2))
    read = await task
    assert read.failure == "chip_card_changed"
    assert read.mrz_lines == document(1).mrz_lines
    assert read.chip_mrz in (None, "".join(document(1).mrz_lines))
    assert not read.fingers and read.portrait is None
    assert (await setup.read(document(2))).failure == ""


@IN_REAL_TIME
async def test_chip_that_stalls_before_its_own_zone_gives_no_portrait(setup: Setup) -> None:
    read = await setup.read(document(1), chip_stall_s=10.0)
    assert (read.chip_mrz, read.portrait, read.fingers) == (None, None, ())
    assert verify_document(read, NOON)[2].result is CheckResult.UNDETERMINED


@pytest.mark.parametrize("denied", ["sod", "dg1", "dg2", "dg3"])
async def test_file_that_is_denied_is_named_and_nothing_is_made_up(setup: Setup, denied: str) -> None:
    task = await setup.reading()
    setup.hand.present_document(LANE, document(), denied=(denied,))
    read = await task
    assert read.chip is not None
    assert read.chip.failures == {denied: "access_denied"}
    assert denied not in read.chip.files
    assert (read.portrait is None) is (denied in ("dg1", "dg2"))
    assert (not read.fingers) is (denied in ("dg1", "dg3"))


@WITH_LINES
async def test_document_without_chip_and_chip_without_finger(setup: Setup) -> None:
    paper = await setup.read(IssuedDocument(document().mrz_lines, {}))
    assert (paper.failure, paper.portrait) == ("chip_absent", None)
    read = await setup.read(issue(invent_holder(3, TODAY), PORTRAIT))
    assert (read.failure, read.portrait, read.fingers) == ("", PORTRAIT, ())


@pytest.mark.parametrize("name", ["com", "dg1", "dg2", "dg3"])
async def test_malformed_file_is_named_and_nothing_of_it_is_used(setup: Setup, name: str) -> None:
    shown = document()
    files = {**shown.files, name: b"\x61\x03\x5f\x1f\x00"}
    read = await setup.read(IssuedDocument(shown.mrz_lines, files))
    assert read.failure == f"{name}_malformed"
    assert (read.chip_mrz is None) is (name == "dg1")
    # without the chip's zone nothing ties the portrait to the document
    assert (read.portrait is None) is (name in ("dg1", "dg2"))
    assert (not read.fingers) is (name in ("dg1", "dg3"))


@pytest.mark.parametrize("device", ["mrz", "chip"])
async def test_unplugged_port_is_lost_in_time_and_comes_back(setup: Setup, device: str) -> None:
    waiting = await setup.reading(10.0)
    start = time.monotonic()
    setup.hand.fault(LANE, device, "unplug")
    with pytest.raises(DeviceLost):
        await waiting
    await setup.until(DeviceState.LOST)
    assert time.monotonic() - start < LOSS_S_MAX
    with pytest.raises(DeviceLost):
        await setup.reader.read(0.1)
    setup.hand.fault(LANE, device, "replug")
    await setup.until(DeviceState.ONLINE)
    assert (await setup.read(document(2))).failure == ""
    assert setup.states == [DeviceState.ONLINE, DeviceState.LOST, DeviceState.ONLINE]


async def test_chip_port_unplugged_while_a_chip_is_read(setup: Setup) -> None:
    task = await setup.reading()
    setup.hand.present_document(LANE, document(1), chip_stall_s=5.0, stall_after_size=2_000)
    await setup.happened("chip_stalled")
    setup.hand.fault(LANE, "chip", "unplug")
    read = await task
    assert (read.failure, read.portrait) == ("dg2_lost", None)
    await setup.until(DeviceState.LOST)
    setup.hand.fault(LANE, "chip", "replug")
    await setup.until(DeviceState.ONLINE)
    assert (await setup.read(document(2))).failure == ""


@IN_REAL_TIME
@pytest.mark.parametrize("device", ["mrz", "chip"])
async def test_megabyte_of_garbage_is_no_document_and_leaves_no_memory(setup: Setup, device: str) -> None:
    await pour(setup, device, 100_000, seed=1)  # buffers reach their size
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    waiting = await setup.reading(60.0)
    await pour(setup, device, 1_000_000, seed=2)
    assert not waiting.done()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4_096  # KiB
    await setup.until(DeviceState.ONLINE)
    assert setup.states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]
    # laid down again until the reader takes it: what is left of the noise may swallow a zone
    setup.hand.present_document(LANE, document(2), repeat_s=0.3)
    assert (await waiting).chip_mrz == "".join(document(2).mrz_lines)


@WITH_LINES
@pytest.mark.parametrize("device", ["mrz", "chip"])
async def test_garbage_is_told_in_time_and_ends_with_the_next_document(setup: Setup, device: str) -> None:
    setup.hand.fault(LANE, device, "garbage", size=1_000, seed=4)
    await setup.until(DeviceState.DEGRADED)
    waiting = await setup.reading(10.0)
    setup.hand.present_document(LANE, document(2), repeat_s=0.3)
    assert (await waiting).chip_mrz == "".join(document(2).mrz_lines)
    await setup.until(DeviceState.ONLINE)
    assert setup.states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]


@IN_REAL_TIME
async def test_garbage_while_the_chip_is_read_never_gives_another_document(setup: Setup) -> None:
    for seed in range(3):
        task = await setup.reading()
        setup.hand.present_document(LANE, document(1), chip_stall_s=0.2, stall_after_size=3_000)
        setup.hand.fault(LANE, "chip", "garbage", size=2_000, seed=seed)
        read = await task
        assert read.chip_mrz in (None, "".join(document(1).mrz_lines))
        assert read.portrait in (None, PORTRAIT)
        assert read.failure or (read.portrait, prints(read)) == (PORTRAIT, [FINGER])  # read again after a reset
    assert (await setup.read(document(2))).failure == ""


def open_handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@IN_REAL_TIME
async def test_port_unplugged_and_replugged_twenty_times_leaks_nothing(setup: Setup) -> None:
    """Also in the middle of a session. Every time the next document is read whole."""
    small = issue(invent_holder(4, TODAY), SMALL_PORTRAIT)
    assert (await setup.read(small)).failure == ""
    handles = open_handles()
    for round_count in range(20):
        if round_count % 2:
            task = await setup.reading()
            setup.hand.present_document(
                LANE, document(1), chip_stall_s=30.0, stall_after_size=2_000 + 3_000 * round_count
            )
            await setup.happened("chip_stalled")
            setup.hand.fault(LANE, "chip", "unplug")
            assert (await task).failure.endswith("_lost")
        else:
            setup.hand.fault(LANE, "chip", "unplug")
        await setup.until(DeviceState.LOST)
        setup.hand.fault(LANE, "chip", "replug")
        await setup.until(DeviceState.ONLINE)
        read = await setup.read(small)
        assert (read.failure, read.portrait) == ("", SMALL_PORTRAIT)
    assert open_handles() <= handles
    assert setup.states.count(DeviceState.LOST) == 20


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: "pace" if profile.pace else "bac")
async def test_chip_that_asks_for_access_is_opened_with_the_zone_and_proves_itself(
    setup: Setup, profile: Profile
) -> None:
    shown = issue(invent_holder(6, TODAY), PORTRAIT, FINGER, profile)
    read = await setup.read(shown)
    assert (read.failure, read.portrait, prints(read)) == ("", PORTRAIT, [FINGER])
    assert read.chip is not None
    assert read.chip.access is (AccessProtocol.PACE if profile.pace else AccessProtocol.BAC)
    assert read.chip.chip_authentication is not None
    assert read.chip.chip_authentication.result is CheckResult.PASS
    assert dict(read.chip.files) == dict(shown.files)


async def test_chip_of_another_document_is_not_opened(setup: Setup) -> None:
    """Its zone is not the printed one: nothing but EF.CardAccess comes of it."""
    one, two = (issue(invent_holder(index, TODAY), PORTRAIT, FINGER, PROFILES[0]) for index in (8, 9))
    task = await setup.reading()
    setup.hand.present_document(LANE, IssuedDocument(one.mrz_lines, two.files, two.personalisation))
    read = await task
    assert read.failure == "access_wrong_key"
    assert (read.chip_mrz, read.portrait, read.fingers) == (None, None, ())
    assert read.chip is not None
    assert set(read.chip.files) == {"card_access"}


async def test_repr_of_a_document_shows_nothing(setup: Setup) -> None:
    read = await setup.read(document())
    text = repr(read) + str(read)
    assert not any(part in text for part in ("ERIKSSON", "UTO", document().mrz_lines[1][:9]))


async def pour(setup: Setup, device: str, size: int, seed: int) -> None:
    """Returns once all of it was sent."""
    hand = setup.hand
    after = max((event.sequence for event in hand.log(LANE)), default=0)
    hand.fault(LANE, device, "garbage", size=size, seed=seed)
    await eventually(lambda: any(event.kind == "garbage_sent" for event in hand.log(LANE, after)), 30.0)
