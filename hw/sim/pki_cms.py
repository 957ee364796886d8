"""CMS signed data (RFC 5652) as EF.SOD, EF.CardSecurity and master lists are (Doc 9303-10, 4.7.13.1; 9303-12, 8.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from asn1crypto import cms, x509

from hw.sim.pki_certificate import Authority


def write_signed_data(
    content_type: str,
    content: bytes,
    signer: Authority,
    *,
    certificates: Sequence[bytes] | None = None,
    signing_time: datetime | None = None,
    by_key_id: bool = False,
) -> bytes:
    """A DER ContentInfo. content_type: dotted OID. certificates: those embedded, the signer's alone by default, may be none.

    by_key_id: the signer is named by subject key identifier instead of issuer and serial number.
    """
    embedded = [signer.certificate] if certificates is None else certificates
    digest = {"algorithm": signer.key.algorithm.hash}
    attributes = _attributes(content_type, hashlib.new(signer.key.algorithm.hash, content).digest(), signing_time)
    signer_info = {
        "version": "v3" if by_key_id else "v1",
        "sid": _identifier(signer, by_key_id),
        "digest_algorithm": digest,
        "signed_attrs": attributes,
        "signature_algorithm": signer.key.signature_algorithm(),
        "signature": signer.key.sign(attributes.dump()),
    }
    signed: dict[str, object] = {
        "version": "v3",
        "digest_algorithms": [digest],
        "encap_content_info": {"content_type": content_type, "content": content},
        "signer_infos": [signer_info],
    }
    if embedded:
        signed["certificates"] = [x509.Certificate.load(certificate) for certificate in embedded]
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump())


def _attributes(content_type: str, digest: bytes, signing_time: datetime | None) -> cms.CMSAttributes:
    found = [{"type": "content_type", "values": [content_type]}, {"type": "message_digest", "values": [digest]}]
    if signing_time is not None:
        moment = cms.Time("utc_time", signing_time.astimezone(UTC).replace(microsecond=0))
        found.append({"type": "signing_time", "values": [moment]})
    return cms.CMSAttributes(found)


def _identifier(signer: Authority, by_key_id: bool) -> cms.SignerIdentifier:
    if by_key_id:
        return cms.SignerIdentifier("subject_key_identifier", signer.key_id)
    content = x509.Certificate.load(signer.certificate)["tbs_certificate"]
    return cms.SignerIdentifier(
        "issuer_and_serial_number",
        {"issuer": content["issuer"], "serial_number": content["serial_number"].native},
    )
