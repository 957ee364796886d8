"""What a boarding pass holds, and the tables of its items: which, in what order, how long.

IATA Resolution 792, attachment A; BCBP Implementation Guide, 2.2. All items are left-justified and padded with blanks.

    mandatory, unique       format code 1, number of legs 1, passenger name 20, electronic ticket indicator 1
    mandatory, per leg      37 characters, the last two the size of what follows of this leg
    conditional             first leg only: ">", version 1, size 2, items once for all legs
                            size 2, items of this leg; then for individual airline use
    security                "^", type 1, size 2, data

Sizes are two hexadecimal digits. A conditional section ends behind any of its items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from egate.errors import DocumentError

LEG_COUNT_MAX = 4
VERSION_MARK, SECURITY_MARK = ">", "^"
HEADER_SIZE = 23
LEG_SIZE = 37
SECTION_SIZE_MAX = 0xFF
SIZE_MAX = HEADER_SIZE + LEG_COUNT_MAX * (LEG_SIZE + SECTION_SIZE_MAX) + 4 + SECTION_SIZE_MAX

Items: TypeAlias = Sequence[tuple[str, int]]  # name of the field, characters

NAME_SIZE = 20
LEG_ITEMS: Items = (
    ("pnr", 7),
    ("from_airport", 3),
    ("to_airport", 3),
    ("operating_carrier", 3),
    ("flight_number", 5),
    ("day_of_flight", 3),
    ("compartment", 1),
    ("seat", 4),
    ("check_in_sequence", 5),
    ("passenger_status", 1),
)
ISSUE_ITEMS: Items = (
    ("passenger_description", 1),
    ("check_in_source", 1),
    ("issue_source", 1),
    ("day_of_issue", 4),
    ("document_type", 1),
    ("issuer", 3),
    ("baggage_tags", 13),
    ("baggage_tags_2", 13),  # since version 4
    ("baggage_tags_3", 13),
)
TICKET_ITEMS: Items = (
    ("airline_number", 3),
    ("serial_number", 10),
    ("selectee", 1),
    ("document_verification", 1),
    ("marketing_carrier", 3),
    ("frequent_flyer_carrier", 3),
    ("frequent_flyer_number", 16),
    ("id_ad_indicator", 1),
    ("free_baggage", 3),
    ("fast_track", 1),  # since version 5
)


class BoardingPassError(DocumentError):
    """Not a boarding pass, or a spoilt one. code: BOARDING_PASS_…; messages name items and never hold values."""

    code = "BOARDING_PASS"


@dataclass(frozen=True, slots=True, repr=False)
class Issue:
    """The conditional items that hold for all legs. Blank: "". None: the section ended before.

    passenger_description: 0 adult, 1 male, 2 female, 3 child, 4 infant, 5 no passenger (cabin baggage), 6 adult with infant,
    7 unaccompanied minor; since version 8 X unspecified, U undisclosed. day_of_issue: last digit of the year and day of it.
    document_type: B boarding pass, I itinerary receipt. Sources: W web, K kiosk, R remote kiosk, M mobile, O airport agent, T town
    agent, V third party. baggage_tags: licence plate (10) and how many consecutive ones (3).
    """

    passenger_description: str | None = None
    check_in_source: str | None = None
    issue_source: str | None = None
    day_of_issue: str | None = None
    document_type: str | None = None
    issuer: str | None = None
    baggage_tags: str | None = None
    baggage_tags_2: str | None = None
    baggage_tags_3: str | None = None

    def __repr__(self) -> str:
        return "Issue(redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class Ticket:
    """The conditional items of a leg. Blank: "". None: the section ended before.

    document_verification (of the travel document): 0 not required, 1 required, 2 performed. selectee: 0 no, 1 yes, 3 known traveller.
    fast_track: Y or N.
    """

    airline_number: str | None = None
    serial_number: str | None = None
    selectee: str | None = None
    document_verification: str | None = None
    marketing_carrier: str | None = None
    frequent_flyer_carrier: str | None = None
    frequent_flyer_number: str | None = None
    id_ad_indicator: str | None = None
    free_baggage: str | None = None
    fast_track: str | None = None

    @property
    def number(self) -> str:
        """Of the ticket: the airline's three digits and the serial number; "" if either is missing."""
        return self.airline_number + self.serial_number if self.airline_number and self.serial_number else ""

    def __repr__(self) -> str:
        return "Ticket(redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class Leg:
    """One flight. Blank: "". day_of_flight: "001" to "366", or "". ticket: None if the leg has no such section.

    passenger_status: 0 not checked in, 1 checked in, 2 and 3 likewise with baggage, 4 security passed, 5 boarded, 6 transit, 7 standby,
    8 revalidated, 9 original boarding line, A up- or downgrade. airline_use: as the airline likes, blanks included.
    """

    from_airport: str
    to_airport: str
    operating_carrier: str
    flight_number: str = ""
    day_of_flight: str = ""
    pnr: str = ""
    compartment: str = ""
    seat: str = ""
    check_in_sequence: str = ""
    passenger_status: str = ""
    ticket: Ticket | None = None
    airline_use: str = ""

    def __repr__(self) -> str:
        return "Leg(redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class Security:
    """What the airline signed its pass with. Its keys are the airlines': nothing of it is verified here. data: blanks included."""

    type: str
    data: str

    def __repr__(self) -> str:
        return "Security(redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class BoardingPass:
    """passenger_name: SURNAME/GIVEN, cut to 20 characters; a title may stick to the given name. legs: 1 to 4.

    version, issue: None if the pass has no conditional items. electronic_ticket: E if there is one.
    """

    passenger_name: str
    legs: tuple[Leg, ...]
    electronic_ticket: str = "E"
    version: str | None = None
    issue: Issue | None = None
    security: Security | None = None
    format_code: str = "M"

    @property
    def surname(self) -> str:
        return self.passenger_name.partition("/")[0].strip()

    @property
    def given_name(self) -> str:
        """With a title that sticks to it; "" if the pass has none."""
        return self.passenger_name.partition("/")[2].strip()

    @property
    def has_electronic_ticket(self) -> bool:
        return self.electronic_ticket == "E"

    def __repr__(self) -> str:
        return f"BoardingPass({len(self.legs)} legs, redacted)"
