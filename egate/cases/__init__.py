"""Manual-lane cases: see README.md."""

from egate.cases.case import Case, CaseRefusal, CaseState, Resolution, as_of, new_case_id, opened_record
from egate.cases.dossier import Dossier, DossierStore, load_site_key
from egate.cases.store import CaseChange, CasePage, CaseStore

__all__ = [
    "Case",
    "CaseChange",
    "CasePage",
    "CaseRefusal",
    "CaseState",
    "CaseStore",
    "Dossier",
    "DossierStore",
    "Resolution",
    "as_of",
    "load_site_key",
    "new_case_id",
    "opened_record",
]
