"""One step of a session with a chip: a generator that yields commands, is sent the responses, and returns what it reached."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from hw.emrtd.wire.apdu import Command, Response

_Result = TypeVar("_Result")
Step: TypeAlias = Generator[Command, Response, _Result]


class StepFailed(Exception):
    """The chip did not let the step succeed. cause: snake case, as in ChipRead.failures.

    Causes used by more than one step: "malformed" (an answer that the protocol does not allow), "wrong_key" (the chip and we do not
    share the password or key), "not_supported", "access_denied", "not_found", "status_6f00" (any other status word).
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def status_cause(sw: int) -> str:
    """The cause for a status word that is no success."""
    return _STATUS_CAUSES.get(sw, f"status_{sw:04x}")


_STATUS_CAUSES = {
    0x6982: "access_denied",
    0x6A81: "not_supported",
    0x6A82: "not_found",
    0x6D00: "not_supported",
    0x6E00: "not_supported",
}
