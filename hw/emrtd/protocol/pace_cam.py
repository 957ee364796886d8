"""Chip authentication mapping (ICAO Doc 9303-11, 4.4.3.3.3 and 4.4.3.5): PACE that also proves the chip's private key.

The chip's mapping key is PK_Map,IC = SK_Map,IC * G and its static one PK_IC = SK_IC * G, in EF.CardSecurity. With the last token it sends

    CA_IC = SK_IC^-1 * SK_Map,IC mod n       encrypted with KS_Enc, IV = E(KS_Enc, -1)

so that CA_IC * PK_IC = PK_Map,IC holds for who knows SK_IC. That counts only if EF.CardSecurity is signed.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from egate.document.chip.security_info import SecurityInfos
from egate.document.crypto.public_key import EcKey, load_public_key
from egate.domain.check_result import CheckResult
from egate.domain.chip import ChipAuthentication, ChipAuthenticationProtocol
from egate.errors import DocumentError
from hw.emrtd.protocol import cipher
from hw.emrtd.protocol.cipher import Bytes, Suite
from hw.emrtd.protocol.pace_domain import domain
from hw.emrtd.protocol.pace_group import EcGroup


@dataclass(frozen=True, slots=True, repr=False)
class MappingProof:
    """data: CA_IC, big-endian. mapping_key: PK_Map,IC as the chip sent it. parameter_id: the curve's."""

    parameter_id: int
    data: bytes
    mapping_key: bytes

    def __repr__(self) -> str:
        return "MappingProof(redacted)"


def prove_chip(proof: MappingProof, infos: SecurityInfos) -> ChipAuthentication:
    """Holds the proof against the keys in infos, of EF.CardSecurity.

    PASS names the key that the chip proved; FAIL the first one it did not, b"" if EF.CardSecurity has none.
    """
    keys = [key.public_key for key in infos.chip_authentication_keys]
    proven = [key for key in keys if verify_chip_authentication_data(proof, key)]
    result = CheckResult.PASS if proven else CheckResult.FAIL
    return ChipAuthentication(ChipAuthenticationProtocol.PACE_CAM, (proven or keys or [b""])[0], result)


def verify_chip_authentication_data(proof: MappingProof, public_key: bytes) -> bool:
    """Whether the chip knows the private key to public_key (DER SubjectPublicKeyInfo). False also for a key of another curve."""
    group = domain(proof.parameter_id)
    try:
        key = load_public_key(public_key)
    except DocumentError:
        return False
    if not isinstance(group, EcGroup) or not isinstance(key, EcKey) or key.curve != group.curve:
        return False
    number = int.from_bytes(proof.data, "big")
    if not 0 < number < group.curve.n:
        return False
    product = group.agree(number, group.curve.encode(key.x, key.y))
    return product is not None and hmac.compare_digest(product, proof.mapping_key)


def authentication_data(group: EcGroup, static: int, mapping: int) -> bytes:
    """CA_IC. static, mapping: the chip's private keys."""
    number = pow(static, -1, group.curve.n) * mapping % group.curve.n
    return number.to_bytes(group.curve.order_size, "big")


def seal_data(suite: Suite, k_enc: Bytes, data: bytes) -> bytes:
    """A_IC for the object 8A."""
    return cipher.encrypt(suite, k_enc, _iv(suite, k_enc), cipher.pad(data, suite.block_size))


def open_data(suite: Suite, k_enc: Bytes, sealed: bytes) -> bytes | None:
    """CA_IC; None if sealed is no padded text."""
    if not sealed or len(sealed) % suite.block_size:
        return None
    return cipher.unpad(cipher.decrypt(suite, k_enc, _iv(suite, k_enc), sealed))


def _iv(suite: Suite, k_enc: Bytes) -> bytes:
    return cipher.encrypt_block(suite, k_enc, b"\xff" * suite.block_size)
