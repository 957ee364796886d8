"""The simulated state whose documents the demo shows, and what a site needs to believe it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from egate.document.lds.face_image import FaceEncoding, FaceImage
from egate.document.lds.face_record import parse_dg2, write_dg2
from egate.trust.store import import_files
from hw.sim.forgery_chip import with_wrong_keys
from hw.sim.issuer import IssuedDocument, Issuer, invent_holder
from hw.sim.issuer_profile import EXTENDED, Pace, Profile
from hw.sim.pki import SimulatedState

_AGE = timedelta(days=1)  # since yesterday: a document is not signed in the second in which it is shown
# As most European ones they take extended length; the second is of the older kind that does not.
PACE_AND_CHIP = Profile(limits=EXTENDED)
BAC_AND_ACTIVE = Profile(pace=(), chip_authentication="", active_authentication="secp256r1")
MAPPED = Profile(pace=(Pace(mapping="CAM"), Pace()), limits=EXTENDED)
PROFILES = (PACE_AND_CHIP, BAC_AND_ACTIVE, MAPPED)


class Utopia:
    """Keys are new with each one, so a site must be told (`trust`) of the very state that issues its travellers' documents."""

    def __init__(self, today: date, now: datetime | None = None) -> None:
        self._today, self._now = today, now or datetime.now(UTC)
        self._state = SimulatedState(self._now - _AGE)
        self._list_count = 0
        self._issuer = Issuer.of_state(self._state, self._now - _AGE)

    def passport(
        self, index: int, portrait: bytes, finger: bytes, *, expired: bool = False, **defects: Any
    ) -> IssuedDocument:
        """The document of holder index; the ways in and the proofs of its chip go round with the index. defects: of Issuer.issue."""
        holder = invent_holder(index, self._today, expired=expired)
        return self._issuer.issue(holder, portrait, finger, PROFILES[index % len(PROFILES)], **defects)

    def trust(self, store: Path) -> None:
        """Makes a trust store of its CSCA, pinned, and its revocation list; or brings an existing one up to date."""
        store.parent.mkdir(parents=True, exist_ok=True)
        root, revoked = store.with_name("utopia-csca.cer"), store.with_name("utopia.crl")
        root.write_bytes(self._state.csca.certificate)
        self._list_count += 1
        revoked.write_bytes(self._state.write_crl(self._now - _AGE + self._list_count * timedelta(seconds=1)))
        import_files(store, [root], [root, revoked], self._now)

    def revoke_signer(self) -> None:
        """Whoever signed the documents so far is on the next revocation list."""
        self._state.revoke(self._issuer.signer, self._now - _AGE)


def with_portrait(document: IssuedDocument, portrait: bytes) -> IssuedDocument:
    """A forger has put another face into DG2; the issuer's signature is as it was."""
    face: FaceImage = parse_dg2(document.files["dg2"])
    return document.with_files(dg2=write_dg2(replace(face, encoding=FaceEncoding.JPEG, image=portrait)))


def copied(document: IssuedDocument, index: int) -> IssuedDocument:
    """Another chip with all files of the document, but not its private keys. index: as of Utopia.passport."""
    return with_wrong_keys(document, PROFILES[index % len(PROFILES)])
