"""What must hold: EF.SOD in the profile of Doc 9303-10 is read, anything else refused; `openssl cms` reads and writes the same."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from asn1crypto import algos, cms, core, x509
from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding import der
from egate.document.encoding.tlv import element
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.cms import SIGNED_DATA, parse_signed_data, verify_signed_data
from egate.document.pki.security_object import LDS_SECURITY_OBJECT, SIZE_MAX, SOD_TAG, parse_sod
from egate.errors import DocumentError
from hw.sim.pki import SimulatedState
from hw.sim.pki_certificate import Authority
from hw.sim.pki_cms import write_signed_data
from hw.sim.pki_keys import Algorithm
from hw.sim.security_object_writer import group_hashes, write_security_object, write_sod
from tests.document.corpus import corpus_file
from tests.document.signed_documents import NOW, data_groups

STATE = SimulatedState(NOW, algorithm=Algorithm("secp256r1"))
SIGNER = STATE.issue_signer(NOW)
HASHES = group_hashes(data_groups(), "sha256")
SOD = write_sod(HASHES, SIGNER)
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
Attributes = Mapping[str, list[object]]


def code_of(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_sod(data)
    return caught.value.code


def sod_of(content: bytes) -> bytes:
    return element(SOD_TAG, write_signed_data(LDS_SECURITY_OBJECT, content, SIGNER))


def changed(change: Callable[[cms.SignedData], None]) -> bytes:
    """EF.SOD with its signed data changed and encoded anew."""
    info = cms.ContentInfo.load(der.read(SOD, SOD_TAG).value)
    change(info["content"])
    return element(SOD_TAG, info.dump(force=True))


def with_attributes(attributes: Attributes) -> bytes:
    """EF.SOD whose signed attributes are these, signed."""
    values = cms.CMSAttributes([{"type": kind, "values": found} for kind, found in attributes.items()])

    def change(signed: cms.SignedData) -> None:
        signed["signer_infos"][0]["signed_attrs"] = values
        signed["signer_infos"][0]["signature"] = SIGNER.key.sign(values.dump())

    return changed(change)


def is_signed(data: bytes) -> bool:
    return verify_signed_data(parse_sod(data).signed, parse_certificate(SIGNER.certificate)) == ""


def test_versions_of_the_data_structure() -> None:
    for version, expected in (("0107", ("", "")), ("0108", ("0108", "040000"))):
        found = parse_sod(write_sod(HASHES, SIGNER, lds_version=version))
        assert found.hashes == HASHES
        assert (found.lds_version, found.unicode_version, found.hash_algorithm) == (*expected, "sha256")
        assert [each.der for each in found.signed.embedded()] == [SIGNER.certificate]


def test_hash_list() -> None:
    def content(numbers: list[int], size: int = 32) -> bytes:
        entries = (
            element(0x30, core.Integer(number).dump() + core.OctetString(bytes(size)).dump()) for number in numbers
        )
        algorithm = algos.DigestAlgorithm({"algorithm": "sha256"}).dump()
        return element(0x30, core.Integer(0).dump() + algorithm + element(0x30, b"".join(entries)))

    assert set(parse_sod(sod_of(content([1, 2, 16]))).hashes) == {1, 2, 16}
    for numbers in ([1, 2, 1], [0, 1], [1, 17], [-1, 1], []):
        assert code_of(sod_of(content(numbers))) == "SOD_MALFORMED"
    for size in (0, 20, 31, 33):
        assert code_of(sod_of(content([1, 2], size))) == "SOD_MALFORMED"


def test_other_versions_and_hashes_are_refused() -> None:
    good = write_security_object(HASHES, "sha256")
    assert code_of(sod_of(good.replace(b"\x02\x01\x00", b"\x02\x01\x02", 1))) == "SOD_MALFORMED"
    assert code_of(sod_of(good + b"\x00")) == "SOD_MALFORMED"
    md5 = {1: bytes(16), 2: bytes(16)}
    assert code_of(sod_of(write_security_object(md5, "md5"))) == "ALGORITHM_UNSUPPORTED"
    assert code_of(sod_of(write_security_object(HASHES, "sha256", "01x8"))) == "SOD_MALFORMED"


def test_signed_attributes_must_be_there_once_and_right() -> None:
    content = write_security_object(HASHES, "sha256")
    digest, kind = hashlib.sha256(content).digest(), LDS_SECURITY_OBJECT
    good: Attributes = {"content_type": [kind], "message_digest": [digest]}
    assert is_signed(with_attributes(good))
    assert is_signed(with_attributes({**good, "1.2.3.4": [core.Integer(1)]}))
    assert not is_signed(with_attributes({**good, "message_digest": [bytes(32)]}))
    wrong: list[Attributes] = [
        {"content_type": [kind]},
        {"message_digest": [digest]},
        {"content_type": ["data"], "message_digest": [digest]},
        {"content_type": [kind, kind], "message_digest": [digest]},
        {"content_type": [kind], "message_digest": [digest, digest]},
        {"content_type": [], "message_digest": [digest]},
    ]
    for attributes in wrong:
        assert code_of(with_attributes(attributes)) == "SOD_MALFORMED"


def test_attribute_twice() -> None:
    def change(signed: cms.SignedData) -> None:
        found = signed["signer_infos"][0]["signed_attrs"]
        found.append(found[1].copy())

    assert code_of(changed(change)) == "SOD_MALFORMED"


def test_without_signed_attributes() -> None:
    """RFC 5652, 5.3: they must be there for content that is not plain data."""

    def change(signed: cms.SignedData) -> None:
        old = signed["signer_infos"][0]
        kept = {name: old[name] for name in ("version", "sid", "digest_algorithm", "signature_algorithm")}
        bare = SIGNER.key.sign(write_security_object(HASHES, "sha256"))
        signed["signer_infos"] = [cms.SignerInfo(kept | {"signature": bare})]

    assert code_of(changed(change)) == "SOD_MALFORMED"


def test_unsorted_attributes_as_some_signers_sign_them() -> None:
    """RFC 5652, 5.4 signs the DER, which sorts; found in the field: sent and signed unsorted, or sent unsorted and signed sorted."""
    attributes = cms.ContentInfo.load(der.read(SOD, SOD_TAG).value)["content"]["signer_infos"][0]["signed_attrs"]
    parts = [each.dump() for each in attributes]
    sorted_ones, reversed_ones = b"".join(parts), b"".join(reversed(parts))
    assert is_signed(SOD.replace(sorted_ones, reversed_ones))

    def sign_reversed(signed: cms.SignedData) -> None:
        signed["signer_infos"][0]["signature"] = SIGNER.key.sign(element(0x31, reversed_ones))

    as_signed = changed(sign_reversed)
    assert not is_signed(as_signed)
    assert is_signed(as_signed.replace(sorted_ones, reversed_ones))


def test_signers() -> None:
    def none(signed: cms.SignedData) -> None:
        signed["signer_infos"] = []

    def two(signed: cms.SignedData) -> None:
        signed["signer_infos"] = [signed["signer_infos"][0].copy(), signed["signer_infos"][0].copy()]

    def version(signed: cms.SignedData) -> None:
        signed["signer_infos"][0]["version"] = "v3"

    def old(signed: cms.SignedData) -> None:
        signed["version"] = "v1"

    def digests(signed: cms.SignedData) -> None:
        signed["digest_algorithms"] = [{"algorithm": "sha512"}]

    for change in (none, two, version, old, digests):
        assert code_of(changed(change)) == "SOD_MALFORMED"


def test_signer_identifier_names_issuer_and_serial_exactly() -> None:
    other = STATE.issue_signer(NOW)
    assert [each.der for each in parse_sod(SOD).signed.embedded()] == [SIGNER.certificate]

    def serial(signed: cms.SignedData) -> None:
        signed["signer_infos"][0]["sid"].chosen["serial_number"] = other.serial

    assert parse_sod(changed(serial)).signed.embedded() == ()

    def both(signed: cms.SignedData) -> None:
        signed["certificates"] = [x509.Certificate.load(each) for each in (other.certificate, SIGNER.certificate)]

    assert [each.der for each in parse_sod(changed(both)).signed.embedded()] == [SIGNER.certificate]


def test_indefinite_lengths_and_split_content() -> None:
    """BER as some issuers' libraries write it: the envelope indefinite, the content in parts. The signature still holds."""
    signed = der.Fields(
        der.inner(der.read(der.read(SOD, SOD_TAG).value, der.SEQUENCE).children()[1], der.SEQUENCE)
    ).rest()
    content = parse_sod(SOD).signed.content
    parts = b"".join(der.encode(der.OCTET_STRING, content[start : start + 50]) for start in range(0, len(content), 50))
    kind = signed[2].children()[0].raw
    open_, close = b"\x80", b"\x00\x00"
    split = b"\x30" + open_ + kind + b"\xa0" + open_ + b"\x24" + open_ + parts + close + close + close
    body = signed[0].raw + signed[1].raw + split + b"".join(each.raw for each in signed[3:])
    info = core.ObjectIdentifier(SIGNED_DATA).dump() + b"\xa0" + open_ + b"\x30" + open_ + body + close + close
    sod = element(SOD_TAG, b"\x30" + open_ + info + close)
    assert parse_sod(sod).hashes == HASHES
    assert is_signed(sod)


