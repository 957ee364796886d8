"""The authorities of a simulated world and the documents that come from them, by number.

office = Office(at, portraits, fingers)
office.trust_store()      what an inspection at that time trusts
office.issue(7)           a genuine document; kinds, algorithms and signers vary with the number
office.issue(7, office.revoked)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from egate.document.data import DocumentData
from egate.document.lds.dg11 import PersonalDetails, write_dg11
from egate.document.lds.dg12 import DocumentDetails, write_dg12
from egate.document.lds.lds_text import PersonName
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.crl import parse_crl
from egate.document.pki.trust import TrustAnchor, TrustedCrl, TrustStore
from egate.document.zone.mrz_format import MrzFormat
from hw.sim.issuer import IssuedDocument, Issuer, invent_holder
from hw.sim.issuer_profile import Profile, vary_profile
from hw.sim.pki import SimulatedState
from hw.sim.pki_keys import Algorithm, PrivateKey, generate_key
from hw.sim.pki_terminal import make_terminal_pki

_YEAR, _DAY = timedelta(days=365), timedelta(days=1)
_RSA_KEY_COUNT = 3  # chosen: making an RSA key takes longer than all else of a document
# Each CSCA of the home state with the document signers it issues.
_GENERATIONS: tuple[tuple[Algorithm, tuple[Algorithm, ...]], ...] = (
    (
        Algorithm("brainpoolP256r1"),
        (Algorithm("brainpoolP256r1"), Algorithm("secp256r1", "sha1"), Algorithm("rsa2048")),
    ),
    (Algorithm("rsa3072", pss=True), (Algorithm("rsa2048", pss=True), Algorithm("secp224r1", "sha224"))),
    (
        Algorithm("secp384r1", "sha384", explicit=True),
        (
            Algorithm("secp384r1", "sha384", explicit=True),
            Algorithm("brainpoolP384r1", "sha384"),
            Algorithm("brainpoolP512r1", "sha512", explicit=True),
            Algorithm("brainpoolP224r1", "sha256", explicit=True),
        ),
    ),
)


class Office:
    """at: the time of inspection. portraits: JPEG, fingers: grey PNG; at least two different ones of each.

    home: the state whose documents are inspected. terminal: of its gates, to read fingerprints. issuers: its signers in order. expired,
    revoked: signers of it that are no longer good. abroad: a signer of another trusted state. stranger, imitator: signers of
    authorities nobody trusts, the latter under home's name.
    """

    def __init__(self, at: datetime, portraits: Sequence[bytes], fingers: Sequence[bytes], seed: str = "") -> None:
        self.at, self.portraits, self.fingers = at, tuple(portraits), tuple(fingers)
        self._spare: dict[Algorithm, list[PrivateKey]] = {}
        self._given = 0
        start = at - 7 * _YEAR
        first, signers = _GENERATIONS[0]
        self.home = SimulatedState(start, algorithm=first, seed=seed)
        self.issuers = [self._issuer(self.home, start + 6 * _YEAR, each) for each in signers]
        self.expired = self._issuer(self.home, start, signers[0], valid=(start, at - _DAY))
        self.revoked = self._issuer(self.home, start + 5 * _YEAR, signers[0])
        for age, (authority, signers) in enumerate(_GENERATIONS[1:], 1):
            now = at - (len(_GENERATIONS) - age) * 30 * _DAY
            self.home.roll_over(now, authority)
            self.issuers += [self._issuer(self.home, now, each) for each in signers]
        self.terminal = make_terminal_pki(at.date())
        self.home.revoke(self.revoked.signer, at - 10 * _DAY)
        self._neighbour = SimulatedState(start, "UX", "UXA", seed=seed)
        self.abroad = self._issuer(self._neighbour, start + 6 * _YEAR, first)
        self.stranger = self._issuer(SimulatedState(start, common_name="CA", seed="stranger"), at - _YEAR, first)
        self.imitator = self._issuer(SimulatedState(start, algorithm=first, seed=seed), at - _YEAR, first)

    def trust_store(self) -> TrustStore:
        """Every CSCA and link certificate of both states and their current revocation lists."""
        states = (self.home, self._neighbour)
        anchors = [TrustAnchor(parse_certificate(item), True) for state in states for item in state.anchors()]
        crls = [
            TrustedCrl(parse_crl(state.write_crl(self.at - _DAY)), parse_certificate(state.csca.certificate))
            for state in states
        ]
        return TrustStore(tuple(anchors), crls=tuple(crls), updated_at=self.at - _DAY)

    def profile_of(self, number: int) -> Profile:
        """Every third with chip authentication opens DG3 to terminals of the home state alone."""
        profile = vary_profile(number)
        guarded = number % 3 == 1 and bool(profile.chip_authentication)
        return replace(profile, cvca=(self.terminal.cvca,)) if guarded else profile

    def issuer_of(self, number: int) -> Issuer:
        return self.issuers[number % len(self.issuers)]

    def issue(self, number: int, issuer: Issuer | None = None, profile: Profile | None = None) -> IssuedDocument:
        """The document with this number, genuine unless issuer is none of home's good ones; every fourth is a card."""
        holder = invent_holder(number, self.at.date())
        card = number % 4 == 3
        return (issuer or self.issuer_of(number)).issue(
            replace(holder, document_code="I") if card else holder,
            self.portraits[number % len(self.portraits)],
            self.fingers[number % len(self.fingers)],
            profile or self.profile_of(number),
            mrz_format=MrzFormat.TD1 if card else MrzFormat.TD3,
            more=_details(holder) if number % 5 == 2 else None,
        )

    def _issuer(
        self, state: SimulatedState, now: datetime, algorithm: Algorithm, valid: tuple[datetime, datetime] | None = None
    ) -> Issuer:
        signer = state.issue_signer(now, algorithm=algorithm, valid=valid)
        return Issuer(signer, state.anchors(), now, self._generate)

    def _generate(self, algorithm: Algorithm) -> PrivateKey:
        """A key for a chip; RSA keys come round again."""
        if not algorithm.key.startswith("rsa"):
            return generate_key(algorithm)
        spare = self._spare.setdefault(algorithm, [])
        if len(spare) < _RSA_KEY_COUNT:
            spare.append(generate_key(algorithm))
        self._given += 1
        return spare[self._given % len(spare)]


def _details(holder: DocumentData) -> dict[str, bytes]:
    """DG11 and DG12 as some states fill them."""
    name = PersonName(holder.primary_identifier, holder.secondary_identifier)
    person = PersonalDetails(name=name, place_of_birth=("UTOPIA CITY",), profession="TRAVELLER")
    return {"dg11": write_dg11(person), "dg12": write_dg12(DocumentDetails(issuing_authority="PASSPORT OFFICE"))}
