"""Whatever a chip holds, an inspection gives evidence, and passes no data groups but the signed ones and no chip that proves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from egate.document.chip_checks import Trust, verify_chip
from egate.document.lds.structure import write_ef_com
from egate.domain.chip import FILE_NAMES, AccessProtocol, ChipAuthentication, ChipAuthenticationProtocol, ChipRead
from egate.domain.evidence import Check, CheckResult
from tests.fuzz.sources import NOW, files, specimen, store, stream
from tests.fuzz.target import Target


def chip(data: bytes) -> None:
    """data: number of a file, its content. The chip claims to have proved a key that no signed file names."""
    if not data:
        return
    name = FILE_NAMES[data[0] % len(FILE_NAMES)]
    contents = {**_genuine(), name: data[1:]}
    claimed = ChipAuthentication(ChipAuthenticationProtocol.CHIP_AUTHENTICATION, stream(b"key")(91), CheckResult.PASS)
    read = ChipRead(True, contents, AccessProtocol.BAC, chip_authentication=claimed)
    evidence = {each.check: each for each in verify_chip(read, NOW, Trust(store()))}
    assert evidence[Check.CHIP_AUTHENTICATION].result is not CheckResult.PASS
    if evidence[Check.PASSIVE_AUTHENTICATION].result is CheckResult.PASS:
        assert {group: contents[group] for group in ("dg1", "dg2")} == {
            group: files()[group] for group in ("dg1", "dg2")
        }


def _genuine() -> dict[str, bytes]:
    return {"com": write_ef_com((1, 2)), **files()}


def seeds() -> Sequence[bytes]:
    own = [bytes([FILE_NAMES.index(name)]) + content for name, content in _genuine().items()]
    keys = [
        bytes([FILE_NAMES.index(name)]) + content for name in ("dg14", "dg15") for content in specimen(name.upper())
    ]
    return [*own, *keys, bytes([FILE_NAMES.index("card_security")]) + files()["sod"][4:]]


TARGETS = (Target("chip", chip, seeds, 1),)
