"""The simulated document reader: sends the zone of what is laid on it, and holds its chip.

A document stays on the reader until it is taken away or replaced. repeat_s: the traveller lays it down again until its chip has been
read from, as people do when nothing happens.

Not modelled: misreads of single characters, the light, a document laid down crooked, two chips in the field.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hw.barcode.pd import ReaderSession
from hw.emrtd.chip.personalisation import Personalisation
from hw.link.base import Link
from hw.mrz.pd import READER_SETUPS, ReaderSetup
from hw.sim.field import Field

POLL_S = 0.01
READ_SIZE = 4096


@dataclass(frozen=True, slots=True, repr=False)
class Presentation:
    """One document laid on the reader.

    chip: None for a document without one.
    chip_stall_s: the chip falls silent for so long once stall_after_size bytes were read from it.
    pulled_after_size: the document is lifted then; None: it stays. repeat_s: 0 for laying it down once.
    """

    mrz_lines: tuple[str, ...]
    chip: Personalisation | None = None
    chip_stall_s: float = 0.0
    stall_after_size: int = 0
    pulled_after_size: int | None = None
    repeat_s: float = 0.0


class SimulatedReader:
    """poll_mrz and poll_chip are called again and again, each by the thread that owns its link."""

    def __init__(
        self,
        mrz: Link,
        chip: Link,
        field: Field,
        on_event: Callable[[str], None],
        setup: ReaderSetup = READER_SETUPS["native"],
    ) -> None:
        self._encode, self._imager = setup.encode, ReaderSession(setup.commands)
        self._mrz_link, self._chip_link, self._on_event = mrz, chip, on_event
        self._lock = threading.Lock()
        self._field = field
        self._document: Presentation | None = None
        self._send_at_s: float | None = None
        self._silent_until_s = 0.0
        self._stall_pending = False

    @property
    def occupied(self) -> bool:
        return self._document is not None

    def present(self, document: Presentation) -> None:
        """Lays it down; another one is taken away before."""
        with self._lock:
            self._document = document
            self._insert(document.chip)
            self._send_at_s = time.monotonic()
            self._stall_pending = document.chip_stall_s > 0
        self._on_event("document_presented")

    def swap_chip(self, chip: Personalisation) -> None:
        """Another document's chip comes into the field in place of the one there; its zone is not seen."""
        with self._lock:
            self._insert(chip)
            self._stall_pending = False
        self._on_event("chip_swapped")

    def remove(self) -> None:
        with self._lock:
            if self._document is None:
                return
            self._document, self._send_at_s = None, None
            self._imager.remove()
            self._insert(None)
        self._on_event("document_removed")

    def _insert(self, chip: Personalisation | None) -> None:
        self._field.remove()
        self._silent_until_s = 0.0
        if chip is not None:
            self._field.insert(chip)

    def poll_mrz(self) -> None:
        commands = self._mrz_link.read(READ_SIZE, POLL_S)
        now = time.monotonic()
        with self._lock:
            self._imager.receive(commands, now)
            self._show(now)
            frame = self._imager.data_to_send(now)
        if frame:
            self._mrz_link.write(frame)
            self._on_event("zone_sent")

    def _show(self, now: float) -> None:
        """Holds the zone of what lies there before the imager, if it is time; an untriggered one looks at once."""
        document = self._document
        if document is None or self._send_at_s is None or now < self._send_at_s:
            return
        taken = self._field.content_read_size > 0
        self._send_at_s = now + document.repeat_s if document.repeat_s and not taken else None
        if not taken:
            self._imager.present(self._encode(document.mrz_lines))

    def poll_chip(self) -> None:
        data = self._chip_link.read(READ_SIZE, POLL_S)
        if not data:
            return
        with self._lock:
            self._field.silent = time.monotonic() < self._silent_until_s
            answer = self._field.receive(data, time.monotonic())
            stalled = self._stalls(time.monotonic())
            gone = self._gone()
        if stalled:
            self._on_event("chip_stalled")
        if gone:
            self.remove()
        elif not stalled:
            self._chip_link.write(answer)

    def _stalls(self, now: float) -> bool:
        """Whether the chip falls silent now, as planned."""
        document = self._document
        if not self._stall_pending or document is None or self._field.content_read_size <= document.stall_after_size:
            return False
        self._silent_until_s = now + document.chip_stall_s
        self._stall_pending = False
        return True

    def _gone(self) -> bool:
        after = self._document.pulled_after_size if self._document else None
        return after is not None and self._field.content_read_size > after
