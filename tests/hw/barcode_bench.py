"""A bar code reader's adapter and a simulated imager on a pty pair."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from egate.domain.captured import Symbology
from egate.domain.device import DeviceState
from hw.barcode.adapter import SerialBarcodeReader, open_barcode_reader
from hw.barcode.frame import Framing, encode
from hw.barcode.pd import SimulatedImager
from hw.barcode.setup import framing_of
from hw.barcode.trigger import trigger_commands
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.url import parse
from tests.hw.lock_bench import until

SETUPS: Mapping[str, str] = {
    "looking": "aim=1",
    "imager": "aim=1&prefix=STX&terminator=ETX&trigger=hex:16540d&trigger_off=hex:16550d",
    "counted": "prefix=hex:0242&length=4&terminator=CRLF",
}


@dataclass
class BarcodeBench:
    reader: SerialBarcodeReader
    imager: SimulatedImager
    port: PtyMaster
    framing: Framing
    states: list[DeviceState] = field(default_factory=list)

    async def ready(self) -> None:
        await self.reader.start(self.states.append)
        await until(lambda: self.reader.state is DeviceState.ONLINE, 5.0)

    def frame(self, content: bytes, symbology: Symbology = Symbology.QR) -> bytes:
        return encode(content, self.framing, symbology)

    def show(self, content: bytes, symbology: Symbology = Symbology.QR) -> None:
        """Holds it in front of the reader."""
        self.imager.present(self.frame(content, symbology))

    def send(self, data: bytes) -> None:
        """Bytes that come whether anybody triggered or not."""
        self.port.write(data)

    def counted(self, name: str) -> int:
        return self.reader.health.counters.get(name, 0)


@asynccontextmanager
async def barcode_bench(folder: Path, setup: str, *, repeat_s: float = 0.0) -> AsyncIterator[BarcodeBench]:
    """The reader is not started."""
    url = parse(f"barcode+pty://{folder}/barcode?baud=115200&{SETUPS[setup]}")
    port = PtyMaster(folder / "barcode")
    imager = SimulatedImager(port, time.monotonic, trigger_commands(url), repeat_s)
    pump = Pump("imager", imager.poll)
    bench = BarcodeBench(open_barcode_reader(url, folder), imager, port, framing_of(url))
    try:
        yield bench
    finally:
        await bench.reader.close()
        pump.close()
        port.close()
