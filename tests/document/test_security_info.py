"""SecurityInfos against DG14 files of three passports, the writer, and any bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.chip import security_protocol as protocol
from egate.document.chip.security_info import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationKey,
    EfDirInfo,
    PaceDomainParameters,
    PaceInfo,
    SecurityInfo,
    TerminalAuthenticationInfo,
    UnknownInfo,
    parse_card_access,
    parse_card_security,
    parse_dg14,
    parse_security_infos,
)
from egate.document.chip.security_info_writer import (
    chip_authentication_info,
    pace_info,
    write_dg14,
    write_security_infos,
)
from egate.document.encoding.oid import decode_oid, encode_oid
from egate.document.encoding.tlv import element
from egate.errors import DocumentError

VECTORS = Path(os.environ.get("EGATE_CORPUS", "../shared/corpus")) / "documents" / "vectors"
SPKI = element(0x30, element(0x30, element(6, encode_oid("1.2.840.10045.2.1"))) + element(3, b"\x00\x04\x01\x02"))
# Doc 9303-11, G.1: EF.CardAccess of the ECDH example.
CARD_ACCESS = bytes.fromhex("3114 3012 060A 04007F00070202040202 020102 02010D".replace(" ", ""))


def test_card_access_of_the_worked_example() -> None:
    info = PaceInfo("0.4.0.127.0.7.2.2.4.2.2", "ECDH", "GM", "AES128", 2, 13)
    assert parse_card_access(CARD_ACCESS).pace == (info,) == (pace_info(info.oid, 13),)
    assert write_security_infos([info]) == CARD_ACCESS


def test_every_combination_of_the_protocols_has_one_identifier() -> None:
    assert len(protocol.PACE) == 19  # four generic families of four suites, chip authentication mapping of three
    assert protocol.PACE["0.4.0.127.0.7.2.2.4.6.4"] == ("ECDH", "CAM", "AES256")
    assert protocol.CHIP_AUTHENTICATION["0.4.0.127.0.7.2.2.3.1.1"] == ("DH", "TDES")
    assert protocol.oid_of(protocol.CHIP_AUTHENTICATION, "ECDH", "AES192") == "0.4.0.127.0.7.2.2.3.2.3"


@pytest.mark.corpus
@pytest.mark.skipif(not VECTORS.is_dir(), reason="no corpus: set EGATE_CORPUS")
@pytest.mark.parametrize(
    ("name", "suite", "key_id", "pace"), [("AT", "AES128", None, 1), ("DE", "AES128", 195, 2), ("MY", "TDES", None, 0)]
)
def test_dg14_of_passports(name: str, suite: str, key_id: int | None, pace: int) -> None:
    values = json.loads((VECTORS / "gmrtd_chip_auth_transcripts.json").read_text())["tests"][f"TestChipAuth{name}"][
        "values"
    ]
    data = bytes.fromhex(values[0]["hex"])
    infos = parse_dg14(data)
    assert [(info.suite, info.version, info.key_id) for info in infos.chip_authentication] == [(suite, 1, key_id)]
    (key,) = infos.chip_authentication_keys
    assert (key.key_agreement, key.key_id) == ("ECDH", key_id) and key.public_key in data
    assert infos.terminal_authentication == (TerminalAuthenticationInfo(1, None, None),)
    assert len(infos.pace) == pace
    assert parse_dg14(write_dg14(infos.infos)) == parse_dg14(write_dg14(reversed(infos.infos)))


def test_several_keys_are_told_apart_by_their_numbers() -> None:
    infos: list[SecurityInfo] = [
        chip_authentication_info("0.4.0.127.0.7.2.2.3.2.2", 1),
        chip_authentication_info("0.4.0.127.0.7.2.2.3.2.4", 2),
        ChipAuthenticationKey("0.4.0.127.0.7.2.2.1.2", "ECDH", SPKI, 1),
        ChipAuthenticationKey("0.4.0.127.0.7.2.2.1.2", "ECDH", SPKI, 2),
    ]
    assert set(parse_dg14(write_dg14(infos)).infos) == set(infos)
    assert SPKI.hex() not in repr(infos)


def test_content_of_card_security() -> None:
    content = element(0x30, element(6, encode_oid(protocol.SECURITY_OBJECT)) + element(0xA0, element(4, CARD_ACCESS)))
    signed = element(0x30, element(2, b"\x03") + element(0x31, b"") + content + element(0x31, b""))
    file = element(0x30, element(6, encode_oid(protocol.CMS_SIGNED_DATA)) + element(0xA0, signed))
    assert parse_card_security(file) == parse_card_access(CARD_ACCESS)
    for wrong in (CARD_ACCESS, file + b"\x00", file.replace(encode_oid(protocol.SECURITY_OBJECT), b"\x06" * 8)):
        with pytest.raises(DocumentError, match=r"SecurityInfos malformed|element"):
            parse_card_security(wrong)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "SECURITY_INFO_MALFORMED"),
        (CARD_ACCESS + b"\x00", "SECURITY_INFO_MALFORMED"),
        (CARD_ACCESS[:-1], "SECURITY_INFO_MALFORMED"),
        (CARD_ACCESS.replace(b"\x02\x01\x02", b"\x02\x01\xff"), "SECURITY_INFO_MALFORMED"),  # a negative version
        (CARD_ACCESS.replace(b"\x02\x01\x02", b"\x04\x01\x02"), "SECURITY_INFO_MALFORMED"),
        (element(0x31, element(0x30, element(6, encode_oid("1.2.3") + b"\x80"))), "OID_MALFORMED"),
        (element(0x31, b"\x00" * (16 * 1024)), "SECURITY_INFO_TOO_LONG"),
        (element(0x31, b"\x30\x00" * 65), "SECURITY_INFO_MALFORMED"),
        (
            write_security_infos([ActiveAuthenticationInfo(1, oid) for oid in list(protocol.ECDSA_PLAIN)[:2]]),
            "SECURITY_INFO_AMBIGUOUS",
        ),
    ],
)
def test_malformed_infos_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_security_infos(data)
    assert refused.value.code == code


ids = st.none() | st.integers(0, 2**63 - 1)
some_info: st.SearchStrategy[SecurityInfo] = st.one_of(
    st.builds(pace_info, st.sampled_from(sorted(protocol.PACE)), ids),
    st.builds(
        PaceDomainParameters, st.just("0.4.0.127.0.7.2.2.4.2"), st.just("ECDH"), st.just("GM"), st.just(SPKI), ids
    ),
    st.builds(chip_authentication_info, st.sampled_from(sorted(protocol.CHIP_AUTHENTICATION)), ids),
    st.builds(
        ChipAuthenticationInfo, st.just("0.4.0.127.0.7.2.2.3.1.4"), st.just("DH"), st.just("AES256"), st.just(2), ids
    ),
    st.builds(ChipAuthenticationKey, st.just("0.4.0.127.0.7.2.2.1.1"), st.just("DH"), st.just(SPKI), ids),
    st.just(ActiveAuthenticationInfo(1, "0.4.0.127.0.7.1.1.4.1.3")),
    st.builds(TerminalAuthenticationInfo, st.integers(1, 2), st.integers(0, 0xFFFF), st.none() | st.integers(0, 255)),
    st.builds(EfDirInfo, st.binary(max_size=300)),
    st.builds(UnknownInfo, st.just("0.4.0.127.0.7.2.2.6"), st.binary(max_size=9).map(lambda data: element(4, data))),
)


@given(st.lists(some_info, max_size=12))
def test_what_is_written_is_read_back(infos: list[SecurityInfo]) -> None:
    assert sorted(map(repr, parse_dg14(write_dg14(infos)).infos)) == sorted(map(repr, infos))
    assert set(parse_dg14(write_dg14(infos)).infos) == set(infos)


@given(st.binary(max_size=300), st.integers(0, 60), st.integers(0, 255))
def test_any_bytes_are_infos_or_refused(data: bytes, position: int, value: int) -> None:
    flipped = bytearray(write_dg14([pace_info("0.4.0.127.0.7.2.2.4.2.2", 13), EfDirInfo(b"\x61\x02\x4f\x00")]))
    flipped[position % len(flipped)] = value
    for candidate in (data, element(0x31, data), element(0x31, element(0x30, data)), bytes(flipped)):
        for parse in (parse_security_infos, parse_dg14, parse_card_security):
            try:
                parse(candidate)
            except DocumentError:
                continue


@given(st.binary(max_size=40))
def test_an_identifier_has_one_encoding(data: bytes) -> None:
    try:
        dotted = decode_oid(data)
    except DocumentError:
        return
    assert encode_oid(dotted) == data
