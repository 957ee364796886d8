"""Visible digital seals of the simulated state: their signers (ICAO Doc 9303-12, 7.1.3) and the bytes of their bar codes.

signer = issue_seal_signer(state, now, "TS", 0x5B)
seal = write_vds(signer, "UTO", VISA, visa_message(lines, Stay(90, 0, 0), "L898902C3"), today)
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, datetime

from asn1crypto import core, x509
from cryptography.hazmat.primitives.asymmetric import utils

from egate.document.crypto.public_key import EcKey, load_public_key
from egate.document.encoding.tlv import element
from egate.document.seal.canonical_json import JsonValue, canonical_json
from egate.document.seal.vds import hash_of
from egate.document.seal.vds_c40 import encode_c40
from egate.document.seal.vds_features import VISA
from egate.document.seal.vds_header import MAGIC
from egate.document.seal.vds_zone import Stay
from hw.sim.pki import SimulatedState
from hw.sim.pki_certificate import DOCUMENT_TYPE_LIST, Authority, write_certificate
from hw.sim.pki_keys import Algorithm, PrivateKey, generate_key

SIGNATURE_MARKER = 0xFF
_SEQUENCE, _SET = 0x30, 0x31
_SECOND_LINE_OF_VISA = 28  # characters that are sealed


def issue_seal_signer(
    state: SimulatedState,
    now: datetime,
    initials: str,
    serial: int,
    *,
    usage: str = "2.23.136.1.1.11.1",
    document_types: Sequence[str] = (),
    algorithm: Algorithm | None = None,
    valid: tuple[datetime, datetime] | None = None,
) -> Authority:
    """initials, serial: what seals name the signer by. usage: extended key usage, "" for none. document_types: () for no list."""
    key = generate_key(algorithm or Algorithm())
    extensions = [
        x509.Extension({"extn_id": "authority_key_identifier", "extn_value": {"key_identifier": state.csca.key_id}})
    ]
    if usage:
        extensions.append(x509.Extension({"extn_id": "extended_key_usage", "critical": True, "extn_value": [usage]}))
    if document_types:
        types = b"".join(sorted(core.PrintableString(item).dump() for item in document_types))
        content = element(_SEQUENCE, core.Integer(0).dump() + element(_SET, types))
        extensions.append(
            x509.Extension({"extn_id": DOCUMENT_TYPE_LIST, "extn_value": core.ParsableOctetString(content)})
        )
    subject = x509.Name.build({"country_name": state.country, "common_name": initials}, use_printable=True)
    valid = valid or (now, now.replace(year=now.year + 5))
    return Authority(write_certificate(subject, key, state.csca, serial, valid, extensions), key)


def write_vds(
    signer: Authority,
    state: str,
    kind: tuple[int, int],
    message: Sequence[tuple[int, bytes]],
    issued: date,
    *,
    version: int = 4,
    signed: date | None = None,
) -> bytes:
    """state: of the header, three letters. kind: document feature definition and category. message: tags and values, in order."""
    definition, category = kind
    header = bytes([MAGIC, version - 1]) + encode_c40(state.ljust(3, "<")) + _reference(signer, version)
    header += _date(issued) + _date(signed or issued) + bytes([definition, category])
    content = header + b"".join(_feature(tag, value, version) for tag, value in message)
    key = load_public_key(signer.key.spki())
    if not isinstance(key, EcKey):
        raise TypeError("seals are signed with ECDSA")
    return content + _feature(SIGNATURE_MARKER, sign_plain(signer.key, hash_of(key), content), version)


def visa_message(
    lines: Sequence[str], stay: Stay, passport: str, *, entries: int | None = None
) -> list[tuple[int, bytes]]:
    """lines: of an MRV-A or MRV-B (Doc 9303-7, 9.1.3)."""
    zone = lines[0] + lines[1][:_SECOND_LINE_OF_VISA]
    message = [(0x01 if len(lines[0]) > 36 else 0x02, encode_c40(zone))]
    if entries is not None:
        message.append((0x03, bytes([entries])))
    return [*message, (0x04, bytes([stay.days, stay.months, stay.years])), (0x05, encode_c40(passport))]


def write_visa(signer: Authority, state: str, lines: Sequence[str], passport: str, issued: date) -> bytes:
    """The seal of a visa for 90 days and one entry."""
    return write_vds(signer, state, VISA, visa_message(lines, Stay(90, 0, 0), passport, entries=1), issued)


def write_vds_nc(
    signer: Authority,
    kind: str,
    state: str,
    message: dict[str, JsonValue],
    *,
    version: int = 1,
    algorithm: str = "ES256",
) -> bytes:
    """kind: "icao.vacc" … algorithm: as stated; the hash follows from it."""
    data: JsonValue = {"hdr": {"t": kind, "v": version, "is": state}, "msg": message}
    proof: JsonValue = {
        "alg": algorithm,
        "cer": _base64(signer.certificate),
        "sigvl": _base64(sign_plain(signer.key, f"sha{algorithm[2:]}", canonical_json(data))),
    }
    return canonical_json({"data": data, "sig": proof})


def sign_plain(key: PrivateKey, hash_name: str, data: bytes) -> bytes:
    """r and s, each as long as the curve's order. Raises TypeError for RSA."""
    public = load_public_key(key.spki())
    if not isinstance(public, EcKey):
        raise TypeError("no curve")
    numbers = utils.decode_dss_signature(key.with_hash(hash_name).sign(data))
    return b"".join(number.to_bytes(public.curve.order_size, "big") for number in numbers)


def _reference(signer: Authority, version: int) -> bytes:
    """Doc 9303-13, 2.2.1: from the certificate's subject and serial number."""
    names = signer.name.native
    identifier, serial = names["country_name"] + names["common_name"], f"{signer.serial:X}"
    return encode_c40(identifier + (serial.zfill(5) if version == 3 else f"{len(serial):02X}{serial}"))


def _feature(tag: int, value: bytes, version: int) -> bytes:
    """Version 3 has one byte of length, version 4 DER's."""
    return bytes([tag, len(value)]) + value if version == 3 else bytes([tag]) + element(0x04, value)[1:]


def _date(day: date) -> bytes:
    return int(f"{day:%m%d}{day.year:04}").to_bytes(3, "big")


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")
