"""JournalService over the real journal."""

from __future__ import annotations

import json
import math
from typing import Any

import grpc
import pytest

from egate.api.v1 import journal_service_pb2 as pb
from egate.api.v1 import journal_service_pb2_grpc as pb_grpc
from egate.ports import Record
from tests.service.site import TIMEOUT_S, Site
from tests.service.test_officers import bearer, refused


async def fill(site: Site, count: int = 5) -> None:
    for number in range(count):
        body: dict[str, object] = {"number": number, "score": math.nan, "digest": b"\x01\x02", "nested": [{"a": None}]}
        await site.journal.append([Record("LANE", f"lane-{number % 2}", f"x{number}", body)])


def engineer(site: Site) -> Any:
    return site.stub(pb_grpc.JournalServiceStub, "engineer-1")


async def test_entries_come_in_pages(site: Site) -> None:
    await fill(site)
    stub, found, page = engineer(site), [], ""
    while True:
        request = pb.ListEntriesRequest(after_sequence=1, page_size=2, page_token=page)
        answer = await stub.ListEntries(request, timeout=TIMEOUT_S)
        found += list(answer.entries)
        page = answer.next_page_token
        if not page:
            break
    assert [entry.sequence for entry in found] == [2, 3, 4, 5]
    assert json.loads(found[0].body_json) == {"number": 1, "score": "nan", "digest": "0102", "nested": [{"a": None}]}
    assert all(len(entry.hash) == 32 and entry.at.seconds > 0 for entry in found)


async def test_entries_of_a_lane_or_a_crossing(site: Site) -> None:
    await fill(site)
    stub = engineer(site)
    lane = await stub.ListEntries(pb.ListEntriesRequest(lane="lane-1"), timeout=TIMEOUT_S)
    crossing = await stub.ListEntries(pb.ListEntriesRequest(crossing_id="x4"), timeout=TIMEOUT_S)
    assert [entry.sequence for entry in lane.entries] == [2, 4]
    assert [entry.sequence for entry in crossing.entries] == [5]


async def test_verification_names_the_head_and_finds_a_cut_tail(site: Site) -> None:
    await fill(site)
    stub = engineer(site)
    good = await stub.VerifyJournal(pb.VerifyJournalRequest(), timeout=TIMEOUT_S)
    assert (good.valid, good.entry_count, good.head_sequence) == (True, 5, 5)
    later = pb.VerifyJournalRequest(known_sequence=9, known_hash=b"x" * 32)
    cut = await stub.VerifyJournal(later, timeout=TIMEOUT_S)
    assert (cut.valid, cut.first_invalid_sequence) == (False, 6)


@pytest.mark.parametrize(
    "request_",
    [pb.VerifyJournalRequest(known_sequence=1), pb.VerifyJournalRequest(known_sequence=-1, known_hash=b"x" * 32)],
)
async def test_a_known_head_is_whole(site: Site, request_: pb.VerifyJournalRequest) -> None:
    assert (await refused(engineer(site).VerifyJournal(request_)))[0] == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_desk_needs_an_officer_to_read_the_record(site: Site) -> None:
    stub = site.stub(pb_grpc.JournalServiceStub, "console-1")
    request = pb.ListEntriesRequest()
    assert await refused(stub.ListEntries(request)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")
    token = await bearer(site, "console-1", "ada")
    assert (await stub.ListEntries(request, metadata=token, timeout=TIMEOUT_S)).entries[0].kind == "OFFICER"
