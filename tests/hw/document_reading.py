"""A simulated document read and inspected without any reader: from the chip's bytes to the evidence."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count

from egate.document.chip_checks import Rules, Trust
from egate.document.pki.trust import TrustStore
from egate.document.presentation import present
from egate.document.verify import verify_document
from egate.domain.chip import ChipRead
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.domain.inspection import Finding
from hw.emrtd.chip.application import ChipApplication
from hw.emrtd.direct import DirectTransport
from hw.emrtd.drive import drive
from hw.emrtd.plan import ReadPlan
from hw.emrtd.protocol.terminal_chain import TerminalChain
from hw.emrtd.transport import CardTransport
from hw.sim.issuer import IssuedDocument

Entropy = Callable[[int], bytes]
# What a site with chip readers demands of every document; a chip that cannot prove itself at all is the site's own choice.
DEMANDED = (
    Check.MRZ,
    Check.DOCUMENT_VALIDITY,
    Check.DOCUMENT_SESSION,
    Check.CHIP_ACCESS,
    Check.PASSIVE_AUTHENTICATION,
)


def seeded_entropy(seed: int) -> Entropy:
    """Random bytes that repeat: of tests only."""
    return random.Random(seed).randbytes


def read_document(
    document: IssuedDocument,
    entropy: Entropy,
    terminal: TerminalChain | None = None,
    transport: CardTransport | None = None,
) -> DocumentRead:
    """transport: None for the document's own chip, which answers at once."""
    transport = transport or transport_of(document, entropy)
    ticks = count()
    plan = ReadPlan(document.mrz_lines, terminal=terminal)
    chip: ChipRead = drive(plan, transport, entropy, lambda: next(ticks) * 1e-6)
    return present(DocumentSessionId("1" * 32), document.mrz_lines, chip)


def transport_of(document: IssuedDocument, entropy: Entropy) -> DirectTransport:
    if document.personalisation is None:
        return DirectTransport(lambda command: b"", card=None)
    chip = ChipApplication(document.personalisation, entropy)
    return DirectTransport(chip.execute, chip.reset)


def inspect(read: DocumentRead, store: TrustStore, at: datetime) -> dict[Check, CheckEvidence]:
    found = verify_document(read, at, Trust(store, Rules(crl_required=True)))
    return {evidence.check: evidence for evidence in found}


def passes(evidence: dict[Check, CheckEvidence]) -> bool:
    """Whether nothing about the document keeps its holder from going through."""
    chip = evidence[Check.CHIP_AUTHENTICATION].result in (CheckResult.PASS, CheckResult.NOT_PERFORMED)
    return chip and all(evidence[check].result is CheckResult.PASS for check in DEMANDED)


def findings(evidence: dict[Check, CheckEvidence]) -> list[Finding]:
    return [finding for item in evidence.values() for finding in item.findings]


def against(found: Iterable[Finding]) -> list[Finding]:
    """Those that speak against the document."""
    neutral = (CheckResult.PASS, CheckResult.NOT_PERFORMED)
    return [finding for finding in found if finding.result not in neutral]
