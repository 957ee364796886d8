"""The simulated lock: `python -m samplegate.device PATH` serves it on a pseudo terminal found at PATH until interrupted.

Its own timer ends a release. Not modelled: a bolt that sticks, power loss.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hw.link.base import Link
from hw.link.pty import open_pty_master

from .frame import Code, Decoder, Frame, encode

IDENTITY = b"samplegate lock 1"


class LockDevice:
    """Sans-IO. released_until: when its timer secures it, in the clock of `now`."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self.released_until = float("-inf")
        self.release_count = 0

    def receive(self, data: bytes, now: float) -> bytes:
        """What it answers."""
        return b"".join(encode(self._answer(frame, now)) for frame in self._decoder.feed(data, now))

    def _answer(self, frame: Frame, now: float) -> Frame:
        if frame.code == Code.IDENTIFY:
            return Frame(frame.sequence, Code.IDENTITY, IDENTITY)
        if frame.code == Code.RELEASE and len(frame.data) == 2:
            self.released_until = now + int.from_bytes(frame.data, "big") / 10
            self.release_count += 1
        elif frame.code == Code.SECURE:
            self.released_until = float("-inf")
        return Frame(frame.sequence, Code.STATE, b"\1" if now < self.released_until else b"\0")


def serve(link: Link) -> None:
    """Until the link is lost."""
    device = LockDevice()
    while True:
        answer = device.receive(link.read(256, 1.0), time.monotonic())
        if answer:
            link.write(answer)


if __name__ == "__main__":
    port = open_pty_master(Path(sys.argv[1]))
    print("ready", flush=True)
    try:
        serve(port)
    except KeyboardInterrupt:
        pass
    finally:
        port.close()
