"""PC/SC: documents read through pyscard, pcscd and vsmartcard's virtual reader, which no one here wrote."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest

from egate.domain.check_result import CheckResult
from egate.domain.chip import AccessProtocol, ChipRead
from egate.domain.device import DeviceState
from egate.errors import ConfigurationError
from hw.emrtd.adapter import LOST, ChipPort
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.drive import drive
from hw.emrtd.plan import ReadPlan
from hw.emrtd.session import CRYPTOGRAPHY_S_MAX, RESPONSE_S_MAX, SESSION_S_MAX
from hw.emrtd.transport import CardError, CardTimeout, ExchangeCancelled, never
from hw.link.base import LinkLost
from hw.link.pty import open_pty_master
from hw.mrz.adapter import open_reader
from hw.mrz.messages import block
from hw.pcsc import adapter as adapter_module
from hw.pcsc import transport as transport_module
from hw.pcsc.adapter import CLOSE_S_MAX, THREADS_MAX, Worker, check_pcsc, open_pcsc, open_with
from hw.pcsc.transport import PcscTransport
from hw.sim.issuer import IssuedDocument, invent_holder, issue
from hw.sim.issuer_profile import EXTENDED, Profile
from hw.url import parse

from .pcsc_bench import READER, Service, VirtualCard, service

TODAY = date(2026, 6, 1)
NAME = f"{READER} 00 00"
CARD_SEEN_S = 0.8  # the service looks for cards every 0.4 s
NOISE = np.random.default_rng(7).integers(0, 255, (120, 90, 3), dtype=np.uint8)
PORTRAIT = cv2.imencode(".jpg", NOISE)[1].tobytes()
FINGER = cv2.imencode(".png", NOISE[:, :, 0])[1].tobytes()

Lay = Callable[..., VirtualCard]


def document(index: int, profile: Profile | None = None) -> IssuedDocument:
    return issue(invent_holder(index, TODAY), PORTRAIT, FINGER, profile or Profile())


def chip_of(issued: IssuedDocument) -> Personalisation:
    assert issued.personalisation is not None
    return issued.personalisation


@pytest.fixture(scope="module")
def pcscd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("pcscd")) as running:
        yield running


@pytest.fixture
def transport(pcscd: Service) -> Iterator[PcscTransport]:
    opened = open_pcsc(NAME)
    yield opened
    opened.close()


def eventually(holds: Callable[[], bool], timeout_s: float = 10.0, step_s: float = 0.01) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(step_s)


@pytest.fixture
def lay(pcscd: Service) -> Iterator[Lay]:
    """Lays a document into the reader; the one before is taken out. Waits until the service sees it, if it is told by which reader."""
    cards: list[VirtualCard] = []

    def put(issued: IssuedDocument, transport: PcscTransport | None = None) -> VirtualCard:
        take_out()
        # A card that comes before the service has noticed that the last one went is never seen by this driver.
        time.sleep(CARD_SEEN_S)
        if transport is not None:
            eventually(lambda: field(transport) == "empty", step_s=0.1)
        cards.append(VirtualCard(pcscd.port, chip_of(issued)))
        if transport is not None:
            eventually(lambda: field(transport) == "chip", step_s=0.1)
        return cards[-1]

    def take_out() -> None:
        while cards:
            cards.pop().pull()

    yield put
    take_out()


def field(transport: PcscTransport) -> str:
    """What the service says: "chip", "empty", or "changing" while one comes or goes."""
    try:
        return "empty" if transport.connect() is None else "chip"
    except CardError:
        return "changing"


def read(transport: PcscTransport, issued: IssuedDocument) -> ChipRead:
    return drive(ReadPlan(issued.mrz_lines), transport, secrets.token_bytes, time.monotonic)


@pytest.mark.peer
@pytest.mark.parametrize(
    "profile", [Profile(), Profile(limits=EXTENDED), Profile(pace=())], ids=["pace", "extended", "bac"]
)
def test_whole_document_is_read(lay: Lay, transport: PcscTransport, profile: Profile) -> None:
    issued = document(1, profile)
    lay(issued, transport)
    result = read(transport, issued)
    assert result.failures == {}
    assert dict(result.files) == dict(issued.files)
    assert result.access is (AccessProtocol.PACE if profile.pace else AccessProtocol.BAC)
    assert result.chip_authentication is not None
    assert result.chip_authentication.result is CheckResult.PASS


@pytest.mark.peer
def test_empty_reader_and_documents_that_come_and_go(lay: Lay, transport: PcscTransport) -> None:
    for index in range(3):
        eventually(lambda: field(transport) == "empty", step_s=0.1)
        assert read(transport, document(index)).failures == {"chip": "absent"}
        card = lay(document(index), transport)
        assert read(transport, document(index)).failure == ""
        card.pull()


@pytest.mark.peer
def test_document_lifted_while_it_is_read_is_lost_and_the_next_one_is_read(lay: Lay, transport: PcscTransport) -> None:
    card = lay(document(1), transport)
    results: list[ChipRead] = []
    reading = threading.Thread(target=lambda: results.append(read(transport, document(1))))
    began = time.monotonic()
    reading.start()
    eventually(lambda: card.content_read_size > 6_000)
    card.pull()
    reading.join(SESSION_S_MAX)
    assert results[0].failures == {"dg2": "lost"}
    assert time.monotonic() - began < SESSION_S_MAX / 2
    lay(document(2), transport)
    assert read(transport, document(2)).failure == ""


@pytest.mark.peer
def test_chip_that_stalls_ends_within_the_chip_timer_and_the_reader_comes_back(
    lay: Lay, transport: PcscTransport
) -> None:
    card = lay(document(1), transport)
    card.silent = True
    began = time.monotonic()
    result = read(transport, document(1))
    assert time.monotonic() - began < CRYPTOGRAPHY_S_MAX + 3 * RESPONSE_S_MAX
    assert result.failure.endswith("_timeout")
    card.pull()  # the driver's call comes back
    lay(document(2), transport)
    assert read(transport, document(2)).failure == ""


@pytest.mark.peer
def test_cancelled_session_ends_at_once(lay: Lay, transport: PcscTransport) -> None:
    card = lay(document(1), transport)
    card.silent = True
    began = time.monotonic()
    transport.cancelled = lambda: time.monotonic() > began + 0.2
    assert read(transport, document(1)).failure.endswith("_cancelled")


@pytest.mark.peer
def test_service_that_ends_is_a_lost_reader_and_it_opens_again(
    pcscd: Service, lay: Lay, transport: PcscTransport
) -> None:
    assert transport.idle(0.01) == 0
    pcscd.stop()
    with pytest.raises(LinkLost):
        transport.idle(0.01)
    with pytest.raises(LinkLost):
        open_pcsc(NAME)
    pcscd.start()
    again = open_pcsc(NAME)
    lay(document(1), again)
    assert read(again, document(1)).failure == ""
    again.close()


@pytest.mark.peer
def test_reader_that_is_not_there_or_held_by_another_program_is_lost(lay: Lay, transport: PcscTransport) -> None:
    with pytest.raises(LinkLost, match="no such"):
        open_pcsc("Some other reader")
    with pytest.raises(LinkLost, match="several"):
        open_pcsc(READER)  # the virtual reader has two slots
    lay(document(1), transport)
    with pytest.raises(LinkLost, match="another program"):
        open_pcsc(NAME)


@pytest.mark.peer
def test_port_of_a_lane_reads_documents_through_it(lay: Lay) -> None:
    states: list[bool] = []
    results: list[tuple[int, ChipRead]] = []
    port = ChipPort("pcsc", lambda: open_pcsc(NAME), states.append, lambda _: None, lambda *got: results.append(got))
    port.start()
    eventually(lambda: states == [True])
    lay(document(3))
    time.sleep(CARD_SEEN_S)
    port.read(7, ReadPlan(document(3).mrz_lines))
    eventually(lambda: len(results) == 1)
    assert results[0][0] == 7
    assert results[0][1].failure == ""
    port.close()


@pytest.mark.peer
async def test_document_reader_with_a_pcsc_reader_beside_it(lay: Lay, tmp_path: Path) -> None:
    mrz = open_pty_master(tmp_path / "mrz")
    url = f"mrz+pty://{tmp_path}/mrz?baud=9600&chip_pcsc={NAME.replace(' ', '%20')}"
    reader = open_reader(parse(url), tmp_path)
    await reader.start(lambda _: None)
    lay(document(4))
    await asyncio.sleep(CARD_SEEN_S)
    assert reader.state is DeviceState.ONLINE
    waiting = asyncio.create_task(reader.read(10.0))
    await asyncio.sleep(0)
    mrz.write(block(document(4).mrz_lines))
    found = await waiting
    assert (found.failure, found.portrait, [each.image for each in found.fingers]) == ("", PORTRAIT, [FINGER])
    await reader.close()
    mrz.close()


def test_call_that_blocks_is_given_up_and_the_next_waits_for_it() -> None:
    worker, release = Worker("test"), threading.Event()
    with pytest.raises(CardTimeout):
        worker.run(lambda: release.wait(5.0), 0.05, never)
    assert worker.stuck_s >= 0.0
    with pytest.raises(CardTimeout):
        worker.run(lambda: 1, 0.05, never)
    time.sleep(0.05)
    assert worker.stuck_s > 0.05
    release.set()
    assert worker.run(lambda: 2, 1.0, never) == 2
    assert worker.stuck_s == 0.0
    with pytest.raises(ExchangeCancelled):
        worker.run(lambda: time.sleep(0.2), 1.0, lambda: True)
    with pytest.raises(ZeroDivisionError):
        worker.run(lambda: 1 // 0, 1.0, never)
    worker.close()


class HangingApi:
    """A service that answers until it hangs in the call that `hangs_in` names. released: contexts that were given back."""

    SCARD_S_SUCCESS, SCARD_E_TIMEOUT, SCARD_SCOPE_USER = 0, 0x8010000A, 0
    SCARD_STATE_UNAWARE, SCARD_STATE_CHANGED, SCARD_STATE_UNKNOWN = 0, 2, 4
    SCARD_STATE_UNAVAILABLE, SCARD_STATE_EXCLUSIVE = 8, 0x80

    def __init__(self, hangs_in: str = "") -> None:
        self.hangs_in, self.back = hangs_in, threading.Event()
        self.released: list[int] = []
        self._count = 0

    def SCardEstablishContext(self, _scope: int) -> tuple[int, int]:
        self._maybe_hang("establish")
        self._count += 1
        return 0, self._count

    def SCardListReaders(self, _context: int, _groups: list[str]) -> tuple[int, list[str]]:
        self._maybe_hang("list")
        return 0, ["R"]

    def SCardGetStatusChange(
        self, _context: int, wait_ms: int, _states: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, bytes]]]:
        self._maybe_hang("status")
        time.sleep(wait_ms / 1000)
        return 0, [("R", 0, b"")]

    def SCardReleaseContext(self, context: int) -> int:
        self._maybe_hang("release")
        self.released.append(context)
        return 0

    def _maybe_hang(self, call: str) -> None:
        if call == self.hangs_in:
            assert self.back.wait(30.0)


@pytest.fixture
def api() -> Iterator[HangingApi]:
    hanging = HangingApi()
    yield hanging
    hanging.back.set()


def test_service_that_hangs_is_a_lost_reader_within_the_lane_s_time(api: HangingApi) -> None:
    opened = open_with(api, "R")
    assert opened.idle(0.01) == 0
    api.hangs_in, began = "status", time.monotonic()
    with pytest.raises(LinkLost):
        opened.idle(0.01)
    opened.close()
    assert time.monotonic() - began < 5.0
    assert api.released == [1]
    api.back.set()
    eventually(lambda: api.released == [1, 2])  # the other one once its call has come back


@pytest.mark.parametrize("call", ["establish", "list", "status"])
def test_service_that_hangs_from_the_start_is_no_reader(
    call: str, api: HangingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "SERVICE_S_MAX", 0.1)
    api.hangs_in = call
    with pytest.raises(LinkLost):
        open_with(api, "R")


@pytest.mark.parametrize("name", ["V", "Virtual", "Virtual PC"])
def test_virtual_reader_is_not_found_by_a_beginning_of_its_name(
    name: str, api: HangingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "SCardListReaders", lambda *_: (0, ["Virtual PCD 00 00"]))
    with pytest.raises(LinkLost, match="full name"):
        open_with(api, name)


def test_service_that_hangs_does_not_hold_up_the_end(api: HangingApi) -> None:
    opened = open_with(api, "R")
    api.hangs_in, began = "release", time.monotonic()
    opened.close()
    assert time.monotonic() - began <= 2 * CLOSE_S_MAX + 0.5


def test_opening_again_and_again_while_the_service_hangs_costs_no_more_threads(
    api: HangingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "SERVICE_S_MAX", 0.02)
    monkeypatch.setattr(adapter_module, "CLOSE_S_MAX", 0.02)
    api.hangs_in = "establish"
    for _ in range(THREADS_MAX):
        with pytest.raises(LinkLost):
            open_with(api, "many")
    assert sum(thread.name == "pcsc many" for thread in threading.enumerate()) <= THREADS_MAX
    api.back.set()
    eventually(lambda: not any(thread.name == "pcsc many" for thread in threading.enumerate()))
    assert sorted(api.released) == list(range(1, len(api.released) + 1))
    open_with(api, "R").close()


def test_port_tells_that_its_reader_is_lost_while_the_service_hangs(api: HangingApi) -> None:
    states: list[bool] = []
    results: list[tuple[int, ChipRead]] = []
    port = ChipPort("x", lambda: open_with(api, "R"), states.append, lambda _: None, lambda *got: results.append(got))
    port.start()
    eventually(lambda: states == [True])
    api.hangs_in = "status"
    eventually(lambda: states == [True, False], timeout_s=5.0)
    port.read(1, ReadPlan())
    assert results == [(1, LOST)]
    api.back.set()
    port.close()


@pytest.mark.parametrize("name", ["", "x" * 200, "a\nb"])
def test_name_that_can_t_be_a_reader_s_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        check_pcsc(name)
