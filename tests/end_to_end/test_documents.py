"""The whole daemon and documents with chips: the genuine one passes, whatever else is referred and nothing is released.

The site trusts one simulated state and demands that chip access, passive and chip authentication pass. The lane's reader opens chips
over serial protocols; the other lane's gate reads them itself and sends the files.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from typing import Any

import pytest

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.demo.chip_reader import document_message
from egate.demo.utopia import PROFILES, Utopia, copied, with_portrait
from egate.document.lds.dg11 import PersonalDetails, write_dg11
from egate.document.lds.displayed_image import write_dg7
from egate.document.lds.lds_text import PersonName
from hw.emrtd.session import SESSION_S_MAX
from hw.sim.issuer import IssuedDocument
from tests.end_to_end.hall import (
    DEVICE_LANE,
    EQUIPMENT,
    REQUEST_LANE,
    Callers,
    Hall,
    Told,
    admitted,
    calling,
    cross,
    grey,
    open_hall,
    request,
    step_in,
    stream,
)
from tests.end_to_end.test_privacy import HOLDER_INDEX, leaks, written

SEED = 5_309
GENUINE = ("CHIP_ACCESS", "PASSIVE_AUTHENTICATION", "CHIP_AUTHENTICATION")
ATTEMPTS_MAX = 4
STATE = Utopia(date.today())


def passport(index: int = 0, **defects: Any) -> IssuedDocument:
    return STATE.passport(index, grey(".jpg"), grey(".png"), **defects)


@pytest.fixture(scope="module")
def genuine_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with open_hall(tmp_path_factory.mktemp("genuine"), seed=SEED, scale=0.2, paced=False, state=STATE) as hall:
        yield hall


@pytest.fixture
async def callers(genuine_hall: Hall) -> AsyncIterator[Callers]:
    async with calling(genuine_hall) as callers:
        for lane in (DEVICE_LANE, REQUEST_LANE):
            genuine_hall.simulator.reset(lane)
            await callers.ready(lane)
        yield callers


def with_document(document: IssuedDocument) -> pb.AuthoriseCrossingRequest:
    message = request(document=document)
    message.document.CopyFrom(document_message(document, message.document.document_session_id))
    return message


async def presented(
    hall: Hall, callers: Callers, document: IssuedDocument, at: Callable[[str], None] = lambda stage: None
) -> Told:
    """The traveller of the lane with a reader; again if a busy machine stalled the lock or the sensors meanwhile."""
    for _ in range(ATTEMPTS_MAX):
        await step_in(hall, callers, DEVICE_LANE)
        told = await stream(hall, callers, document=document, at=at)
        hall.simulator.leave(DEVICE_LANE)
        assert told.decision is not None
        if not {reason.code for reason in told.decision.decision.reasons} & (EQUIPMENT | {"LOCK_FAILED"}):
            return told
    raise AssertionError("the devices are never there")


def results(decision: values_pb2.Decision) -> dict[str, str]:
    name = values_pb2.CheckResult.Name
    return {check.code: name(check.result).removeprefix("CHECK_RESULT_") for check in decision.checks}


def reasons(decision: values_pb2.Decision) -> dict[str, str]:
    return {reason.code: reason.detail for reason in decision.reasons}


@pytest.mark.parametrize("index", range(len(PROFILES)))
async def test_genuine_document_passes(genuine_hall: Hall, callers: Callers, index: int) -> None:
    """PACE with chip authentication, BAC with active authentication, PACE with chip authentication mapping."""
    told = await presented(genuine_hall, callers, passport(index))
    assert told.decision is not None
    assert (reasons(told.decision.decision), told.outcome) == ({}, values_pb2.OUTCOME_PASSED)
    found = results(told.decision.decision)
    assert {check: found[check] for check in GENUINE} == dict.fromkeys(GENUINE, "PASS")
    (recorded,) = genuine_hall.journal.bodies(told.decision.crossing_id, "DECISION")
    passive = next(check for check in recorded["checks"] if check["check"] == "PASSIVE_AUTHENTICATION")
    assert [finding[:2] for finding in passive["findings"]] == [
        [name, "PASS"]
        for name in ("sod_signature", "chain", "validity", "revocation", "dg_hashes", "issuer_state", "ef_com")
    ]


@pytest.mark.parametrize("index", range(len(PROFILES)))
async def test_gate_that_sends_the_files_takes_a_traveller_through(
    genuine_hall: Hall, callers: Callers, index: int
) -> None:
    answer = await admitted(genuine_hall, callers, lambda: with_document(passport(index)))
    found = results(answer.decision)
    assert {check: found[check] for check in GENUINE} == dict.fromkeys(GENUINE, "PASS")


async def test_gate_that_sends_a_portrait_only_is_referred(genuine_hall: Hall, callers: Callers) -> None:
    answer = await cross(genuine_hall, callers, request(document=passport()))
    assert answer.decision.verdict == values_pb2.VERDICT_REFER
    assert {check: results(answer.decision)[check] for check in GENUINE} == dict.fromkeys(GENUINE, "NOT_PERFORMED")


def another_face() -> IssuedDocument:
    return with_portrait(passport(), grey(".jpg") + b"\0")


def without_signature() -> IssuedDocument:
    return passport().with_files(sod=None)


def without_card_access() -> IssuedDocument:
    """Who strips EF.CardAccess makes a reader fall back to BAC."""
    return passport().with_files(card_access=None)


def no_chip() -> IssuedDocument:
    return IssuedDocument(passport().mrz_lines, {})


def stranger() -> IssuedDocument:
    """Issued under the same names by an authority that nobody here trusts."""
    return Utopia(date.today()).passport(0, grey(".jpg"), grey(".png"))


FORGERIES = [
    (another_face, "DG_HASH_DIFFERS"),
    (without_signature, "SOD_MISSING"),
    (without_card_access, "CHIP_ACCESS_DOWNGRADED"),
    (no_chip, "CHIP_MISSING"),
    (stranger, "SIGNER_CHAIN_BROKEN"),
    (lambda: copied(passport(0), 0), "CHIP_NOT_AUTHENTIC"),
    (lambda: copied(passport(1), 1), "CHIP_NOT_AUTHENTIC"),
    (lambda: passport(0, chip_number="X1234567"), "DOCUMENT_MIXED"),
]


@pytest.mark.parametrize(("forge", "reason"), FORGERIES, ids=[reason for _, reason in FORGERIES])
async def test_forged_document_is_referred(
    genuine_hall: Hall, callers: Callers, forge: Callable[[], IssuedDocument], reason: str
) -> None:
    before = len(released(genuine_hall))
    told = await presented(genuine_hall, callers, forge())
    assert told.decision is not None
    assert reason in reasons(told.decision.decision), reasons(told.decision.decision)
    assert (told.outcome, len(released(genuine_hall))) == (values_pb2.OUTCOME_REFERRED, before)
    assert told.decision.case_id


def released(hall: Hall) -> list[object]:
    return [event for event in hall.simulator.log(DEVICE_LANE) if event.kind == "released"]


async def test_chip_that_falls_silent_is_given_up_and_the_next_is_read(genuine_hall: Hall, callers: Callers) -> None:
    await step_in(genuine_hall, callers, DEVICE_LANE)
    placed: list[float] = []

    def at(stage: str) -> None:
        if stage == "place":
            placed.append(time.monotonic())
            genuine_hall.simulator.present_document(DEVICE_LANE, passport(), chip_stall_s=60.0, stall_after_size=100)

    told = await stream(genuine_hall, callers, document=passport(), at=at)
    genuine_hall.simulator.leave(DEVICE_LANE)
    assert told.outcome == values_pb2.OUTCOME_REFERRED
    assert time.monotonic() - placed[0] < SESSION_S_MAX * 2
    assert (await presented(genuine_hall, callers, passport())).outcome == values_pb2.OUTCOME_PASSED


async def test_nothing_outside_the_dossiers_tells_whose_chip_it_was(genuine_hall: Hall, callers: Callers) -> None:
    """One that passes, one with a changed portrait, one by request: at log level debug."""
    person = PersonalDetails(PersonName("ŻÓŁWIŃSKA"), personal_number="PN-7318-4402", place_of_birth=("QUARTZHAVEN",))
    more = {"dg7": write_dg7([grey(".jpg")]), "dg11": write_dg11(person)}
    document = passport(HOLDER_INDEX, more=more)
    assert (await presented(genuine_hall, callers, document)).outcome == values_pb2.OUTCOME_PASSED
    forged = with_portrait(document, grey(".jpg") + b"\0")
    assert (await presented(genuine_hall, callers, forged)).outcome == values_pb2.OUTCOME_REFERRED
    await cross(genuine_hall, callers, with_document(forged))
    files = written(genuine_hall.site)
    assert {"egate.log", "journal.db", "index.json"} <= {path.name for path in files}
    assert leaks(files) == []
    chip = [document.files[name][-48:] for name in ("sod", "dg1", "dg2", "dg14", "dg15") if name in document.files]
    chip += [text.encode() for text in ("ŻÓŁWIŃSKA", "PN-7318-4402", "QUARTZHAVEN", "chip_personal")]
    content = [path.read_bytes() for path in files]
    assert not [part for part in chip for data in content if part in data or part.hex().encode() in data.lower()]


async def test_revocation_takes_effect_without_a_restart(genuine_hall: Hall, callers: Callers) -> None:
    """Last of this file: from here on the state's documents are worth nothing."""
    document = passport()
    assert (await presented(genuine_hall, callers, document)).outcome == values_pb2.OUTCOME_PASSED
    STATE.revoke_signer()
    await asyncio.to_thread(STATE.trust, genuine_hall.site.directory / "trust")
    told = await presented(genuine_hall, callers, document)
    assert told.decision is not None
    assert reasons(told.decision.decision)["SIGNER_REVOKED"] == "revocation"
    assert told.outcome == values_pb2.OUTCOME_REFERRED
