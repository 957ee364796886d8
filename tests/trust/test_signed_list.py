"""A signed list is taken whole and from its signer alone; any other bytes are a DocumentError."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms, core
from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding import der
from egate.document.pki.master_list import judge, parse_master_list
from egate.document.pki.signed_list import LIST_SIZE_MAX, open_signed_list, require_signer
from egate.errors import DocumentError
from tests.trust.authority import (
    DAY,
    DEVIATION_LIST,
    DEVIATION_SIGNING,
    LIST_SIGNING,
    MASTER_LIST,
    NOW,
    core_oid,
    csca,
    issue,
    master_list,
    master_list_content,
    signed_list,
)

ROOT = csca()
OTHER = csca("XB")
LIST = master_list(ROOT, [ROOT.der, OTHER.der])


def code_of(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        open_signed_list(data)
    return caught.value.code


def test_a_list_yields_its_certificates_signer_and_time() -> None:
    signed = open_signed_list(LIST)
    assert signed.kind == MASTER_LIST
    assert signed.signed_at == NOW - DAY
    assert signed.companions == (ROOT.parsed,)
    assert require_signer(signed, [ROOT.parsed], NOW) == ROOT.parsed
    assert set(parse_master_list(signed.content).usable) == {ROOT.parsed, OTHER.parsed}


@pytest.mark.parametrize("by_key_id", [True, False])
def test_both_ways_to_name_the_signer(by_key_id: bool) -> None:
    signer = issue(ROOT, usage=LIST_SIGNING)
    data = signed_list(MASTER_LIST, master_list_content([ROOT.der]), signer, by_key_id=by_key_id)
    assert open_signed_list(data).signer == signer.parsed


def test_a_list_written_by_openssl(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    signer = issue(ROOT, usage=LIST_SIGNING)
    (tmp_path / "content").write_bytes(master_list_content([ROOT.der]))
    (tmp_path / "cert.pem").write_bytes(signer.pem)
    (tmp_path / "key.pem").write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = "openssl cms -sign -binary -nodetach -nosmimecap -md sha256 -keyid -outform DER -in content -signer cert.pem -inkey key.pem"
    made = subprocess.run(
        [*command.split(), "-econtent_type", MASTER_LIST], cwd=tmp_path, capture_output=True, check=True
    )
    signed = open_signed_list(made.stdout)
    assert signed.signer == signer.parsed
    assert require_signer(signed, [ROOT.parsed], NOW + 365 * DAY) == ROOT.parsed


def test_every_flipped_bit_is_noticed() -> None:
    """One bit of every octet of a list whose content is small: almost all of it is structure."""
    generator = random.Random(5)
    for position in range(len(LIST)):
        flipped = bytearray(LIST)
        flipped[position] ^= 1 << generator.randrange(8)
        with pytest.raises(DocumentError):
            require_signer(open_signed_list(bytes(flipped)), [ROOT.parsed], NOW)


@pytest.mark.parametrize(
    ("pins", "at", "code"),
    [
        ([], NOW, "LIST_SIGNER_NOT_PINNED"),
        ([OTHER], NOW, "LIST_SIGNER_NOT_PINNED"),
        ([csca()], NOW, "LIST_SIGNER_NOT_PINNED"),  # same name, another key
        ([ROOT], NOW + 2000 * DAY, "LIST_SIGNER_EXPIRED"),
        ([ROOT], NOW - 200 * DAY, "LIST_SIGNER_EXPIRED"),
    ],
)
def test_a_signer_must_be_pinned_and_valid(pins: list, at, code: str) -> None:  # type: ignore[no-untyped-def,type-arg]
    with pytest.raises(DocumentError) as caught:
        require_signer(open_signed_list(LIST), [pin.parsed for pin in pins], at)
    assert caught.value.code == code


@pytest.mark.parametrize("usage", ["", DEVIATION_SIGNING])
def test_a_document_signer_signs_no_master_list(usage: str) -> None:
    signer = issue(ROOT, usage=usage)
    signed = open_signed_list(signed_list(MASTER_LIST, master_list_content([ROOT.der]), signer))
    with pytest.raises(DocumentError) as caught:
        require_signer(signed, [ROOT.parsed], NOW)
    assert caught.value.code == "LIST_SIGNER_NOT_FOR_LISTS"


def test_a_csca_may_sign_its_list_itself() -> None:
    signed = open_signed_list(signed_list(MASTER_LIST, master_list_content([ROOT.der]), ROOT))
    assert require_signer(signed, [ROOT.parsed], NOW) == ROOT.parsed


def test_a_list_without_signing_time_has_no_age_and_is_refused() -> None:
    signer = issue(ROOT, usage=LIST_SIGNING)
    assert (
        code_of(signed_list(MASTER_LIST, master_list_content([ROOT.der]), signer, signed_at=None)) == "LIST_MALFORMED"
    )


def test_a_signer_who_is_not_embedded_is_missing() -> None:
    signer = issue(ROOT, usage=LIST_SIGNING)
    data = signed_list(MASTER_LIST, master_list_content([ROOT.der]), signer, embedded=[ROOT])
    assert code_of(data) == "LIST_SIGNER_MISSING"


def test_the_signed_content_type_is_the_contents() -> None:
    """Else a deviation list could be turned into a master list."""
    signer = issue(ROOT, usage=LIST_SIGNING)
    data = signed_list(MASTER_LIST, master_list_content([ROOT.der]), signer, attribute_kind=DEVIATION_LIST)
    assert code_of(data) == "LIST_MALFORMED"


def change_signer(change: Callable[[cms.SignerInfo], None]) -> bytes:
    info = cms.ContentInfo.load(LIST)
    change(info["content"]["signer_infos"][0])
    return bytes(info.dump(force=True))


def test_nothing_is_added_that_is_not_signed() -> None:
    def unsigned(signer: cms.SignerInfo) -> None:
        signer["unsigned_attrs"] = [{"type": "1.2.3.4", "values": [core.Integer(1)]}]

    assert code_of(change_signer(unsigned)) == "LIST_MALFORMED"


def test_attributes_are_as_they_were_signed() -> None:
    """An issuer of chips may send them in another order than it signed them; a list in another order was changed."""
    attributes = bytes(cms.ContentInfo.load(LIST)["content"]["signer_infos"][0]["signed_attrs"].contents)
    parts = [child.raw for child in der.read_all(attributes)]
    assert code_of(LIST.replace(attributes, b"".join(reversed(parts)))) == "LIST_SIGNATURE_INVALID"


def test_the_hash_outside_is_the_signers() -> None:
    sha256, sha512 = core_oid("2.16.840.1.101.3.4.2.1"), core_oid("2.16.840.1.101.3.4.2.3")
    assert code_of(LIST.replace(sha256, sha512, 1)) == "LIST_MALFORMED"


def test_what_comes_along_is_signed_by_somebody_known() -> None:
    signer, heir = issue(ROOT, usage=LIST_SIGNING), csca(common="CSCA 2")
    content = master_list_content([ROOT.der])
    link = csca(common="CSCA 2", key=heir.key, issuer=ROOT)
    linked = open_signed_list(signed_list(MASTER_LIST, content, signer, embedded=[signer, link]))
    assert require_signer(linked, [ROOT.parsed], NOW) == ROOT.parsed
    strange = csca(issuer=OTHER)
    signed = open_signed_list(signed_list(MASTER_LIST, content, signer, embedded=[signer, strange]))
    with pytest.raises(DocumentError) as caught:
        require_signer(signed, [ROOT.parsed], NOW)
    assert caught.value.code == "LIST_COMPANION_UNKNOWN"


def test_an_expired_link_certificate_does_not_hide_the_csca() -> None:
    """One key, two certificates."""
    link = csca(key=ROOT.key, issuer=csca(), end=NOW - DAY)
    signed = open_signed_list(LIST)
    assert require_signer(signed, [link.parsed, ROOT.parsed], NOW) == ROOT.parsed
    with pytest.raises(DocumentError) as caught:
        require_signer(signed, [link.parsed], NOW)
    assert caught.value.code == "LIST_SIGNER_EXPIRED"


def test_another_content_type_is_refused() -> None:
    signer = issue(ROOT, usage=LIST_SIGNING)
    assert code_of(signed_list("2.23.136.1.1.1", b"\x30\x00", signer)) == "LIST_MALFORMED"


def test_a_list_beyond_the_limit_is_refused_at_once() -> None:
    assert code_of(LIST + bytes(LIST_SIZE_MAX)) == "LIST_MALFORMED"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x30\x00",
        master_list_content([]),
        master_list_content([ROOT.der], version=1),
        master_list_content([ROOT.der]) + b"\x00",
    ],
)
def test_a_malformed_content_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_master_list(content)
    assert caught.value.code == "MASTER_LIST_MALFORMED"


def test_what_cannot_be_used_is_named_and_the_rest_is_used() -> None:
    broken = bytearray(OTHER.der)
    broken[-1] ^= 1  # its own signature
    document_signer = issue(ROOT)
    cut = ROOT.der[:40]
    found = judge([ROOT.der, bytes(broken), document_signer.der, cut, ROOT.der])
    assert [one.der for one in found.usable] == [ROOT.der, bytes(broken)]
    assert [one.reason for one in found.unusable] == ["ANCHOR_NO_CA", "CERTIFICATE_MALFORMED"]
    assert [one.reason for one in found.doubtful] == ["SIGNATURE_INVALID"]


@given(st.binary(max_size=400))
def test_any_bytes_are_a_document_error(data: bytes) -> None:
    with pytest.raises(DocumentError):
        open_signed_list(data)


@given(st.integers(0, len(LIST) - 1), st.binary(min_size=1, max_size=8), st.integers(0, 8))
def test_any_change_is_a_document_error_or_nothing(start: int, patch: bytes, cut: int) -> None:
    changed = LIST[:start] + patch + LIST[start + cut :]
    if changed == LIST:
        return
    with pytest.raises(DocumentError):
        require_signer(open_signed_list(changed), [ROOT.parsed], NOW)


@given(st.binary(max_size=300))
def test_any_certificate_of_a_list_is_judged(data: bytes) -> None:
    found = judge([data])
    assert len(found.usable) + len(found.unusable) == 1


def test_time_zone_of_validity_is_kept() -> None:
    assert open_signed_list(LIST).signed_at.utcoffset() == timedelta(0)
