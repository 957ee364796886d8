"""Any text is a zone or a DocumentError; a repaired zone has the lines it had, and a second repair finds nothing."""

from __future__ import annotations

from collections.abc import Sequence

from egate.document.zone.mrz import parse_mrz, split_mrz
from egate.document.zone.mrz_repair import repair_mrz
from egate.errors import DocumentError
from hw.emrtd.protocol.mrz_key import mrz_key
from tests.fuzz.sources import TD1, TD3, TODAY
from tests.fuzz.target import Target


def _lines(data: bytes) -> tuple[str, ...]:
    return tuple(data.decode("utf-8", "replace").split("\n"))


def parse(data: bytes) -> None:
    for lines in (_lines(data), _split(data)):
        for visas in (False, True):
            try:
                repr(parse_mrz(lines, TODAY, visas=visas))
            except DocumentError:
                pass


def repair(data: bytes) -> None:
    try:
        repaired = repair_mrz(_lines(data))
    except DocumentError:
        return
    assert [len(line) for line in repaired.lines] == [len(line) for line in _lines(data)]
    assert not repair_mrz(repaired.lines).repairs


def key(data: bytes) -> None:
    try:
        mrz_key(_lines(data))
    except DocumentError:
        pass


def _split(data: bytes) -> tuple[str, ...]:
    try:
        return split_mrz(data.decode("latin-1"))
    except DocumentError:
        return ()


def seeds() -> Sequence[bytes]:
    td2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
    visa = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
    long = ("I<UTOD23145890<7349<<<<<<<<<<<", *TD1[1:])
    zones = [TD3, TD1, td2, visa, long, tuple(line.replace("0", "O") for line in TD3)]
    return ["\n".join(zone).encode("ascii") for zone in zones]


TARGETS = (Target("parse", parse, seeds, 30), Target("repair", repair, seeds, 20), Target("key", key, seeds, 20))
