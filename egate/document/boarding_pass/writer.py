"""Boarding pass -> bytes of its bar code, for simulators and tests; the inverse of `parse_boarding_pass`."""

from __future__ import annotations

from egate.document.boarding_pass.items import (
    ISSUE_ITEMS,
    LEG_ITEMS,
    NAME_SIZE,
    SECTION_SIZE_MAX,
    SECURITY_MARK,
    TICKET_ITEMS,
    VERSION_MARK,
    BoardingPass,
    BoardingPassError,
    Items,
    Leg,
)


def write_boarding_pass(boarding_pass: BoardingPass) -> bytes:
    """Sections end behind their last item that is not None. Raises BoardingPassError(BOARDING_PASS_ITEM, _SECTION) if one does not fit.

    What the values mean is not checked: tests write wrong ones on purpose.
    """
    text = boarding_pass.format_code + str(len(boarding_pass.legs))
    text += _padded(boarding_pass.passenger_name, NAME_SIZE, "passenger_name")
    text += _padded(boarding_pass.electronic_ticket, 1, "electronic_ticket")
    for index, leg in enumerate(boarding_pass.legs):
        text += "".join(_padded(getattr(leg, name), size, name) for name, size in LEG_ITEMS)
        text += _sized((_unique(boarding_pass) if index == 0 else "") + _of_leg(leg))
    if boarding_pass.security is not None:
        text += SECURITY_MARK + boarding_pass.security.type + _sized(boarding_pass.security.data)
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise BoardingPassError("other than ASCII", code="BOARDING_PASS_ALPHABET") from None


def _unique(boarding_pass: BoardingPass) -> str:
    if boarding_pass.version is None:
        if boarding_pass.issue is not None or _of_leg(boarding_pass.legs[0]):
            raise BoardingPassError("conditional items without a version", code="BOARDING_PASS_VERSION")
        return ""
    return VERSION_MARK + boarding_pass.version + _sized(_section(boarding_pass.issue, ISSUE_ITEMS))


def _of_leg(leg: Leg) -> str:
    if leg.ticket is None and not leg.airline_use:
        return ""
    return _sized(_section(leg.ticket, TICKET_ITEMS)) + leg.airline_use


def _section(values: object, items: Items) -> str:
    given = [(name, size) for name, size in items if getattr(values, name, None) is not None]
    last = items.index(given[-1]) + 1 if given else 0
    return "".join(_padded(getattr(values, name) or "", size, name) for name, size in items[:last])


def _padded(value: str, size: int, name: str) -> str:
    if len(value) > size:
        raise BoardingPassError(f"{name} is too long", code="BOARDING_PASS_ITEM")
    return value.ljust(size)


def _sized(content: str) -> str:
    if len(content) > SECTION_SIZE_MAX:
        raise BoardingPassError("section is too long", code="BOARDING_PASS_SECTION")
    return f"{len(content):02X}{content}"
