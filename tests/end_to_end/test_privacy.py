"""After real crossings with the log at debug: nothing outside the sealed dossiers says who the traveller was or shows him."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import grpc
import pytest

from egate.demo.site import Site
from egate.demo.travellers import People
from egate.document.zone.mrz_writer import write_td3
from egate.inference.weights.store import ModelStore
from hw.sim.issuer import invent_holder, issue
from tests.end_to_end.evidence import Picture
from tests.end_to_end.hall import REQUEST_LANE, Callers, Hall, authorise, cross, request, step_in, stream

HOLDER_INDEX = 3
HOLDER = invent_holder(HOLDER_INDEX, date.today())
# JPEG (ITU-T T.81 SOI and the first segment's marker; two bytes alone turn up in any hash) and PNG (W3C PNG, 5.2).
IMAGE_MARKS = (b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1", b"\xff\xd8\xff\xdb", b"\x89PNG\r\n\x1a\n")
# Keys, certificates and the officers' hashes hold no traveller; the daemon does not write them.
NOT_LOOKED_AT = ("pki",)


def secrets_of_the_holder() -> Iterator[bytes]:
    """Plain, hexadecimal and base64 at each of its three alignments, as a log or a record might hold it."""
    upper, lower = write_td3(HOLDER)
    birth = HOLDER.date_of_birth
    assert isinstance(birth, date)
    words = [upper, lower, upper[5:25], lower[:9], HOLDER.document_number, HOLDER.primary_identifier]
    words += [HOLDER.secondary_identifier, lower[13:20] + "M", birth.isoformat()]
    for word in words:
        plain = word.encode()
        yield from (plain, plain.lower(), plain.hex().encode())
        for shift in range(3):
            yield base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4]
    for mark in IMAGE_MARKS:
        yield mark
        yield mark.hex().encode()
    yield from (b"/9j/4AAQ", b"iVBORw0KGgo")


def leaks(files: Iterable[Path]) -> list[str]:
    """File and what was found in it."""
    wanted = {secret for secret in secrets_of_the_holder() if len(secret) >= 4}
    found = []
    for file in files:
        content = file.read_bytes()
        found += [f"{file.name}: {secret!r}" for secret in wanted if secret in content]
    return found


def written(site: Site) -> list[Path]:
    files = [path for path in site.directory.rglob("*") if path.is_file()]
    return [path for path in files if path.relative_to(site.directory).parts[0] not in NOT_LOOKED_AT]


@pytest.fixture(scope="module")
def people() -> People:
    return People.load(ModelStore())


async def test_nothing_outside_the_dossiers_tells_who_it_was(hall: Hall, callers: Callers, people: People) -> None:
    """A passage, a referral with real faces, a refused request, a bad document, a failing lane and a retry."""
    document = issue(HOLDER, people.portrait, people.finger)
    passing = await cross(hall, callers, request(document=document))
    referred = request(document=document, face=people.stranger, portrait=people.portrait, finger=Picture.NON_MATCH)
    answer = await cross(hall, callers, referred)
    assert answer.case_id
    assert await authorise(callers, referred) == answer
    wrong = issue(HOLDER, people.portrait, wrong_check_digit="document_number")
    assert (await cross(hall, callers, request(document=wrong))).case_id
    refused = request(document=document)
    refused.faces[0].image = people.live[:-100]
    with pytest.raises(grpc.aio.AioRpcError):
        await authorise(callers, refused)
    await step_in(hall, callers, "lane-1")
    with pytest.raises(grpc.aio.AioRpcError):
        await stream(hall, callers, face=Picture.BUG, document=document)
    hall.simulator.leave("lane-1")
    await callers.ready("lane-1")
    await callers.outcome(hall, passing.crossing_id)
    await callers.ready(REQUEST_LANE)

    files = written(hall.site)
    names = {path.name for path in files}
    assert {"egate.log", "journal.db"} <= names
    assert list((hall.site.directory / "data" / "dossiers").iterdir()), "no dossier: nothing was at stake"
    assert hall.site.log.stat().st_size > 1000
    assert leaks(files) == []


@pytest.mark.parametrize("secret", sorted(set(secrets_of_the_holder()))[::5])
def test_a_leak_is_found(tmp_path: Path, secret: bytes) -> None:
    file = tmp_path / "egate.log"
    file.write_bytes(b'{"event": "' + secret + b'"}')
    assert leaks([file])
