"""The chip's side of terminal authentication (see hw.emrtd.protocol.terminal_authentication): trust points, date, rights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from egate.document.chip.cvc import CvCertificate, Role, parse_cv_certificate, parse_cv_content
from egate.document.chip.cvc_chain import CvHolder, trust_point, verify_certificate, write_ef_cvca
from egate.document.crypto.signature import verify_signature
from egate.errors import DocumentError
from hw.emrtd.protocol.terminal_authentication import CHALLENGE_SIZE, REFERENCE_TAG, signed_data
from hw.emrtd.wire import apdu, data_object
from hw.emrtd.wire.apdu import Response

TRUST_POINT_COUNT_MAX = 2  # TR-03110-1, 2.3.3: the current one and the one before it


class TrustPoints:
    """What a chip keeps for its whole life: whom it trusts and the latest date it was told. It has no clock.

    certificates: CVCAs', oldest first. Raises DocumentError if one is none.
    """

    def __init__(self, certificates: Iterable[bytes], today: date | None = None) -> None:
        found = [parse_cv_certificate(data) for data in certificates]
        self.holders = [trust_point(certificate) for certificate in found][-TRUST_POINT_COUNT_MAX:]
        self.today = max([certificate.effective for certificate in found] + ([] if today is None else [today]))

    def ef_cvca(self) -> bytes:
        return write_ef_cvca([holder.name for holder in reversed(self.holders)])

    def imported(self, certificate: CvCertificate, holder: CvHolder) -> None:
        """Learns from a verified certificate: the next trust point, and the date.

        A foreign verifier or any terminal is not believed about the date (TR-03110-1, 2.3.3: accurate certificates).
        """
        if holder.role in (Role.CVCA, Role.DV_DOMESTIC):
            self.today = max(self.today, certificate.effective)
        if holder.role is Role.CVCA and holder.name not in {known.name for known in self.holders}:
            self.holders = [*self.holders, holder][-TRUST_POINT_COUNT_MAX:]


class ChipHalf:
    """One run in one session. rights: data groups that the terminal may read, () until it has proven who it is.

    id_icc, terminal_key: see hw.emrtd.protocol.terminal_authentication; of the session's access and chip authentication.
    """

    def __init__(self, trust: TrustPoints, id_icc: bytes, terminal_key: bytes, entropy: Callable[[int], bytes]) -> None:
        self.rights: frozenset[int] = frozenset()
        self._trust, self._entropy = trust, entropy
        self._id_icc, self._terminal_key = id_icc, terminal_key
        self._imported: CvHolder | None = None
        self._issuer: CvHolder | None = None
        self._terminal: CvHolder | None = None
        self._challenge = b""

    def set_verification_template(self, data: bytes) -> Response:
        """MSE:Set DST names a trust point, or the holder of the certificate that was verified last."""
        known = [*self._trust.holders, *([self._imported] if self._imported else [])]
        self._issuer = _named(known, data)
        return Response(b"", apdu.SW_OK if self._issuer else apdu.SW_REFERENCE_NOT_FOUND)

    def verify_certificate(self, data: bytes) -> Response:
        """PSO:Verify Certificate."""
        issuer, self._issuer = self._issuer, None
        if issuer is None:
            return Response(b"", apdu.SW_CONDITIONS)
        try:
            certificate = parse_cv_content(data)
            holder = verify_certificate(certificate, issuer, self._trust.today)
        except DocumentError as error:
            return Response(b"", apdu.SW_NOT_VERIFIED if error.code in _REFUSALS else apdu.SW_WRONG_DATA)
        self._trust.imported(certificate, holder)
        self._imported, self._terminal = holder, None
        return Response(b"", apdu.SW_OK)

    def set_authentication_template(self, data: bytes) -> Response:
        """MSE:Set AT names the terminal, whose certificate was verified last."""
        imported = [self._imported] if self._imported and self._imported.role is Role.TERMINAL else []
        self._terminal = _named(imported, data)
        return Response(b"", apdu.SW_OK if self._terminal else apdu.SW_REFERENCE_NOT_FOUND)

    def challenge(self) -> bytes:
        """For GET CHALLENGE: good for one answer."""
        self._challenge = self._entropy(CHALLENGE_SIZE)
        return self._challenge

    def external_authenticate(self, signature: bytes) -> Response:
        terminal, challenge = self._terminal, self._challenge
        self._challenge = b""
        if terminal is None or not challenge:
            return Response(b"", apdu.SW_CONDITIONS)
        data = signed_data(self._id_icc, challenge, self._terminal_key)
        if not verify_signature(terminal.key, terminal.scheme, data, signature):
            return Response(b"", apdu.SW_NOT_VERIFIED)
        self.rights = terminal.rights
        return Response(b"", apdu.SW_OK)


_REFUSALS = {"CVC_ISSUER", "CVC_ROLE", "CVC_EXPIRED", "CVC_SIGNATURE"}


def _named(holders: Iterable[CvHolder], data: bytes) -> CvHolder | None:
    value = data_object.single(data, REFERENCE_TAG)
    name = None if value is None else value.decode("latin-1")
    return next((holder for holder in holders if holder.name == name), None)
