"""What the chip's data groups say beyond the zone, as text for the officer. Nothing here decides, and nothing is verified.

Shown is what the printed page shows too, so that the two can be compared; of what else DG11 may hold (profession, telephone, custody,
personal summary) a border has no need.
"""

from __future__ import annotations

from collections.abc import Mapping

from egate.document.lds.data_group import PARSERS
from egate.document.lds.dg11 import PersonalDetails
from egate.document.lds.dg12 import DocumentDetails
from egate.document.lds.lds_text import PersonName
from egate.errors import DocumentError


def chip_details(files: Mapping[str, bytes]) -> dict[str, str]:
    """Text by field name, each with the prefix "chip_". files: by the names of egate.domain.chip.

    chip_unreadable: the data groups that are there and malformed, or with the name of the field that is. Never raises.
    """
    found: dict[str, str] = {}
    unreadable: list[str] = []
    for number, parse in PARSERS.items():
        name = f"dg{number}"
        if name not in files:
            continue
        try:
            group = parse(files[name])
        except DocumentError:
            unreadable.append(name)
            continue
        if isinstance(group, PersonalDetails):
            found |= _of_person(group)
        elif isinstance(group, DocumentDetails):
            found |= _of_document(group)
        else:
            continue
        unreadable += [f"{name} {field}" for field in group.malformed]
    found["unreadable"] = ", ".join(unreadable)
    return {f"chip_{field}": text for field, text in found.items() if text}


def _of_person(details: PersonalDetails) -> dict[str, str]:
    return {
        "name": "" if details.name is None else _name(details.name),
        "other_names": "; ".join(_name(name) for name in details.other_names),
        "personal_number": details.personal_number,
        "date_of_birth": _date(details.date_of_birth),
        "place_of_birth": ", ".join(details.place_of_birth),
        "address": ", ".join(details.address),
        "title": details.title,
    }


def _of_document(details: DocumentDetails) -> dict[str, str]:
    return {
        "issuing_authority": details.issuing_authority,
        "date_of_issue": _date(details.date_of_issue),
        "document_other_names": "; ".join(_name(name) for name in details.other_names),
        "observations": details.observations,
    }


def _name(name: PersonName) -> str:
    return ", ".join(part for part in (name.primary, name.secondary) if part)


def _date(digits: str) -> str:
    """YYYY-MM-DD of CCYYMMDD, with X for what is unknown."""
    parts = (digits[:4], digits[4:6], digits[6:8])
    return "-".join(part if part.strip("0") else "X" * len(part) for part in parts) if digits else ""
