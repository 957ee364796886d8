"""Chips that stall, tear, are pulled or answer garbage: the session ends and nothing false is believed."""

from __future__ import annotations

import pytest

from hw.emrtd.direct import DirectTransport
from hw.sim.chip_fault import STALL_S, ChipFault, FaultyTransport, on_reader
from hw.sim.issuer_office import Office
from tests.hw.document_reading import inspect, passes, read_document, seeded_entropy, transport_of
from tests.hw.test_forgeries import AT, FINGERS, PORTRAITS, terminal_of

NUMBERS = (0, 1, 2, 5)
SHARES = (
    0.0,
    0.02,
    0.05,
    0.1,
    0.2,
    0.35,
    0.5,
    0.75,
    0.95,
)  # of a session's exchanges before the fault: every phase of it


@pytest.fixture(scope="module")
def office() -> Office:
    return Office(AT, PORTRAITS, FINGERS)


@pytest.fixture(scope="module", params=NUMBERS)
def number(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def moments(office: Office, number: int) -> list[int]:
    document, entropy = office.issue(number), seeded_entropy(number)
    inner, commands = transport_of(document, entropy), 0

    def execute(command: bytes) -> bytes:
        nonlocal commands
        commands += 1
        return inner.transmit(command, 1.0)

    read_document(document, entropy, terminal_of(office), DirectTransport(execute, inner.disconnect))
    return sorted({int(share * commands) for share in SHARES})


def read_with(office: Office, number: int, fault: ChipFault, moment: int) -> tuple[bool, dict[str, str], bool]:
    """Whether it passes, what failed, and whether every file that was read is as it was issued."""
    document, entropy = office.issue(number), seeded_entropy(number)
    transport = FaultyTransport(transport_of(document, entropy), fault, moment, seed=moment)
    read = read_document(document, entropy, terminal_of(office), transport)
    assert read.chip is not None
    genuine = all(document.files[name] == content for name, content in read.chip.files.items())
    return passes(inspect(read, office.trust_store(), AT)), dict(read.chip.failures), genuine


@pytest.mark.parametrize("fault", [ChipFault.STALL, ChipFault.PULL, ChipFault.FLIP])
def test_lasting_fault_refers(office: Office, fault: ChipFault, number: int, moments: list[int]) -> None:
    """A chip lost after its proof and all that decides were read is a genuine one all the same; what is missing is named."""
    for moment in moments:
        passed, failures, genuine = read_with(office, number, fault, moment)
        assert failures, moment
        assert not passed or (genuine and not failures.keys() & {"access", "com", "sod", "dg1", "dg2", "dg14"}), moment
    assert not read_with(office, number, fault, moments[0])[0]


def test_torn_exchange_is_made_good(office: Office, number: int, moments: list[int]) -> None:
    for moment in moments:
        assert read_with(office, number, ChipFault.TEAR, moment) == (True, {}, True), moment


def test_garbage_is_never_believed(office: Office, number: int, moments: list[int]) -> None:
    """Over an open channel each answer is authenticated; before it, garbage costs the session or looks like a downgrade."""
    for moment in moments:
        passed, _, genuine = read_with(office, number, ChipFault.GARBAGE, moment)
        assert not passed or genuine, moment


def test_parameters_for_the_simulated_reader() -> None:
    assert on_reader(ChipFault.STALL, 500) == {"chip_stall_s": STALL_S, "stall_after_size": 500}
    assert on_reader(ChipFault.PULL, 500) == {"pulled_after_size": 500}
    with pytest.raises(KeyError):
        on_reader(ChipFault.FLIP, 0)
