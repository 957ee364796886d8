"""The host's half of a PN532 session: one command, its acknowledgement, its response.

    host                         controller
    command frame        ->
                         <-      ACK within ACK_S_MAX, else the command is sent again
                         <-      response; a broken one is asked for again by NACK
    ACK                  ->      aborts a command under way

Neither a lost acknowledgement nor a broken response reaches the caller, as long as there are not too many. What comes before the
acknowledgement answers an earlier command.
"""

from __future__ import annotations

from hw.pn532.frame import TFI_CONTROLLER, TFI_HOST, Decoder, Frame, Signal, encode

ACK_S_MAX = 0.1  # the manual's 15 ms (6.2.2) and what a USB adapter holds back, with room
RESEND_COUNT_MAX = 2
ABORT = Signal.ACK.value


class Exchange:
    """One command. `receive` takes what comes, `data_to_send` gives what goes; at the end `answer` is set, or `failure` not "".

    command: code and parameters. answer: the response's parameters. failure: "silent" (no ACK), "timeout", "broken" (never came
    whole), "refused" (the controller knows no such command). now: seconds, monotonic.
    """

    def __init__(self, command: bytes, now: float, timeout_s: float) -> None:
        self.answer: bytes | None = None
        self.failure = ""
        self._command = command
        self._frame = encode(Frame(TFI_HOST, command))
        self._decoder = Decoder()
        self._output = self._frame
        self._acknowledged = False
        self._resend_count = 0
        self._resent = False
        self._ack_due = now + ACK_S_MAX
        self._deadline = now + timeout_s
        self._broken_count = 0

    @property
    def over(self) -> bool:
        return self.answer is not None or self.failure != ""

    @property
    def repeated(self) -> bool:
        """Something was sent twice: it may be answered twice."""
        return self._resend_count > 0

    @property
    def resent(self) -> bool:
        """The command itself was sent twice, since its receipt was unknown: it may have been carried out twice."""
        return self._resent

    @property
    def skipped_count(self) -> int:
        """Bytes that belonged to no frame."""
        return self._decoder.skipped_count

    def data_to_send(self) -> bytes:
        """What to write now; empties the output."""
        data, self._output = self._output, b""
        return data

    def receive(self, data: bytes, now: float) -> None:
        for frame in self._decoder.feed(data, now):
            if not self.over:
                self._take(frame, now)
        if self._decoder.broken_count > self._broken_count:
            self._broken_count = self._decoder.broken_count
            self._resend(now)
        self.handle_timer(now)

    def next_timer(self) -> float:
        timers = [self._deadline]
        if not self._acknowledged:
            timers.append(self._ack_due)
        if (pending := self._decoder.next_timer()) is not None:
            timers.append(pending)
        return min(timers)

    def handle_timer(self, now: float) -> None:
        if self.over:
            return
        if now >= self._deadline:
            self.failure = "timeout" if self._acknowledged else "silent"
        elif not self._acknowledged and now >= self._ack_due:
            self._resend(now)

    def _take(self, frame: Frame | Signal, now: float) -> None:
        match frame:
            case Signal.ACK:
                self._acknowledged = True
            case Signal.NACK:
                self._resend(now)
            case _ if not self._acknowledged:
                pass  # of an earlier command
            case Signal.ERROR:
                self.failure = "refused"
            case Frame(tfi, data) if tfi == TFI_CONTROLLER and data[0] == self._command[0] + 1:
                self.answer = data[1:]
            case _:
                pass  # of an earlier command, or our own echo

    def _resend(self, now: float) -> None:
        """Asks for the response again, or sends the command again where not even its receipt is known."""
        if self.over:
            return
        if self._resend_count == RESEND_COUNT_MAX:
            self.failure = "broken" if self._acknowledged else "silent"
            return
        self._resend_count += 1
        self._resent |= not self._acknowledged
        self._output += Signal.NACK.value if self._acknowledged else self._frame
        self._ack_due = now + ACK_S_MAX
