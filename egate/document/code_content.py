"""What a scanned bar code is: a boarding pass, a visible digital seal, or an opaque token. Nothing is verified but the form.

    first byte DC        VDS seal (ICAO Doc 9303-13)           first byte {     VDS-NC seal (ICAO TR VDS-NC)
    M1 … M4, S1          boarding pass (IATA Resolution 792)   otherwise        token, if it has the alphabet and size of one

Never guesses: a form that is recognised but spoilt, what fits two kinds, and everything else is UNKNOWN. A token means nothing here;
whoever issued it knows what it stands for. Signed tokens of an open standard are the seals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from egate.document.boarding_pass.items import BoardingPass
from egate.document.boarding_pass.parser import parse_boarding_pass
from egate.document.seal.vds import Vds, parse_vds
from egate.document.seal.vds_header import MAGIC
from egate.document.seal.vds_nc import VdsNc, parse_vds_nc
from egate.errors import DocumentError

CONTENT_SIZE_MAX = 7089  # ISO/IEC 18004: digits in the largest QR code; no other symbology here holds more
# Chosen: what needs no escaping in a URL (RFC 3986, 2.3) with base64url's padding and a colon. Links, prose and JSON are no tokens.
# Fewer than 8 characters could be guessed or come from a spoilt line; more than 1024 is no reference any more.
TOKEN_SIZE_MIN, TOKEN_SIZE_MAX = 8, 1024
_TOKEN = re.compile(rb"[A-Za-z0-9._~:-]{%d,%d}={0,2}" % (TOKEN_SIZE_MIN, TOKEN_SIZE_MAX))
_PASS_START = re.compile(rb"M[1-4]|S1")


class ContentKind(StrEnum):
    BOARDING_PASS = "BOARDING_PASS"
    SEAL = "SEAL"
    TOKEN = "TOKEN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, repr=False)
class CodeContent:
    """What belongs to kind is set, all else None. problem: code of the error that made a recognised form UNKNOWN, "" otherwise."""

    kind: ContentKind
    boarding_pass: BoardingPass | None = None
    seal: Vds | VdsNc | None = None
    token: str | None = None
    problem: str = ""

    def __repr__(self) -> str:
        return f"CodeContent({self.kind}, redacted)"


def code_content(content: bytes) -> CodeContent:
    """content: of ScannedCode, nothing before or behind it. Raises nothing."""
    if not content or len(content) > CONTENT_SIZE_MAX:
        return CodeContent(ContentKind.UNKNOWN)
    token = _TOKEN.fullmatch(content) is not None
    try:
        if content[0] == MAGIC:
            return CodeContent(ContentKind.SEAL, seal=parse_vds(content))
        if content[:1] == b"{":
            return CodeContent(ContentKind.SEAL, seal=parse_vds_nc(content))
        if _PASS_START.match(content):
            boarding_pass = parse_boarding_pass(content)
            if token:
                return CodeContent(ContentKind.UNKNOWN, problem="AMBIGUOUS")
            return CodeContent(ContentKind.BOARDING_PASS, boarding_pass=boarding_pass)
    except DocumentError as error:
        if not token:
            return CodeContent(ContentKind.UNKNOWN, problem=error.code)
    if token:
        return CodeContent(ContentKind.TOKEN, token=content.decode("ascii"))
    return CodeContent(ContentKind.UNKNOWN)
