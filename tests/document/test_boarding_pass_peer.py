"""npm's `bcbp` (version 6, strings only, no checks) reads what we write and writes what we read: one process, some thousand passes.

Left out, because there it differs from the standard or from us: blank items (it takes them for missing), security data of other sizes than
100 (it pads), days of issue to come (it allows two years), day 366 (where the reference year has none it takes it for 1 January).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from egate.document.boarding_pass.dates import date_of_issue, dates_of_flight
from egate.document.boarding_pass.items import (
    ISSUE_ITEMS,
    TICKET_ITEMS,
    BoardingPass,
    Issue,
    Items,
    Leg,
    Security,
    Ticket,
)
from egate.document.boarding_pass.parser import parse_boarding_pass
from egate.document.boarding_pass.writer import write_boarding_pass

from .boarding_passes import ALNUM, UPPER

NODE = shutil.which("node")
FOLDER = Path(__file__).parent.parent / "node"
PASS_COUNT = 2_000
# Ours, its.
LEG_NAMES = {
    "pnr": "operatingCarrierPNR",
    "from_airport": "departureAirport",
    "to_airport": "arrivalAirport",
    "operating_carrier": "operatingCarrierDesignator",
    "flight_number": "flightNumber",
    "compartment": "compartmentCode",
    "seat": "seatNumber",
    "check_in_sequence": "checkInSequenceNumber",
    "passenger_status": "passengerStatus",
    "airline_use": "airlineInfo",
}
TICKET_NAMES = {
    "airline_number": "airlineNumericCode",
    "serial_number": "serialNumber",
    "selectee": "selecteeIndicator",
    "document_verification": "internationalDocumentationVerification",
    "marketing_carrier": "marketingCarrierDesignator",
    "frequent_flyer_carrier": "frequentFlyerAirlineDesignator",
    "frequent_flyer_number": "frequentFlyerNumber",
    "id_ad_indicator": "idIndicator",
    "free_baggage": "freeBaggageAllowance",
}
ISSUE_NAMES = {
    "passenger_description": "passengerDescription",
    "check_in_source": "checkInSource",
    "issue_source": "boardingPassIssuanceSource",
    "document_type": "documentType",
    "issuer": "boardingPassIssuerDesignator",
    "baggage_tags": "baggageTagNumber",
    "baggage_tags_2": "firstBaggageTagNumber",
    "baggage_tags_3": "secondBaggageTagNumber",
}
_Section = TypeVar("_Section", Issue, Ticket)


def section(draw: Random, kind: type[_Section], items: Items, **given: str) -> _Section:
    values: dict[str, str] = {}
    for name, size in items[: draw.randint(0, len(items))]:
        values[name] = given.get(name) or word(draw, size)
    return kind(**values)


def word(draw: Random, size: int, alphabet: str = ALNUM, size_min: int = 1) -> str:
    return "".join(draw.choices(alphabet, k=draw.randint(size_min, size)))


def random_pass(draw: Random) -> tuple[BoardingPass, date]:
    """And a reference date: 1 July, from where no day of its year is nearer in another one."""
    reference = date(draw.randint(2005, 2040), 7, 1)
    issued = reference - timedelta(days=draw.randint(0, 2_000))
    issue = section(draw, Issue, ISSUE_ITEMS, day_of_issue=f"{issued.year % 10}{issued:%j}")
    start = date(reference.year, 1, 1) if issue.day_of_issue is None else issued
    legs: list[Leg] = []
    for days in sorted(draw.randint(0, 300) for _ in range(draw.randint(1, 4))):
        flight = start + timedelta(days=days)
        flight -= timedelta(days=flight.timetuple().tm_yday == 366)
        ticket = section(draw, Ticket, TICKET_ITEMS, fast_track=draw.choice("YN"))
        legs.append(
            Leg(
                from_airport=word(draw, 3, UPPER, 3),
                to_airport=word(draw, 3, UPPER, 3),
                operating_carrier=word(draw, 3, ALNUM, 2),
                flight_number=f"{draw.randint(1, 9999):04}" + draw.choice(["", "A"]),
                day_of_flight=f"{flight:%j}",
                pnr=word(draw, 7),
                compartment=word(draw, 1),
                seat=word(draw, 4),
                check_in_sequence=word(draw, 5),
                passenger_status=word(draw, 1),
                ticket=ticket,
                airline_use=draw.choice(["", word(draw, 60)]),
            )
        )
    security = draw.choice([None, Security(word(draw, 1), word(draw, 100, ALNUM, 100))])
    name = f"{word(draw, 10, UPPER)}/{word(draw, 9, UPPER)}"
    return BoardingPass(name, tuple(legs), "E", "6", issue, security), reference


def as_peer(found: BoardingPass, reference: date) -> dict[str, Any]:
    """What the peer makes of it: the meta data beside its own names of the items; dates as ISO text."""
    data: dict[str, Any] = {"passengerName": found.passenger_name, "legs": []}
    data |= named(found.issue, ISSUE_NAMES)
    issued = date_of_issue(found, reference)
    if issued is not None:
        data["issuanceDate"] = timestamp(issued)
    for leg, flight in zip(found.legs, dates_of_flight(found, reference), strict=True):
        assert flight is not None
        track = leg.ticket.fast_track if leg.ticket is not None else None
        peer_leg = named(leg, LEG_NAMES) | named(leg.ticket, TICKET_NAMES) | {"flightDate": timestamp(flight)}
        data["legs"].append(peer_leg | ({} if track is None else {"fastTrack": track == "Y"}))
    if found.security is not None:
        data |= {"securityDataType": found.security.type, "securityData": found.security.data}
    meta = {"formatCode": "M", "numberOfLegs": len(found.legs), "electronicTicketIndicator": "E", "versionNumber": 6}
    return {"data": data, "meta": meta}


def named(values: Any, names: dict[str, str]) -> dict[str, str]:
    return {peer: value for ours, peer in names.items() if (value := getattr(values, ours, None))}


def timestamp(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"


def ask(decode: Sequence[tuple[str, int]], encode: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    assert NODE is not None
    ended = subprocess.run(
        [NODE, str(FOLDER / "bcbp.mjs")],
        input=json.dumps({"decode": decode, "encode": encode}),
        env={**os.environ, "TZ": "UTC"},  # it mixes local and universal time
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer: dict[str, list[Any]] = json.loads(ended.stdout)
    return answer


@pytest.mark.peer
@pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules/bcbp").is_dir(),
    reason="node or its modules are absent (npm ci --prefix tests/node)",
)
def test_peer_reads_what_we_write_and_writes_what_we_read() -> None:
    draw = Random(792)
    drawn = [random_pass(draw) for _ in range(PASS_COUNT)]
    written = [write_boarding_pass(each).decode("ascii") for each, _ in drawn]
    expected = [as_peer(each, reference) for each, reference in drawn]
    years = [reference.year for _, reference in drawn]
    answer = ask(list(zip(written, years, strict=True)), expected)
    for found, wanted in zip(answer["decode"], expected, strict=True):
        assert found["data"] == wanted["data"]
        assert {name: found["meta"][name] for name in wanted["meta"]} == wanted["meta"]
    for text, (boarding_pass, _) in zip(answer["encode"], drawn, strict=True):
        assert parse_boarding_pass(text.encode("ascii")) == boarding_pass
    assert answer["encode"] == written
    assert {field.name for field in fields(Ticket)} == TICKET_NAMES.keys() | {"fast_track"}  # all items were compared
    assert {field.name for field in fields(Issue)} == ISSUE_NAMES.keys() | {"day_of_issue"}
