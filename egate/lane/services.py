"""What all lanes of a daemon share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from egate.cases.store import CaseStore
from egate.lane.verifiers import Verifiers
from egate.ports import Clock, Journal


@dataclass(frozen=True, slots=True)
class Services:
    """pseudonym: issuing state and document number -> keyed HMAC, the only form in which the journal knows a document."""

    journal: Journal
    cases: CaseStore
    verifiers: Verifiers
    clock: Clock
    pseudonym: Callable[[str, str], str]
