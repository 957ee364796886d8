"""How a conversation ends against our will."""

from __future__ import annotations

from hw.finger.messages import Code


class Gone(Exception):
    """The sensor does not answer, or was restarted."""


def code_of(answer: bytes) -> int:
    """The confirmation code. Raises Gone if there was no answer, or the sensor wants its password (again)."""
    if not answer:
        raise Gone("the sensor does not answer")
    if answer[0] == Code.PASSWORD_NEEDED:
        raise Gone("the sensor was restarted")
    return answer[0]