def indefinite(data: bytes, depth: int) -> bytes:
    """The same element in BER, with indefinite lengths down to a depth; the certificate stays as its issuer signed it."""
    (found,) = der.read_all(data)
    if depth == 0 or not found.tag & der.CONSTRUCTED or data == SIGNER.certificate:
        return data
    return bytes((found.tag, 0x80)) + b"".join(indefinite(one.raw, depth - 1) for one in found.children()) + b"\0\0"


@pytest.mark.parametrize("depth", range(1, 8))
def test_every_structure_around_the_signature_may_be_indefinite(depth: int) -> None:
    """Down to the set of signed attributes; what is in it is DER (RFC 5652, 5.3)."""
    sod = indefinite(SOD, depth)
    assert sod[:2] == b"\x77\x80" and sod != indefinite(SOD, depth - 1)
    assert parse_sod(sod).hashes == HASHES
    (signer,) = parse_sod(sod).signed.embedded()
    assert signer.der == SIGNER.certificate
    assert is_signed(sod)
    for end in range(len(sod) - 2, 0, -40):
        assert code_of(sod[:end]) == "SOD_MALFORMED"


def test_limits() -> None:
    assert code_of(b"") == code_of(b"\x77\x00") == code_of(SOD + b"\x00") == "SOD_MALFORMED"
    assert code_of(element(SOD_TAG, bytes(SIZE_MAX))) == "SOD_MALFORMED"
    assert code_of(element(SOD_TAG, b"\x30\x80" * 5000)) == "SOD_MALFORMED"
    assert code_of(element(0x60, der.read(SOD, SOD_TAG).value)) == "SOD_MALFORMED"


