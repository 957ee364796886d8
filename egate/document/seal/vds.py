"""Visible digital seals of paper documents from the bytes of their bar code (ICAO Doc 9303-13, versions 3 and 4).

Nothing is verified here but the form; see egate.document.seal.seal.
"""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.crypto.public_key import EcKey, PublicKey
from egate.document.crypto.signature import Scheme, SignatureAlgorithm, verify_signature
from egate.document.seal.vds_features import PROFILES, Feature, Profile, read_features
from egate.document.seal.vds_header import Reader, VdsHeader, read_header
from egate.document.seal.vds_zone import SealedZone
from egate.errors import DocumentError

SIZE_MAX = 4096  # chosen: the largest ISO symbology, a QR code, holds 2953 bytes
SIGNATURE_MARKER = 0xFF
_LENGTH_OCTETS_MAX = 4  # Doc 9303-13, 2.3: one to five bytes of length
# Doc 9303-13, 2.4: the hash follows from the bit length of the order of the curve's base point.
_HASHES = ((224, "sha224"), (256, "sha256"), (384, "sha384"), (512, "sha512"))


@dataclass(frozen=True, slots=True, repr=False)
class Vds:
    """profile: None if the kind of document is not known; then features is empty. unknown: tags the profile does not have.

    signed: header and message zone. signature: r and s, each as long as the curve's order.
    """

    header: VdsHeader
    profile: Profile | None
    features: tuple[Feature, ...]
    unknown: tuple[int, ...]
    signed: bytes
    signature: bytes

    @property
    def kind(self) -> tuple[int, int]:
        return self.header.definition, self.header.category

    @property
    def issuing_state(self) -> str:
        return self.header.issuing_state

    @property
    def zone(self) -> SealedZone | None:
        return next((feature.value for feature in self.features if isinstance(feature.value, SealedZone)), None)

    def is_signed_by(self, key: PublicKey) -> bool:
        """Raises DocumentError(ALGORITHM_UNSUPPORTED)."""
        if not isinstance(key, EcKey):
            return False
        return verify_signature(key, SignatureAlgorithm(Scheme.ECDSA_PLAIN, hash_of(key)), self.signed, self.signature)

    def __repr__(self) -> str:
        return f"Vds({'unknown' if self.profile is None else self.profile.name}, redacted)"


def parse_vds(data: bytes) -> Vds:
    """data: what the bar code holds, without its padding.

    Raises DocumentError, code VDS_…; messages name fields and never hold values.
    """
    if len(data) > SIZE_MAX:
        raise DocumentError("seal too long", code="VDS_TOO_LONG")
    reader = Reader(data)
    header = read_header(reader)
    message: dict[int, bytes] = {}
    while (tag := reader.byte()) != SIGNATURE_MARKER:
        if tag in message:  # two readers would take different ones
            raise DocumentError(f"document feature {tag:02x} comes twice", code="VDS_FEATURE_TWICE")
        message[tag] = reader.take(_length(reader, header.version))
    signed = data[: reader.position - 1]
    signature = reader.take(_length(reader, header.version))
    if not message or not signature or reader.position != len(data):
        raise DocumentError("seal without message or signature, or longer than both", code="VDS_ZONES")
    profile = PROFILES.get((header.definition, header.category))
    features = () if profile is None else read_features(profile, message)
    unknown = tuple(tag for tag in message if profile is None or tag not in profile.rules)
    return Vds(header, profile, features, unknown, signed, signature)


def hash_of(key: EcKey) -> str:
    """Raises DocumentError(ALGORITHM_UNSUPPORTED): no hash is as long as the order of secp521r1."""
    bits = key.curve.n.bit_length()
    for largest, name in _HASHES:
        if bits <= largest:
            return name
    raise DocumentError(f"no hash for {key.curve.name}", code="ALGORITHM_UNSUPPORTED")


def _length(reader: Reader, version: int) -> int:
    """Version 3: one byte as it is. Version 4: DER, so each length has one form."""
    size = reader.byte()
    if version == 3 or size < 0x80:
        return size
    octets = size & 0x7F
    if not 1 <= octets <= _LENGTH_OCTETS_MAX:
        raise DocumentError("length malformed", code="VDS_LENGTH")
    encoded = reader.take(octets)
    size = int.from_bytes(encoded, "big")
    if size < 0x80 or encoded[0] == 0:
        raise DocumentError("length longer than needed", code="VDS_LENGTH")
    return size
