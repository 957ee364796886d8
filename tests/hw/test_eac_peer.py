"""Our halves of PACE, chip and terminal authentication against libeac (OpenPACE), which no one here wrote.

libeac runs in a process of its own (eac_peer.py). It refuses integrated mapping and knows no chip authentication mapping. Its compressed
keys lack leading zeros, which TR-03110-3, D.2.1.2, keeps (coordinates have the field's size): runs that meet one are repeated.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from egate.document.chip.cvc import ALGORITHMS, Role
from egate.document.chip.security_info_writer import pace_info
from egate.document.chip.security_protocol import CHIP_AUTHENTICATION, PACE, oid_of
from egate.domain.check_result import CheckResult
from hw.emrtd.protocol import pace, terminal_authentication
from hw.emrtd.protocol.chip_authentication import ChipProof
from hw.emrtd.protocol.chip_authentication import authenticate as authenticate_chip
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.protocol.pace import PaceResult, Password, PasswordKind
from hw.emrtd.protocol.pace_chip import ChipHalf as PaceChipHalf
from hw.emrtd.protocol.step import StepFailed
from hw.emrtd.protocol.terminal_authentication_chip import TrustPoints
from hw.emrtd.protocol.terminal_chain import parse_terminal_chain
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from tests.document.cvc_authorities import Authority, issue, three
from tests.hw.eac_bench import (
    CAN,
    CURVES,
    ID_ICC,
    INFORMATION,
    SUITES,
    ZONE,
    OurChip,
    Peer,
    chip_infos,
    chip_key,
    converse,
    dh_key,
    entropy,
    protected,
    run,
    succeeds,
)


def _installed() -> bool:
    """Whether there is a libeac: asked of the loader in another process, so that it never comes into this one."""
    code = "import ctypes; ctypes.CDLL('libeac.so.3')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not _installed(), reason="libeac is absent: apt-get install libeac3"),
]


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    found = Peer()
    yield found
    found.close()


def pace_cases() -> list[tuple[str, int]]:
    elliptic = [(oid_of(PACE, "ECDH", "GM", suite), parameter) for suite in SUITES for parameter in CURVES]
    return elliptic + [(oid_of(PACE, "DH", "GM", suite), parameter) for suite in SUITES for parameter in (0, 1, 2)]


# --- PACE


# A nonce is any number of the cipher's blocks (Doc 9303-11, 4.4.3.3); libeac's has one, which for 3DES is 8 bytes.
@pytest.mark.parametrize(("oid", "parameter"), pace_cases())
def test_our_terminal_opens_its_chip(peer: Peer, oid: str, parameter: int) -> None:
    def opens() -> bool:
        peer.ask(op="chip", password=CAN.hex(), kind=2, pace={"oid": oid, "parameter": parameter})
        try:
            result = run(
                pace.authenticate(pace_info(oid, parameter), Password.of_can(CAN.decode()), entropy), peer.transmit
            )
        except StepFailed:
            return False
        # A hash (DH) is whole at the peer's; a coordinate (ECDH) may lack its leading zeros there.
        whole = result.chip_key if PACE[oid][0] == "DH" else result.chip_key.lstrip(b"\0")
        assert whole.hex() == peer.last["id_icc"]
        send = protected(result.messaging, peer.transmit)
        return all(send(apdu.select_file(0x010E)).sw == apdu.SW_OK for _ in range(3))

    assert succeeds(PACE[oid][0], opens)


@pytest.mark.parametrize(("oid", "parameter"), pace_cases())
def test_its_terminal_opens_our_chip(peer: Peer, oid: str, parameter: int) -> None:
    passwords = {PasswordKind.CAN: Password.of_can(CAN.decode())}

    def opens() -> bool:
        chip = OurChip(PaceChipHalf([pace_info(oid, parameter)], passwords, entropy))
        reached = converse(peer, chip, ["pace"], password=CAN, kind=2, pace={"oid": oid, "parameter": parameter})
        return bool(reached == ["pace"]) and [command.ins for command in chip.seen] == [0x22, *[0x86] * 4, 0xA4]

    assert succeeds(PACE[oid][0], opens)


def test_both_ways_by_the_zone(peer: Peer) -> None:
    oid, parameter = oid_of(PACE, "ECDH", "GM", "AES128"), 13
    password = Password.of_mrz(INFORMATION)
    peer.ask(op="chip", password=ZONE.hex(), kind=1, pace={"oid": oid, "parameter": parameter})
    assert run(pace.authenticate(pace_info(oid, parameter), password, entropy), peer.transmit).messaging
    chip = OurChip(PaceChipHalf([pace_info(oid, parameter)], {PasswordKind.MRZ: password}, entropy))
    assert converse(peer, chip, ["pace"], password=ZONE, kind=1, pace={"oid": oid, "parameter": parameter})


def test_another_password_opens_neither(peer: Peer) -> None:
    oid, parameter = oid_of(PACE, "ECDH", "GM", "AES128"), 13
    peer.ask(op="chip", password=b"654321".hex(), kind=2, pace={"oid": oid, "parameter": parameter})
    with pytest.raises(StepFailed, match="wrong_key"):
        run(pace.authenticate(pace_info(oid, parameter), Password.of_can(CAN.decode()), entropy), peer.transmit)
    assert peer.last["refused"] == "PACE_STEP3D_verify_authentication_token"
    chip = OurChip(PaceChipHalf([pace_info(oid, parameter)], {PasswordKind.CAN: Password.of_can("654321")}, entropy))
    refusal = converse(peer, chip, ["pace"], password=CAN, kind=2, pace={"oid": oid, "parameter": parameter})
    assert refusal == "00860000 6300"


@pytest.mark.parametrize("agreement", ["ECDH", "DH"])
def test_it_refuses_integrated_mapping(peer: Peer, agreement: str) -> None:
    """Proof for what the tests above leave out: libeac has it for TR-03110 2.01 only. Where this fails, add integrated mapping to them."""
    oid = oid_of(PACE, agreement, "IM", "AES128")
    assert peer.ask(op="chip", password=CAN.hex(), kind=2, pace={"oid": oid, "parameter": 13}) == {
        "error": f"pace {oid}"
    }


# --- Chip authentication


@pytest.mark.parametrize("parameter", CURVES)
@pytest.mark.parametrize("suite", SUITES)
def test_our_terminal_authenticates_its_chip(peer: Peer, suite: str, parameter: int) -> None:
    spki, pkcs8, _ = chip_key(parameter, 0xABCDEF1234567)
    config = {"oid": oid_of(CHIP_AUTHENTICATION, "ECDH", suite), "parameter": parameter, "key": pkcs8.hex()}
    peer.ask(op="chip", ca=config)
    proof = run(authenticate_chip(chip_infos(suite, spki), None, entropy), peer.transmit)
    assert proof.authentication.result is CheckResult.PASS and proof.messaging is not None
    assert protected(proof.messaging, peer.transmit)(apdu.select_file(0x0101)).sw == apdu.SW_OK
    _, other, _ = chip_key(parameter, 0x1234567ABCDEF)
    peer.ask(op="chip", ca={**config, "key": other.hex()})
    copied = run(authenticate_chip(chip_infos(suite, spki), None, entropy), peer.transmit)
    assert (copied.authentication.result, copied.cause) == (CheckResult.FAIL, "unprotected_6988")


@pytest.mark.parametrize("parameter", CURVES)
@pytest.mark.parametrize("suite", SUITES)
def test_its_terminal_authenticates_our_chip(peer: Peer, suite: str, parameter: int) -> None:
    spki, _, point = chip_key(parameter, 0xABCDEF1234567)
    config = {"oid": oid_of(CHIP_AUTHENTICATION, "ECDH", suite), "parameter": parameter, "public": point.hex()}
    chip = OurChip(keys=[ChipKey(spki, 0xABCDEF1234567)])
    assert converse(peer, chip, ["ca"], ca=config) == ["ca"]
    copied = OurChip(keys=[ChipKey(spki, 0x1234567ABCDEF)])
    assert converse(peer, copied, ["ca"], ca=config) == "EAC_verify_authentication"


@pytest.mark.parametrize("parameter", [0, 1, 2])
@pytest.mark.parametrize("suite", SUITES)
def test_chip_authentication_in_prime_fields(peer: Peer, suite: str, parameter: int) -> None:
    private = 0xABCDEF1234567
    spki, public = dh_key(parameter, private)
    infos = chip_infos(suite, spki, "DH")
    config = {"oid": infos.chip_authentication[0].oid, "parameter": parameter, "public": public.hex()}

    def its_chip_is_authentic() -> bool:
        peer.ask(op="chip", ca={**config, "key": private.to_bytes(7, "big").hex()})
        return run(authenticate_chip(infos, None, entropy), peer.transmit).authentication.result is CheckResult.PASS

    def our_chip_is_authentic() -> bool:
        return bool(converse(peer, OurChip(keys=[ChipKey(spki, private)]), ["ca"], ca=config) == ["ca"])

    assert succeeds("DH", its_chip_is_authentic)
    assert succeeds("DH", our_chip_is_authentic)


# --- PACE, chip and terminal authentication in one session


@pytest.mark.parametrize("after_pace", [True, False])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_its_chip_lets_our_terminal_in(peer: Peer, algorithm: str, after_pace: bool) -> None:
    authorities = three(algorithm)
    result, proof = our_terminal_opens(peer, authorities, after_pace)
    assert proof.messaging is not None
    chain = parse_terminal_chain([item.certificate.encoded for item in authorities], authorities[-1].pkcs8)
    id_icc = result.chip_key if result else ID_ICC
    step = terminal_authentication.authenticate(chain, id_icc, proof.terminal_key)
    run(step, telling(protected(proof.messaging, peer.transmit), authorities[0]))
    assert peer.last["terminal"] == "authentic"


def test_its_chip_lets_no_other_terminal_in(peer: Peer) -> None:
    authorities = three()
    chain = parse_terminal_chain([item.certificate.encoded for item in authorities], authorities[-1].pkcs8)
    impostor = issue(None, Role.CVCA, "DECVCAEGATE00001", 66)
    verifier = impostor.issue(Role.DV_DOMESTIC, "DEDVEGATE00001", 2)
    foreign = (impostor, verifier, verifier.issue(Role.TERMINAL, "DEISEGATE00001", 3))
    forged = parse_terminal_chain([item.certificate.encoded for item in foreign], foreign[-1].pkcs8)
    for presented, id_icc, cause, refused in (
        (chain, b"T220001294", "wrong_key", "TA_STEP6_verify"),
        (forged, ID_ICC, "certificate_refused", "TA_STEP2_import_certificate"),
    ):
        _, proof = our_terminal_opens(peer, authorities, after_pace=False)
        assert proof.messaging is not None
        step = terminal_authentication.authenticate(presented, id_icc, proof.terminal_key)
        with pytest.raises(StepFailed, match=cause):
            run(step, telling(protected(proof.messaging, peer.transmit), authorities[0]))
        assert peer.last["refused"] == refused


@pytest.mark.parametrize("after_pace", [True, False])
@pytest.mark.parametrize("suite", SUITES)
def test_our_chip_lets_its_terminal_in(peer: Peer, suite: str, after_pace: bool) -> None:
    cvca, verifier, terminal = three()
    chip, steps, config = its_terminal_for(suite, after_pace, (cvca, verifier, terminal))
    while converse(peer, chip, steps, **config) != steps and chip.has_leading_zero:
        chip, steps, config = its_terminal_for(suite, after_pace, (cvca, verifier, terminal))
    assert peer.last == {"done": steps}
    assert chip.rights == {3, 4}


def test_our_chip_lets_its_terminal_in_with_no_wrong_certificate_or_key(peer: Peer) -> None:
    authorities = three()
    for changed in ({"key": authorities[1].pkcs8}, {"chain": [authorities[1].certificate.encoded.hex()]}):
        chip, steps, config = its_terminal_for("AES128", True, authorities)
        assert converse(peer, chip, steps, **{**config, **changed}) != steps
        assert chip.rights == frozenset()


def our_terminal_opens(
    peer: Peer, authorities: tuple[Authority, ...], after_pace: bool
) -> tuple[PaceResult | None, ChipProof]:
    spki, pkcs8, _ = chip_key(13, 0xABCDEF1234567)
    oid = oid_of(PACE, "ECDH", "GM", "AES128")
    config: dict[str, Any] = {
        "ca": {"oid": oid_of(CHIP_AUTHENTICATION, "ECDH", "AES256"), "parameter": 13, "key": pkcs8.hex()},
        "cvca": authorities[0].certificate.encoded.hex(),
        "id_icc": ID_ICC.hex(),
    }
    result = None
    if after_pace:
        config |= {"password": CAN.hex(), "kind": 2, "pace": {"oid": oid, "parameter": 13}}
    while True:
        peer.ask(op="chip", **config)
        if after_pace:
            result = run(pace.authenticate(pace_info(oid, 13), Password.of_can(CAN.decode()), entropy), peer.transmit)
        messaging = result.messaging if result else None
        proof = run(authenticate_chip(chip_infos("AES256", spki), messaging, entropy), peer.transmit)
        if proof.terminal_key[0] and (result is None or result.chip_key[0]):
            return result, proof


def telling(transmit: Callable[[Command], Response], cvca: Authority) -> Callable[[Command], Response]:
    """The peer has no files; EF.CVCA is answered in its place."""
    ef_cvca = TrustPoints([cvca.certificate.encoded]).ef_cvca()

    def answer(command: Command) -> Response:
        response = transmit(command)
        return Response(ef_cvca, apdu.SW_OK) if command.ins == apdu.READ_BINARY else response

    return answer


def its_terminal_for(
    suite: str, after_pace: bool, authorities: tuple[Authority, Authority, Authority]
) -> tuple[OurChip, list[str], dict[str, Any]]:
    spki, _, point = chip_key(13, 0xABCDEF1234567)
    oid = oid_of(PACE, "ECDH", "GM", suite)
    passwords = {PasswordKind.CAN: Password.of_can(CAN.decode())}
    half = PaceChipHalf([pace_info(oid, 13)], passwords, entropy) if after_pace else None
    cvca, verifier, terminal = authorities
    config: dict[str, Any] = {
        "password": CAN,
        "kind": 2,
        "pace": {"oid": oid, "parameter": 13},
        "ca": {"oid": oid_of(CHIP_AUTHENTICATION, "ECDH", suite), "parameter": 13, "public": point.hex()},
        "cvca": terminal.certificate.encoded.hex(),
        "chain": [item.certificate.encoded.hex() for item in (verifier, terminal)],
        "key": terminal.pkcs8,
        "id_icc": ID_ICC.hex(),
    }
    chip = OurChip(half, [ChipKey(spki, 0xABCDEF1234567)], TrustPoints([cvca.certificate.encoded]))
    return chip, ["pace", "ca", "ta"] if after_pace else ["ca", "ta"], config
