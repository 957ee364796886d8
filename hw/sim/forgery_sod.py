"""Changes inside a signed EF.SOD that leave its structure whole."""

from __future__ import annotations

import random
from collections.abc import Callable

from asn1crypto import cms

from egate.document.encoding.tlv import element, single
from hw.sim.security_object_writer import SOD_TAG


def flip_signature_bit(sod: bytes, draw: random.Random) -> bytes:
    """One bit of the signature value, anywhere but in the lengths around it."""

    def flip(signed: cms.SignedData) -> None:
        signer = signed["signer_infos"][0]
        signature = bytearray(signer["signature"].native)
        signature[-1 - draw.randrange(16)] ^= 1 << draw.randrange(8)
        signer["signature"] = bytes(signature)

    return _changed(sod, flip)


def replace_content(sod: bytes, other: bytes) -> bytes:
    """The hash list of another EF.SOD under the signature of this one."""

    def put(signed: cms.SignedData) -> None:
        signed["encap_content_info"] = _signed_data(other)[1]["encap_content_info"]

    return _changed(sod, put)


def _changed(sod: bytes, change: Callable[[cms.SignedData], None]) -> bytes:
    whole, signed = _signed_data(sod)
    change(signed)
    whole["content"] = signed
    return element(SOD_TAG, whole.dump(force=True))


def _signed_data(sod: bytes) -> tuple[cms.ContentInfo, cms.SignedData]:
    whole = cms.ContentInfo.load(single(sod, SOD_TAG))
    return whole, whole["content"]
