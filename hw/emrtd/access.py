"""Opening a chip (ICAO Doc 9303-11, section 4): PACE where EF.CardAccess offers it, else BAC, else as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from egate.document.chip.security_info import PaceInfo
from egate.domain.chip import AccessProtocol
from egate.errors import DocumentError
from hw.emrtd.channel import Channel
from hw.emrtd.plan import ReadPlan
from hw.emrtd.protocol import bac, pace
from hw.emrtd.protocol.mrz_key import mrz_key
from hw.emrtd.protocol.pace import Password
from hw.emrtd.protocol.pace_cam import MappingProof
from hw.emrtd.protocol.step import Step, StepFailed, status_cause
from hw.emrtd.wire import apdu

_DATES_SIZE = 14  # birth and expiry with their check digits, at the end of MRZ_information
_STRONGEST_SUITE_FIRST = ("AES256", "AES192", "AES128", "TDES")


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """How a chip was opened; its application is not selected after PACE, which runs in the master file.

    proof: of a chip with chip authentication mapping. id_icc: what terminal authentication signs of this access, b"" if it can't follow
    (BSI TR-03110-1, 3.5: the document number with its check digit, or Comp of the chip's ephemeral key).
    """

    access: AccessProtocol
    proof: MappingProof | None = None
    id_icc: bytes = b""


def open_chip(
    channel: Channel, offered: Sequence[PaceInfo], plan: ReadPlan, entropy: Callable[[int], bytes]
) -> Step[Opened]:
    """Opens the chip behind channel, which is in the master file. offered: in EF.CardAccess. Raises StepFailed, CardError.

    No downgrade: a chip that offers PACE is opened by PACE or not at all, whatever goes wrong and also if we can do none of what it
    offers. BAC after a failed PACE would let whoever disturbs PACE choose the weaker protocol, whose record gives the zone away.
    """
    if offered:
        return (yield from _by_pace(channel, offered, plan, entropy))
    yield from select_application(channel)
    if (yield from _is_plain(channel)):
        return Opened(AccessProtocol.NONE)
    information = _information(plan)
    messaging = yield from channel.run(bac.authenticate(information, entropy))
    channel.protect(messaging)
    return Opened(AccessProtocol.BAC, id_icc=information[:-_DATES_SIZE])


def select_application(channel: Channel) -> Step[None]:
    """Raises StepFailed."""
    selected = yield from channel.exchange(apdu.select_application())
    if selected.sw != apdu.SW_OK:
        raise StepFailed(status_cause(selected.sw))


def best_first(offered: Sequence[PaceInfo]) -> list[PaceInfo]:
    """Of those that we can do: chip authentication mapping, which saves a later proof; then the strongest cipher; then the file's order."""
    able = [info for info in offered if pace.group_of(info) is not None]
    return sorted(able, key=lambda info: (info.mapping != "CAM", _STRONGEST_SUITE_FIRST.index(info.suite)))


def _by_pace(
    channel: Channel, offered: Sequence[PaceInfo], plan: ReadPlan, entropy: Callable[[int], bytes]
) -> Step[Opened]:
    able = best_first(offered)
    if not able:
        raise StepFailed("not_supported")
    result = yield from channel.run(pace.authenticate(able[0], _password(plan), entropy))
    channel.protect(result.messaging)
    return Opened(AccessProtocol.PACE, result.proof, result.chip_key)


def _password(plan: ReadPlan) -> Password:
    return Password.of_can(plan.can) if plan.can else Password.of_mrz(_information(plan))


def _information(plan: ReadPlan) -> bytes:
    try:
        return mrz_key(plan.mrz_lines)
    except DocumentError:
        raise StepFailed("mrz_unreadable") from None


def _is_plain(channel: Channel) -> Step[bool]:
    """Whether the chip gives its files without being opened."""
    selected = yield from channel.exchange(apdu.select_file(apdu.EF_COM))
    if selected.sw != apdu.SW_OK:
        return selected.sw == apdu.SW_NOT_FOUND
    response = yield from channel.exchange(apdu.read_binary(0, 1))
    return response.sw in (apdu.SW_OK, apdu.SW_END_OF_FILE)
