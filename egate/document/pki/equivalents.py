"""One certificate, several encodings: what may differ although its issuer signed the same.

Whoever hands in a certificate can re-encode all that the signature does not cover: lengths, and of ECDSA signatures s as n - s. A verdict
against a certificate must not hang on that, nor on how software reads a serial number.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from egate.document.crypto.public_key import EcKey
from egate.document.crypto.signature import Scheme
from egate.document.encoding import der
from egate.document.pki.certificate import Certificate
from egate.errors import DocumentError


def encodings(certificate: Certificate, issuers: Iterable[Certificate]) -> frozenset[bytes]:
    """As it is, and as DER with every signature that verifies as its own does. issuers: candidates, whose curves tell n."""
    signatures = {certificate.signature, *(_other_signature(certificate, issuer) for issuer in issuers)}
    identifier = der.encode(der.SEQUENCE, der.read(certificate.signature_identifier, der.SEQUENCE).value)
    written = (
        der.encode(der.SEQUENCE, certificate.tbs + identifier + der.encode(der.BIT_STRING, b"\0" + signature))
        for signature in signatures
    )
    return frozenset((certificate.der, *written))


def serial_numbers(serial: int) -> tuple[int, ...]:
    """The serial number, and the one that software takes its octets for which reads them with the other sign.

    RFC 5280, 4.1.2.2: positive; published ones are negative where a leading zero octet was left out.
    """
    if serial < 0:
        size = (-serial - 1).bit_length() // 8 + 1
        return serial, serial + (1 << 8 * size)
    bits = serial.bit_length()
    return (serial, serial - (1 << bits)) if bits and bits % 8 == 0 else (serial,)


def _other_signature(certificate: Certificate, issuer: Certificate) -> bytes:
    """With n - s for s; the certificate's own where its signature is of another kind."""
    signature = certificate.signature
    try:
        key, scheme = issuer.public_key, certificate.algorithm.scheme
        if not isinstance(key, EcKey):
            return signature
        order, size = key.curve.n, key.curve.order_size
        if scheme is Scheme.ECDSA:
            r, s = decode_dss_signature(signature)
            return encode_dss_signature(r, order - s) if 0 < s < order else signature
        if scheme is Scheme.ECDSA_PLAIN and len(signature) == 2 * size:
            s = int.from_bytes(signature[size:], "big")
            return signature[:size] + (order - s).to_bytes(size, "big") if 0 < s < order else signature
    except (DocumentError, ValueError):
        pass
    return signature
