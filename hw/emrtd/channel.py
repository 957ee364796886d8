"""The commands of a session on their way to the chip: protected once a channel is open, and no longer than the chip takes."""

from __future__ import annotations

from typing import TypeVar

from hw.emrtd.protocol.secure_messaging import SecureMessaging, SecureMessagingError
from hw.emrtd.protocol.step import Step
from hw.emrtd.transport import CardError
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response

_Result = TypeVar("_Result")

# Chosen: a quarter of a second at 106 kbit/s, so that a torn exchange loses little and the chip's timer can stay short.
EXTENDED_SIZE = 2_500
# What chips with smaller buffers have been seen to take, down to what every one must.
_SMALLER_SIZES = (apdu.LE_MAX, 223, 128, 64)


class ChannelBroken(CardError):
    """The chip has left secure messaging, or what came is not from the chip that opened it."""

    cause = "torn"


class Channel:
    """State of the way to one chip since its last reset.

    response_size_max: bytes of data a response may have on the wire. size_max: bytes of a file to ask for at once.
    """

    def __init__(self, response_size_max: int = apdu.LE_MAX) -> None:
        self.response_size_max = response_size_max
        self._limit = apdu.EXTENDED_LE_MAX
        self._messaging: SecureMessaging | None = None

    @property
    def messaging(self) -> SecureMessaging | None:
        """For steps that end one channel and open another."""
        return self._messaging

    @property
    def size_max(self) -> int:
        content = self.response_size_max
        if self._messaging is not None:
            content = self._messaging.content_max(content)
        return min(content, self._limit)

    def limit(self, size: int) -> None:
        """The chip gives at most size bytes of a file at once."""
        self._limit = min(self._limit, size)

    def protect(self, messaging: SecureMessaging) -> None:
        """From now on everything goes through messaging; the keys of an earlier channel are wiped."""
        self.wipe()
        self._messaging = messaging

    def wipe(self) -> None:
        if self._messaging is not None:
            self._messaging.wipe()
            self._messaging = None

    def exchange(self, command: Command) -> Step[Response]:
        """The chip's answer, whatever its status. Raises ChannelBroken."""
        messaging = self._messaging
        if messaging is None:
            return (yield command)
        try:
            response = yield messaging.wrap(command)
            return messaging.unwrap(response)
        except SecureMessagingError:
            raise ChannelBroken("secure messaging ended") from None

    def run(self, step: Step[_Result]) -> Step[_Result]:
        """A whole step through this channel. Raises StepFailed, ChannelBroken."""
        try:
            command = next(step)
            while True:
                command = step.send((yield from self.exchange(command)))
        except StopIteration as end:
            result: _Result = end.value
            return result
        finally:
            step.close()


def smaller_size(sw: int, size: int) -> int | None:
    """What to ask for instead of size bytes after a refusal with sw; None if it is no matter of length. Always less than size."""
    if sw & 0xFF00 == apdu.SW_WRONG_LE:
        right = sw & 0xFF or apdu.LE_MAX
        return right if right < size else None
    if sw == apdu.SW_WRONG_LENGTH:
        return next((step for step in _SMALLER_SIZES if step < size), None)
    return None