@given(st.binary(max_size=120), st.integers(0, 4))
def test_any_bytes_are_read_or_refused(data: bytes, depth: int) -> None:
    for tag in (der.OCTET_STRING, 0xA0, der.SEQUENCE, der.SEQUENCE)[:depth]:
        data = der.encode(tag, data)
    with pytest.raises(DocumentError):
        parse_sod(element(SOD_TAG, data))


@pytest.mark.corpus
def test_specimen() -> None:
    """BSI TR-03105-5: SHA-1, explicit curve parameters, a certificate without key usage. Its signature and every hash verify."""
    found = parse_sod(corpus_file("lds_tsemrtd", "EF_SOD.bin").read_bytes())
    assert (found.hash_algorithm, sorted(found.hashes)) == ("sha1", [1, 2, 3, 14])
    for number in found.hashes:
        data = corpus_file("lds_tsemrtd", f"EF_DG{number}.bin").read_bytes()
        assert found.matches(number, data)
        assert not found.matches(number, data + b"\x00")
    (signer,) = found.signed.embedded()
    assert verify_signed_data(found.signed, signer) == ""


def write_pem(path: Path, label: str, content: bytes) -> Path:
    from asn1crypto import pem

    path.write_bytes(pem.armor(label, content))
    return path


@pytest.mark.peer
@needs_openssl
@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        (Algorithm("secp256r1", "sha256"), []),
        (Algorithm("brainpoolP384r1", "sha384"), []),
        (Algorithm("rsa2048", "sha1"), []),
        (Algorithm("rsa2048", "sha512", pss=True), ["-keyopt", "rsa_padding_mode:pss"]),
        (Algorithm("rsa2048", "sha256"), ["-stream"]),
    ],
    ids=lambda value: getattr(value, "key", ""),
)
@pytest.mark.parametrize("by_key_id", [False, True])
def test_openssl_signs(tmp_path: Path, algorithm: Algorithm, options: list[str], by_key_id: bool) -> None:
    signer: Authority = SimulatedState(NOW, algorithm=algorithm).issue_signer(NOW)
    content = write_security_object(HASHES, "sha256")
    (tmp_path / "content").write_bytes(content)
    certificate = write_pem(tmp_path / "c.pem", "CERTIFICATE", signer.certificate)
    key = write_pem(tmp_path / "k.pem", "PRIVATE KEY", signer.key.pkcs8())
    command = ["cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-econtent_type", LDS_SECURITY_OBJECT]
    command += ["-md", algorithm.hash, "-in", str(tmp_path / "content"), "-out", str(tmp_path / "out")]
    command += ["-signer", str(certificate), "-inkey", str(key), *(["-keyid"] if by_key_id else []), *options]
    subprocess.run([str(OPENSSL), *command], check=True, capture_output=True, timeout=30)
    written = (tmp_path / "out").read_bytes()
    assert (written[:2] == b"\x30\x80") is ("-stream" in options)  # indefinite lengths, content in parts
    found = parse_sod(element(SOD_TAG, written))
    assert found.hashes == HASHES
    (named,) = found.signed.embedded()
    assert named.der == signer.certificate
    assert verify_signed_data(found.signed, named) == ""


@pytest.mark.peer
@needs_openssl
def test_openssl_accepts_what_is_accepted_here(tmp_path: Path) -> None:
    info = der.read(SOD, SOD_TAG).value
    content = parse_signed_data(info, LDS_SECURITY_OBJECT).content
    csca = write_pem(tmp_path / "csca.pem", "CERTIFICATE", STATE.csca.certificate)
    for data, expected in ((info, True), (info.replace(HASHES[2], bytes(32)), False)):
        (tmp_path / "in").write_bytes(data)
        command = ["cms", "-verify", "-inform", "DER", "-in", str(tmp_path / "in"), "-out", str(tmp_path / "out")]
        command += ["-CAfile", str(csca), "-purpose", "any", "-no_check_time"]
        done = subprocess.run([str(OPENSSL), *command], check=False, capture_output=True, timeout=30)
        assert (done.returncode == 0) is expected, done.stderr
        assert (
            verify_signed_data(parse_sod(element(SOD_TAG, data)).signed, parse_certificate(SIGNER.certificate)) == ""
        ) is expected
    (tmp_path / "in").write_bytes(info)
    subprocess.run([str(OPENSSL), *command], check=True, capture_output=True, timeout=30)
    assert (tmp_path / "out").read_bytes() == content
