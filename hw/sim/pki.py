"""A simulated state: its CSCA with successors, document signers, revocation list and master list (ICAO Doc 9303-12).

    state = SimulatedState(now)
    signer = state.issue_signer(now)
    state.revoke(signer, now)
    state.write_crl(now)

Serial numbers and names follow from the seed; keys are new in every run. Not modelled: hardware of a real authority, defect lists,
deviation lists, the publication of any of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from asn1crypto import core

from egate.document.encoding.tlv import element
from hw.sim import pki_certificate as profile
from hw.sim.pki_certificate import Authority
from hw.sim.pki_cms import write_signed_data
from hw.sim.pki_keys import DEFAULT_ALGORITHM, Algorithm, generate_key

MASTER_LIST = "2.23.136.1.1.2"  # Doc 9303-12, 8.1: id-icao-cscaMasterList
SEQUENCE, SET = 0x30, 0x31
SERIAL_SIZE = 8  # octets; Doc 9303-12, 7.1.1.3 allows 20
# Doc 9303-12, 4.2: a CSCA signs for three to five years, a document signer for about three months; a passport lasts ten years.
CSCA_USE, SIGNER_USE, DOCUMENT_VALIDITY = timedelta(days=5 * 365), timedelta(days=90), timedelta(days=3653)
CRL_VALIDITY = timedelta(days=90)  # Doc 9303-12, 6.1: a list at least every 90 days
_CSCA_AGE = timedelta(days=365)  # the simulated authority has been there for a year


class SimulatedState:
    """country: two letters of the certificates. code: the zone's state code. csca: signs now. history: its predecessors."""

    def __init__(
        self,
        now: datetime,
        country: str = "UT",
        code: str = "UTO",
        *,
        algorithm: Algorithm = DEFAULT_ALGORITHM,
        seed: str = "",
        common_name: str = "CSCA",
    ) -> None:
        """now: aware; the CSCA began a year before it. common_name: of the CSCAs, a number follows.

        Raises ValueError if the algorithm is unknown.
        """
        self.country, self.code, self._seed, self._common_name = country, code, seed, common_name
        self._serial_count, self._crl_count, self._generation = 0, 0, 0
        self._revoked: dict[int, datetime] = {}
        self.history: list[Authority] = []
        self.links: list[bytes] = []
        self.csca = self._found(now - _CSCA_AGE, algorithm)

    def roll_over(self, now: datetime, algorithm: Algorithm | None = None) -> bytes:
        """A new CSCA takes over; the old one certifies its key: the link certificate (Doc 9303-12, 4.2.1)."""
        old = self.csca
        new = self._found(now, algorithm or old.key.algorithm)
        used = (now, now + CSCA_USE)
        extensions = profile.ca_extensions(new.key, old.key_id, self.code, used)
        valid = (now, now + CSCA_USE + DOCUMENT_VALIDITY)
        link = profile.write_certificate(new.name, new.key, old, self.next_serial(), valid, extensions)
        self.history.append(old)
        self.links.append(link)
        self.csca = new
        return link

    def issue_signer(
        self,
        now: datetime,
        *,
        algorithm: Algorithm | None = None,
        valid: tuple[datetime, datetime] | None = None,
        document_types: Sequence[str] = ("P", "I"),
    ) -> Authority:
        """A document signer. algorithm: that of the CSCA by default. valid: else long enough for a passport issued in its use."""
        key = generate_key(algorithm or self.csca.key.algorithm)
        valid = valid or (now, now + SIGNER_USE + DOCUMENT_VALIDITY)
        used = (valid[0], min(valid[0] + SIGNER_USE, valid[1]))
        extensions = profile.signer_extensions(key, self.csca.key_id, self.code, used, document_types)
        serial = self.next_serial()
        subject = profile.name(self.country, f"document signer {serial % 10**6:06}")
        return Authority(profile.write_certificate(subject, key, self.csca, serial, valid, extensions), key)

    def issue_list_signer(self, now: datetime) -> Authority:
        """A master list signer."""
        key = generate_key(self.csca.key.algorithm)
        used = (now, now + CRL_VALIDITY)
        extensions = profile.list_signer_extensions(key, self.csca.key_id, self.code, used)
        subject = profile.name(self.country, "master list signer")
        certificate = profile.write_certificate(subject, key, self.csca, self.next_serial(), used, extensions)
        return Authority(certificate, key)

    def revoke(self, signer: Authority, at: datetime) -> None:
        """The signer stands on every list written from now on."""
        self._revoked[signer.serial] = at

    def write_crl(self, now: datetime, next_at: datetime | None = None) -> bytes:
        """DER; signed by the present CSCA."""
        self._crl_count += 1
        return profile.write_crl(self.csca, self._crl_count, self._revoked, now, next_at or now + CRL_VALIDITY)

    def write_master_list(self, certificates: Sequence[bytes], now: datetime) -> bytes:
        """DER CMS of these CSCA certificates, by a list signer of this state; its CSCA is embedded too (Doc 9303-12, 8.1)."""
        signer = self.issue_list_signer(now)
        content = element(SEQUENCE, core.Integer(0).dump() + element(SET, b"".join(sorted(certificates))))
        embedded = [signer.certificate, self.csca.certificate]
        return write_signed_data(MASTER_LIST, content, signer, certificates=embedded, signing_time=now)

    def anchors(self) -> list[bytes]:
        """What a verifier gets from this state: every CSCA and link certificate, DER."""
        return [*(old.certificate for old in self.history), *self.links, self.csca.certificate]

    def next_serial(self) -> int:
        """A positive serial number, never the same twice."""
        self._serial_count += 1
        digest = hashlib.sha256(f"{self._seed}/{self.country}/{self._serial_count}".encode()).digest()
        return int.from_bytes(digest[:SERIAL_SIZE], "big") >> 1 | 1 << (8 * SERIAL_SIZE - 2)

    def _found(self, start: datetime, algorithm: Algorithm) -> Authority:
        key = generate_key(algorithm)
        self._generation += 1
        subject = profile.name(self.country, f"{self._common_name} {self._generation}")
        extensions = profile.ca_extensions(key, key.key_id(), self.code, (start, start + CSCA_USE))
        valid = (start, start + CSCA_USE + DOCUMENT_VALIDITY)
        return Authority(profile.write_certificate(subject, key, None, self.next_serial(), valid, extensions), key)
