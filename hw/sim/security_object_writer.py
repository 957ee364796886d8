"""Writes EF.SOD and EF.CardSecurity (ICAO Doc 9303-10, 4.7.13 and 9303-11, 9.2.11).

Hashes, algorithms, versions and signer are arguments: a forgery is a call with other ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from asn1crypto import algos, core

from egate.document.encoding.tlv import element
from hw.sim.pki_certificate import Authority
from hw.sim.pki_cms import write_signed_data

SOD_TAG, SEQUENCE = 0x77, 0x30
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"  # Doc 9303-10, 4.7.13.2: id-icao-ldsSecurityObject
CARD_SECURITY_OBJECT = "0.4.0.127.0.7.3.2.1"  # TR-03110-3, A.1.2.5: id-SecurityObject
UNICODE_VERSION = "040000"


def group_hashes(files: Mapping[str, bytes], hash_name: str) -> dict[int, bytes]:
    """The hash of each data group by its number. files: by names as in egate.domain.chip; others than data groups are passed over."""
    groups = {int(name[2:]): content for name, content in files.items() if name.startswith("dg")}
    return {number: hashlib.new(hash_name, groups[number]).digest() for number in sorted(groups)}


def write_security_object(hashes: Mapping[int, bytes], hash_name: str, lds_version: str = "0107") -> bytes:
    """DER LDSSecurityObject. lds_version: from "0108" on it is written inside, in a version 1 object."""
    content = core.Integer(0 if lds_version == "0107" else 1).dump()
    content += algos.DigestAlgorithm({"algorithm": hash_name}).dump()
    content += element(SEQUENCE, b"".join(_group_hash(number, value) for number, value in hashes.items()))
    if lds_version != "0107":
        versions = core.PrintableString(lds_version).dump() + core.PrintableString(UNICODE_VERSION).dump()
        content += element(SEQUENCE, versions)
    return element(SEQUENCE, content)


def _group_hash(number: int, value: bytes) -> bytes:
    return element(SEQUENCE, core.Integer(number).dump() + core.OctetString(value).dump())


def write_sod(
    hashes: Mapping[int, bytes],
    signer: Authority,
    *,
    hash_name: str = "sha256",
    lds_version: str = "0107",
    signing_time: datetime | None = None,
    by_key_id: bool = False,
    embedded: bool = True,
) -> bytes:
    """EF.SOD over these data group hashes. embedded: with the signer's certificate (optional in LDS 1.7 only)."""
    content = write_security_object(hashes, hash_name, lds_version)
    certificates = None if embedded else ()
    return element(
        SOD_TAG,
        write_signed_data(
            LDS_SECURITY_OBJECT,
            content,
            signer,
            certificates=certificates,
            signing_time=signing_time,
            by_key_id=by_key_id,
        ),
    )


def write_card_security(security_infos: bytes, signer: Authority) -> bytes:
    """EF.CardSecurity: signed SecurityInfos (DER SET), for PACE with chip authentication mapping."""
    return write_signed_data(CARD_SECURITY_OBJECT, security_infos, signer)
